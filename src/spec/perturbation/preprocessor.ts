import { nextDown, nextUp } from '../numbers/float';
import type { Limit } from '../numbers/decimal';
import { limitOf } from '../numbers/decimal';
import { add, compare, divide, fromNumber, multiply, subtract, type Rational } from '../numbers/rational';
import type { Written } from '../numbers/written';
import type { Box } from '../question';
import type { Geometry } from './geometry';
import type { Neighbourhood, Preprocessing } from './spec';

/**
 * Relative error of the float64 evaluation of (min(max(x·scale ± ε, lo), hi) − mean)/std, in terms of (|x·scale| + ε + |mean|)/std. Counting a
 * factor 1 + 2^-53 for every constant that was rounded to float64 and for every operation, |x·scale| passes through six of them (scale, product,
 * sum, difference, std, quotient), ε through five and mean through four; 2^-50 is eight, which also covers the terms of second order and the
 * rounding of the bound itself.
 */
const RELATIVE_ERROR = 2 ** -50;

/** Which way a value is perturbed: not at all, down by ε, or up by ε. */
type Direction = -1 | 0 | 1;

/** Values of a sample outside of a clip range: the one that is farthest out, and how many there are. */
export interface OutsideClip {
  /** Index into the sample. */
  readonly index: number;
  /** The value in the units of the range. */
  readonly scaled: number;
  readonly side: 'below' | 'above';
  /** How far it is out, in these units. */
  readonly by: number;
  readonly count: number;
}

/** From raw samples to the model's tensors, and to the boxes of what a perturbation makes of them. */
export class Preprocessor {
  constructor(
    private readonly preprocess: Preprocessing,
    private readonly geometry: Geometry,
  ) {}

  /** The model's input for a sample: fl((x·scale − mean)/std), rounded once, in the model's order. */
  modelInput(values: Float64Array): Float32Array {
    const input = new Float32Array(values.length);
    for (let i = 0; i < input.length; i++) input[i] = this.edge(values, i, null, 0).single;
    return input;
  }

  /** The ends of a range of the data, given in units after scaling, in the model's units and order: nearest float32 numbers. */
  range(ends: readonly [Written, Written]): { lower: Float32Array; upper: Float32Array } {
    const { size, channels } = this.geometry;
    const perChannel = ends.map(({ exact }) =>
      Array.from({ length: channels }, (_, channel) => {
        const [mean, std] = [this.preprocess.mean, this.preprocess.std].map(
          values => values[values.length === 1 ? 0 : channel].exact,
        );
        return limitOf(divide(subtract(exact, mean), std)).single;
      }),
    );
    const [lower, upper] = perChannel.map(single =>
      Float32Array.from({ length: size }, (_, i) => single[this.geometry.channel(i)]),
    );
    return { lower, upper };
  }

  /** The values that lie outside of the check's clip range; null when there are none. */
  outsideClip(values: Float64Array, check: Neighbourhood): OutsideClip | null {
    const { clip } = check;
    if (!clip) return null;
    const [low, high] = clip;
    const { scale } = this.preprocess;
    let found: OutsideClip | null = null;
    values.forEach((x, index) => {
      const scaled = x * scale.value;
      // Rounding may decide only what is clear in spite of it; 255 · (1/255) is exactly 1.
      const error = Math.abs(scaled) * RELATIVE_ERROR;
      if (scaled - error > low.value && scaled + error < high.value) return;
      const exact = multiply(fromNumber(x), scale.exact);
      const below = compare(exact, low.exact) < 0;
      if (!below && compare(exact, high.exact) <= 0) return;
      const by = below ? low.value - scaled : scaled - high.value;
      const count = (found?.count ?? 0) + 1;
      if (found === null || by > found.by) found = { index, scaled, side: below ? 'below' : 'above', by, count };
      else found = { ...found, count };
    });
    return found;
  }

