import { ROUNDING } from '../../base/rounding';
import type { ActivationNode } from '../../network/network';
import { TRANSCENDENTAL } from '../tolerances';

/** Two lines around an activation on [l, u]: lowerSlope·y + lowerIntercept ≤ σ(y) ≤ upperSlope·y + upperIntercept, per neuron. */
export interface Relaxation {
  readonly lowerSlope: Float64Array;
  readonly lowerIntercept: Float64Array;
  readonly upperSlope: Float64Array;
  readonly upperIntercept: Float64Array;
}

export function newRelaxation(size: number): Relaxation {
  return {
    lowerSlope: new Float64Array(size),
    lowerIntercept: new Float64Array(size),
    upperSlope: new Float64Array(size),
    upperIntercept: new Float64Array(size),
  };
}

/** Upper and lower value of σ(y) − slope·y over [l, u], certified. Any slope may be asked for: that is what makes every slope sound. */
type Deviation = (slope: number, l: number, u: number) => { low: number; high: number };

/** σ at one point, as an interval that contains the exact value. */
export function activationRange(node: ActivationNode, y: number): { low: number; high: number } {
  switch (node.kind) {
    case 'relu':
    case 'leakyRelu': {
      const z = y >= 0 ? y : node.slope * y;
      const lost = y >= 0 || node.slope === 0 ? 0 : Math.abs(z) * 2 * ROUNDING.unit + ROUNDING.underflow;
      return { low: z - lost, high: z + lost };
    }
    case 'sigmoid':
    case 'tanh': {
      const z = node.kind === 'tanh' ? Math.tanh(y) : sigmoid(y);
      return { low: z - TRANSCENDENTAL.error, high: z + TRANSCENDENTAL.error };
    }
  }
}

function sigmoid(y: number): number {
  return y >= 0 ? 1 / (1 + Math.exp(-y)) : Math.exp(y) / (1 + Math.exp(y));
}

/** (Leaky) ReLU minus a line is linear on either side of 0: its extremes are at the ends and at 0. */
function piecewiseDeviation(negativeSlope: number): Deviation {
  return (slope, l, u) => {
    let low = Infinity;
    let high = -Infinity;
    for (const y of l < 0 && u > 0 ? [l, 0, u] : [l, u]) {
      const g = (y >= 0 ? 1 - slope : negativeSlope - slope) * y;
      const lost =
        8 * ROUNDING.unit * (Math.abs(g) + Math.abs(y) * ROUNDING.unit * (1 + Math.abs(slope))) +
        (g === 0 ? 0 : ROUNDING.underflow);
      low = Math.min(low, g - lost);
      high = Math.max(high, g + lost);
    }
    return { low, high };
  };
}

/** Where σ' equals `slope`, for 0 < slope < σ'(0): ±this. */
function stationaryPoint(kind: 'sigmoid' | 'tanh', slope: number): number {
  if (kind === 'tanh') return Math.atanh(Math.sqrt(1 - slope));
  // σ(1−σ) = d has the roots (1 ± √(1−4d))/2; the logit of the larger is 2·atanh(√(1−4d)).
  return 2 * Math.atanh(Math.sqrt(1 - 4 * slope));
}

/** Smaller slopes leave √(1 − slope) no digits: where σ' equals them cannot be computed from it. */
const SMALLEST_SLOPE = 1e-15;

function smoothDeviation(kind: 'sigmoid' | 'tanh'): Deviation {
  const value = kind === 'tanh' ? Math.tanh : sigmoid;
  const steepest = kind === 'tanh' ? 1 : 0.25;
  return (slope, l, u) => {
    if (slope > 0 && slope < SMALLEST_SLOPE) {
      // σ lies between its ends and so does the line: their difference needs no stationary point, and is as good as exact on any usual range.
      const lost = TRANSCENDENTAL.error + 4 * ROUNDING.unit * slope * Math.max(Math.abs(l), Math.abs(u));
      return { low: value(l) - slope * u - lost, high: value(u) - slope * l + lost };
    }
    const points = [l, u];
    if (slope > 0 && slope < steepest) {
      const y = stationaryPoint(kind, slope);
      if (Number.isFinite(y)) for (const at of [-y, y]) if (at > l && at < u) points.push(at);
    }
    let low = Infinity;
    let high = -Infinity;
    for (const y of points) {
      const line = slope * y;
      const g = value(y) - line;
      const lost = TRANSCENDENTAL.error + 4 * ROUNDING.unit * Math.abs(line);
      low = Math.min(low, g - lost);
      high = Math.max(high, g + lost);
    }
    return { low, high };
  };
}

/** σ of a Sigmoid or Tanh node at one point, in plain float64. */
export function curveValue(node: ActivationNode, y: number): number {
  return node.kind === 'tanh' ? Math.tanh(y) : sigmoid(y);
}

/** The point at or above 0 where a Sigmoid's or Tanh's slope is nearest to `slope`; infinite where there is none. */
export function curvePoint(node: ActivationNode, slope: number): number {
  const kind = node.kind === 'tanh' ? 'tanh' : 'sigmoid';
  if (!(slope > 0)) return Infinity;
  return slope >= (kind === 'tanh' ? 1 : 0.25) ? 0 : stationaryPoint(kind, slope);
}

