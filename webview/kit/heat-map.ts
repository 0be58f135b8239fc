import type { Cells } from './cells';
import { colourOf } from './colour-scale';
import { element } from './dom';

export interface HeatMapOptions {
  /** Said before the size, e.g. `Layer relu_1`. */
  readonly label: string;
  readonly cells: Cells;
  /** Screen pixels of a cell. */
  readonly scale: number;
  /** Pointed at, or come to with the arrow keys. */
  readonly onMove: (index: number) => void;
  /** Clicked, or Enter. */
  readonly onChoose: (index: number) => void;
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

const SHADES = 256;
/** RGBA of every shade, as one number each in the order in which memory has it. */
const palette = Uint32Array.from({ length: SHADES }, (_, k) => {
  const [red, green, blue] = colourOf(k / (SHADES - 1))
    .match(/\d+/g)!
    .map(Number) as [number, number, number];
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
});

/** Numbers between 0 and 1 as colours, one cell each. What it shows is also in a table beside it. */
export class HeatMap {
  readonly element: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #mark = element('div', { class: 'mark', hidden: '' });
  #column = 0;
  #row = 0;

  constructor(private readonly options: HeatMapOptions) {
    const { cells, scale, label } = options;
    const { width, height } = cells;
    this.#canvas = element('canvas', {
      width: String(width),
      height: String(height),
      role: 'img',
      'aria-label': label,
    });
    this.#canvas.style.width = `${width * scale}px`;
    this.#canvas.style.height = `${height * scale}px`;
    this.#mark.style.width = this.#mark.style.height = `${scale}px`;
    this.element = element(
      'div',
      { class: 'frame', tabindex: '0', role: 'application', 'aria-label': `${label}: arrow keys move, Enter chooses` },
      this.#canvas,
      this.#mark,
    );
    this.element.addEventListener('pointermove', event => this.#goTo(...this.#at(event)));
    this.element.addEventListener('click', event => {
      this.#goTo(...this.#at(event));
      this.#choose();
    });
    this.element.addEventListener('keydown', event => this.#onKey(event));
  }

  /** Draws every cell anew; `values` by index, between 0 and 1. */
  draw(values: ArrayLike<number>): void {
    const { width, height, place } = this.options.cells;
    const pixels = new Uint32Array(width * height);
    for (let cell = 0; cell < pixels.length; cell++) {
      const index = place[cell]!;
      if (index >= 0)
        pixels[cell] = palette[Math.min(SHADES - 1, Math.max(0, Math.round(values[index]! * (SHADES - 1))))]!;
    }
    const image = new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
    this.#canvas.getContext('2d')?.putImageData(image, 0, 0);
  }

  /** Marks the cell of an index; null takes the mark away. */
  mark(index: number | null): void {
    const { place, width } = this.options.cells;
    const cell = index === null ? -1 : place.indexOf(index);
    this.#mark.hidden = cell < 0;
    if (cell >= 0) this.#show(cell % width, Math.floor(cell / width));
  }

  #at(event: MouseEvent): [number, number] {
    const box = this.#canvas.getBoundingClientRect();
    const { scale } = this.options;
    return [Math.floor((event.clientX - box.left) / scale), Math.floor((event.clientY - box.top) / scale)];
  }

  #goTo(column: number, row: number): void {
    const { width, height, place } = this.options.cells;
    const [x, y] = [Math.min(width - 1, Math.max(0, column)), Math.min(height - 1, Math.max(0, row))];
    const index = place[y * width + x]!;
    [this.#column, this.#row] = [x, y];
    if (index >= 0) this.options.onMove(index);
  }

  #choose(): void {
    const { width, place } = this.options.cells;
    const index = place[this.#row * width + this.#column]!;
    if (index < 0) return;
    this.#show(this.#column, this.#row);
    this.options.onChoose(index);
  }

  #show(column: number, row: number): void {
    const { scale } = this.options;
    [this.#column, this.#row] = [column, row];
    this.#mark.hidden = false;
    this.#mark.style.left = `${column * scale}px`;
    this.#mark.style.top = `${row * scale}px`;
  }

  #onKey(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    if (!step && event.key !== 'Enter') return;
    event.preventDefault();
    if (!step) return this.#choose();
    // A gap between tiles is stepped over.
    const { width, height, place } = this.options.cells;
    let [column, row] = [this.#column + step[0], this.#row + step[1]];
    while (column >= 0 && row >= 0 && column < width && row < height && place[row * width + column]! < 0)
      [column, row] = [column + step[0], row + step[1]];
    if (column < 0 || row < 0 || column >= width || row >= height) return;
    this.#show(column, row);
    this.#goTo(column, row);
  }
}
