import { describe, expect, it } from 'vitest';
import type { WeightStatistics } from '../../../src/engine/protocol';
import { colourOf, gradientStops, textOn } from '../../../webview/kit/colour-scale';
import {
  localColourings,
  measureColouring,
  scaleOf,
  shortNumber,
  valueOfTree,
  valueText,
} from '../../../webview/model/colouring';
import { graphOf } from '../../../webview/model/graph';
import { hierarchyOf, leavesOf } from '../../../webview/model/hierarchy';
import type { Measure } from '../../../webview/model/protocol';
import { residual, structureOf } from './structures';

const luminance = (colour: string): number => {
  const [red, green, blue] = colour.match(/\d+/g)!.map(level => (Number(level) / 255) ** 2.2);
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
};

describe('the colour scale', () => {
  it('gets lighter all the way, so that its order can be seen without colours', () => {
    const levels = Array.from({ length: 41 }, (_, k) => luminance(colourOf(k / 40)));
    levels.slice(1).forEach((level, k) => expect(level).toBeGreaterThan(levels[k]!));
    expect(gradientStops.map(({ colour }) => colour)).toEqual(gradientStops.map(({ at }) => colourOf(at)));
  });

  it('has text on it that can be read', () => {
    for (let part = 0; part <= 1; part += 0.05) {
      const [back, ink] = [luminance(colourOf(part)), textOn(part) === '#000' ? 0 : 1];
      const [light, dark] = [Math.max(back, ink), Math.min(back, ink)];
      expect((light + 0.05) / (dark + 0.05)).toBeGreaterThan(4.5);
    }
  });

  it('ends at its ends', () => {
    expect(colourOf(-1)).toBe(colourOf(0));
    expect(colourOf(2)).toBe(colourOf(1));
  });
});

describe('colouring', () => {
  const graph = graphOf(structureOf(residual(64, true)));
  const root = hierarchyOf(graph);
  const leaves = [...leavesOf(root)];
  const measure = (values: Record<string, number>, change: Partial<Measure> = {}): Measure => ({
    id: 'm',
    label: 'M',
    about: '',
    values,
    format: 'number',
    combine: 'mean',
    stale: false,
    action: null,
    ...change,
  });

  it('finds layers by the name of the node or of its output', () => {
    const colouring = measureColouring(measure({ '/stage0/unit0/relu/Relu': 0.25, v4: 0.75 }));
    const found = leaves.flatMap(({ vertex }) => colouring.valueOf(vertex) ?? []);
    expect(found).toEqual([0.25, 0.75]);
    expect(valueOfTree(colouring, root)).toBe(0.5);
    expect(valueOfTree(measureColouring(measure({ v4: 3, v9: 1 }, { combine: 'smallest' })), root)).toBe(1);
    expect(valueOfTree(measureColouring(measure({})), root)).toBeNull();
  });

  it('puts parts of a whole on a scale from 0 to 100 %, and other numbers between their ends', () => {
    const part = scaleOf(measureColouring(measure({ v1: 0.2, v4: 0.4 }, { format: 'part' })), leaves)!;
    expect([part.low, part.high, part.place(0.4)]).toEqual([0, 1, 0.4]);
    const number = scaleOf(measureColouring(measure({ v1: 2, v4: 6 })), leaves)!;
    expect([number.place(2), number.place(4), number.place(6), number.isLogarithmic]).toEqual([0, 0.5, 1, false]);
    const wide = scaleOf(measureColouring(measure({ v1: 1, v4: 100, v6: 1e4 })), leaves)!;
    expect(wide.isLogarithmic).toBe(true);
    expect(wide.place(100)).toBeCloseTo(0.5, 9);
    expect(scaleOf(measureColouring(measure({})), leaves)).toBeNull();
    expect(scaleOf(measureColouring(measure({ v1: 5 })), leaves)!.place(5)).toBe(0.5);
  });

  it('knows parameters by itself, and weights as far as they were read', () => {
    const read = new Map<string, WeightStatistics>([['w0', { count: 64, zeros: 16, notFinite: 0, spread: null }]]);
    const [parameters, deviation, zeros] = localColourings(read, 127);
    expect(valueOfTree(parameters!, root)).toBe(64 * 128);
    expect(deviation!.about).toContain('127 tensors have not been read');
    expect(valueOfTree(deviation!, root)).toBeNull();
    expect(valueOfTree(zeros!, root)).toBe(0.25);
    expect(localColourings(read, 0)[2]!.action).toBeNull();
  });

  it('writes numbers shortly', () => {
    expect([
      valueText(0.123, 'part'),
      valueText(0.0123, 'part'),
      valueText(0.00123, 'percent'),
      valueText(12345, 'count'),
    ]).toEqual(['12%', '1.2%', '0.123%', '12,345']);
    expect([0, 0.1234567, -3.25, 1e-9, 12345678].map(shortNumber)).toEqual([
      '0',
      '0.1235',
      '-3.25',
      '1.00e-9',
      '1.23e7',
    ]);
  });
});
