import { ok, problem, type Result } from '../../base/result';
import { intervalBounds } from '../../bounds/graph/interval';
import { PreparedGraph } from '../../bounds/graph/prepared-graph';
import { dualBound, provesInfeasible } from '../../lp/certified';
import { HighsModel, type SolveOutcome } from '../../lp/highs';
import { linearProgramRefusal, regionProgram } from '../../lp/relu-program';
import { evaluate } from '../../network/evaluate';
import type { DenseNode, Network } from '../../network/network';
import { linesAt, LocalMap, type AffineForm } from './local-map';
import { marksOf } from './marking';
import type { OutputConstraint } from './output-constraint';
import { tailOf } from './tail';
import { weightProgram, type Demands, type LayerCase, type PatchMeasure, type WeightProgram } from './weight-program';

/** The smallest change of one layer's weights that makes given inputs satisfy given output properties. */

export interface PatchCase {
  readonly input: ArrayLike<number>;
  /** All of them have to hold. */
  readonly property: readonly OutputConstraint[];
}

export interface PatchOptions {
  readonly measure: PatchMeasure;
  /**
   * `fixed`: every activation behind the layer keeps the phase it has on each input: one linear program. `free`: any phases, a mixed-integer program,
   * for small networks. Where nothing but the output is behind the layer the two are the same.
   */
  readonly phases: 'fixed' | 'free';
  /** Lets each neuron only move the way that helps the property. Faster; smaller patches may be lost (see `SmallestPatch.scope`). */
  readonly marking?: boolean;
  /** The largest change of one weight; 100 times the layer's largest weight unless given. */
  readonly limit?: number;
  /** By how much every constraint of a property is to be met beyond its bound; 0 unless given. */
  readonly slack?: number;
  /** Seconds for the solver; 60 unless given. */
  readonly seconds?: number;
}

/** Changes of one layer's weights, [outputs × inputs] row-major. */
export interface WeightPatch {
  readonly layer: string;
  readonly shape: readonly [outputs: number, inputs: number];
  readonly change: Float64Array;
}

/** The sizes of a patch in all measures. */
export type PatchSizes = Readonly<Record<PatchMeasure, number>>;

export interface SmallestPatch {
  readonly kind: 'patched';
  readonly patch: WeightPatch;
  readonly sizes: PatchSizes;
  /**
   * No patch within `scope` is smaller than this, by re-evaluated dual multipliers (for the smallest count of weights: by the solver's own word; `isCertified`
   * says which).
   */
  readonly lowerBound: number;
  readonly isCertified: boolean;
  /**
   * Among which patches of the layer this one is the smallest: `all`; those that keep the `phases`; those that keep to the `marks` (and the phases).
   */
  readonly scope: 'all' | 'phases' | 'marks';
}

export interface NoPatch {
  readonly kind: 'infeasible';
  /** As in `SmallestPatch`: what kind of patch there is none of. All are within the limit on a weight's change. */
  readonly scope: SmallestPatch['scope'];
  /** Row multipliers of the program that prove it were evaluated again (Farkas); false: it is the solver's word alone. */
  readonly isCertified: boolean;
  /** The inputs whose properties contradict each other or the limits: those the certificate uses. Empty without one. */
  readonly conflicting: readonly number[];
  /** The same for a person. */
  readonly message: string;
}

export interface UndecidedPatch {
  readonly kind: 'undecided';
  readonly reason: string;
}

export type PatchOutcome = SmallestPatch | NoPatch | UndecidedPatch;

const SECONDS = 60;
/** A range of no width has no column in the program of a network. */
const SMALLEST_REACH = 1e-6;

/** The fully connected layers of a network, in order: those that can be patched. */
export function patchableLayers(network: Network): DenseNode[] {
  return network.nodes.filter((node): node is DenseNode => node.kind === 'dense');
}

/**
 * Errors: `patch/no-dense-layer`, `patch/layer-unknown`, `patch/no-inputs`, `patch/size`, `patch/property`, `patch/smooth` (free phases of a network that is
 * not piecewise linear). That there is no patch is an outcome, not an error. `network` is `LoadedModel.written`, so that layers have the file's names.
 */
export async function smallestPatch(
  network: Network,
  layer: string,
  cases: readonly PatchCase[],
  options: PatchOptions,
): Promise<Result<PatchOutcome>> {
  const node = findLayer(network, layer);
  if (!node.ok) return node;
  const faulty = caseProblem(network, cases);
  if (faulty) return faulty;
  if (options.phases === 'free') {
    const refusal = linearProgramRefusal(network);
    if (!refusal.ok) return problem('patch/smooth', refusal.error.message);
  }
  return ok(await solvePatch(new PatchTask(network, node.value, cases, options), options));
}

function findLayer(network: Network, name: string): Result<DenseNode> {
  const layers = patchableLayers(network);
  if (layers.length === 0)
    return problem(
      'patch/no-dense-layer',
      'The model has no fully connected layer (Gemm or MatMul with constant weights), and patches change the weights of one.',
    );
  const found = layers.find(each => each.name === name);
  if (found) return ok(found);
  return problem(
    'patch/layer-unknown',
    `The model has no fully connected layer "${name}". It has ${layers.map(each => each.name).join(', ')}.`,
  );
}

