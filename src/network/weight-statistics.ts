import type { WeightStatistics } from './model-types';

/** Numbers of bins of a histogram. */
export const bins = 40;

/** Goes through a tensor from its begin to its end in parts of any size; it is called twice. */
export type Parts = () => AsyncIterable<Float64Array>;

/** Statistics of a tensor of any size: only one part of it is held at a time. */
export async function weightStatistics(parts: Parts): Promise<WeightStatistics> {
  const moments = new Moments();
  for await (const part of parts()) moments.add(part);
  const { count, zeros, notFinite, smallest, largest } = moments;
  if (count === notFinite) return { count, zeros, notFinite, spread: null };
  const histogram = new Array<number>(bins).fill(0);
  const width = largest / bins - smallest / bins;
  for await (const part of parts())
    for (let k = 0; k < part.length; k++) {
      const value = part[k];
      // NaN and infinities fail this comparison.
      if (!(value - value === 0)) continue;
      const bin = width > 0 ? Math.floor((value - smallest) / width) : 0;
      histogram[bin < bins ? bin : bins - 1]++;
    }
  const spread = { smallest, largest, mean: moments.mean, deviation: moments.deviation, histogram };
  return { count, zeros, notFinite, spread };
}

/** Mean and deviation by parts (Chan, Golub, LeVeque 1979): exact sums of squares of large tensors would cancel. */
class Moments {
  count = 0;
  zeros = 0;
  notFinite = 0;
  smallest = Infinity;
  largest = -Infinity;
  mean = 0;
  private squares = 0;

  get deviation(): number {
    return Math.sqrt(this.squares / (this.count - this.notFinite));
  }

  add(part: Float64Array): void {
    let [sum, finite] = [0, 0];
    for (let k = 0; k < part.length; k++) {
      const value = part[k];
      if (!(value - value === 0)) {
        this.notFinite++;
        continue;
      }
      finite++;
      sum += value;
      if (value === 0) this.zeros++;
      if (value < this.smallest) this.smallest = value;
      if (value > this.largest) this.largest = value;
    }
    const before = this.count - this.notFinite + (part.length - finite);
    this.count += part.length;
    if (finite === 0) return;
    const mean = sum / finite;
    let squares = 0;
    for (let k = 0; k < part.length; k++) {
      const away = part[k] - mean;
      if (away - away === 0) squares += away * away;
    }
    const all = before + finite;
    const gap = mean - this.mean;
    this.mean += (gap * finite) / all;
    this.squares += squares + (gap * gap * before * finite) / all;
  }
}
