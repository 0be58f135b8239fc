import type { Cells } from '../kit/cells';

/** How the neurons of a layer are laid out, and summed up: each by itself, by channel, or by pixel. */
export const VIEWS = ['neurons', 'channels', 'pixels'] as const;
export type View = (typeof VIEWS)[number];

/** Channels and pixels of a layer; a layer of units has one pixel. */
export function extentsOf(shape: readonly number[]): { channels: number; height: number; width: number } {
  const [channels = 1, height = 1, ...rest] = shape;
  return { channels, height, width: rest.reduce((product, extent) => product * extent, 1) };
}

/** The mean over what one cell of a view stands for, of numbers per neuron. */
export function summed(shape: readonly number[], view: View, values: ArrayLike<number>): Float32Array {
  const { channels, height, width } = extentsOf(shape);
  const area = height * width;
  // Units stay by themselves: all of them at one pixel would say nothing.
  if (view === 'neurons' || area === 1) return Float32Array.from(values);
  const result = new Float32Array(view === 'channels' ? channels : area);
  for (let i = 0; i < values.length; i++)
    if (view === 'channels') result[Math.floor(i / area)]! += values[i]! / area;
    else result[i % area]! += values[i]! / channels;
  return result;
}

/** Where the cells of a view lie: channels as tiles beside each other with a line between, units wrapped into rows. */
export function arrange(shape: readonly number[], view: View, most: number): Cells {
  const { channels, height, width } = extentsOf(shape);
  const area = height * width;
  if (view === 'pixels' && area > 1) return grid(area, width);
  if (view === 'channels' || area === 1)
    return grid(channels, Math.min(channels, Math.max(8, wrapped(channels, most))));
  const across = Math.min(channels, Math.max(1, Math.floor((most + 1) / (width + 1))));
  const down = Math.ceil(channels / across);
  const cells = { width: across * (width + 1) - 1, height: down * (height + 1) - 1 };
  const place = new Int32Array(cells.width * cells.height).fill(-1);
  for (let i = 0; i < channels * area; i++) {
    const channel = Math.floor(i / area);
    const [row, column] = [Math.floor((i % area) / width), i % width];
    const y = Math.floor(channel / across) * (height + 1) + row;
    const x = (channel % across) * (width + 1) + column;
    place[y * cells.width + x] = i;
  }
  return { ...cells, place };
}

/** Cells in a row when `count` are wrapped: about four times as wide as high. */
function wrapped(count: number, most: number): number {
  return Math.min(most, Math.ceil(Math.sqrt(4 * count)));
}

function grid(count: number, width: number): Cells {
  const height = Math.ceil(count / width);
  const place = new Int32Array(width * height).fill(-1);
  for (let i = 0; i < count; i++) place[i] = i;
  return { width, height, place };
}

/** `channel 3, row 4, column 5`, or `unit 17`. */
export function placeName(shape: readonly number[], view: View, index: number): string {
  const { height, width } = extentsOf(shape);
  const area = height * width;
  const pixel = `row ${Math.floor((index % area) / width)}, column ${index % width}`;
  if (view === 'pixels' && area > 1) return pixel;
  if (area === 1) return `unit ${index}`;
  return view === 'channels' ? `channel ${index}` : `channel ${Math.floor(index / area)}, ${pixel}`;
}