function caseProblem(network: Network, cases: readonly PatchCase[]): ReturnType<typeof problem> | null {
  if (cases.length === 0) return problem('patch/no-inputs', 'No inputs are given, so there is nothing to change.');
  for (const [k, { input, property }] of cases.entries()) {
    if (input.length !== network.inputSize)
      return problem('patch/size', `Input ${k} has ${input.length} values, the model takes ${network.inputSize}.`);
    if (!Array.from(input).every(Number.isFinite))
      return problem('patch/size', `Input ${k} holds a value that is no number.`);
    const outside = property.flatMap(({ outputs }) => [...outputs.index]).find(i => i < 0 || i >= network.outputSize);
    if (outside !== undefined)
      return problem(
        'patch/property',
        `The property of input ${k} is about output ${outside}, but the model has the outputs 0 to ${network.outputSize - 1}.`,
      );
  }
  return null;
}

/**
 * The change within the limit that comes closest to meeting the properties, phases kept: for where no change meets them. Null: the solver failed. Errors as for
 * `smallestPatch`.
 */
export async function closestPatch(
  network: Network,
  layer: string,
  cases: readonly PatchCase[],
  options: PatchOptions,
): Promise<Result<WeightPatch | null>> {
  const node = findLayer(network, layer);
  if (!node.ok) return node;
  const faulty = caseProblem(network, cases);
  if (faulty) return faulty;
  const task = new PatchTask(network, node.value, cases, options);
  const elastic = cases.map((each, k): LayerCase => {
    return {
      features: task.features(k),
      demands: { kind: 'forms', forms: task.forms(k), elastic: each.property.length },
    };
  });
  const written = weightProgram(node.value.size, elastic, options.measure, { limit: task.limit });
  const outcome = await solve(written, options.seconds ?? SECONDS);
  return ok('primal' in outcome && outcome.primal ? patchOf(node.value, written.changes(outcome.primal)) : null);
}

function patchOf(node: DenseNode, change: Float64Array): WeightPatch {
  return { layer: node.name, shape: [node.size, change.length / node.size], change };
}

/** A layer, the inputs to be put right, and the values of all nodes there. */
class PatchTask {
  readonly limit: number;
  readonly values: readonly Float64Array[][];
  private readonly slack: number;

  constructor(
    readonly network: Network,
    readonly node: DenseNode,
    readonly cases: readonly PatchCase[],
    options: PatchOptions,
  ) {
    this.limit = options.limit ?? 100 * node.weight.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    this.slack = options.slack ?? 0;
    this.values = cases.map(({ input }) => evaluate(network, Float64Array.from(input)));
  }

  features(k: number): Float64Array {
    return this.values[k][this.node.inputs[0]];
  }

  /** Whether a shift of the layer's outputs reaches the network's outputs without an activation on the way. */
  get isLinearBehind(): boolean {
    const { nodes } = tailOf(this.network, this.node.id, this.values[0]);
    return nodes.every(
      each => each.inputs.length === 0 || 'relativeError' in each || each.kind === 'add' || each.kind === 'concat',
    );
  }

  /** The phases' walls and the property on input k, as forms over the shift. */
  forms(k: number): AffineForm[] {
    const map = new LocalMap(this.network, this.node.id, null, this.values[k], linesAt(this.network, this.values[k]));
    return [...this.property(k, map), ...map.phases()];
  }

  private property(k: number, map: LocalMap): AffineForm[] {
    const output = this.network.nodes.length - 1;
    return this.cases[k].property.map(({ outputs, bound }) => {
      const { column, value, constant } = map.combination(
        output,
        outputs.index,
        outputs.value.map(c => -c),
      );
      return { column, value, constant: constant + bound - this.slack };
    });
  }

  /** All phases on input k: the rest of the network as a mixed-integer program for shifts up to `reach`. */
  program(k: number, reach: number): Demands {
    const base = this.values[k][this.node.id];
    const tail = tailOf(this.network, this.node.id, this.values[k]);
    const ranges = intervalBounds(
      new PreparedGraph(tail),
      base.map(y => y - reach),
      base.map(y => y + reach),
    );
    const { program, columns } = regionProgram(tail, ranges, [], 'mixed-integer');
    const last = columns[columns.length - 1];
    const rows = this.cases[k].property.map(({ outputs, bound }) => {
      // A value that is 0 for all shifts has no column.
      const used = Array.from(outputs.index.keys()).filter(at => last[outputs.index[at]] >= 0);
      const named = used.map(at => last[outputs.index[at]]);
      return { columns: named, values: used.map(at => outputs.value[at]), upper: bound - this.slack };
    });
    return { kind: 'program', program, outputs: columns[0], base, rows };
  }
}

