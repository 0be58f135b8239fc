import { element } from './dom';

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

/** Any number of tiles of one size, of which only those that can be seen are in the document. One is chosen; the arrow keys move it. */
export class VirtualGrid<T> {
  readonly element: HTMLElement;
  readonly #sheet = element('div', { class: 'grid-sheet', role: 'presentation' });
  #items: readonly T[] = [];
  #chosen = -1;
  #frame = 0;

  constructor(private readonly options: VirtualGridOptions<T>) {
    this.element = element(
      'div',
      {
        class: 'virtual-grid',
        role: 'listbox',
        tabindex: '0',
        'aria-label': options.label,
        'data-focus': options.label,
      },
      this.#sheet,
    );
    this.element.addEventListener('scroll', () => this.refresh());
    this.element.addEventListener('keydown', event => this.#onKey(event));
    this.element.addEventListener('click', event => {
      const tile = (event.target as Element).closest<HTMLElement>('.tile');
      if (tile) this.options.onChoose(Number(tile.dataset['place']));
    });
    new ResizeObserver(() => this.refresh()).observe(this.element);
  }

  /** The items, and which of them is chosen (−1: none). */
  show(items: readonly T[], chosen: number): void {
    const moved = chosen !== this.#chosen;
    this.#items = items;
    this.#chosen = chosen;
    if (moved && chosen >= 0) this.#scrollTo(chosen);
    this.refresh();
  }

  /** Draws what is in view anew, at the next frame. */
  refresh(): void {
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#draw();
      });
  }

  get #columns(): number {
    return Math.max(1, Math.floor(this.element.clientWidth / this.options.tileWidth));
  }

  #scrollTo(place: number): void {
    const { tileHeight } = this.options;
    const top = Math.floor(place / this.#columns) * tileHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (clientHeight > 0 && top + tileHeight > scrollTop + clientHeight)
      this.element.scrollTop = top + tileHeight - clientHeight;
  }

  #onKey(event: KeyboardEvent): void {
    const columns = this.#columns;
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step === undefined || this.#items.length === 0) return;
    event.preventDefault();
    const place = Math.max(0, this.#chosen) + step;
    this.options.onChoose(Math.min(this.#items.length - 1, Math.max(0, place)));
  }

  #draw(): void {
    const { tileWidth, tileHeight, draw, onView } = this.options;
    const columns = this.#columns;
    const { scrollTop, clientHeight } = this.element;
    this.#sheet.style.height = `${Math.ceil(this.#items.length / columns) * tileHeight}px`;
    const first = Math.max(0, Math.floor(scrollTop / tileHeight) - OVERSCAN) * columns;
    const end = (Math.ceil((scrollTop + clientHeight) / tileHeight) + OVERSCAN) * columns;
    const seen = this.#items.slice(first, end);
    const tiles = seen.map((item, k) => {
      const place = first + k;
      const { content, label } = draw(item, place);
      const tile = element(
        'div',
        {
          class: 'tile',
          role: 'option',
          id: `tile-${place}`,
          'aria-selected': String(place === this.#chosen),
          'aria-label': label,
          'aria-posinset': String(place + 1),
          'aria-setsize': String(this.#items.length),
          'data-place': String(place),
        },
        ...content,
      );
      tile.style.left = `${(place % columns) * tileWidth}px`;
      tile.style.top = `${Math.floor(place / columns) * tileHeight}px`;
      return tile;
    });
    this.#sheet.replaceChildren(...tiles);
    if (this.#chosen >= 0) this.element.setAttribute('aria-activedescendant', `tile-${this.#chosen}`);
    onView(seen);
  }
}
