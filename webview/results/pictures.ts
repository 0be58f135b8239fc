import { element, table, type Child } from '../kit/dom';
import { select } from '../kit/toolkit';
import { brightness, differencePicture, layoutOf, photograph, valueIndex, type Layout } from './picture';
import type { Row, Tensors } from './protocol';

/** Pictures side by side, and what lies between and around them. */
const PLATES = 3;
const MARGINS_PIXELS = 90;
/** No larger than this when the zoom is chosen automatically. */
const LARGEST_PLATE_PIXELS = 280;
/** Room for a title under a small picture. */
const MIN_PLATE_PIXELS = 100;
const FRAME_PIXELS = 2;
const ZOOMS = [1, 2, 4, 6, 8, 10, 12, 16, 24, 32];
/** Changed features in the table at first; there is a button for more. */
const TABLE_ROWS = 200;

export interface PicturesOptions {
  readonly row: Row;
  readonly tensors: Tensors;
  /** 0: one that fits. */
  readonly zoom: number;
  readonly onZoom: (zoom: number) => void;
}

interface Plate {
  readonly title: string;
  readonly pixels: Uint8ClampedArray;
  readonly note: string;
}

/** Original, counterexample and their signed difference side by side; null when the input is not a picture. */
export function pictures({ row, tensors, zoom, onZoom }: PicturesOptions): HTMLElement | null {
  const layout = layoutOf(row.inputShape, row.preprocess);
  const { input, original } = tensors;
  const shown = input ?? original;
  if (!layout || !shown || shown.length !== layout.width * layout.height * layout.channels) return null;
  const scale = zoom || fittingZoom(layout);
  const plates = platesOf(layout, row, tensors);
  const readout = element(
    'output',
    { class: 'readout', 'aria-live': 'polite' },
    'Point at a pixel, or move over the pictures with the arrow keys.',
  );
  const cursor = new Cursor(layout, scale, (line, column) => {
    readout.textContent = pixelText(layout, tensors, line, column);
  });
  return element(
    'div',
    { class: 'pictures' },
    element('div', { class: 'plates' }, ...plates.map(plate => cursor.plate(plate))),
    element(
      'div',
      { class: 'below' },
      readout,
      select({
        label: 'Zoom',
        value: String(zoom),
        options: [{ value: '0', label: 'fit' }, ...ZOOMS.map(value => ({ value: String(value), label: `${value}×` }))],
        onChange: value => onZoom(Number(value)),
      }),
    ),
  );
}

/** The largest whole zoom at which the three pictures stand beside each other. */
function fittingZoom({ width, height }: Layout): number {
  const room = Math.min(LARGEST_PLATE_PIXELS, (window.innerWidth - MARGINS_PIXELS) / PLATES);
  return Math.max(1, Math.floor(room / Math.max(width, height)));
}

function platesOf(layout: Layout, row: Row, { input, original }: Tensors): Plate[] {
  const both = [original, input].filter(tensor => tensor !== undefined);
  const bright = brightness(layout, row.preprocess, ...both);
  const plates: Plate[] = [];
  if (original) plates.push({ title: 'Original', pixels: photograph(layout, bright[0]!), note: '' });
  if (input) plates.push({ title: 'Counterexample', pixels: photograph(layout, bright.at(-1)!), note: '' });
  if (input && original) {
    const difference = bright[1]!.map((value, index) => value - bright[0]![index]!);
    const largest = difference.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const levels = Number((largest * 255).toPrecision(3));
    plates.push({
      title: 'Difference',
      pixels: differencePicture(layout, difference, largest || 1),
      note: `±${levels} of 255 levels`,
    });
  }
  return plates;
}

/** One pixel that is marked in all pictures at once, moved by pointer or keys. */
class Cursor {
  readonly #marks: HTMLElement[] = [];
  #line = 0;
  #column = 0;

  constructor(
    private readonly layout: Layout,
    private readonly scale: number,
    private readonly onMove: (line: number, column: number) => void,
  ) {}

