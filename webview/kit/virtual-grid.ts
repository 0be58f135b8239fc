import { element } from './dom';
import { VirtualSheet } from './virtual-sheet';
import './virtual-grid.css';

/** Rows of tiles drawn above and below what can be seen. */
const OVERSCAN = 1;

export interface VirtualGridOptions<T> {
  /** For a screen reader. */
  readonly label: string;
  /** Pixels of a tile with its gap; the style sheet gives `.tile` what is left of it. */
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** Fills a tile; called again whenever it comes into view or `refresh` is called. */
  readonly draw: (item: T, place: number) => { readonly content: readonly Node[]; readonly label: string };
  /** The items that are in view, whenever that changes. */
  readonly onView: (items: readonly T[]) => void;
  readonly onChoose: (place: number) => void;
}

/** Any number of tiles of one size, of which only those that can be seen are in the document. One is chosen. */
export class VirtualGrid<T> {
  readonly #options: VirtualGridOptions<T>;
  readonly #sheet: VirtualSheet;
  #items: readonly T[] = [];
  #chosen = -1;

  constructor(options: VirtualGridOptions<T>) {
    this.#options = options;
    this.#sheet = new VirtualSheet({
      className: 'virtual-grid',
      role: 'listbox',
      label: options.label,
      focusKey: options.label,
      rowHeight: options.tileHeight,
      overscan: OVERSCAN,
      perRow: () => this.#columns,
      draw: (first, end) => this.#draw(first, end),
      chosen: () => this.#chosen,
      onChoose: place => options.onChoose(place),
    });
  }

  get element(): HTMLElement {
    return this.#sheet.element;
  }

  /** The items, and which of them is chosen (−1: none). */
  show(items: readonly T[], chosen: number): void {
    const moved = chosen !== this.#chosen;
    this.#items = items;
    this.#chosen = chosen;
    this.#sheet.total = items.length;
    if (moved && chosen >= 0) this.#sheet.reveal(chosen);
  }

  /** Draws what is in view anew, at the next frame. */
  refresh(): void {
    this.#sheet.redraw();
  }

  get #columns(): number {
    return Math.max(1, Math.floor(this.element.clientWidth / this.#options.tileWidth));
  }

  #draw(first: number, end: number): HTMLElement[] {
    const { tileWidth, draw, onView } = this.#options;
    const columns = this.#columns;
    const seen = this.#items.slice(first, end);
    onView(seen);
    return seen.map((item, k) => {
      const place = first + k;
      const { content, label } = draw(item, place);
      const tile = element(
        'div',
        {
          class: 'tile',
          role: 'option',
          'aria-selected': String(place === this.#chosen),
          'aria-label': label,
          'aria-posinset': String(place + 1),
          'aria-setsize': String(this.#items.length),
        },
        ...content,
      );
      tile.style.left = `${(place % columns) * tileWidth}px`;
      return tile;
    });
  }
}
