import { gamma, inflate, ROUNDING } from '../base/rounding';
import type { Intervals } from './layer-intervals';
import type { Coupling } from './opened-network';
import type { PerturbedLayer } from './perturbed-layer';

/**
 * What the chosen parameters of a layer, each between bounds a and b of its own, can add to its outputs `rows`: Σ min(a·u, b·u) ≤ e ≤ Σ max(a·u, b·u). Where u
 * is never negative these sums are linear in u, A·u ≤ e ≤ B·u, and no product is left. Where it may be, their envelopes over the interval of u take
 * their place: max is convex in u and stays below its chord, min is concave and stays above its own (McCormick's envelopes of δ·u with δ projected out).
 * Inputs `offset`, `offset` + 1, … stand for e; `reads` is the node that gives u, `bounds` holds its intervals.
 */
export function couplingOf(
  { terms, lower, upper }: PerturbedLayer,
  reads: number,
  bounds: Intervals,
  rows: readonly number[],
  offset: number,
  chosen: (parameter: number) => boolean,
): Coupling {
  const rowStart = new Int32Array(rows.length + 1);
  const column: number[] = [];
  const low: number[] = [];
  const high: number[] = [];
  const lowerConstant = new Float64Array(rows.length);
  const upperConstant = new Float64Array(rows.length);
  rows.forEach((row, k) => {
    const count = terms.rowStart[row + 1] - terms.rowStart[row];
    const slack = gamma(count + 24) + terms.factorError;
    const entries = new Map<number, [number, number]>();
    for (let t = terms.rowStart[row]; t < terms.rowStart[row + 1]; t++) {
      const p = terms.parameter[t];
      if (!chosen(p)) continue;
      const [a, b] = [terms.factor[t] * lower[p], terms.factor[t] * upper[p]];
      const entry = entries.get(terms.column[t]) ?? [0, 0];
      const [l, u] = [Math.min(a, b), Math.max(a, b)];
      entries.set(terms.column[t], [entry[0] + l - Math.abs(l) * slack, entry[1] + u + Math.abs(u) * slack]);
    }
    const below = new RoundedSum();
    const above = new RoundedSum();
    for (const [c, [a, b]] of entries) {
      if (a === 0 && b === 0) continue;
      if (c < 0) {
        below.add(a);
        above.add(b);
        continue;
      }
      column.push(c);
      if (bounds.lower[c] >= 0) {
        low.push(a);
        high.push(b);
        continue;
      }
      const over = chordAbove(a, b, bounds.lower[c], bounds.upper[c]);
      const under = chordAbove(-a, -b, bounds.lower[c], bounds.upper[c]);
      low.push(-under.slope);
      high.push(over.slope);
      below.add(-under.constant);
      above.add(over.constant);
    }
    lowerConstant[k] = below.lower;
    upperConstant[k] = above.upper;
    rowStart[k + 1] = column.length;
  });
  return {
    reads,
    columns: Int32Array.from(rows, (_, k) => offset + k),
    rowStart,
    column: Int32Array.from(column),
    lower: Float64Array.from(low),
    upper: Float64Array.from(high),
    lowerConstant,
    upperConstant,
  };
}

/** A line that is at least max(a·u, b·u) for all u from `from` to `to`: as the maximum is convex, being so at both ends is enough, whatever the slope. */
function chordAbove(a: number, b: number, from: number, to: number): { slope: number; constant: number } {
  const steepest = Math.max(Math.abs(a), Math.abs(b));
  const [atFrom, atTo] = [Math.max(a * from, b * from), Math.max(a * to, b * to)];
  const chord = to > from ? (atTo - atFrom) / (to - from) : 0;
  const slope = Math.min(steepest, Math.max(-steepest, chord));
  const size = steepest * Math.max(Math.abs(from), Math.abs(to));
  const constant = Math.max(atFrom - slope * from, atTo - slope * to);
  return { slope, constant: constant + inflate(8 * ROUNDING.unit * size) };
}

/** A sum with bounds of its exact value. */
class RoundedSum {
  private sum = 0;
  private size = 0;
  private count = 0;

  add(term: number): void {
    this.sum += term;
    this.size += Math.abs(term);
    this.count++;
  }

  get lower(): number {
    return this.count < 2 ? this.sum : this.sum - this.lost;
  }

  get upper(): number {
    return this.count < 2 ? this.sum : this.sum + this.lost;
  }

  private get lost(): number {
    return inflate(gamma(this.count) * this.size);
  }
}
