import { gradientStops } from './colour-scale';
import { element, type Child } from './dom';
import { drawn } from './svg';

/** The colours of maps with what their two ends mean. */
export function ramp(low: Child, high: Child): HTMLElement {
  const stops = gradientStops.map(({ at, colour }) => drawn('stop', { offset: at, 'stop-color': colour }));
  const bar = drawn(
    'svg',
    { class: 'ramp', viewBox: '0 0 120 10', 'aria-hidden': 'true', preserveAspectRatio: 'none' },
    drawn('defs', {}, drawn('linearGradient', { id: 'ramp' }, ...stops)),
    drawn('rect', { width: 120, height: 10, fill: 'url(#ramp)' }),
  );
  return element('span', { class: 'legend' }, low, bar, high);
}
