import { element } from '../kit/dom';
import type { Busy } from './protocol';
import { BoundCurve, isCurve } from './work';

/** How far a run is, and how its bound has moved; both changed in place: what stands around them is not drawn anew. */
export class ProgressBar {
  readonly #bar = element('progress', { max: '1', 'aria-label': 'Part of the work that is done' });
  readonly #text = element('span', { class: 'quiet' });
  readonly #live = element('p', { class: 'quiet live' });
  readonly #curve = new BoundCurve();
  readonly #box = element(
    'section',
    { 'aria-label': 'The run in work' },
    element('div', { class: 'progress' }, this.#bar, this.#text),
    this.#live,
  );
  #drawn: HTMLElement | null = null;

  draw(work: Busy): HTMLElement {
    this.update(work);
    return this.#box;
  }

  update({ fraction, text, live }: Busy): void {
    if (fraction === null) this.#bar.removeAttribute('value');
    else this.#bar.value = fraction;
    this.#text.textContent = text;
    this.#live.textContent = live?.text ?? '';
    const curve = live && isCurve(live.trace) ? this.#curve.draw(live.trace) : null;
    if (curve === this.#drawn) return;
    this.#drawn?.remove();
    if (curve) this.#box.append(curve);
    this.#drawn = curve;
  }
}
