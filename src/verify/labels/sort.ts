import { unreachable } from '../../base/assert';
import { Random } from '../../base/random';
import { gamma, inflate, ROUNDING } from '../../base/rounding';
import { shownAbove, shownBelow } from '../../base/shown-number';
import type { BoxBounder } from '../../bounds/bounder';
import { GraphBounder } from '../../bounds/graph/graph-bounder';
import { keptLadder } from '../../bounds/kept-ladder';
import { evaluate } from '../../network/evaluate';
import type { Network } from '../../network/network';
import type { ProofLeaf } from '../../report/verdict';
import type { Constraint, LinearForm } from '../../spec/question';
import { marginAt, type BoxProblem } from '../input-split/search';
import type { LabelOrder } from '../options';
import { targetLabel } from './target-label';

/** Significant digits of a bound in a reason. */
const DIGITS = 3;

/** A label that cannot win, as the bounds by which labels are sorted show. */
export interface DiscardedLabel {
  readonly disjunct: number;
  /** Certified lower bound of its margin, above 0. */
  readonly bound: number;
  /** Why, in a sentence. */
  readonly reason: string;
  /** What the verdict may rest on. */
  readonly leaf: ProofLeaf;
}

/** The labels (disjuncts) of a problem in the order in which they are to be tried. Indices are those of the problem's disjuncts. */
export interface SortedLabels {
  /** The most dangerous first, without those that were discarded. */
  readonly order: readonly number[];
  readonly discarded: readonly DiscardedLabel[];
  /** Per disjunct its certified lower bound; −∞ where the order needs none. */
  readonly bounds: Float64Array;
  readonly seconds: number;
}

/**
 * Sorts the labels of a problem (Wan et al. 2020, section 3.1, and stronger):
 * `paper`: by the upper bound of each label's own output, without those that stay below the lower bound of the true label's output;
 * `margin`: by the certified bound of the difference between the two, without those where it is above 0;
 * `naive`: by the outputs at the centre of the region; `random`: in a random order of this seed.
 *
 * All but `random` are made for any disjunct: what is sorted is its margin as the bounds of the outputs by themselves (`paper`), of the margin as
 * a whole (`margin`) or one point (`naive`) show it; for labels against one true label this is the order above.
 */
export function sortLabels(network: Network, problem: BoxProblem, by: LabelOrder, seed: number): SortedLabels {
  const started = performance.now();
  const all = problem.disjuncts.map((_, disjunct) => disjunct);
  const unknown = (): Float64Array => new Float64Array(all.length).fill(-Infinity);
  const sorted = (parts: Omit<SortedLabels, 'seconds'>): SortedLabels => {
    return { ...parts, seconds: (performance.now() - started) / 1000 };
  };
  switch (by) {
    case 'random': {
      new Random(seed).shuffle(all);
      return sorted({ order: all, discarded: [], bounds: unknown() });
    }
    case 'naive':
      return sorted({ order: mostDangerousFirst(centreMargins(network, problem)), discarded: [], bounds: unknown() });
    case 'margin':
    case 'paper': {
      const found = by === 'margin' ? marginBounds(network, problem) : outputBounds(network, problem);
      const bounds = found?.bounds ?? unknown();
      const discarded = found
        ? all.filter(disjunct => bounds[disjunct] > 0).map(disjunct => found.discard(disjunct))
        : [];
      const order = mostDangerousFirst(found ? bounds : centreMargins(network, problem));
      return sorted({ order: order.filter(disjunct => !(bounds[disjunct] > 0)), discarded, bounds });
    }
    default:
      return unreachable(by);
  }
}

/** Indices by ascending bound: a label is the more dangerous the less is known to keep it from winning. Of equal ones the first. */
export function mostDangerousFirst(bounds: ArrayLike<number>): number[] {
  return Array.from(bounds, (_, index) => index).sort((a, b) =>
    bounds[a] === bounds[b] ? a - b : bounds[a] < bounds[b] ? -1 : 1,
  );
}

/** Why a label cannot win whose margin has this certified lower bound over the whole region, in a sentence. */
export function staysBehind(problem: BoxProblem, disjunct: number, bound: number): string {
  const label = labelOf(problem, disjunct);
  return label?.references.length === 1
    ? `It stays at least ${shownBelow(bound, DIGITS)} below output ${label.references[0]}.`
    : `Its margin stays at or above ${shownBelow(bound, DIGITS)}.`;
}

interface FoundBounds {
  /** Certified lower bound per disjunct: that of its best constraint. */
  readonly bounds: Float64Array;
  discard(disjunct: number): DiscardedLabel;
}

/** Bounds of every constraint's own linear form. Null when nothing can be concluded on this box. */
function marginBounds(network: Network, problem: BoxProblem): FoundBounds | null {
  const rows = bestRows(network, problem, problem.constraints);
  if (!rows) return null;
  const { lower, method } = rows;
  const bounds = perDisjunct(problem, lower);
  return {
    bounds,
    discard: disjunct => {
      const bound = bounds[disjunct];
      return {
        disjunct,
        bound,
        reason: staysBehind(problem, disjunct, bound),
        leaf: leafOf(problem, disjunct, method, bound),
      };
    },
  };
}

