import { ATTACK_METHODS, ATTACK_TITLES } from '../../src/engine/study-protocols/adversarial-inputs';
import { element } from '../kit/dom';
import { optionLine, optionsBox, optionSet, textOptions } from '../kit/options';
import { button, checkbox, select } from '../kit/toolkit';
import { OTHER_MODELS, type Choice, type OtherModel } from './protocol';

const MODEL_NAMES: Readonly<
  Record<OtherModel, { readonly none: string; readonly named: string; readonly choose: string; readonly leave: string }>
> = {
  transfer: {
    none: 'Transfer to another model: none',
    named: 'Transfer to',
    choose: 'Choose a model for transfer…',
    leave: 'No transfer',
  },
  features: {
    none: 'Naturalness over the last hidden layer of this model',
    named: 'Naturalness over the outputs of',
    choose: 'Choose a model for naturalness…',
    leave: 'This model’s last hidden layer',
  },
};

/** What is asked at the next run. */
export function choices(
  choice: Choice,
  change: (change: Partial<Choice>) => void,
  chooseModel: (use: OtherModel) => void,
): HTMLElement {
  const field = textOptions<'target' | 'seconds' | 'optimum' | 'epsilon' | 'samples'>(choice, change);
  return optionsBox(
    optionSet(
      'Attacks; the closest answer of all is kept',
      ATTACK_METHODS.map(value => ({ value, label: ATTACK_TITLES[value] })),
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
      checkbox('A line per class for each activation, not its phase', choice.lines, lines => change({ lines })),
      checkbox('Misclassified samples too', choice.misclassified, misclassified => change({ misclassified })),
    ),
    optionLine(
      field('Class to reach', 'target', 'any other'),
      field('Samples', 'samples', 'all, or 0..9'),
      field('Seconds an input', 'seconds', '60'),
      field('Radius of balls (ε)', 'epsilon', 'the range'),
      field('Seconds to prove how close', 'optimum', 'not asked'),
    ),
    ...OTHER_MODELS.map(use => {
      const model = choice[use];
      const { none, named, choose, leave } = MODEL_NAMES[use];
      return optionLine(
        element('span', {}, model === '' ? none : `${named} ${model}`),
        button({ label: choose, onClick: () => chooseModel(use) }),
        model !== '' && button({ label: leave, onClick: () => change({ [use]: '' }) }),
      );
    }),
  );
}
