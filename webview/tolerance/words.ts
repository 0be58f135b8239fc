import type { ToleranceMethod } from '../../src/engine/study-protocols/weight-tolerance';
import { shownAbove, shownBelow } from '../../src/base/shown-number';

export const METHOD_NAMES: Readonly<Record<ToleranceMethod, string>> = {
  complete: 'Complete',
  star: 'Star',
  'weng-margin': 'Weng, margins',
  'weng-range': 'Weng, ranges',
  tsai: 'Tsai',
};

const PERCENT = 100;
const DIGITS = 3;

/** A proved magnitude: never more than it is. */
export function provedPercent(part: number): string {
  return part === 0 ? 'nothing' : `${shownBelow(PERCENT * part, DIGITS)} %`;
}

/** A failing magnitude: never less than it is. */
export function failingPercent(part: number | null): string {
  return part === null ? 'none found' : `${shownAbove(PERCENT * part, DIGITS)} %`;
}

export function percent(part: number): string {
  return `${Number((PERCENT * part).toPrecision(DIGITS))} %`;
}

export function seconds(value: number): string {
  return `${Number(value.toPrecision(2))} s`;
}