/** Bounds of every constraint from the bounds of each output by itself. */
function outputBounds(network: Network, problem: BoxProblem): FoundBounds | null {
  const outputs = [...new Set(problem.constraints.flatMap(({ outputs: { index } }) => [...index]))];
  const rows = bestRows(
    network,
    problem,
    outputs.flatMap(output => [oneOutput(output, 1), oneOutput(output, -1)]),
  );
  if (!rows) return null;
  const lower = new Float64Array(network.outputSize).fill(-Infinity);
  const upper = new Float64Array(network.outputSize).fill(Infinity);
  outputs.forEach((output, k) => {
    lower[output] = rows.lower[2 * k];
    upper[output] = -rows.lower[2 * k + 1];
  });
  const bounds = perDisjunct(
    problem,
    problem.constraints.map(constraint => intervalMargin(constraint, { lower, upper }, problem.box)),
  );
  return {
    bounds,
    discard: disjunct => {
      const bound = bounds[disjunct];
      const label = labelOf(problem, disjunct);
      const reason =
        label?.references.length === 1
          ? `It is at most ${shownAbove(upper[label.label], DIGITS)}, and output ${label.references[0]} at least ${shownBelow(lower[label.references[0]], DIGITS)}.`
          : `The bounds of the outputs by themselves keep its margin at or above ${shownBelow(bound, DIGITS)}.`;
      return { disjunct, bound, reason, leaf: leafOf(problem, disjunct, 'outputs', bound) };
    },
  };
}

/** Certified lower bounds of the given rows: a zonotope, then backward passes; on chains, where they cost little, with every neuron tightened before. */
function bestRows(
  network: Network,
  { box }: BoxProblem,
  constraints: readonly Constraint[],
): { lower: Float64Array; method: 'zonotope' | 'backward' | 'crown' } | null {
  const ladder = keptLadder(network, constraints);
  const bounder: BoxBounder = ladder ?? new GraphBounder(network, constraints);
  const rows = constraints.map((_, row) => row);
  bounder.setBox(box.lower, box.upper, null);
  const first = bounder.zonotope(rows);
  if (first === null) return null;
  const second = ladder ? ladder.crown(rows).lower : bounder.backward(rows);
  const lower = first.map((bound, row) => Math.max(bound, second[row]));
  return { lower, method: ladder ? 'crown' : 'backward' };
}

/** Of the constraints of a disjunct the best counts: where one cannot hold, the disjunct cannot. */
function perDisjunct({ disjuncts }: BoxProblem, lower: ArrayLike<number>): Float64Array {
  return Float64Array.from(disjuncts, rows => rows.reduce((best, row) => Math.max(best, lower[row]), -Infinity));
}

interface Ranges {
  readonly lower: ArrayLike<number>;
  readonly upper: ArrayLike<number>;
}

/** outputs·y + inputs·x − bound from below over independent ranges, everything that rounds subtracted. */
function intervalMargin({ outputs, inputs, bound, coefficientError }: Constraint, y: Ranges, x: Ranges): number {
  let margin = -bound;
  let size = Math.abs(bound);
  const add = ({ index, value }: LinearForm, { lower, upper }: Ranges): void =>
    index.forEach((at, k) => {
      const end = value[k] > 0 ? lower[at] : upper[at];
      margin += value[k] * end;
      // The coefficient may be off at any value of the range.
      size += Math.abs(value[k]) * Math.max(Math.abs(lower[at]), Math.abs(upper[at]));
    });
  add(outputs, y);
  add(inputs, x);
  const terms = outputs.index.length + inputs.index.length + 2;
  const certified = margin - inflate((gamma(terms) + coefficientError * 1.000001) * size);
  return Math.abs(certified) < ROUNDING.magnitudeLimit ? certified : -Infinity;
}

/** Per disjunct its margin at the centre of the region, in plain float64: an order, no proof. */
function centreMargins(network: Network, { box, constraints, disjuncts }: BoxProblem): Float64Array {
  const centre = box.lower.map((low, i) => low + (box.upper[i] - low) / 2);
  const values = evaluate(network, centre);
  const output = values[values.length - 1];
  return perDisjunct(
    { box, constraints, disjuncts },
    constraints.map(constraint => marginAt(constraint, centre, output).margin),
  );
}

function labelOf({ constraints, disjuncts }: BoxProblem, disjunct: number): ReturnType<typeof targetLabel> {
  return targetLabel(disjuncts[disjunct].map(row => constraints[row]));
}

function leafOf(
  { box: { lower, upper } }: BoxProblem,
  disjunct: number,
  method: Extract<ProofLeaf, { kind: 'box' }>['method'],
  bound: number,
): ProofLeaf {
  return { kind: 'box', lower, upper, disjuncts: [disjunct], method, bound };
}

function oneOutput(output: number, sign: 1 | -1): Constraint {
  const none: LinearForm = { index: new Int32Array(0), value: new Float64Array(0) };
  const outputs: LinearForm = { index: Int32Array.of(output), value: Float64Array.of(sign) };
  return { outputs, inputs: none, bound: 0, coefficientError: 0, strict: false };
}
