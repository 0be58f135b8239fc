import { element } from './dom';
import './virtual-list.css';

/** Rows drawn above and below what can be seen, so that a quick scroll shows no gap. */
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

/** A list of any length of which only what can be seen is in the document, and only what was seen was ever sent. One row is chosen; the arrow keys move it. */
export class VirtualList<T> {
  readonly element: HTMLElement;
  readonly #sheet = element('div', { class: 'virtual-sheet', role: 'presentation' });
  readonly #rows = new Map<number, T>();
  readonly #asked = new Set<number>();
  #total = 0;
  #chosen = -1;
  #frame = 0;

  constructor(private readonly options: VirtualListOptions<T>) {
    this.element = element(
      'div',
      {
        class: 'virtual-list',
        role: 'listbox',
        tabindex: '0',
        'aria-label': options.label,
        'data-focus': options.label,
      },
      this.#sheet,
    );
    this.element.addEventListener('scroll', () => this.#schedule());
    this.element.addEventListener('keydown', event => this.#onKey(event));
    new ResizeObserver(() => this.#schedule()).observe(this.element);
  }

  /** A list of so many rows; what was known of them counts no more when `anew`. */
  reset(total: number, anew: boolean): void {
    this.#total = total;
    if (anew) {
      this.#rows.clear();
      this.#asked.clear();
      this.element.scrollTop = 0;
    }
    this.#sheet.style.height = `${total * this.options.rowHeight}px`;
    this.#schedule();
  }

  /** What can be seen is asked for again, because the rows may have moved; until it comes the list stays as it is. */
  refresh(): void {
    this.#asked.clear();
    this.#schedule();
  }

  /** The rows from `first` on are known. */
  put(first: number, rows: readonly T[]): void {
    rows.forEach((row, k) => this.#rows.set(first + k, row));
    this.#schedule();
  }

  /** Draws what can be seen anew: another row is the chosen one. */
  redraw(): void {
    this.#schedule();
  }

  choose(place: number, scroll = true): void {
    this.#chosen = place;
    if (scroll && place >= 0) this.#scrollTo(place);
    this.#schedule();
  }

  #isChosen(place: number, row: T | undefined): boolean {
    const { isChosen } = this.options;
    return isChosen ? row !== undefined && isChosen(row) : place === this.#chosen;
  }

  /** Where the chosen row is now; −1 where that is not known. */
  #chosenPlace(): number {
    if (!this.options.isChosen) return this.#chosen;
    for (const [place, row] of this.#rows) if (this.options.isChosen(row)) return place;
    return this.#chosen;
  }

  #scrollTo(place: number): void {
    const { rowHeight } = this.options;
    const top = place * rowHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (clientHeight > 0 && top + rowHeight > scrollTop + clientHeight)
      this.element.scrollTop = top + rowHeight - clientHeight;
  }

  #onKey(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.options.rowHeight) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowUp: -1,
      ArrowDown: 1,
      PageUp: -page,
      PageDown: page,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step === undefined || this.#total === 0) return;
    event.preventDefault();
    const place = Math.min(this.#total - 1, Math.max(0, Math.max(0, this.#chosenPlace()) + step));
    this.choose(place);
    this.options.onChoose(place, this.#rows.get(place));
  }

  #schedule(): void {
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#draw();
      });
  }

  #draw(): void {
    const { rowHeight } = this.options;
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / rowHeight) - OVERSCAN);
    const end = Math.min(this.#total, Math.ceil((scrollTop + clientHeight) / rowHeight) + OVERSCAN);
    this.#ask(first, end);
    this.#sheet.replaceChildren(...Array.from({ length: Math.max(0, end - first) }, (_, k) => this.#option(first + k)));
    const chosen = this.#chosenPlace();
    if (chosen >= first && chosen < end) this.element.setAttribute('aria-activedescendant', `row-${chosen}`);
    else this.element.removeAttribute('aria-activedescendant');
  }

  #ask(first: number, end: number): void {
    for (let block = Math.floor(first / BLOCK) * BLOCK; block < end; block += BLOCK) {
      if (this.#asked.has(block)) continue;
      this.#asked.add(block);
      this.options.request(block, Math.min(this.#total, block + BLOCK));
    }
  }

  #option(place: number): HTMLElement {
    const row = this.#rows.get(place);
    const drawn = row === undefined ? { content: [], className: '' } : this.options.draw(row);
    const option = element(
      'div',
      {
        class: `virtual-row ${drawn.className}`,
        role: 'option',
        id: `row-${place}`,
        'aria-selected': String(this.#isChosen(place, row)),
        'aria-posinset': String(place + 1),
        'aria-setsize': String(this.#total),
      },
      ...drawn.content,
    );
    option.style.top = `${place * this.options.rowHeight}px`;
    option.addEventListener('click', () => {
      this.choose(place, false);
      this.options.onChoose(place, row);
    });
    return option;
  }
}