export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** σ' at a point: the slope of the tangent there. */
export function chosenSlope(node: ActivationNode, point: number): number {
  if (node.kind === 'tanh') return 1 - Math.tanh(point) ** 2;
  const z = sigmoid(point);
  return z * (1 - z);
}

/** The tightest sound line of the given slope below (or above) the activation on [l, u]. */
export function lineWithSlope(node: ActivationNode, slope: number, l: number, u: number, lowerSide: boolean): Line {
  const deviation =
    node.kind === 'sigmoid' || node.kind === 'tanh' ? smoothDeviation(node.kind) : piecewiseDeviation(node.slope);
  const { low, high } = deviation(slope, l, u);
  return { slope, intercept: lowerSide ? low : high };
}

/**
 * Fills `into` for one activation node from the bounds of its inputs. `chosen` overrides the lower slopes (α of the search), NaN where it has
 * none; any value is sound, since the intercepts are computed for the slope at hand.
 */
export function relax(
  node: ActivationNode,
  lower: Float64Array,
  upper: Float64Array,
  into: Relaxation,
  chosen?: ArrayLike<number>,
): void {
  if (node.kind === 'relu' || node.kind === 'leakyRelu') relaxPiecewise(node, lower, upper, into, chosen);
  else relaxSmooth(node.kind, lower, upper, into, chosen);
}

function relaxPiecewise(
  node: ActivationNode,
  lower: Float64Array,
  upper: Float64Array,
  into: Relaxation,
  chosen?: ArrayLike<number>,
): void {
  const deviation = piecewiseDeviation(node.slope);
  const convex = node.slope <= 1;
  for (let i = 0; i < node.size; i++) {
    const l = lower[i];
    const u = upper[i];
    if (l >= 0 || u <= 0) {
      const slope = l >= 0 ? 1 : node.slope;
      into.lowerSlope[i] = slope;
      into.upperSlope[i] = slope;
      into.lowerIntercept[i] = 0;
      into.upperIntercept[i] = 0;
      continue;
    }
    const chord = (u - node.slope * l) / (u - l);
    const preferred = chosen && !Number.isNaN(chosen[i]) ? chosen[i] : u > -l === convex ? 1 : node.slope;
    // Convex: chord above, any slope below; concave (leaky slope over 1): the other way round.
    setSlopes(into, i, deviation, l, u, convex ? preferred : chord, convex ? chord : preferred);
  }
}

function setSlopes(
  into: Relaxation,
  i: number,
  deviation: Deviation,
  l: number,
  u: number,
  lowerSlope: number,
  upperSlope: number,
): void {
  into.lowerSlope[i] = lowerSlope;
  into.lowerIntercept[i] = deviation(lowerSlope, l, u).low;
  into.upperSlope[i] = upperSlope;
  into.upperIntercept[i] = deviation(upperSlope, l, u).high;
}

function relaxSmooth(
  kind: 'sigmoid' | 'tanh',
  lower: Float64Array,
  upper: Float64Array,
  into: Relaxation,
  chosen?: ArrayLike<number>,
): void {
  const deviation = smoothDeviation(kind);
  const value = kind === 'tanh' ? Math.tanh : sigmoid;
  const slopeAt = (y: number) => {
    const z = value(y);
    return kind === 'tanh' ? 1 - z * z : z * (1 - z);
  };
  for (let i = 0; i < lower.length; i++) {
    const l = lower[i];
    const u = upper[i];
    const chord = u - l > 1e-9 ? (value(u) - value(l)) / (u - l) : slopeAt((l + u) / 2);
    let down: number;
    let up: number;
    if (l >= 0) {
      down = chord;
      up = slopeAt((l + u) / 2);
    } else if (u <= 0) {
      down = slopeAt((l + u) / 2);
      up = chord;
    } else {
      // The tightest line above touches on the right side and passes through (l, σ(l)), unless the chord already lies above.
      up = slopeAt(u) >= chord ? chord : slopeAt(tangentThrough(value, slopeAt, l, u));
      down = slopeAt(l) >= chord ? chord : slopeAt(tangentThrough(value, slopeAt, u, l));
    }
    if (chosen && !Number.isNaN(chosen[i])) down = chosen[i];
    setSlopes(into, i, deviation, l, u, down, up);
  }
}

/** The point between 0 and `far` whose tangent passes through (anchor, σ(anchor)), anchor on the other side of 0; by bisection. */
function tangentThrough(
  value: (y: number) => number,
  slopeAt: (y: number) => number,
  anchor: number,
  far: number,
): number {
  let near = 0;
  let end = far;
  for (let step = 0; step < 40; step++) {
    const middle = (near + end) / 2;
    const reach = value(middle) + slopeAt(middle) * (anchor - middle);
    const beyond = anchor < 0 ? reach < value(anchor) : reach > value(anchor);
    if (beyond) near = middle;
    else end = middle;
  }
  return end;
}
