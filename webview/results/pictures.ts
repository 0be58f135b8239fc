import { element, link, table, type Child } from '../kit/dom';
import { short, signed } from '../kit/numbers';
import { brightness, differencePicture, layoutOf, photograph, type Layout } from '../kit/picture';
import { fittingZoom, pixelText, Plates, READOUT, zoomOption, type Plate } from '../kit/plates';
import type { Row, Tensors } from './protocol';

/** Pictures side by side, and what lies between and around them. */
const PLATES = 3;
const MARGINS_PIXELS = 90;
/** Changed features in the table at first; there is a button for more. */
const TABLE_ROWS = 200;

export interface PicturesOptions {
  readonly row: Row;
  readonly tensors: Tensors;
  /** 0: one that fits. */
  readonly zoom: number;
  readonly onZoom: (zoom: number) => void;
}

/** Original, counterexample and their signed difference side by side; null when the input is not a picture. */
export function pictures({ row, tensors, zoom, onZoom }: PicturesOptions): HTMLElement | null {
  const layout = layoutOf(row.inputShape, row.preprocess);
  const { input, original } = tensors;
  const shown = input ?? original;
  if (!layout || !shown || shown.length !== layout.width * layout.height * layout.channels) return null;
  const scale = zoom || fittingZoom(layout, PLATES, MARGINS_PIXELS);
  const plates = platesOf(layout, row, tensors);
  const readout = element('output', { class: 'readout', 'aria-live': 'polite' }, READOUT);
  const drawn = new Plates(layout, scale, (line, column) => {
    readout.textContent = pixelText(layout, original, input, line, column);
  });
  return element(
    'div',
    { class: 'pictures' },
    element('div', { class: 'plates' }, ...plates.map(plate => drawn.figure(plate))),
    element('div', { class: 'below' }, readout, zoomOption(zoom, onZoom)),
  );
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

/** The features of an input: only the changed ones where there is an original to compare with. */
export function featureTable(
  { input, original }: Pick<Tensors, 'input' | 'original'>,
  onMore: () => void,
  more: boolean,
  changed = 'Counterexample',
): HTMLElement {
  const shown = input ?? original;
  if (!shown) return element('p', {}, 'There is no input to show.');
  const indices = Array.from(shown.keys()).filter(index => !input || !original || input[index] !== original[index]);
  const listed = more ? indices : indices.slice(0, TABLE_ROWS);
  const compare = input !== undefined && original !== undefined;
  const header = compare ? ['Feature', 'Original', changed, 'Difference'] : ['Feature', 'Value'];
  const rows = listed.map((index): Child[] =>
    compare
      ? [`X_${index}`, short(original[index]!), short(input[index]!), signed(input[index]! - original[index]!)]
      : [`X_${index}`, String(shown[index])],
  );
  const rest = indices.length - listed.length;
  return element(
    'div',
    {},
    table(compare ? 'Changed features' : 'Input', header, rows),
    rest > 0 && link(`Show ${rest} more`, onMore),
  );
}

/** The network's outputs on the original and on the counterexample, the largest of each marked. */
export function outputTable(
  row: Pick<Row, 'outputNames' | 'label'>,
  { output, originalOutput }: Pick<Tensors, 'output' | 'originalOutput'>,
  changed = 'Counterexample',
): HTMLElement | null {
  const shown = output ?? originalOutput;
  if (!shown) return null;
  const before = originalOutput ? largest(originalOutput) : -1;
  const after = output ? largest(output) : -1;
  const compare = output !== undefined && originalOutput !== undefined;
  const header = [
    'Output',
    ...(originalOutput ? ['Original'] : []),
    ...(output ? [changed] : []),
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
