import { element } from './dom';
import './virtual-sheet.css';

export interface VirtualSheetOptions {
  readonly className: string;
  readonly role: 'listbox' | 'grid';
  /** For a screen reader. */
  readonly label: string;
  /** Under which the focus is found again when the page is drawn anew. */
  readonly focusKey: string;
  /** Pixels of a row; the style sheet gives its elements the same. */
  readonly rowHeight: number;
  /** Rows drawn above and below what can be seen, so that a quick scroll shows no gap. */
  readonly overscan: number;
  /** Stays above the rows when they are scrolled; as high as a row. */
  readonly head?: HTMLElement;
  /** Items in a row, for tiles; one unless given. */
  readonly perRow?: () => number;
  /** Makes the items from `first` to before `end`; the sheet puts them where they belong. */
  readonly draw: (first: number, end: number) => readonly HTMLElement[];
  /** Where the chosen item is; −1 for none. */
  readonly chosen: () => number;
  /** The arrow keys, or a click, go to an item. */
  readonly onChoose: (place: number) => void;
  /** Enter, or a double click. */
  readonly onOpen?: (place: number) => void;
}

/**
 * A scrolled area of any number of items of which only those that can be seen are in the document: what lists, tables and grids of tiles share. One item is chosen;
 * keys and clicks move it, and screen readers are told which it is.
 */
export class VirtualSheet {
  readonly element: HTMLElement;
  readonly #options: VirtualSheetOptions;
  readonly #sheet: HTMLElement;
  #total = 0;
  #frame = 0;

  constructor(options: VirtualSheetOptions) {
    this.#options = options;
    const { className, role, label, focusKey, head } = options;
    this.#sheet = element('div', { class: 'virtual-sheet', role: 'presentation' });
    this.element = element(
      'div',
      { class: className, role, tabindex: '0', 'aria-label': label, 'data-focus': focusKey },
      head,
      this.#sheet,
    );
    this.element.addEventListener('scroll', () => this.redraw());
    this.element.addEventListener('keydown', event => this.#onKey(event));
    this.#sheet.addEventListener('click', event => this.#at(event, options.onChoose));
    this.#sheet.addEventListener('dblclick', event => this.#at(event, options.onOpen));
    new ResizeObserver(() => this.redraw()).observe(this.element);
  }

  get total(): number {
    return this.#total;
  }

  set total(total: number) {
    this.#total = total;
    this.#fit();
    this.redraw();
  }

  /** Draws what can be seen, at the next frame. */
  redraw(): void {
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#draw();
      });
  }

  /** Scrolls as little as is needed to show an item. */
  reveal(place: number): void {
    const { rowHeight, head } = this.#options;
    const top = Math.floor(place / this.#perRow) * rowHeight;
    const { scrollTop } = this.element;
    const room = this.element.clientHeight - (head ? rowHeight : 0);
    if (top < scrollTop) this.element.scrollTop = top;
    else if (room > 0 && top + rowHeight > scrollTop + room) this.element.scrollTop = top + rowHeight - room;
  }

  /** Items in a row. */
  get #perRow(): number {
    return Math.max(1, this.#options.perRow?.() ?? 1);
  }

  #fit(): void {
    this.#sheet.style.height = `${Math.ceil(this.#total / this.#perRow) * this.#options.rowHeight}px`;
  }

  #draw(): void {
    const { rowHeight, overscan, draw, chosen } = this.#options;
    const perRow = this.#perRow;
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / rowHeight) - overscan) * perRow;
    const end = Math.min(this.#total, (Math.ceil((scrollTop + clientHeight) / rowHeight) + overscan) * perRow);
    this.#fit();
    const items = first < end ? draw(first, end) : [];
    items.forEach((item, k) => {
      item.id = `${this.#options.focusKey.replaceAll(' ', '-')}-${first + k}`;
      item.dataset['place'] = String(first + k);
      item.style.top = `${Math.floor((first + k) / perRow) * rowHeight}px`;
    });
    this.#sheet.replaceChildren(...items);
    const active = items[chosen() - first];
    if (active) this.element.setAttribute('aria-activedescendant', active.id);
    else this.element.removeAttribute('aria-activedescendant');
  }

  #at(event: Event, act: ((place: number) => void) | undefined): void {
    const place = (event.target as Element).closest<HTMLElement>('[data-place]')?.dataset['place'];
    if (place !== undefined) act?.(Number(place));
  }

  #onKey(event: KeyboardEvent): void {
    if (event.target !== this.element || this.#total === 0) return;
    const { rowHeight, head, chosen, onChoose, onOpen } = this.#options;
    const now = chosen();
    if (event.key === 'Enter' && onOpen && now >= 0) {
      event.preventDefault();
      return onOpen(now);
    }
    const perRow = this.#perRow;
    const page = Math.max(1, Math.floor(this.element.clientHeight / rowHeight) - (head ? 2 : 1)) * perRow;
    const steps: Readonly<Record<string, number>> = {
      ...(perRow > 1 ? { ArrowLeft: -1, ArrowRight: 1 } : {}),
      ArrowUp: -perRow,
      ArrowDown: perRow,
      PageUp: -page,
      PageDown: page,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    // The first key goes to the first item where none is chosen yet.
    const from = now < 0 && step > 0 && step !== Infinity ? -step : Math.max(0, now);
    const place = Math.min(this.#total - 1, Math.max(0, from + step));
    this.reveal(place);
    onChoose(place);
  }
}
