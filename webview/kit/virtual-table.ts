import { element, replaceContent, type Child } from './dom';
import { VirtualSheet } from './virtual-sheet';
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
  readonly #events: TableEvents<Row>;
  readonly #head = element('div', { class: 'grid-head', role: 'row', 'aria-rowindex': '1' });
  readonly #sheet: VirtualSheet;
  #columns: readonly TableColumn<Row>[] = [];
  #rows: readonly Row[] = [];
  #sorting: Sorting | null = null;
  #selected: string | null = null;

  constructor(label: string, events: TableEvents<Row>) {
    this.#events = events;
    this.#sheet = new VirtualSheet({
      className: 'grid',
      role: 'grid',
      label,
      focusKey: 'table',
      rowHeight: ROW_HEIGHT,
      overscan: AHEAD,
      head: this.#head,
      draw: (first, end) => this.#rows.slice(first, end).map((row, k) => this.#row(row, first + k)),
      chosen: () => this.#place,
      onChoose: place => events.onSelect(this.#rows[place]!),
      onOpen: place => events.onOpen?.(this.#rows[place]!),
    });
  }

  get element(): HTMLElement {
    return this.#sheet.element;
  }

  show(columns: readonly TableColumn<Row>[], rows: readonly Row[], sorting: Sorting | null): void {
    this.#columns = columns;
    this.#sorting = sorting;
    const key = columns.find(({ id }) => id === sorting?.column)?.key;
    this.#rows = key ? [...rows].sort((a, b) => compare(key(a), key(b)) * (sorting!.down ? -1 : 1)) : rows;
    const template = columns.map(({ width }) => width).join(' ');
    this.element.style.setProperty('--columns', template);
    this.element.setAttribute('aria-rowcount', String(rows.length + 1));
    replaceContent(this.#head, ...columns.map(column => this.#header(column)));
    this.#sheet.total = rows.length;
  }

  select(id: string | null, reveal: boolean): void {
    this.#selected = id;
    if (reveal && this.#place >= 0) this.#sheet.reveal(this.#place);
    this.#sheet.redraw();
  }

  get #place(): number {
    return this.#selected === null ? -1 : this.#rows.findIndex(row => this.#events.idOf(row) === this.#selected);
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
      this.#events.onSort(next);
    });
    made.append(sort);
    return made;
  }

  #row(row: Row, index: number): HTMLElement {
    return element(
      'div',
      {
        role: 'row',
        class: 'grid-row',
        'aria-rowindex': String(index + 2),
        'aria-selected': String(this.#events.idOf(row) === this.#selected),
      },
      ...this.#columns.map(({ cell, numeric }) =>
        element('div', { role: 'gridcell', class: numeric ? 'numeric' : '' }, cell(row)),
      ),
    );
  }
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}
