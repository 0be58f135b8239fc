/** What can stand inside an element: other elements, text, and nothing (left out). */
export type Child = Node | string | null | undefined | false;

/** Makes an element. Attributes are set as they are; there is no way to set markup from text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes?: Readonly<Record<string, string>>,
  ...children: readonly Child[]
): HTMLElementTagNameMap[K];
export function element(
  name: string,
  attributes?: Readonly<Record<string, string>>,
  ...children: readonly Child[]
): HTMLElement;
export function element(
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  for (const child of children) if (isThere(child)) made.append(child);
  return made;
}

/** A button that looks like a link, for what is named in a sentence or a table. */
export function link(
  text: string,
  onClick: () => void,
  attributes: Readonly<Record<string, string>> = {},
): HTMLElement {
  const made = element('button', { class: 'link', type: 'button', ...attributes }, text);
  made.addEventListener('click', onClick);
  return made;
}

/** A table with a header row; every cell is text or an element. The first cell of a row names the row. */
export function table(
  label: string,
  header: readonly string[],
  rows: readonly (readonly Child[])[],
  rowClass: (index: number) => string = () => '',
): HTMLElement {
  const head = element('tr', {}, ...header.map(text => element('th', { scope: 'col' }, text)));
  const body = rows.map((cells, index) =>
    element(
      'tr',
      { class: rowClass(index) },
      ...cells.map((cell, column) => (column === 0 ? element('th', { scope: 'row' }, cell) : element('td', {}, cell))),
    ),
  );
  return element(
    'div',
    { class: 'table' },
    element('table', { 'aria-label': label }, element('thead', {}, head), element('tbody', {}, ...body)),
  );
}

/** What something is, in a word or two; `title` is said on hover. */
export interface Fact {
  readonly name: string;
  readonly value: string;
  readonly title?: string;
}

/** Names and what they are: a description list. */
export function facts(rows: readonly Fact[]): HTMLElement {
  return element(
    'dl',
    {},
    ...rows.flatMap(({ name, value, title }) => [
      element('dt', {}, name),
      element('dd', title ? { title } : {}, value),
    ]),
  );
}

/** Those that a person has opened: what is drawn anew under the same key is open again. */
const opened = new Set<string>();

/** What is folded away until a person opens it. `key` names it on its page. */
export function disclosure(key: string, summary: string, ...children: readonly Child[]): HTMLDetailsElement {
  const made = element(
    'details',
    opened.has(key) ? { open: '' } : {},
    element('summary', { 'data-focus': key }, summary),
    ...children,
  );
  made.addEventListener('toggle', () => (made.open ? opened.add(key) : opened.delete(key)));
  return made;
}

/**
 * Makes `children` what `parent` holds. What it holds already stays where it is: nothing that a person has the focus in, scrolls or types into is taken out and
 * put back. The focus goes to the element with the same `data-focus` key where its own element is gone.
 */
export function replaceContent(parent: HTMLElement, ...children: readonly Child[]): void {
  const focused = document.activeElement?.closest<HTMLElement>('[data-focus]');
  const wanted = children.filter(isThere).map(child => (typeof child === 'string' ? new Text(child) : child));
  const kept = new Set<Node>(wanted);
  for (const node of [...parent.childNodes]) if (!kept.has(node)) node.remove();
  wanted.forEach((node, place) => {
    const now = parent.childNodes[place] ?? null;
    if (now !== node) parent.insertBefore(node, now);
  });
  if (!focused || document.activeElement === focused || focused.contains(document.activeElement)) return;
  parent.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focused.dataset['focus']!)}"]`)?.focus();
}

/** A part of a page that is drawn anew only when what it is about is other: a control stays under the hand that is about to use it. */
export class Part {
  readonly element: HTMLElement;
  #about: string | null = null;

  constructor(name: keyof HTMLElementTagNameMap = 'div', attributes: Readonly<Record<string, string>> = {}) {
    this.element = element(name, attributes);
  }

  /** A person has made it show this themselves: it is not drawn anew for it. */
  shows(about: unknown): void {
    this.#about = JSON.stringify(about);
  }

  /** `about` is everything that the part shows, as JSON can say it. */
  draw(about: unknown, children: () => readonly Child[]): void {
    const now = JSON.stringify(about);
    if (now === this.#about) return;
    this.#about = now;
    replaceContent(this.element, ...children());
  }
}

function isThere(child: Child): child is Node | string {
  return child !== null && child !== undefined && child !== false;
}