async function solvePatch(task: PatchTask, options: PatchOptions): Promise<PatchOutcome> {
  const { node, cases } = task;
  const isFree = options.phases === 'free' && !task.isLinearBehind;
  // Where phases are free, a patch that keeps them is a start: none that is larger has to be looked for.
  const known = isFree ? await solvePatch(task, { ...options, phases: 'fixed' }) : null;
  const limit = known?.kind === 'patched' ? reachOf(known.sizes, options.measure, task.limit) : task.limit;
  const layerCases = cases.map((_, k): LayerCase => {
    const features = task.features(k);
    if (!isFree) return { features, demands: { kind: 'forms', forms: task.forms(k) } };
    const norm = features.reduce((sum, h) => sum + Math.abs(h), 0);
    return { features, demands: task.program(k, Math.max(limit * norm, SMALLEST_REACH)) };
  });
  const constraints = cases.flatMap(each => each.property);
  const marks = options.marking ? marksOf(task.network, node.id, constraints) : undefined;
  const scope = isFree || task.isLinearBehind ? 'all' : marks?.some(mark => mark !== 0) ? 'marks' : 'phases';
  const written = weightProgram(node.size, layerCases, options.measure, { limit, marks });
  const outcome = await solve(written, options.seconds ?? SECONDS);
  if (outcome.kind === 'optimal') return patched(task, written, outcome, options.measure, scope);
  if (outcome.kind === 'infeasible') return infeasible(task, written, outcome.ray, scope);
  if ('primal' in outcome && outcome.primal)
    return patched(task, written, { ...outcome, primal: outcome.primal }, options.measure, scope);
  if (known?.kind === 'patched') return known;
  const reason = outcome.kind === 'failed' ? outcome.reason : `the solver ended with "${outcome.kind}"`;
  return {
    kind: 'undecided',
    reason: `No patch of ${node.name} was found, and none excluded: ${reason}. ${options.phases === 'free' ? 'Give it more seconds, or keep the phases fixed.' : 'Give it more seconds, or fewer inputs.'}`,
  };
}

/** How far a single weight can change in a patch that is no larger than a known one. */
function reachOf(sizes: PatchSizes, measure: PatchMeasure, limit: number): number {
  return measure === 'count' ? limit : Math.min(limit, sizes[measure] * (1 + 1e-6));
}

async function solve(written: WeightProgram, seconds: number): Promise<SolveOutcome> {
  const model = await HighsModel.open(written.program);
  try {
    return model.solve({ seconds });
  } finally {
    model.dispose();
  }
}

function patched(
  { node }: PatchTask,
  written: WeightProgram,
  { primal, rowDuals, bound }: { primal: Float64Array; rowDuals: Float64Array | null; bound: number },
  measure: PatchMeasure,
  scope: SmallestPatch['scope'],
): SmallestPatch {
  const patch = patchOf(node, written.changes(primal));
  const sizes = sizesOf(patch.change);
  const proved = rowDuals ? Math.max(0, dualBound(written.within(sizes[measure] * (1 + 1e-6)), rowDuals)) : -Infinity;
  const isCertified = Number.isFinite(proved);
  return { kind: 'patched', patch, sizes, lowerBound: isCertified ? proved : Math.max(0, bound), isCertified, scope };
}

/** The sizes of a change of weights. */
export function sizesOf(change: Float64Array): PatchSizes {
  let [inf, one, count] = [0, 0, 0];
  for (const value of change) {
    inf = Math.max(inf, Math.abs(value));
    one += Math.abs(value);
    if (value !== 0) count++;
  }
  return { inf, one, count };
}

function infeasible(
  task: PatchTask,
  written: WeightProgram,
  ray: Float64Array | null,
  scope: SmallestPatch['scope'],
): NoPatch {
  const isCertified = ray !== null && provesInfeasible(written.program, ray);
  const used = new Set<number>();
  if (isCertified) ray.forEach((y, row) => y !== 0 && written.caseOfRow[row] >= 0 && used.add(written.caseOfRow[row]));
  const conflicting = [...used].sort((a, b) => a - b);
  return {
    kind: 'infeasible',
    scope,
    isCertified,
    conflicting,
    message: infeasibleMessage(task, scope, isCertified, conflicting),
  };
}

function infeasibleMessage(
  task: PatchTask,
  scope: SmallestPatch['scope'],
  isCertified: boolean,
  conflicting: readonly number[],
): string {
  const kept =
    scope === 'all'
      ? ''
      : scope === 'phases'
        ? ' that keeps the phases of the activations'
        : ' that keeps to the marks and phases';
  const proof = isCertified
    ? ' A certificate of infeasibility was checked'
    : ' The solver says so without a certificate';
  const inputs =
    conflicting.length === 0
      ? ''
      : conflicting.length === 1
        ? `; it uses input ${conflicting[0]}`
        : `; it uses the inputs ${conflicting.join(', ')} together`;
  const twins = conflicting.length === 2 && isSame(task.features(conflicting[0]), task.features(conflicting[1]));
  const why = twins
    ? ' Those two are the same to this layer but ask for different outputs: drop one of them.'
    : scope === 'all'
      ? ''
      : ' Try another layer, or free phases.';
  return `No change of ${task.node.name} by at most ${Number(task.limit.toPrecision(3))} a weight${kept} meets the properties.${proof}${inputs}.${why}`;
}

function isSame(a: Float64Array, b: Float64Array): boolean {
  return a.every((value, i) => value === b[i]);
}
