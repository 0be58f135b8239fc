import { DEFAULT_GRAFT_TRAINING, type GraftTraining } from '../../src/engine/study-protocols/graft';
import type { Child } from '../kit/dom';
import { checkbox, numberField } from '../kit/toolkit';

/** How a grafted network is trained. */
export function trainingFields(
  { epochs, samples, batch, lineRate, weightRate, adversarial }: GraftTraining,
  change: (change: Partial<GraftTraining>) => void,
): Child[] {
  return [
    numberField({
      label: 'Epochs',
      value: epochs,
      size: 4,
      isWhole: true,
      onChange: value => change({ epochs: value }),
    }),
    numberField({
      label: 'Samples at most',
      value: samples,
      size: 7,
      isWhole: true,
      onChange: value => change({ samples: value }),
    }),
    numberField({ label: 'Batch', value: batch, size: 4, isWhole: true, onChange: value => change({ batch: value }) }),
    numberField({ label: 'Rate of slopes', value: lineRate, size: 6, onChange: value => change({ lineRate: value }) }),
    checkbox('Retrain the weights', weightRate !== null, checked =>
      change({ weightRate: checked ? DEFAULT_GRAFT_TRAINING.weightRate : null }),
    ),
    weightRate !== null &&
      numberField({ label: 'at rate', value: weightRate, size: 6, onChange: value => change({ weightRate: value }) }),
    checkbox('Under attack', adversarial, checked => change({ adversarial: checked })),
  ];
}
