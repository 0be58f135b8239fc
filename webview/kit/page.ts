import { element, link, replaceContent, type Child } from './dom';
import { button } from './toolkit';
import type { Busy } from './study';
import './base.css';
import './page.css';

/** What every page has: a place for its content, and a voice for screen readers. */
export class PageBody {
  readonly main: HTMLElement;
  readonly #announcer = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });

  constructor(...parts: readonly HTMLElement[]) {
    this.main = element('main', {}, ...parts);
    document.body.append(this.main, this.#announcer);
  }

  /** Said to those who do not see what has changed; the same twice is said once. */
  announce(text: string): void {
    if (text !== '' && this.#announcer.textContent !== text) this.#announcer.textContent = text;
  }
}

/** What a page says before there is anything to show: what it is for, and how to begin. */
export function emptyPage(title: string, how: string, ...more: readonly Child[]): HTMLElement {
  return element(
    'section',
    { class: 'empty' },
    element('h1', {}, title),
    element('p', {}, how),
    element('div', { class: 'state' }, ...more),
  );
}

/** The way out of an empty page. */
export function beginButton(onClick: () => void): HTMLElement {
  return button({ label: 'Choose a Model…', kind: 'primary', onClick });
}

/** Says what a page is about: the model, and the specification as a link to its text. */
export function whereLine(
  {
    model,
    specification,
    more = '',
  }: { readonly model: string; readonly specification: string; readonly more?: string },
  onOpen: () => void,
): HTMLElement {
  const open = link(specification, onOpen, { title: 'Open the specification', 'data-focus': 'specification' });
  return element('p', { class: 'where' }, model === '' ? '' : `${model} · `, open, more === '' ? '' : ` · ${more}`);
}

/** Something that a person should know before they go on; `alert` when it has just gone wrong. */
export function note(text: string | null, role: 'note' | 'alert' = 'alert'): HTMLElement | null {
  return text === null || text === '' ? null : element('p', { class: 'note', role }, text);
}

/** How far the work in hand is, and the way to stop it. It is one element for good: what moves in it never takes a button from under a pointer. */
export class WorkBar {
  readonly element: HTMLElement;
  readonly #bar = element('progress', { max: '1', 'aria-label': 'Part of the work that is done' });
  readonly #text = element('span', { class: 'quiet' });

  constructor(onStop: () => void) {
    const stop = button({ label: 'Stop', onClick: onStop });
    this.element = element('div', { class: 'progress', hidden: '' }, this.#bar, this.#text, stop);
  }

  /** Null takes it away. */
  show(busy: Busy | null): void {
    this.element.hidden = busy === null;
    if (!busy) return;
    if (busy.fraction === null) this.#bar.removeAttribute('value');
    else this.#bar.value = busy.fraction;
    if (this.#text.textContent !== busy.text) replaceContent(this.#text, busy.text);
  }
}
