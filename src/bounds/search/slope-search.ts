import { assert } from '../../base/assert';
import { ok, type Result } from '../../base/result';
import { ADAM_DECAY, adamScales, adamStep } from '../../tensor/adam';
import { constant, input, type Expression } from '../../tensor/expression';
import { forwardOperations } from '../../tensor/forward';
import { gradient } from '../../tensor/gradient';
import { compileHoisted } from '../../tensor/hoist';
import { gather } from '../../tensor/linear';
import { add, clip, concat, max, min, mul, neg, reshape, slice } from '../../tensor/operators';
import { boxConstant, lowerBounds, type BackwardContext, type BoxExpression } from './backward';
import type { Choice, Rows, SlopeOptions, SlopeProblem, SlopeResult } from './problem';
import { Variables, type Variable } from './variables';

/**
 * α-CROWN: moves the slopes of the lines below rectifiers (and the tangent points of curves), row by row, so that CROWN's lower bounds rise.
 * It searches in float32 and claims nothing; what it returns are choices for the float64 core to conclude with.
 */

const ITERATIONS = 20;
const RATE = 0.1;
const DECAY = 0.98;
/** One run of the graph is kept well below 0.1 s on a slow core. */
const OPERATIONS_PER_RUN = 1e9;

/**
 * Searches slopes for the rows of a problem, on all its boxes at once. Without joint neurons every row of every box is improved by itself
 * and keeps its best; with them, a box's rows share their neurons' slopes, and the box keeps what was best for the sum of its rows.
 * Errors: those of `Session`.
 */
export async function searchSlopes(problem: SlopeProblem, options: SlopeOptions = {}): Promise<Result<SlopeResult>> {
  if (problem.joint?.size) return searchTogether(problem, options);
  const perRow = 3 * forwardOperations(problem.network) * problem.boxes.count;
  const atOnce = Math.max(1, Math.floor((options.operationsPerRun ?? OPERATIONS_PER_RUN) / perRow));
  const chunks = Math.ceil(problem.rows.count / atOnce);
  if (chunks <= 1) return searchTogether(problem, options);
  const results: SlopeResult[] = [];
  for (let k = 0; k < chunks; k++) {
    const first = Math.floor((k * problem.rows.count) / chunks);
    const last = Math.floor(((k + 1) * problem.rows.count) / chunks);
    const result = await searchTogether({ ...problem, rows: someRows(problem, first, last) }, options);
    if (!result.ok) return result;
    results.push(result.value);
  }
  return ok(merged(results, problem.boxes.count));
}

function someRows({ network, rows }: SlopeProblem, first: number, last: number): Rows {
  const part = (values: Float64Array | null, width: number): Float64Array | null =>
    values && values.subarray(first * width, last * width);
  return {
    node: rows.node,
    count: last - first,
    forms: part(rows.forms, network.nodes[rows.node].size) as Float64Array,
    inputForms: part(rows.inputForms, network.inputSize),
    offsets: part(rows.offsets, 1),
  };
}

/** Results on parts of the rows as one. */
function merged(results: readonly SlopeResult[], boxes: number): SlopeResult {
  const join = (pick: (result: SlopeResult) => Float32Array): Float32Array => {
    const parts = results.map(pick);
    const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (let box = 0; box < boxes; box++) {
      for (const part of parts) {
        const length = part.length / boxes;
        whole.set(part.subarray(box * length, (box + 1) * length), at);
        at += length;
      }
    }
    return whole;
  };
  const choices = new Map<number, Choice>();
  for (const [node, choice] of results[0].choices) {
    const field = (name: 'slope' | 'below' | 'above') =>
      join(result => (result.choices.get(node) as unknown as Record<string, Float32Array>)[name]);
    choices.set(node, 'slope' in choice ? { slope: field('slope') } : { below: field('below'), above: field('above') });
  }
  return {
    initial: join(result => result.initial),
    lower: join(result => result.lower),
    choices,
    joint: new Map(),
    iterations: Math.max(...results.map(result => result.iterations)),
  };
}

interface Author {
  readonly bound: Expression;
  readonly variables: Variables;
}

/** The bounds of all rows as an expression of the variables. */
function author(problem: SlopeProblem): Author {
  const { network, boxes, rows } = problem;
  const variables = new Variables(problem);
  const box = boxConstant(boxes);
  const context = (owner: number | 'rows', count: number): BackwardContext => ({
    network,
    box,
    intervals: problem.intervals,
    lines: id => variables.lines(owner, count, id),
  });
  for (const [id, neurons] of [...(problem.joint ?? [])].sort(([a], [b]) => a - b)) {
    if (neurons.length > 0) improveJointly(problem, variables, box, id, neurons, context);
  }
  const forms = constant(Float32Array.from(rows.forms), [1, rows.count, network.nodes[rows.node].size]);
  const inputForms =
    rows.inputForms && constant(Float32Array.from(rows.inputForms), [1, rows.count, network.inputSize]);
  const bound = lowerBounds(context('rows', rows.count), rows.node, forms, inputForms);
  const offsets = rows.offsets && constant(Float32Array.from(rows.offsets), [1, rows.count, 1]);
  return { bound: offsets ? add(bound, offsets) : bound, variables };
}

