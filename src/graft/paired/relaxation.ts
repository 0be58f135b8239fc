import { ROUNDING } from '../../base/rounding';
import { newRelaxation, relax, type Relaxation } from '../../bounds/graph/relaxation';
import type { ActivationNode } from '../../network/network';
import type { Graft } from '../../train/grafted-network';
import { slopesOn, type PairBounds } from './intervals';

/** Lines around one activation of both networks. Slopes are arbitrary; intercepts are rounded to the safe side (docs/rounding.md, section 2). */
export interface PairRelaxation {
  /** σ(y), y what f's neuron reads. */
  readonly base: Relaxation;
  /** σ(z), z what g's neuron reads. */
  readonly grafted: Relaxation;
  /** σ(y + d) − σ(y), by d. */
  readonly difference: Relaxation;
  /** How far the lines leave each of the three uncertain, for choosing among sound bounds. */
  readonly slack: { readonly base: Float64Array; readonly grafted: Float64Array; readonly difference: Float64Array };
  readonly graft: Graft | null;
}

export function relaxPair(node: ActivationNode, graft: Graft | undefined, bounds: PairBounds): PairRelaxation {
  const [input] = node.inputs;
  const { size } = node;
  const result: PairRelaxation = {
    base: newRelaxation(size),
    grafted: newRelaxation(size),
    difference: newRelaxation(size),
    slack: { base: new Float64Array(size), grafted: new Float64Array(size), difference: new Float64Array(size) },
    graft: graft ?? null,
  };
  relax(node, bounds.base.lower[input], bounds.base.upper[input], result.base);
  relax(node, bounds.grafted.lower[input], bounds.grafted.upper[input], result.grafted);
  for (let i = 0; i < size; i++) {
    const range = (of: 'base' | 'grafted' | 'difference'): [number, number] => [
      bounds[of].lower[input][i],
      bounds[of].upper[input][i],
    ];
    const [y, z, d] = [range('base'), range('grafted'), range('difference')];
    const [least, most] = slopesOn(node, Math.min(y[0], z[0]), Math.max(y[1], z[1]));
    differenceLines(result.difference, i, least, most, d[0], d[1]);
    const open = ([low, high]: [number, number]): number => {
      const [a, b] = slopesOn(node, low, high);
      return (b - a) * Math.max(0, Math.min(-low, high));
    };
    result.slack.base[i] = open(y);
    result.slack.grafted[i] = open(z);
    result.slack.difference[i] = (most - least) * Math.max(-d[0], d[1], 0);
  }
  return result;
}

/** m·d with m in [least, most] and d in [from, to] lies between min and max of least·d and most·d: a concave and a convex function, so chords bound them. */
function differenceLines(into: Relaxation, i: number, least: number, most: number, from: number, to: number): void {
  const above = (d: number): number => Math.max(least * d, most * d);
  const below = (d: number): number => Math.min(least * d, most * d);
  const chord = (f: (d: number) => number, right: number, left: number): number =>
    from >= 0 ? right : to <= 0 ? left : (f(to) - f(from)) / (to - from);
  const points = from < 0 && to > 0 ? [from, 0, to] : [from, to];
  const size = Math.max(Math.abs(from), Math.abs(to)) * (1 + Math.max(Math.abs(least), Math.abs(most)));
  const lost = 16 * ROUNDING.unit * size + ROUNDING.underflow;
  const set = (
    slopes: Float64Array,
    intercepts: Float64Array,
    f: (d: number) => number,
    slope: number,
    side: 1 | -1,
  ): void => {
    slopes[i] = slope;
    // On one side of 0 the function is the line itself.
    const exact = points.length === 2 && f(from) === slope * from && f(to) === slope * to;
    const gaps = points.map(d => f(d) - slope * d);
    intercepts[i] = exact ? 0 : side > 0 ? Math.max(...gaps) + lost : Math.min(...gaps) - lost;
  };
  set(into.upperSlope, into.upperIntercept, above, chord(above, most, least), 1);
  set(into.lowerSlope, into.lowerIntercept, below, chord(below, least, most), -1);
}
