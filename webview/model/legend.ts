import { gradientStops } from '../kit/colour-scale';
import { element, type Child } from '../kit/dom';
import { drawn } from '../kit/svg';
import { valueText, type Colouring, type Scale } from './colouring';
import { kindOf, type Kind, type Vertex } from './graph';

/** The scale in colours with its two ends, and what no colour means. */
export function legendOf(colouring: Colouring, scale: Scale | null): HTMLElement {
  if (scale === null) return element('div', { class: 'legend' }, element('span', { class: 'quiet' }, colouring.about));
  const stops = gradientStops.map(({ at, colour }) => drawn('stop', { offset: at, 'stop-color': colour }));
  const bar = drawn(
    'svg',
    { class: 'scale', viewBox: '0 0 120 12', 'aria-hidden': 'true', preserveAspectRatio: 'none' },
    drawn('defs', {}, drawn('linearGradient', { id: 'scale' }, ...stops)),
    drawn('rect', { width: 120, height: 12, fill: 'url(#scale)' }),
  );
  const ends = (value: number): Child => element('span', {}, valueText(value, colouring.format));
  return element(
    'div',
    { class: 'legend', title: colouring.about },
    ends(scale.low),
    element('span', { class: 'ramp' }, bar),
    ends(scale.high),
    scale.isLogarithmic && element('span', { class: 'quiet' }, '(logarithmic)'),
    element('span', { class: 'swatch unknown', 'aria-hidden': 'true' }),
    element('span', { class: 'quiet' }, 'no number'),
  );
}

const KIND_WORDS: Readonly<Record<Kind, string>> = {
  linear: 'linear',
  activation: 'activation',
  normalisation: 'normalisation',
  pooling: 'pooling',
  arithmetic: 'arithmetic',
  shape: 'shape',
  other: 'other',
};

/** The kinds of operator that the graph has. */
export function kindLegend(vertices: readonly Vertex[]): HTMLElement {
  const kinds = new Set(vertices.filter(({ kind }) => kind === 'node').map(({ operator }) => kindOf(operator)));
  const shown = (Object.keys(KIND_WORDS) as Kind[]).filter(kind => kinds.has(kind));
  return element(
    'div',
    { class: 'legend' },
    ...shown.flatMap(kind => [
      element('span', { class: `swatch ${kind}`, 'aria-hidden': 'true' }),
      element('span', {}, KIND_WORDS[kind]),
    ]),
  );
}