  plate({ title, pixels, note }: Plate): HTMLElement {
    const { width, height } = this.layout;
    const canvas = element('canvas', {
      width: String(width),
      height: String(height),
      role: 'img',
      'aria-label': `${title}, ${width} by ${height} pixels${note ? `, ${note}` : ''}`,
    });
    canvas.style.width = `${width * this.scale}px`;
    canvas.style.height = `${height * this.scale}px`;
    canvas.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
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

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

function pixelText(layout: Layout, { input, original }: Tensors, line: number, column: number): string {
  const values = Array.from({ length: layout.channels }, (_, channel) => {
    const index = valueIndex(layout, line, column, channel);
    const name = layout.channels === 3 ? `${'RGB'[channel]} ` : '';
    if (!input || !original) return `${name}${short((input ?? original)![index]!)}`;
    return `${name}${short(original[index]!)} → ${short(input[index]!)} (${signed(input[index]! - original[index]!)})`;
  });
  return `Row ${line}, column ${column}: ${values.join(', ')}`;
}

/** The features of an input: only the changed ones where there is an original to compare with. */
export function featureTable({ input, original }: Tensors, onMore: () => void, more: boolean): HTMLElement {
  const shown = input ?? original;
  if (!shown) return element('p', {}, 'There is no input to show.');
  const indices = Array.from(shown.keys()).filter(index => !input || !original || input[index] !== original[index]);
  const listed = more ? indices : indices.slice(0, TABLE_ROWS);
  const compare = input !== undefined && original !== undefined;
  const header = compare ? ['Feature', 'Original', 'Counterexample', 'Difference'] : ['Feature', 'Value'];
  const rows = listed.map((index): Child[] =>
    compare
      ? [`X_${index}`, short(original[index]!), short(input[index]!), signed(input[index]! - original[index]!)]
      : [`X_${index}`, String(shown[index])],
  );
  const rest = indices.length - listed.length;
  const button = element('button', { class: 'link', type: 'button' }, `Show ${rest} more`);
  button.addEventListener('click', onMore);
  return element('div', {}, table(compare ? 'Changed features' : 'Input', header, rows), rest > 0 && button);
}

/** The network's outputs on the original and on the counterexample, the largest of each marked. */
export function outputTable(row: Row, { output, originalOutput }: Tensors): HTMLElement | null {
  const shown = output ?? originalOutput;
  if (!shown) return null;
  const before = originalOutput ? largest(originalOutput) : -1;
  const after = output ? largest(output) : -1;
  const compare = output !== undefined && originalOutput !== undefined;
  const header = [
    'Output',
    ...(originalOutput ? ['Original'] : []),
    ...(output ? ['Counterexample'] : []),
    ...(compare ? ['Change'] : []),
  ];
  const cell = (value: number, first: boolean) => (first ? element('strong', {}, `${short(value)} ▲`) : short(value));
  const rows = Array.from(shown.keys(), (index): Child[] => [
    `${row.outputNames[index] ?? `Y_${index}`}${row.label === index ? ' (label)' : ''}`,
    ...(originalOutput ? [cell(originalOutput[index]!, index === before)] : []),
    ...(output ? [cell(output[index]!, index === after)] : []),
    ...(compare ? [signed(output[index]! - originalOutput[index]!)] : []),
  ]);
  return element(
    'div',
    {},
    table('Outputs', header, rows, index => (index === after && after !== before ? 'changed' : '')),
    shown.length > 1 && element('p', { class: 'quiet' }, '▲ marks the largest output. All values are ONNX Runtime’s.'),
  );
}

function largest(values: Float32Array): number {
  return values.reduce((best, value, index) => (value > values[best]! ? index : best), 0);
}

export function short(value: number): string {
  return Number(value.toPrecision(5)).toString();
}

export function signed(value: number): string {
  return value > 0 ? `+${short(value)}` : value < 0 ? `−${short(-value)}` : '0';
}
