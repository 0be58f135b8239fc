import { element } from '../kit/dom';

export interface SliderOptions {
  /** As they are written, the smallest first. */
  readonly values: readonly string[];
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** A slider over the ε that were measured; of a single one it only says which. */
export function epsilonSlider({ values, value, onChange }: SliderOptions): HTMLElement {
  const text = element('output', { class: 'epsilon' }, `ε = ${value}`);
  if (values.length < 2) return element('span', { class: 'field' }, text);
  const input = element('input', {
    type: 'range',
    min: '0',
    max: String(values.length - 1),
    step: '1',
    value: String(values.indexOf(value)),
    'aria-label': 'ε',
    'aria-valuetext': value,
    'data-focus': 'epsilon',
  });
  input.addEventListener('input', () => onChange(values[Number(input.value)]!));
  return element('label', { class: 'field' }, input, text);
}
