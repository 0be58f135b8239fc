import { element, type Child } from './dom';
import './virtual-table.css';

export interface TableColumn<Row> {
  readonly id: string;
  readonly title: string;
  /** Width as CSS has it for a grid's column. */
  readonly width: string;
  readonly cell: (row: Row) => Child;
  /** What rows are sorted by; absent where sorting makes no sense. */
  readonly key?: (row: Row) => number | string;
  readonly numeric?: boolean;
}

export interface Sorting {
  readonly column: string;
  readonly down: boolean;
}

export interface TableEvents<Row> {
  idOf(row: Row): string;
  onSelect(row: Row): void;
  onSort(sorting: Sorting | null): void;
  /** Enter, or a double click. */
  onOpen?(row: Row): void;
}

const ROW_HEIGHT = 24;
/** Rows that are drawn above and below what is seen. */
const AHEAD = 8;

/** A table of any length: only the rows that are seen are in the document. Sorted by its header; walked through with the arrow keys. */
export class VirtualTable<Row> {
  readonly element: HTMLElement;
  readonly #head = element('div', { class: 'grid-head', role: 'row', 'aria-rowindex': '1' });
  readonly #body = element('div', { class: 'grid-body', role: 'presentation' });
  #columns: readonly TableColumn<Row>[] = [];
  #rows: readonly Row[] = [];
  #sorting: Sorting | null = null;
  #selected: string | null = null;

  constructor(
    label: string,
    private readonly events: TableEvents<Row>,
  ) {
    this.element = element(
      'div',
      { class: 'grid', role: 'grid', tabindex: '0', 'aria-label': label, 'data-focus': 'table' },
      this.#head,
      this.#body,
    );
    this.element.addEventListener('scroll', () => this.#draw());
    this.element.addEventListener('keydown', event => this.#onKey(event));
    new ResizeObserver(() => this.#draw()).observe(this.element);
  }

  show(columns: readonly TableColumn<Row>[], rows: readonly Row[], sorting: Sorting | null): void {
    this.#columns = columns;
    this.#sorting = sorting;
    const key = columns.find(({ id }) => id === sorting?.column)?.key;
    this.#rows = key ? [...rows].sort((a, b) => compare(key(a), key(b)) * (sorting!.down ? -1 : 1)) : rows;
    const template = columns.map(({ width }) => width).join(' ');
    this.element.style.setProperty('--columns', template);
    this.element.setAttribute('aria-rowcount', String(rows.length + 1));
    this.#head.replaceChildren(...columns.map(column => this.#header(column)));
    this.#body.style.height = `${rows.length * ROW_HEIGHT}px`;
    this.#draw();
  }

  select(id: string | null, reveal: boolean): void {
    this.#selected = id;
    const index = this.#rows.findIndex(row => this.events.idOf(row) === id);
    if (reveal && index >= 0) {
      const { scrollTop, clientHeight } = this.element;
      const [top, bottom] = [index * ROW_HEIGHT, (index + 2) * ROW_HEIGHT];
      if (top < scrollTop) this.element.scrollTop = top;
      else if (bottom > scrollTop + clientHeight) this.element.scrollTop = bottom - clientHeight;
    }
    this.#draw();
  }

  #header({ id, title, key, numeric }: TableColumn<Row>): HTMLElement {
    const direction = this.#sorting?.column === id ? (this.#sorting.down ? 'descending' : 'ascending') : null;
    const made = element('div', {
      role: 'columnheader',
      class: numeric ? 'numeric' : '',
      ...(direction ? { 'aria-sort': direction } : {}),
    });
    if (!key) {
      made.append(title);
      return made;
    }
    const sort = element(
      'button',
      { type: 'button', class: 'sort', 'data-focus': `sort ${id}` },
      title,
      direction ? (direction === 'descending' ? ' ↓' : ' ↑') : '',
    );
    // Numbers are looked at from the largest, names from A; a third press brings the first order back.
    sort.addEventListener('click', () => {
      const first = Boolean(numeric);
      const next =
        direction === null
          ? { column: id, down: first }
          : this.#sorting!.down === first
            ? { column: id, down: !first }
            : null;
      this.events.onSort(next);
    });
    made.append(sort);
    return made;
  }

  #draw(): void {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT) - AHEAD);
    const last = Math.min(this.#rows.length, Math.ceil((scrollTop + clientHeight) / ROW_HEIGHT) + AHEAD);
    this.#body.replaceChildren(...this.#rows.slice(first, last).map((row, k) => this.#row(row, first + k)));
    const chosen = this.#body.querySelector('[aria-selected="true"]');
    if (chosen) this.element.setAttribute('aria-activedescendant', chosen.id);
    else this.element.removeAttribute('aria-activedescendant');
  }

  #row(row: Row, index: number): HTMLElement {
    const isSelected = this.events.idOf(row) === this.#selected;
    const made = element(
      'div',
      {
        role: 'row',
        class: 'grid-row',
        id: `row-${index}`,
        'aria-rowindex': String(index + 2),
        'aria-selected': String(isSelected),
      },
      ...this.#columns.map(({ cell, numeric }) =>
        element('div', { role: 'gridcell', class: numeric ? 'numeric' : '' }, cell(row)),
      ),
    );
    made.style.top = `${index * ROW_HEIGHT}px`;
    made.addEventListener('click', () => this.events.onSelect(row));
    made.addEventListener('dblclick', () => this.events.onOpen?.(row));
    return made;
  }

  #onKey(event: KeyboardEvent): void {
    if (event.target !== this.element) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_HEIGHT) - 2);
    const now = this.#rows.findIndex(row => this.events.idOf(row) === this.#selected);
    const end = this.#rows.length - 1;
    const next = {
      ArrowDown: now + 1,
      ArrowUp: now - 1,
      PageDown: now + page,
      PageUp: now - page,
      Home: 0,
      End: end,
    }[event.key];
    const row = next === undefined ? undefined : this.#rows[Math.min(Math.max(next, 0), end)];
    if (row) {
      event.preventDefault();
      this.events.onSelect(row);
    } else if (event.key === 'Enter' && now >= 0) this.events.onOpen?.(this.#rows[now]!);
  }
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}
