import type { ElementType } from './element-type';
import { pick } from './index-maps';
import { sizeOf } from './tensor';

/** Numbers with a bound on how far each may be from the exact number it stands for; `error` null means all are exact. */
export interface Values {
  readonly values: Float64Array;
  readonly error: Float64Array | null;
}

/**
 * A tensor that does not depend on the network's input. Its numbers are computed when they are first asked for, so that looking at a
 * model's shapes touches no weights.
 */
export class Constant implements Values {
  private computed: Values | null = null;

  constructor(
    readonly shape: readonly number[],
    readonly type: ElementType,
    private readonly compute: () => Values,
  ) {}

  /** A constant whose numbers are at hand and exact. */
  static of(shape: readonly number[], type: ElementType, values: Float64Array | readonly number[]): Constant {
    const exact = { values: Float64Array.from(values), error: null };
    return new Constant(shape, type, () => exact);
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get values(): Float64Array {
    return (this.computed ??= this.compute()).values;
  }

  get error(): Float64Array | null {
    return (this.computed ??= this.compute()).error;
  }

  /** The same numbers under another shape. */
  reshaped(shape: readonly number[]): Constant {
    return new Constant(shape, this.type, () => this);
  }

  /** Picks elements: the new element i is the old element map[i]; where map[i] is -1 it is `fill`. */
  picked(shape: readonly number[], map: () => Int32Array, fill = 0): Constant {
    return new Constant(shape, this.type, () => {
      const places = map();
      return { values: pick(this.values, places, fill), error: this.error && pick(this.error, places) };
    });
  }
}
