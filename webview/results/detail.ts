import { element, facts } from '../kit/dom';
import { viewOption } from '../kit/options';
import { note } from '../kit/page';
import { badge, busy, button, divider } from '../kit/toolkit';
import { distance, layoutOf } from '../kit/picture';
import { short } from '../kit/numbers';
import { featureTable, outputTable, pictures } from './pictures';
import type { PanelState, Row, Tensors, Work } from './protocol';
import { weightTable } from './weights';
import { labelTable, neuronTable, type BoundCurve } from './work';
import './detail.css';

/** The tensors of the result, or why they could not be read. */
export interface Known {
  readonly tensors: Tensors;
  readonly problem: string | null;
  readonly work: Work;
}

export interface DetailOptions {
  readonly row: Row;
  /** Null until they have come. */
  readonly known: Known | null;
  readonly state: PanelState;
  readonly change: (change: Partial<PanelState>) => void;
  /** Long tables are shown whole. */
  readonly everything: boolean;
  readonly showEverything: () => void;
  readonly copy: () => void;
  /** Saves the model with the changed weights. */
  readonly save: () => void;
  readonly curve: BoundCurve;
}

/** One result: the claim in words, the counterexample where there is one, the outputs, and the facts. */
export function detail(options: DetailOptions): HTMLElement {
  const { row, known, curve } = options;
  return element(
    'article',
    { 'aria-label': row.title },
    divider(),
    element('h2', {}, row.title, ' ', badge(row.kind)),
    element('p', { class: 'claim' }, element('span', { class: 'quiet' }, `${row.claimWords}: `), row.claim, '.'),
    row.reason !== '' && element('p', { class: 'reason' }, row.reason),
    row.counterexample && counterexample(options),
    known && weightTable(known.work.weights, options),
    known && outputs(row, known.tensors),
    known && labelTable(known.work),
    element('h3', {}, 'Facts'),
    facts(row.facts),
    known && curve.draw(known.work.trace),
    known && neuronTable(known.work),
  );
}

function counterexample({ row, known, state, change, everything, showEverything, copy }: DetailOptions): HTMLElement {
  const title = element('h3', {}, 'Counterexample');
  if (!known)
    return element('section', {}, title, element('div', { class: 'progress' }, busy('Reading the counterexample')));
  if (known.problem) return element('section', {}, title, note(known.problem));
  const { tensors } = known;
  const drawable = layoutOf(row.inputShape, row.preprocess) !== null;
  const asPicture = drawable && state.view === 'picture';
  return element(
    'section',
    { class: 'counterexample' },
    element(
      'div',
      { class: 'below' },
      title,
      drawable && viewOption(state.view, view => change({ view })),
      button({ label: 'Copy as VNN-LIB', title: 'Copy the counterexample as an assignment', onClick: copy }),
    ),
    asPicture && pictures({ row, tensors, zoom: state.zoom, onZoom: zoom => change({ zoom }) }),
    norms(tensors),
    !asPicture && featureTable(tensors, showEverything, everything),
  );
}

function outputs(row: Row, tensors: Tensors): HTMLElement | null {
  const table = outputTable(row, tensors);
  return table && element('section', {}, element('h3', {}, 'Outputs'), table);
}

function norms({ input, original }: Tensors): HTMLElement | null {
  if (!input || !original) return null;
  const { changed, largest, euclidean, sum } = distance(input.map((value, index) => value - original[index]!));
  const text = `${changed} of ${input.length} values changed · L∞ ${short(largest)} · L2 ${short(euclidean)} · L1 ${short(sum)}`;
  return element('p', { class: 'quiet', title: 'Distance from the original, in the model’s own units' }, text);
}
