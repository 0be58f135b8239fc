import { ATTACK_METHODS, type AttackMethod } from '../../src/engine/study-protocols/adversarial-inputs';
import { element } from '../kit/dom';
import { optionLine, optionsBox, optionSet, textOptions } from '../kit/options';
import { button, checkbox, select } from '../kit/toolkit';
import type { Choice } from './protocol';

const METHOD_NAMES: Readonly<Record<AttackMethod, string>> = {
  patches: 'Network patches (Algorithm 1)',
  greedy: 'Greedy coordinates',
  gradient: 'Gradient, where nothing else finds any',
  fgsm: 'FGSM',
  'one-step-target': 'One-step target class',
  bim: 'BIM',
  ilcm: 'ILCM',
  pgd: 'PGD',
  apgd: 'APGD (both losses)',
  random: 'Black-box random',
  'output-diversification': 'Output diversification',
};

/** What is asked at the next run. */
export function choices(
  choice: Choice,
  change: (change: Partial<Choice>) => void,
  chooseTransfer: () => void,
): HTMLElement {
  const field = textOptions<'target' | 'seconds' | 'optimum' | 'epsilon' | 'samples'>(choice, change);
  const { transfer } = choice;
  return optionsBox(
    optionSet(
      'Attacks; the closest answer of all is kept',
      ATTACK_METHODS.map(value => ({ value, label: METHOD_NAMES[value] })),
      choice.methods,
      methods => change({ methods }),
    ),
    optionLine(
      select({
        label: 'To be small',
        value: choice.measure,
        options: [
          { value: 'count', label: 'number of changed values' },
          { value: 'inf', label: 'largest change (L∞)' },
          { value: 'two', label: 'Euclidean distance (L2)' },
        ],
        onChange: measure => change({ measure }),
      }),
      checkbox('Reduce what was found', choice.reduce, reduce => change({ reduce })),
      checkbox('Settle the linear region around it', choice.regional, regional => change({ regional })),
      checkbox('Misclassified samples too', choice.misclassified, misclassified => change({ misclassified })),
    ),
    optionLine(
      field('Class to reach', 'target', 'any other'),
      field('Samples', 'samples', 'all, or 0..9'),
      field('Seconds an input', 'seconds', '60'),
      field('Radius of balls (ε)', 'epsilon', 'the range'),
      field('Seconds to prove how close', 'optimum', 'not asked'),
    ),
    optionLine(
      element('span', {}, transfer === '' ? 'Transfer to another model: none' : `Transfer to ${transfer}`),
      button({ label: 'Choose a model…', onClick: chooseTransfer }),
      transfer !== '' && button({ label: 'No model', onClick: () => change({ transfer: '' }) }),
    ),
  );
}