  /**
   * The box of a check around a sample. For every exact x' with |x'·scale − x·scale| ≤ ε inside the clip range it contains (x'·scale −
   * mean)/std and the float32 number nearest to that, which is what a program would hand to the model: the map is increasing in x', so
   * its values at both ends, rounded outward, are enough. The float32 ends themselves are exactly the nearest float32 numbers.
   */
  box(values: Float64Array, check: Neighbourhood): Box {
    const size = values.length;
    const box = {
      lower: new Float64Array(size),
      upper: new Float64Array(size),
      lowerPoint: new Float32Array(size),
      upperPoint: new Float32Array(size),
      writtenLower: new Float64Array(size),
      writtenUpper: new Float64Array(size),
    };
    for (let i = 0; i < size; i++) {
      const low = this.edge(values, i, check, -1);
      const high = this.edge(values, i, check, 1);
      box.writtenLower[i] = low.down;
      box.writtenUpper[i] = high.up;
      box.lowerPoint[i] = low.single;
      box.upperPoint[i] = high.single;
      box.lower[i] = Math.min(low.down, low.single);
      box.upper[i] = Math.max(high.up, high.single);
    }
    return box;
  }

  /** The radius of a check around every value, in units after scaling: `epsilon[k]` for the value at index i of the model's input. */
  private epsilon(check: Neighbourhood, i: number): Written {
    return check.epsilon.length === 1
      ? check.epsilon[0]
      : check.epsilon[this.geometry.epsilonIndex(i, check.epsilon.length)];
  }

  /** One end of the interval of value i of the model's input (or its middle, for direction 0). */
  private edge(values: Float64Array, i: number, check: Neighbourhood | null, direction: Direction): Limit {
    const { scale } = this.preprocess;
    const x = values[this.geometry.dataIndex(i)];
    const mean = this.channelValue(this.preprocess.mean, i);
    const std = this.channelValue(this.preprocess.std, i);
    const epsilon = check === null ? 0 : this.epsilon(check, i).value;
    const clip = check?.clip?.[direction < 0 ? 0 : 1];

    const scaled = x * scale.value;
    let value = scaled + direction * epsilon;
    let magnitude = Math.abs(scaled) + epsilon + Math.abs(mean.value);
    if (clip && (direction < 0 ? value < clip.value : value > clip.value)) {
      const clear = Math.abs(value - clip.value) > (magnitude + Math.abs(clip.value)) * RELATIVE_ERROR;
      value = clip.value;
      // Where the clip range decides, only its own rounding counts: a grey level of 0 stays exactly 0.
      if (clear) magnitude = Math.abs(clip.value) + Math.abs(mean.value);
    }
    value = (value - mean.value) / std.value;
    // The constant covers operations that underflow, whose error is not relative.
    const error = magnitude === 0 ? 0 : (magnitude * RELATIVE_ERROR) / std.value + 2 ** -1060;
    const down = error === 0 ? value : nextDown(value - error);
    const up = error === 0 ? value : nextUp(value + error);
    const single = Math.fround(down);
    if (single === Math.fround(up)) return { down, up, single };
    return limitOf(this.exactEdge(x, i, check, direction));
  }

  /** The same without rounding, for the few values that float64 leaves between two float32 numbers. */
  private exactEdge(x: number, i: number, check: Neighbourhood | null, direction: Direction): Rational {
    let value = multiply(fromNumber(x), this.preprocess.scale.exact);
    if (check !== null && direction !== 0) {
      const epsilon = this.epsilon(check, i).exact;
      value = direction < 0 ? subtract(value, epsilon) : add(value, epsilon);
      const clip = check.clip?.[direction < 0 ? 0 : 1].exact;
      if (clip && Math.sign(compare(value, clip)) === direction) value = clip;
    }
    return divide(
      subtract(value, this.channelValue(this.preprocess.mean, i).exact),
      this.channelValue(this.preprocess.std, i).exact,
    );
  }

  private channelValue(values: readonly Written[], i: number): Written {
    return values.length === 1 ? values[0] : values[this.geometry.channel(i)];
  }
}
