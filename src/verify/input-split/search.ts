import type { BoxBounder } from '../../bounds/bounder';
import { SEARCH } from '../../bounds/tolerances';
import { Random } from '../../base/random';
import type { Box, Constraint } from '../../spec/question';
import { clip } from './clip';
import { bestCombination } from './combine';
import { childSeed, mix, type OpenBox } from './open-box';

/** All disjuncts that share one box of inputs. */
export interface BoxProblem {
  readonly box: Box;
  /** All constraints, and per disjunct the indices of its own. */
  readonly constraints: readonly Constraint[];
  readonly disjuncts: readonly (readonly number[])[];
}

/** How a box was closed; the order is that of the ladder. */
export type LeafMethod = 'zonotope' | 'backward' | 'crown' | 'clip';

/** What one box led to. */
export type StepOutcome =
  | { readonly kind: 'closed'; readonly method: LeafMethod; readonly box: OpenBox; readonly bound: number }
  | { readonly kind: 'split'; readonly children: readonly [OpenBox, OpenBox] }
  /** Too small to split: float32 cannot tell its points apart. */
  | { readonly kind: 'stuck'; readonly box: OpenBox; readonly bound: number };

/** A float32 point whose margin in float64 says that it may be a counterexample; only a replay decides. */
export interface Candidate {
  readonly input: Float32Array;
  /** Largest margin over the rows of the most violated disjunct; ≤ 0 means violated in float64. */
  readonly margin: number;
  readonly foundBy: 'centre' | 'corner' | 'descent' | 'program';
}

/** One box in this many plus one (a power of 2 less one) starts a descent, of so many steps. */
const DESCENT_EVERY = 31;
const DESCENT_STEPS = 24;
const DESCENT_SALT = 0x5bd1e995;

type AxisRule = (width: number, coefficient: number, wholeWidth: number) => number;
const byInfluence: AxisRule = (width, coefficient) => coefficient * width;
const byLength: AxisRule = width => width;
const balanced: AxisRule = (width, coefficient, wholeWidth) => Math.sqrt(coefficient / wholeWidth) * width;
const AXIS_RULES: readonly AxisRule[] = [byInfluence, byInfluence, byLength, byLength, balanced];

/** Part of the distance that a box is from being proved, above which its planes cut parts away. */
const CUT_ABOVE = 0.01;

/** What is known of a box while it is worked on. */
interface BoxState {
  open: readonly number[];
  /** Certified bound of what is open. */
  bound: number;
  /** Smallest certified bound of what is not any more. */
  excluded: number;
}

function closed(box: OpenBox, state: BoxState, method: LeafMethod): StepOutcome {
  return { kind: 'closed', method, box, bound: state.excluded };
}

/**
 * Branch and bound over the input: one box at a time through the ladder of bounds; what is not settled is clipped by its own
 * planes and split along an axis whose rule is drawn per box.
 */
export class InputSearch {
  /** The smallest margin any tried point had. */
  bestAttack = Infinity;
  private readonly point: Float32Array;
  private readonly axes: readonly number[];

  constructor(
    private readonly problem: BoxProblem,
    private readonly bounder: BoxBounder,
    private readonly onCandidate: (candidate: Candidate) => void,
  ) {
    const { lower, upper } = problem.box;
    this.point = new Float32Array(lower.length);
    this.axes = [...lower.keys()].filter(i => upper[i] - lower[i] > smallestEdge(lower[i], upper[i]));
  }

  /** The whole region as the first open box. */
  root(seed: number): OpenBox {
    const { lower, upper } = this.problem.box;
    return {
      lower,
      upper,
      bounds: null,
      open: this.problem.disjuncts.map((_, index) => index),
      bound: -Infinity,
      excluded: Infinity,
      depth: 0,
      seed: mix(seed),
    };
  }

  /** Decides one box or splits it. */
  step(box: OpenBox): StepOutcome {
    const { bounder } = this;
    bounder.setBox(box.lower, box.upper, box.bounds);
    const state: BoxState = { open: box.open, bound: box.bound, excluded: box.excluded };
    let rows = this.rowsOf(state.open);
    const first = bounder.zonotope(rows);
    if (first === null) return this.split(box, state, [], []);
    if (this.settle(state, rows, first)) return closed(box, state, 'zonotope');
    rows = this.rowsOf(state.open);
    if (this.settle(state, rows, bounder.backward(rows))) return closed(box, state, 'backward');
    rows = this.rowsOf(state.open);
    const last = bounder.crown(rows);
    if (this.settle(state, rows, last.lower)) return closed(box, state, 'crown');
    // Where nothing could be concluded there are no planes either.
    return last.unstable < 0 ? this.split(box, state, [], []) : this.split(box, state, rows, last.lower);
  }

