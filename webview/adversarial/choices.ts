import { ATTACK_METHODS, type AttackMethod } from '../../src/engine/study-protocols/adversarial-inputs';
import { element } from '../kit/dom';
import { button, checkbox, select, textField } from '../kit/toolkit';
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

export interface ChoicesOptions {
  readonly choice: Choice;
  readonly open: boolean;
  readonly change: (change: Partial<Choice>) => void;
  readonly onToggle: (open: boolean) => void;
  readonly chooseTransfer: () => void;
}

/** What is asked at the next run. */
export function choices({ choice, open, change, onToggle, chooseTransfer }: ChoicesOptions): HTMLElement {
  const methods = ATTACK_METHODS.map(method =>
    checkbox(METHOD_NAMES[method], choice.methods.includes(method), checked =>
      change({
        methods: ATTACK_METHODS.filter(other => (other === method ? checked : choice.methods.includes(other))),
      }),
    ),
  );
  const field = (
    label: string,
    key: 'target' | 'seconds' | 'optimum' | 'epsilon' | 'samples',
    placeholder: string,
  ): HTMLElement =>
    textField({ label, value: choice[key], placeholder, size: 10, onChange: text => change({ [key]: text }) });
  const box = element(
    'details',
    { class: 'choices', ...(open ? { open: '' } : {}) },
    element('summary', { 'data-focus': 'choices' }, 'What is asked'),
    element('fieldset', {}, element('legend', {}, 'Attacks; the closest answer of all is kept'), ...methods),
    element(
      'div',
      { class: 'below' },
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
    element(
      'div',
      { class: 'below' },
      field('Class to reach', 'target', 'any other'),
      field('Samples', 'samples', 'all, or 0..9'),
      field('Seconds an input', 'seconds', '60'),
      field('Radius of balls (ε)', 'epsilon', 'the range'),
      field('Seconds to prove how close', 'optimum', 'not asked'),
    ),
    element(
      'div',
      { class: 'below' },
      element(
        'span',
        {},
        choice.transfer === '' ? 'Transfer to another model: none' : `Transfer to ${choice.transfer}`,
      ),
      button({ label: 'Choose a model…', onClick: chooseTransfer }),
      choice.transfer !== '' && button({ label: 'No model', onClick: () => change({ transfer: '' }) }),
    ),
  );
  box.addEventListener('toggle', () => onToggle(box.open));
  return box;
}
