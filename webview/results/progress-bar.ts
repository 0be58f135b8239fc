import { element } from '../kit/dom';
import { WorkBar } from '../kit/page';
import type { Busy } from './protocol';
import { BoundCurve, isCurve } from './work';

/** How far a run is, and how its bound has moved; both changed in place: what stands around them is not drawn anew. */
export class ProgressBar {
  readonly element: HTMLElement;
  readonly #bar: WorkBar;
  readonly #live = element('p', { class: 'quiet live' });
  readonly #curve = new BoundCurve();
  #drawn: HTMLElement | null = null;

  constructor(onStop: () => void) {
    this.#bar = new WorkBar(onStop);
    this.element = element('section', { 'aria-label': 'The run in work', hidden: '' }, this.#bar.element, this.#live);
  }

  /** Null takes it away. */
  show(work: Busy | null): void {
    this.element.hidden = work === null;
    this.#bar.show(work);
    this.#live.textContent = work?.live?.text ?? '';
    const curve = work?.live && isCurve(work.live.trace) ? this.#curve.draw(work.live.trace) : null;
    if (curve === this.#drawn) return;
    this.#drawn?.remove();
    if (curve) this.element.append(curve);
    this.#drawn = curve;
  }
}