  /** Constraint indices of the given disjuncts, each once. */
  private rowsOf(open: readonly number[]): number[] {
    const { disjuncts } = this.problem;
    if (open.length === 1) return [...new Set(disjuncts[open[0]])];
    return [...new Set(open.flatMap(index => disjuncts[index]))];
  }

  /**
   * Takes in new bounds of the rows. A disjunct is closed when one of its constraints holds nowhere on the box. True when all are.
   */
  private settle(state: BoxState, rows: readonly number[], lower: Float64Array): boolean {
    let bound = Infinity;
    const left: number[] = [];
    for (const index of state.open) {
      let best = -Infinity;
      for (const row of this.problem.disjuncts[index]) best = Math.max(best, lower[rows.indexOf(row)]);
      if (best > 0) state.excluded = Math.min(state.excluded, best);
      else {
        left.push(index);
        bound = Math.min(bound, best);
      }
    }
    state.open = left;
    if (left.length > 0) state.bound = Math.max(state.bound, bound);
    return left.length === 0;
  }

  private split(box: OpenBox, state: BoxState, rows: readonly number[], lower: ArrayLike<number>): StepOutcome {
    const n = box.lower.length;
    if ((mix(box.seed ^ DESCENT_SALT) & DESCENT_EVERY) === 0) this.descend(box, state.open);
    this.tryPoint(state.open, 'centre', i => box.lower[i] + (box.upper[i] - box.lower[i]) * 0.5);

    const coefficient = new Float64Array(n);
    let low: Float64Array = box.lower;
    let high: Float64Array = box.upper;
    if (rows.length > 0) {
      // Only what lies above a small positive value is cut away, so that the whole proof has a positive bound.
      const above = Number.isFinite(state.bound) ? CUT_ABOVE * Math.abs(state.bound) : 0;
      const planes = rows.map((_, k) => {
        const { coefficients, constant } = this.bounder.plane(k);
        return { coefficients, constant: constant - above };
      });
      state.excluded = Math.min(state.excluded, above);
      // Every open disjunct keeps its own part of the box; the children start from the hull of the parts.
      low = new Float64Array(n).fill(Infinity);
      high = new Float64Array(n).fill(-Infinity);
      state.open = state.open.filter(index => {
        const own = this.problem.disjuncts[index];
        const partLow = box.lower.slice();
        const partHigh = box.upper.slice();
        const places = own.map(row => rows.indexOf(row));
        for (const k of places) if (clip(partLow, partHigh, planes[k])) return false;
        // Constraints that hold somewhere each may still exclude each other.
        if (own.length > 1) {
          const together = bestCombination(
            partLow,
            partHigh,
            places.map(k => planes[k]),
          );
          if (clip(partLow, partHigh, together)) return false;
        }
        for (let i = 0; i < n; i++) {
          low[i] = Math.min(low[i], partLow[i]);
          high[i] = Math.max(high[i], partHigh[i]);
        }
        // Without constraints every point of the box violates: the centre has been tried, and there is no plane.
        if (own.length === 0) return true;
        const plane = planes[places.reduce((best, k) => (lower[k] > lower[best] ? k : best))];
        this.tryPoint([index], 'corner', i => (plane.coefficients[i] > 0 ? box.lower[i] : box.upper[i]));
        for (let i = 0; i < n; i++) coefficient[i] = Math.max(coefficient[i], Math.abs(plane.coefficients[i]));
        return true;
      });
      if (state.open.length === 0) return closed(box, state, 'clip');
    }
    const axis = this.chooseAxis(box.seed, low, high, coefficient);
    if (axis < 0) return { kind: 'stuck', box, bound: state.bound };
    const middle = low[axis] + (high[axis] - low[axis]) * 0.5;
    const bounds = this.bounder.bounds();
    const child = (which: 0 | 1): OpenBox => {
      const edge = (which === 0 ? high : low).slice();
      edge[axis] = middle;
      return {
        lower: which === 0 ? low : edge,
        upper: which === 0 ? edge : high,
        bounds,
        ...state,
        depth: box.depth + 1,
        seed: childSeed(box.seed, which),
      };
    };
    return { kind: 'split', children: [child(0), child(1)] };
  }

