import { element, link, table, type Child } from '../kit/dom';
import { button } from '../kit/toolkit';
import { short, signed } from '../kit/numbers';
import type { ChangedWeights } from './protocol';

/** Rows that are shown before someone asks for all. */
const FIRST_ROWS = 20;

/** The weights with which the network fails, the largest changes first, and a way to keep the model that has them. */
export function weightTable(
  weights: ChangedWeights | null,
  { everything, showEverything, save }: { everything: boolean; showEverything: () => void; save: () => void },
): HTMLElement | null {
  if (!weights || weights.rows.length === 0) return null;
  const listed = everything ? weights.rows : weights.rows.slice(0, FIRST_ROWS);
  const rows = listed.map(({ layer, place, before, after }): Child[] => [
    layer,
    place,
    short(before),
    short(after),
    signed(after - before),
  ]);
  const rest = weights.rows.length - listed.length;
  const left = weights.more > 0 && everything;
  return element(
    'section',
    { class: 'weights' },
    element(
      'div',
      { class: 'below' },
      element('h3', {}, 'Changed weights'),
      weights.model &&
        button({
          label: 'Save the changed model…',
          title: 'Save the ONNX file with these weights, which ONNX Runtime was seen to fail with',
          onClick: save,
        }),
    ),
    table('Changed weights', ['Layer', 'Weight', 'In the file', 'Changed', 'Difference'], rows),
    rest > 0 && link(`Show ${rest} more`, showEverything),
    left && element('p', { class: 'quiet' }, `${weights.more} smaller changes are in the changed model only.`),
  );
}
