import { element } from './dom';
import { VirtualSheet } from './virtual-sheet';
import './virtual-list.css';

/** Rows drawn above and below what can be seen. */
const OVERSCAN = 12;
/** Rows asked for at once. */
const BLOCK = 200;

export interface VirtualListOptions<T> {
  /** For a screen reader. */
  readonly label: string;
  /** Pixels of every row; the style sheet gives `.virtual-row` the same. */
  readonly rowHeight: number;
  /** Fills a row; its class tells what it is. */
  readonly draw: (row: T) => { readonly content: readonly Node[]; readonly className: string };
  /** Rows from `first` to before `end` are wanted; `put` brings them. */
  readonly request: (first: number, end: number) => void;
  readonly onChoose: (place: number, row: T | undefined) => void;
  /** Tells the chosen row where that is not a matter of its place: results move as worse ones come. */
  readonly isChosen?: (row: T) => boolean;
}

/** A list of any length of which only what can be seen is in the document, and only what was seen was ever sent. One row is chosen. */
export class VirtualList<T> {
  readonly #options: VirtualListOptions<T>;
  readonly #sheet: VirtualSheet;
  readonly #rows = new Map<number, T>();
  readonly #asked = new Set<number>();
  #chosen = -1;

  constructor(options: VirtualListOptions<T>) {
    this.#options = options;
    this.#sheet = new VirtualSheet({
      className: 'virtual-list',
      role: 'listbox',
      label: options.label,
      focusKey: options.label,
      rowHeight: options.rowHeight,
      overscan: OVERSCAN,
      draw: (first, end) => this.#draw(first, end),
      chosen: () => this.#chosenPlace(),
      onChoose: place => {
        this.choose(place);
        options.onChoose(place, this.#rows.get(place));
      },
    });
  }

  get element(): HTMLElement {
    return this.#sheet.element;
  }

  /** A list of so many rows; what was known of them counts no more when `anew`. */
  reset(total: number, anew: boolean): void {
    if (anew) {
      this.#rows.clear();
      this.#asked.clear();
      this.element.scrollTop = 0;
    }
    this.#sheet.total = total;
  }

  /** What can be seen is asked for again, because the rows may have moved; until it comes the list stays as it is. */
  refresh(): void {
    this.#asked.clear();
    this.#sheet.redraw();
  }

  /** The rows from `first` on are known. */
  put(first: number, rows: readonly T[]): void {
    rows.forEach((row, k) => this.#rows.set(first + k, row));
    this.#sheet.redraw();
  }

  /** Draws what can be seen anew: another row is the chosen one. */
  redraw(): void {
    this.#sheet.redraw();
  }

  choose(place: number): void {
    this.#chosen = place;
    if (place >= 0) this.#sheet.reveal(place);
    this.#sheet.redraw();
  }

  #isChosen(place: number, row: T | undefined): boolean {
    const { isChosen } = this.#options;
    return isChosen ? row !== undefined && isChosen(row) : place === this.#chosen;
  }

  /** Where the chosen row is now; where it was chosen as long as that is not known. */
  #chosenPlace(): number {
    const { isChosen } = this.#options;
    if (isChosen) for (const [place, row] of this.#rows) if (isChosen(row)) return place;
    return this.#chosen;
  }

  #draw(first: number, end: number): HTMLElement[] {
    for (let block = Math.floor(first / BLOCK) * BLOCK; block < end; block += BLOCK) {
      if (this.#asked.has(block)) continue;
      this.#asked.add(block);
      this.#options.request(block, Math.min(this.#sheet.total, block + BLOCK));
    }
    return Array.from({ length: end - first }, (_, k) => this.#option(first + k));
  }

  #option(place: number): HTMLElement {
    const row = this.#rows.get(place);
    const { content, className } = row === undefined ? { content: [], className: '' } : this.#options.draw(row);
    return element(
      'div',
      {
        class: `virtual-row ${className}`,
        role: 'option',
        'aria-selected': String(this.#isChosen(place, row)),
        'aria-posinset': String(place + 1),
        'aria-setsize': String(this.#sheet.total),
      },
      ...content,
    );
  }
}
