import type { Preprocess } from '../../src/report/record';

/** How a flat input is laid out as a picture. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly order: 'CHW' | 'HWC';
}

/** Below this a picture says less than a table. */
const MIN_EXTENT = 4;
/** A flat input with so many values, a perfect square, whose data was preprocessed is most likely a picture. */
const MIN_FLAT_PICTURE = 64;

/** How to draw an input of this shape; null when it is not a picture. */
export function layoutOf(shape: readonly number[], preprocess: Preprocess | null): Layout | null {
  const extents = shape.filter((extent, index) => !(extent === 1 && index === 0 && shape.length > 1));
  const layout = (channels: number, height: number, width: number, order: Layout['order']): Layout | null =>
    (channels === 1 || channels === 3) && height >= MIN_EXTENT && width >= MIN_EXTENT
      ? { channels, height, width, order }
      : null;
  if (extents.length === 3) {
    const [a, b, c] = extents as [number, number, number];
    return layout(a, b, c, 'CHW') ?? layout(c, a, b, 'HWC');
  }
  if (extents.length === 2) return layout(1, extents[0]!, extents[1]!, 'CHW');
  const size = extents.reduce((product, extent) => product * extent, 1);
  const side = Math.round(Math.sqrt(size));
  return preprocess && size >= MIN_FLAT_PICTURE && side * side === size ? layout(1, side, side, 'CHW') : null;
}

/** Index in the flat tensor of one channel of one pixel. */
export function valueIndex(
  { width, height, channels, order }: Layout,
  row: number,
  column: number,
  channel: number,
): number {
  return order === 'CHW' ? (channel * height + row) * width + column : (row * width + column) * channels + channel;
}

/** Brightness 0..1 of every value: in the units after `scale` where preprocessing is known, else between the least and the greatest value. */
export function brightness(
  layout: Layout,
  preprocess: Preprocess | null,
  ...tensors: readonly Float32Array[]
): Float32Array[] {
  const plane = layout.width * layout.height;
  const channelOf = (index: number) => (layout.order === 'CHW' ? Math.floor(index / plane) : index % layout.channels);
  if (preprocess) {
    const perChannel = (values: readonly number[], channel: number) => values[values.length > 1 ? channel : 0]!;
    const scaled = tensors.map(tensor =>
      tensor.map(
        (value, index) =>
          value * perChannel(preprocess.std, channelOf(index)) + perChannel(preprocess.mean, channelOf(index)),
      ),
    );
    // Data that is not scaled to 0..1 is in bytes.
    const full = scaled.some(tensor => tensor.some(value => value > 2)) ? 255 : 1;
    return scaled.map(tensor => tensor.map(value => value / full));
  }
  let least = Infinity;
  let greatest = -Infinity;
  for (const tensor of tensors)
    for (const value of tensor) {
      least = Math.min(least, value);
      greatest = Math.max(greatest, value);
    }
  const span = greatest - least || 1;
  return tensors.map(tensor => tensor.map(value => (value - least) / span));
}

/** RGBA bytes of a picture, one pixel of the input each. */
export function photograph(layout: Layout, bright: Float32Array): Uint8ClampedArray {
  return paint(layout, (row, column) =>
    [0, 1, 2].map(channel => 255 * bright[valueIndex(layout, row, column, layout.channels === 3 ? channel : 0)]!),
  );
}

/** Blue for less, orange for more, near-white for the same: told apart with any colour vision, and in greys by the legend's signs. */
const LESS = [5, 97, 166];
const SAME = [247, 247, 247];
const MORE = [214, 88, 0];

/** RGBA bytes of a signed difference; `scale` is what full colour stands for. Channels are averaged. */
export function differencePicture(layout: Layout, difference: Float32Array, scale: number): Uint8ClampedArray {
  return paint(layout, (row, column) => {
    let sum = 0;
    for (let channel = 0; channel < layout.channels; channel++)
      sum += difference[valueIndex(layout, row, column, channel)]!;
    return differenceColour(sum / layout.channels / scale);
  });
}

/** Colour of a difference between −1 and 1. */
export function differenceColour(difference: number): number[] {
  const strength = Math.min(1, Math.abs(difference) || 0);
  const end = difference < 0 ? LESS : MORE;
  return SAME.map((same, channel) => same + strength * (end[channel]! - same));
}

function paint({ width, height }: Layout, colour: (row: number, column: number) => number[]): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const at = 4 * (row * width + column);
      pixels.set(colour(row, column), at);
      pixels[at + 3] = 255;
    }
  return pixels;
}

/** How far two inputs are apart. */
export interface Distance {
  readonly changed: number;
  readonly largest: number;
  readonly euclidean: number;
  readonly sum: number;
}

export function distance(difference: Float32Array): Distance {
  let changed = 0;
  let largest = 0;
  let squares = 0;
  let sum = 0;
  for (const value of difference) {
    const size = Math.abs(value);
    if (size > 0) changed++;
    largest = Math.max(largest, size);
    squares += size * size;
    sum += size;
  }
  return { changed, largest, euclidean: Math.sqrt(squares), sum };
}
