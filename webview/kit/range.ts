import { element } from './dom';

export interface RangeOptions {
  /** For a screen reader, and the key under which the focus is found again. */
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly step: number;
  readonly value: number;
  /** What a position is called, beside the slider and for a screen reader. */
  readonly words: (value: number) => string;
  /** While it moves. */
  readonly onMove: (value: number) => void;
  /** When it is let go. */
  readonly onSet?: (value: number) => void;
  /** Shown before the slider. */
  readonly title?: string;
}

/** A slider with what its position means beside it. */
export function rangeField({
  label,
  least,
  most,
  step,
  value,
  words,
  onMove,
  onSet,
  title,
}: RangeOptions): HTMLElement {
  const said = element('output', { class: 'position' }, words(value));
  const slider = element('input', {
    type: 'range',
    min: String(least),
    max: String(most),
    step: String(step),
    value: String(value),
    'aria-label': label,
    'aria-valuetext': words(value),
    'data-focus': label,
  });
  slider.addEventListener('input', () => {
    const now = words(Number(slider.value));
    said.textContent = now;
    slider.setAttribute('aria-valuetext', now);
    onMove(Number(slider.value));
  });
  slider.addEventListener('change', () => onSet?.(Number(slider.value)));
  return element('label', { class: 'field' }, title !== undefined && element('span', {}, title), slider, said);
}
