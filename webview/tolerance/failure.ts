import type { LayerTolerance } from '../../src/engine/study-protocols/weight-tolerance';
import { element, type Child } from '../kit/dom';
import { counted } from '../kit/numbers';
import { button } from '../kit/toolkit';
import { changedWeights } from '../results/changed-weights';
import { weightTable } from '../results/weights';
import { failingPercent } from './words';

export interface FailureActions {
  readonly everything: boolean;
  showEverything(): void;
  save(): void;
  open(): void;
}

/** The smallest change of weights that was seen to fail, entry by entry. */
export function failureOf({ failure }: LayerTolerance, actions: FailureActions): Child[] {
  if (!failure) return [];
  const { sample, magnitude, expected, answered, changed, changes } = failure;
  const outcome =
    expected === null
      ? `the property fails on sample ${sample}`
      : `sample ${sample}, which is class ${expected}, is answered as class ${answered}`;
  return [
    element('h3', {}, 'Weights with which it fails'),
    element(
      'p',
      {},
      `${counted(changed, 'weight')} moved by at most ${failingPercent(magnitude)} of the range: ${outcome}. ONNX Runtime was seen to answer so with the changed model.`,
    ),
    element(
      'div',
      { class: 'state' },
      button({ label: 'Save patched model…', title: 'Keep the ONNX file with these weights', onClick: actions.save }),
      button({ label: 'Open patched model', title: 'Open the ONNX file with these weights', onClick: actions.open }),
    ),
    // The model with them is saved by the button above.
    weightTable(changedWeights(changes, changed, false), actions),
  ];
}
