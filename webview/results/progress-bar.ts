import { element } from '../kit/dom';
import type { Shown } from './protocol';

type Work = NonNullable<Shown['busy']>;

/** How far a run is, moved in place: what stands around it is not drawn anew. */
export class ProgressBar {
  readonly #bar = element('progress', { max: '1', 'aria-label': 'Part of the work that is done' });
  readonly #text = element('span', { class: 'quiet' });
  readonly #box = element('div', { class: 'progress' }, this.#bar, this.#text);

  draw(work: Work): HTMLElement {
    this.update(work);
    return this.#box;
  }

  update({ fraction, text }: Work): void {
    if (fraction === null) this.#bar.removeAttribute('value');
    else this.#bar.value = fraction;
    this.#text.textContent = text;
  }
}