/** Replaces the bounds of a node's joint neurons by the better of what is known and a backward pass of their own. */
function improveJointly(
  problem: SlopeProblem,
  variables: Variables,
  box: BoxExpression,
  id: number,
  neurons: Int32Array,
  context: (owner: number, rows: number) => BackwardContext,
): void {
  const node = problem.network.nodes[id];
  assert(
    node.kind === 'relu' || node.kind === 'leakyRelu',
    () => `joint neurons of ${node.name}, whose lines are fixed`,
  );
  const [below] = node.inputs;
  const { size } = problem.network.nodes[below];
  const count = neurons.length;
  const units = new Float32Array(2 * count * size);
  neurons.forEach((neuron, k) => {
    units[k * size + neuron] = 1;
    units[(count + k) * size + neuron] = -1;
  });
  const bounds = lowerBounds(context(id, 2 * count), below, constant(units, [1, 2 * count, size]), null);
  const known = variables.intervalOf(id);
  const places = Int32Array.from({ length: size }, (_, i) => i);
  neurons.forEach((neuron, k) => (places[neuron] = size + k));
  const along = (part: Expression): Expression => reshape(part, [box.count, 1, count]);
  const merge = (old: Expression, news: Expression): Expression => gather(concat([old, news], 2), 2, places);
  const at = (values: Expression): Expression => gather(values, 2, neurons);
  variables.improve(id, {
    lower: merge(known.lower, max(along(slice(bounds, 1, 0, count)), at(known.lower))),
    upper: merge(known.upper, min(neg(along(slice(bounds, 1, count, 2 * count))), at(known.upper))),
  });
}

async function searchTogether(problem: SlopeProblem, options: SlopeOptions): Promise<Result<SlopeResult>> {
  const { bound, variables } = author(problem);
  const { all } = variables;
  const gradients = gradient(bound, all.map(each => each.expression)); // prettier-ignore
  const corrections = { firstScale: input('firstScale', [1, 1, 1]), secondScale: input('secondScale', [1, 1, 1]) };
  const rate = input('rate', [1, 1, 1]);
  const outputs: Record<string, Expression> = { bound };
  all.forEach(({ label, shape, expression }, k) => {
    const before = { first: input(`first:${label}`, shape), second: input(`second:${label}`, shape) };
    const { direction, moments } = adamStep(gradients[k], before, corrections);
    outputs[label] = clip(add(expression, mul(direction, rate)), 0, 1);
    outputs[`first:${label}`] = moments.first;
    outputs[`second:${label}`] = moments.second;
  });
  const varying = new Set([...Object.keys(outputs), 'firstScale', 'secondScale', 'rate']);
  const compiled = await compileHoisted(outputs, varying, {}, { threads: options.threads ?? 1 });
  if (!compiled.ok) return compiled;
  const { program, fixed } = compiled.value;

  const state: Record<string, Float32Array> = {};
  for (const { label, initial } of all) {
    state[label] = initial;
    state[`first:${label}`] = new Float32Array(initial.length);
    state[`second:${label}`] = new Float32Array(initial.length);
  }
  const best = new Best(problem, all);
  const iterations = all.length === 0 ? 0 : (options.iterations ?? ITERATIONS);
  let done = 0;
  for (; done <= iterations; done++) {
    const { firstScale, secondScale } = adamScales(done + 1, ADAM_DECAY);
    const step = (options.rate ?? RATE) * (options.decay ?? DECAY) ** done;
    const scalars = { firstScale, secondScale, rate: step };
    const feeds = Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, Float32Array.of(value)]));
    const result = await program.run({ ...fixed, ...state, ...feeds });
    if (!result.ok) {
      await program.close();
      return result;
    }
    best.keep(result.value.bound, state);
    if (best.lowest > (options.enough ?? Infinity) || options.cancelled?.()) break;
    Object.assign(state, result.value);
  }
  await program.close();
  const joint = new Map(
    [...(problem.joint?.keys() ?? [])].map(id => [id, variables.choices(id, best.values)] as const),
  );
  return ok({
    initial: best.initial,
    lower: best.lower,
    choices: variables.choices('rows', best.values),
    joint,
    iterations: Math.min(done, iterations),
  });
}

/** The best bounds so far, and the choices behind them. */
class Best {
  initial = new Float32Array(0);
  readonly lower: Float32Array;
  readonly values: Map<string, Float32Array>;
  private readonly rows: number;
  private readonly together: boolean;

  constructor(
    problem: SlopeProblem,
    private readonly variables: readonly Variable[],
  ) {
    this.rows = problem.rows.count;
    this.together = (problem.joint?.size ?? 0) > 0;
    this.lower = new Float32Array(problem.boxes.count * this.rows).fill(-Infinity);
    this.values = new Map(variables.map(({ label, initial }) => [label, initial.slice()]));
  }

  get lowest(): number {
    return this.lower.reduce((least, each) => Math.min(least, each), Infinity);
  }

  keep(bound: Float32Array, state: Readonly<Record<string, Float32Array>>): void {
    if (this.initial.length === 0) this.initial = bound.slice();
    // What stands and falls together: all rows of a box, or one row of one box.
    const group = this.together ? this.rows : 1;
    for (let k = 0; k < bound.length / group; k++) {
      const now = bound.subarray(k * group, (k + 1) * group);
      const before = this.lower.subarray(k * group, (k + 1) * group);
      if (!(sum(now) > sum(before))) continue;
      before.set(now);
      for (const { label, initial } of this.variables) {
        const length = (initial.length * group) / bound.length;
        this.values.get(label)?.set(state[label].subarray(k * length, (k + 1) * length), k * length);
      }
    }
  }
}

function sum(values: Float32Array): number {
  return values.reduce((total, each) => total + each, 0);
}
