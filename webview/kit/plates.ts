import { element } from './dom';
import { select } from './toolkit';
import { short, signed } from './numbers';
import { valueIndex, type Layout } from './picture';

/** Pictures of one size beside each other, with one pixel that is marked in all of them at once, by pointer or by keys. */

/** One picture. */
export interface Plate {
  readonly title: string;
  readonly pixels: Uint8ClampedArray;
  /** Words of the scale under a difference; empty for none. */
  readonly note: string;
  /** Pixels (row · width + column) with a line around them. */
  readonly outlined?: ReadonlySet<number>;
}

/** Room for a title under a small picture. */
const MIN_PLATE_PIXELS = 100;
const FRAME_PIXELS = 2;
/** No larger than this when the zoom is chosen automatically. */
const LARGEST_PLATE_PIXELS = 280;
const ZOOMS = [1, 2, 4, 6, 8, 10, 12, 16, 24, 32];

/** The largest whole zoom at which so many pictures stand beside each other; `around` are the pixels between and around them. */
export function fittingZoom({ width, height }: Layout, plates: number, around: number): number {
  const room = Math.min(LARGEST_PLATE_PIXELS, (window.innerWidth - around) / plates);
  return Math.max(1, Math.floor(room / Math.max(width, height)));
}

/** What a readout says before a pixel is pointed at. */
export const READOUT = 'Point at a pixel, or move over the pictures with the arrow keys.';

/** How large pictures are drawn; 0: as fits. */
export function zoomOption(zoom: number, onZoom: (zoom: number) => void): HTMLElement {
  return select({
    label: 'Zoom',
    value: String(zoom),
    options: [{ value: '0', label: 'fit' }, ...ZOOMS.map(value => ({ value: String(value), label: `${value}×` }))],
    onChange: value => onZoom(Number(value)),
  });
}

export class Plates {
  readonly #marks: HTMLElement[] = [];
  #line = 0;
  #column = 0;

  constructor(
    private readonly layout: Layout,
    /** Screen pixels for one pixel. */
    private readonly scale: number,
    private readonly onMove: (line: number, column: number) => void,
  ) {}

  figure({ title, pixels, note, outlined }: Plate): HTMLElement {
    const { width, height } = this.layout;
    const canvas = element('canvas', {
      width: String(width),
      height: String(height),
      role: 'img',
      'aria-label': `${title}, ${width} by ${height} pixels${note ? `, ${note}` : ''}`,
    });
    canvas.style.width = `${width * this.scale}px`;
    canvas.style.height = `${height * this.scale}px`;
    putPixels(canvas, this.layout, pixels);
    const mark = element('div', { class: 'mark', hidden: '' });
    this.#marks.push(mark);
    const frame = element(
      'div',
      {
        class: 'frame',
        tabindex: '0',
        role: 'application',
        'data-focus': `plate-${title}`,
        'aria-label': `${title}: arrow keys move from pixel to pixel`,
      },
      canvas,
      outlined && outlined.size > 0 && outlines(this.layout, this.scale, outlined),
      mark,
    );
    frame.addEventListener('pointermove', event => {
      const box = canvas.getBoundingClientRect();
      this.#move(
        Math.floor((event.clientY - box.top) / this.scale),
        Math.floor((event.clientX - box.left) / this.scale),
      );
    });
    frame.addEventListener('keydown', event => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      this.#move(this.#line + step[0], this.#column + step[1]);
    });
    const legend = note
      ? element('span', { class: 'legend' }, element('span', { class: 'scale', 'aria-hidden': 'true' }), note)
      : null;
    const figure = element('figure', {}, element('figcaption', {}, title), frame, legend);
    figure.style.width = `${Math.max(MIN_PLATE_PIXELS, width * this.scale + FRAME_PIXELS)}px`;
    return figure;
  }

  #move(line: number, column: number): void {
    const { width, height } = this.layout;
    this.#line = Math.min(height - 1, Math.max(0, line));
    this.#column = Math.min(width - 1, Math.max(0, column));
    for (const mark of this.#marks) {
      mark.hidden = false;
      mark.style.left = `${this.#column * this.scale}px`;
      mark.style.top = `${this.#line * this.scale}px`;
      mark.style.width = mark.style.height = `${this.scale}px`;
    }
    this.onMove(this.#line, this.#column);
  }
}

/** Draws RGBA bytes, one pixel of the canvas each. */
export function putPixels(canvas: HTMLCanvasElement, { width, height }: Layout, pixels: Uint8ClampedArray): void {
  canvas.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
}

/** Lines around groups of pixels, dark outside and light inside, so that they are seen on any picture. */
function outlines({ width, height }: Layout, scale: number, pixels: ReadonlySet<number>): HTMLElement {
  const canvas = element('canvas', {
    class: 'outlines',
    'aria-hidden': 'true',
    width: String(width * scale),
    height: String(height * scale),
  });
  const context = canvas.getContext('2d');
  if (!context) return canvas;
  const edges = new Path2D();
  const isOutlined = (row: number, column: number): boolean =>
    row >= 0 && row < height && column >= 0 && column < width && pixels.has(row * width + column);
  for (const pixel of pixels) {
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    const [left, top] = [column * scale, row * scale];
    const edge = (x0: number, y0: number, x1: number, y1: number): void => {
      edges.moveTo(x0, y0);
      edges.lineTo(x1, y1);
    };
    if (!isOutlined(row - 1, column)) edge(left, top, left + scale, top);
    if (!isOutlined(row + 1, column)) edge(left, top + scale, left + scale, top + scale);
    if (!isOutlined(row, column - 1)) edge(left, top, left, top + scale);
    if (!isOutlined(row, column + 1)) edge(left + scale, top, left + scale, top + scale);
  }
  for (const [colour, thickness] of [
    ['#000', 3],
    ['#ffd400', 1.5],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.stroke(edges);
  }
  return canvas;
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** The values of a pixel in words, before and after where both are known. */
export function pixelText(
  layout: Layout,
  original: Float32Array | undefined,
  input: Float32Array | undefined,
  line: number,
  column: number,
): string {
  const values = Array.from({ length: layout.channels }, (_, channel) => {
    const index = valueIndex(layout, line, column, channel);
    const name = layout.channels === 3 ? `${'RGB'[channel]} ` : '';
    if (!input || !original) return `${name}${short((input ?? original)![index]!)}`;
    return `${name}${short(original[index]!)} → ${short(input[index]!)} (${signed(input[index]! - original[index]!)})`;
  });
  return `Row ${line}, column ${column}: ${values.join(', ')}`;
}
