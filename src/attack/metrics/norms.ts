/** How far adversarial inputs are from their originals. */

export interface Change {
  readonly original: ArrayLike<number>;
  readonly input: ArrayLike<number>;
}

/** How the values of an input make up pixels: which values belong to one. A value is a pixel of its own unless a layout says otherwise. */
export interface PixelLayout {
  readonly channels: number;
  /** `CHW`: one channel after the other; `HWC`: one pixel after the other. */
  readonly order: 'CHW' | 'HWC';
}

export interface Norms {
  /** Values that differ. */
  readonly values: number;
  /** Pixels that differ in any channel, and their part of all, in percent. */
  readonly pixels: number;
  readonly pixelPercent: number;
  readonly one: number;
  readonly two: number;
  readonly inf: number;
}

const ONE_CHANNEL: PixelLayout = { channels: 1, order: 'CHW' };

/** All norms of one change. The number of values has to be a multiple of the channels. */
export function normsOf({ original, input }: Change, { channels, order }: PixelLayout = ONE_CHANNEL): Norms {
  const count = original.length / channels;
  const pixels = new Set<number>();
  let [values, one, squares, inf] = [0, 0, 0, 0];
  for (let i = 0; i < original.length; i++) {
    const difference = Math.abs(input[i] - original[i]);
    if (difference === 0) continue;
    values++;
    one += difference;
    squares += difference * difference;
    inf = Math.max(inf, difference);
    pixels.add(order === 'CHW' ? i % count : Math.floor(i / channels));
  }
  return { values, pixels: pixels.size, pixelPercent: (100 * pixels.size) / count, one, two: Math.sqrt(squares), inf };
}

export interface Spread {
  readonly largest: number;
  readonly mean: number;
  readonly median: number;
}

/** Largest, mean and median; NaN of no values. The median of an even number is the mean of the two in the middle. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  const sum = sorted.reduce((total, each) => total + each, 0);
  return { largest: sorted.length === 0 ? NaN : sorted[sorted.length - 1], mean: sum / sorted.length, median };
}

/** The spread of every norm over a set of changes. */
export function normSpreads(changes: readonly Change[], layout?: PixelLayout): Readonly<Record<keyof Norms, Spread>> {
  const norms = changes.map(each => normsOf(each, layout));
  const of = (norm: keyof Norms): Spread => spreadOf(norms.map(each => each[norm]));
  return {
    values: of('values'),
    pixels: of('pixels'),
    pixelPercent: of('pixelPercent'),
    one: of('one'),
    two: of('two'),
    inf: of('inf'),
  };
}
