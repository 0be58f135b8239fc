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
  for (const child of children) if (child !== null && child !== undefined && child !== false) made.append(child);
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

/** Replaces what `parent` holds. The focus stays on the element with the same `data-focus` key, if there is one. */
export function replaceContent(parent: HTMLElement, ...children: readonly Child[]): void {
  const focused = document.activeElement?.closest<HTMLElement>('[data-focus]')?.dataset['focus'];
  parent.replaceChildren(...children.filter(child => child !== null && child !== undefined && child !== false));
  if (focused) parent.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}
