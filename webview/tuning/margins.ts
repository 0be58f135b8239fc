import { element, table } from '../kit/dom';
import type { Way } from './protocol';

/** Ways to fail in the table; the worst come first. */
const MOST_ROWS = 40;

/** How far each way to fail is from happening, as a table with a bar in each row: to the right of the line it cannot happen. */
export function margins(ways: readonly Way[]): HTMLElement | null {
  if (ways.length === 0) return null;
  const shown = ways.slice(0, MOST_ROWS);
  const largest = shown.reduce((most, { margin }) => Math.max(most, Math.abs(margin ?? 0)), 1e-12);
  const rows = shown.map(({ name, margin, text }) => [name, text, bar(margin, largest)]);
  const more = ways.length - shown.length;
  return element(
    'section',
    {},
    element('h3', {}, 'Certified margins'),
    table('Certified margins', ['Way to fail', 'Margin at least', ''], rows, index => {
      const margin = shown[index]!.margin;
      return margin !== null && margin > 0 ? 'safe' : 'unsafe';
    }),
    element(
      'p',
      { class: 'quiet' },
      `Above 0 it cannot happen anywhere in the region; at or below 0 quick bounds leave it open.${more > 0 ? ` ${more} more are farther away.` : ''}`,
    ),
  );
}

function bar(margin: number | null, largest: number): HTMLElement {
  const length = 50 * Math.min(1, Math.abs(margin ?? 0) / largest);
  const fill = element('div', { class: `fill ${(margin ?? 0) > 0 ? 'right' : 'left'}` });
  fill.style.width = `${length}%`;
  return element('div', { class: 'bar', 'aria-hidden': 'true' }, fill);
}
