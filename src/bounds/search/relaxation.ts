import { assert } from '../../base/assert';
import type { ActivationNode, MaxPoolNode } from '../../network/network';
import { constant, type Expression } from '../../tensor/expression';
import { add, div, greater, greaterOrEqual, min, mul, neg, sigmoid, sub, tanh, where } from '../../tensor/operators';
import { above, below, slopeOf, valueOf, type Curve, type Side } from './curves';
import type { Interval } from './problem';

/** Lines below and above each activation, as expressions of the variables that may be moved. All shapes are [boxes, rows or 1, size]. */

export interface Line {
  readonly slope: Expression;
  /** Null where it is 0 everywhere. */
  readonly intercept: Expression | null;
}

export interface Lines {
  readonly below: Line;
  readonly above: Line;
}

/** Bounds of a node's inputs as expressions, [boxes, 1, size]. */
export interface IntervalExpression {
  readonly lower: Expression;
  readonly upper: Expression;
}

export function intervalConstant(interval: Interval, boxes: number): IntervalExpression {
  const shape = [boxes, 1, interval.lower.length / boxes];
  return {
    lower: constant(Float32Array.from(interval.lower), shape),
    upper: constant(Float32Array.from(interval.upper), shape),
  };
}

/** CROWN's own choice of the lower slope: 1 where the positive side is the longer one. */
export function initialSlope(interval: Interval): Float32Array {
  return Float32Array.from(interval.lower, (l, i) => (interval.upper[i] >= -l ? 1 : 0));
}

/**
 * Relu and LeakyRelu (negative slope a ≤ 1, so convex): the chord above, and below a line through 0 with slope a + (1 − a)·choice, the
 * choice in [0, 1]. Exact where the sign is known.
 */
export function rectifierLines(node: ActivationNode, interval: IntervalExpression, choice: Expression): Lines {
  const a = node.slope;
  assert(a <= 1, () => `${node.name}: a LeakyRelu with slope ${a} above 1 is not convex`);
  const { lower, upper } = interval;
  const isOn = greaterOrEqual(lower, 0);
  const isOff = greaterOrEqual(0, upper);
  // The divisor is made harmless where the quotient is not used, else 0/0 would reach the gradient.
  const width = where(greater(min(neg(lower), upper), 0), sub(upper, lower), 1);
  const chord = div(sub(upper, mul(lower, a)), width);
  const lift = div(mul(mul(lower, upper), a - 1), width);
  const known = (unstable: Expression, on: number, off: number): Expression =>
    where(isOn, on, where(isOff, off, unstable));
  const slope = a === 0 ? choice : add(mul(choice, 1 - a), a);
  return {
    below: { slope: known(slope, 1, a), intercept: null },
    above: { slope: known(chord, 1, a), intercept: known(lift, 0, 0) },
  };
}

/** Sigmoid and Tanh: tangents whose points are moved by `choiceBelow` and `choiceAbove` in [0, 1] between the outermost ones that are valid. */
export class CurveLines {
  private readonly sides: { below: Side[]; above: Side[] };

  constructor(
    private readonly curve: Curve,
    private readonly interval: Interval,
    private readonly boxes: number,
  ) {
    const sides = (side: typeof below): Side[] =>
      Array.from(interval.lower, (l, i) => side(curve, l, interval.upper[i]));
    this.sides = { below: sides(below), above: sides(above) };
  }

  /** The choice that puts the tangent at the middle of the interval, or as near as is valid. */
  initialChoice(side: 'below' | 'above'): Float32Array {
    return Float32Array.from(this.sides[side], ({ first, last }, i) => {
      const middle = 0.5 * (this.interval.lower[i] + this.interval.upper[i]);
      return last > first ? Math.min(1, Math.max(0, (middle - first) / (last - first))) : 0;
    });
  }

  lines(choiceBelow: Expression, choiceAbove: Expression): Lines {
    return { below: this.line('below', choiceBelow), above: this.line('above', choiceAbove) };
  }

  /** Where the tangent of a choice touches; NaN for a chord. `choice` holds `rows` rows for each box. */
  points(side: 'below' | 'above', choice: Float32Array, rows: number): Float32Array {
    const size = this.interval.lower.length / this.boxes;
    return choice.map((t, k) => {
      const box = Math.floor(k / (rows * size));
      const { isChord, first, last } = this.sides[side][box * size + (k % size)];
      return isChord ? NaN : first + Math.min(1, Math.max(0, t)) * (last - first);
    });
  }

  private line(side: 'below' | 'above', choice: Expression): Line {
    const { curve, interval } = this;
    const sides = this.sides[side];
    const shape = [this.boxes, 1, sides.length / this.boxes];
    const perNeuron = (value: (side: Side, l: number, u: number) => number): Expression =>
      constant(Float32Array.from(sides, (each, i) => value(each, interval.lower[i], interval.upper[i])), shape); // prettier-ignore
    const chord = (l: number, u: number): number =>
      u - l > 1e-9 ? (valueOf(curve, u) - valueOf(curve, l)) / (u - l) : slopeOf(curve, l);
    const chordSlope = perNeuron((_, l, u) => chord(l, u));
    const chordIntercept = perNeuron((_, l, u) => valueOf(curve, l) - chord(l, u) * l);
    const isChord = greater(perNeuron(each => Number(each.isChord)), 0); // prettier-ignore
    const point = add(perNeuron(each => each.first), mul(choice, perNeuron(each => each.last - each.first))); // prettier-ignore
    const y = curve === 'tanh' ? tanh(point) : sigmoid(point);
    const slope = curve === 'tanh' ? sub(1, mul(y, y)) : mul(y, sub(1, y));
    return {
      slope: where(isChord, chordSlope, slope),
      intercept: where(isChord, chordIntercept, sub(y, mul(slope, point))),
    };
  }
}

/**
 * Max pooling, with nothing to choose: below, the entry with the largest lower bound; above, the largest upper bound, or that same entry where
 * no other can exceed it. As weights on the windows' entries, which lie one after the other.
 */
export function maxPoolLines(
  node: MaxPoolNode,
  interval: Interval,
  boxes: number,
): { below: Float32Array; above: Float32Array; ceiling: Float32Array } {
  const entries = node.column.length;
  const size = interval.lower.length / boxes;
  const lines = {
    below: new Float32Array(boxes * entries),
    above: new Float32Array(boxes * entries),
    ceiling: new Float32Array(boxes * node.size),
  };
  for (let box = 0; box < boxes; box++) {
    for (let row = 0; row < node.size; row++) {
      let best = node.rowStart[row];
      for (let k = best; k < node.rowStart[row + 1]; k++) {
        if (interval.lower[box * size + node.column[k]] > interval.lower[box * size + node.column[best]]) best = k;
      }
      const floor = interval.lower[box * size + node.column[best]];
      let ceiling = -Infinity;
      let rival = -Infinity;
      for (let k = node.rowStart[row]; k < node.rowStart[row + 1]; k++) {
        const upper = interval.upper[box * size + node.column[k]];
        ceiling = Math.max(ceiling, upper);
        if (node.column[k] !== node.column[best]) rival = Math.max(rival, upper);
      }
      lines.below[box * entries + best] = 1;
      if (rival <= floor) lines.above[box * entries + best] = 1;
      else lines.ceiling[box * node.size + row] = ceiling;
    }
  }
  return lines;
}