  /**
   * The axis to split; −1 when no edge can be split. The rule is drawn per box: the axis that the bound depends on most (largest
   * |coefficient|·width), the longest edge, and now and then the two balanced, each relative to the whole region. Any one rule starves some axis
   * on some problem and is then 20 times worse or more; a mixture cannot starve an axis for long.
   */
  private chooseAxis(seed: number, lower: Float64Array, upper: Float64Array, coefficient: Float64Array): number {
    const rule = AXIS_RULES[mix(seed) % AXIS_RULES.length];
    const whole = this.problem.box;
    let axis = -1;
    let best = -Infinity;
    for (const i of this.axes) {
      const width = upper[i] - lower[i];
      if (width <= smallestEdge(lower[i], upper[i])) continue;
      const score = rule(width, coefficient[i], whole.upper[i] - whole.lower[i]);
      if (score > best || (score === best && width > upper[axis] - lower[axis])) {
        axis = i;
        best = score;
      }
    }
    return axis;
  }

  /**
   * A few steps down the margin of the most violated disjunct, from a random point of the region or of the box: finds the counterexamples that
   * are too small for centres and corners to hit. Costs about a tenth of the time.
   */
  private descend(box: OpenBox, open: readonly number[]): void {
    const { bounder, problem } = this;
    if (!bounder.gradient) return;
    const near = (box.seed & 64) === 0;
    const { lower, upper } = near ? box : problem.box;
    const random = new Random(box.seed, DESCENT_SALT);
    const x = lower.map((l, i) => l + random.uniform() * (upper[i] - l));
    let step = near ? 1 : 0.3;
    for (let k = 0; k < DESCENT_STEPS; k++, step *= 0.83) {
      const row = this.tryPoint(open, 'descent', i => x[i]);
      const slope = bounder.gradient(row);
      for (const i of this.axes) {
        const moved = this.point[i] - step * (upper[i] - lower[i]) * Math.sign(slope[i]);
        x[i] = Math.min(Math.max(moved, problem.box.lower[i]), problem.box.upper[i]);
      }
    }
  }

  /**
   * Evaluates the float32 point nearest to the given one inside the region, and reports it when it may violate one of the disjuncts. Returns the
   * constraint that keeps the most violated disjunct from being satisfied.
   */
  private tryPoint(open: readonly number[], foundBy: Candidate['foundBy'], at: (i: number) => number): number {
    const { lowerPoint, upperPoint } = this.problem.box;
    const { point } = this;
    for (let i = 0; i < point.length; i++)
      point[i] = Math.min(Math.max(Math.fround(at(i)), lowerPoint[i]), upperPoint[i]);
    const output = this.bounder.evaluate(point);
    let decisive = 0;
    let smallest = Infinity;
    for (const index of open) {
      let margin = -Infinity;
      let size = 0;
      let worst = 0;
      for (const row of this.problem.disjuncts[index]) {
        const value = marginAt(this.problem.constraints[row], point, output);
        if (value.margin <= margin) continue;
        ({ margin, size } = value);
        worst = row;
      }
      if (margin < smallest) {
        smallest = margin;
        decisive = worst;
      }
      this.bestAttack = Math.min(this.bestAttack, margin);
      if (margin <= SEARCH.replayMargin * size) this.onCandidate({ input: point.slice(), margin, foundBy });
    }
    return decisive;
  }
}

function smallestEdge(lower: number, upper: number): number {
  return SEARCH.smallestEdge * Math.max(Math.abs(lower), Math.abs(upper), 1e-6);
}

/** outputs·y + inputs·x − bound at one point, and the size of what was added up. */
export function marginAt(
  constraint: Constraint,
  input: ArrayLike<number>,
  output: ArrayLike<number>,
): { margin: number; size: number } {
  let margin = -constraint.bound;
  let size = Math.abs(constraint.bound);
  for (const [form, values] of [
    [constraint.outputs, output],
    [constraint.inputs, input],
  ] as const)
    for (let k = 0; k < form.index.length; k++) {
      const term = form.value[k] * values[form.index[k]];
      margin += term;
      size += Math.abs(term);
    }
  return { margin, size };
}
