import { element, replaceContent } from '../kit/dom';
import type { Bracket } from './protocol';

/** The slider over all ε, with a band above it that says how far it is certified and from where it fails. */
export class Track {
  readonly element: HTMLElement;
  readonly #slider: HTMLInputElement;
  readonly #band = element('div', { class: 'band', 'aria-hidden': 'true' });
  readonly #value = element('output', { class: 'epsilon', for: 'epsilon' });
  readonly #ends = [element('span', {}), element('span', {})] as const;
  #steps: readonly string[] = [];
  #bracket: Bracket | null = null;

  constructor(onInput: (epsilon: string) => void) {
    this.#slider = element('input', { type: 'range', id: 'epsilon', min: '0', max: '0', step: '1' });
    this.#slider.addEventListener('input', () => {
      this.#tell();
      onInput(this.epsilon);
    });
    this.element = element(
      'div',
      { class: 'track' },
      element('label', { for: 'epsilon' }, 'ε = ', this.#value),
      element('div', { class: 'over' }, this.#band, this.#slider),
      element('div', { class: 'ends quiet' }, ...this.#ends),
    );
  }

  get epsilon(): string {
    return this.#steps[Number(this.#slider.value)] ?? '';
  }

  get step(): number {
    return Number(this.#slider.value);
  }

  /** Other steps; the slider goes to the given ε, or stays at its own where that is still among them. */
  show(steps: readonly string[], epsilon: string): void {
    this.#steps = steps;
    this.#slider.max = String(steps.length - 1);
    this.#slider.value = String(Math.max(0, steps.indexOf(epsilon)));
    this.#ends[0].textContent = steps[0] ?? '';
    this.#ends[1].textContent = steps.at(-1) ?? '';
    this.#tell();
    this.#drawBand();
  }

  set bracket(bracket: Bracket | null) {
    this.#bracket = bracket;
    this.#drawBand();
  }

  #tell(): void {
    this.#value.textContent = this.epsilon;
    this.#slider.setAttribute('aria-valuetext', this.epsilon);
  }

  #drawBand(): void {
    const last = this.#steps.length - 1;
    const part = (step: number | null, otherwise: number) =>
      step === null || last <= 0 ? otherwise : Math.min(1, Math.max(0, step / last));
    const certified = part(this.#bracket?.certifiedStep ?? null, 0);
    const attacked = part(this.#bracket?.attackedStep ?? null, 1);
    const zone = (name: string, text: string, share: number) => {
      const made = element('div', { class: `zone ${name}` }, share > 0.12 ? text : '');
      made.style.flexGrow = String(share);
      return share > 0 ? made : null;
    };
    replaceContent(
      this.#band,
      zone('certified', 'certified', certified),
      zone('unknown', 'open', attacked - certified),
      zone('attacked', 'fails', 1 - attacked),
    );
  }
}
