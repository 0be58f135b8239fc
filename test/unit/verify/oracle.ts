import type { Random } from '../../../src/base/random';
import { HighsModel } from '../../../src/lp/highs';
import { affineRows } from '../../../src/lp/affine-rows';
import { reluProgram, type NodeRanges, type ReluForm } from '../../../src/lp/relu-program';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import type { Box, Constraint } from '../../../src/spec/question';

/**
 * Interval arithmetic in its plainest form, widened by far more than float64 loses on these small networks: the ranges that the mixed-integer program
 * needs, without a line of the code that it is to judge.
 */
export function plainRanges(network: Network, box: Pick<Box, 'lower' | 'upper'>): NodeRanges {
  const lower: Float64Array[] = [];
  const upper: Float64Array[] = [];
  for (const node of network.nodes) {
    const l = new Float64Array(node.size);
    const u = new Float64Array(node.size);
    const inputs = node.inputs.map(id => ({ l: lower[id], u: upper[id] }));
    const addTerm = (i: number, w: number, k: number, j: number) => {
      l[i] += w * (w > 0 ? inputs[k].l[j] : inputs[k].u[j]);
      u[i] += w * (w > 0 ? inputs[k].u[j] : inputs[k].l[j]);
    };
    switch (node.kind) {
      case 'input':
        l.set(box.lower);
        u.set(box.upper);
        break;
      case 'constant':
        l.set(node.bias);
        u.set(node.bias);
        break;
      case 'dense':
      case 'conv':
      case 'scale':
      case 'sparse': {
        let i = 0;
        for (const { columns, values, bias } of affineRows(node, inputs[0].l.length)) {
          l[i] = u[i] = bias;
          columns.forEach((j, k) => addTerm(i, values[k], 0, j));
          i++;
        }
        break;
      }
      case 'add':
        for (let i = 0; i < node.size; i++) node.coefficients.forEach((c, k) => addTerm(i, c, k, i));
        break;
      case 'concat':
        l.set(inputs.flatMap(x => [...x.l]));
        u.set(inputs.flatMap(x => [...x.u]));
        break;
      case 'maxPool':
        for (let i = 0; i < node.size; i++) {
          const window = Array.from(node.column.subarray(node.rowStart[i], node.rowStart[i + 1]));
          l[i] = Math.max(...window.map(j => inputs[0].l[j]));
          u[i] = Math.max(...window.map(j => inputs[0].u[j]));
        }
        break;
      case 'relu':
      case 'leakyRelu':
        l.set(inputs[0].l.map(y => (y > 0 ? y : node.slope * y)));
        u.set(inputs[0].u.map(y => (y > 0 ? y : node.slope * y)));
        break;
      default:
        throw new Error(`no mixed-integer program for ${node.kind}`);
    }
    const wide = node.kind === 'input' || node.kind === 'constant' ? 0 : 1e-9;
    lower.push(l.map(x => x - wide * (1 + Math.abs(x))));
    upper.push(u.map(x => x + wide * (1 + Math.abs(x))));
  }
  return { lower, upper };
}

/** Every constraint's margin outputs·y + inputs·x − bound at a point, in float64. */
export function margins(network: Network, constraints: readonly Constraint[], x: Float64Array): number[] {
  const values = evaluate(network, x);
  const y = values[values.length - 1];
  return constraints.map(({ outputs, inputs, bound }) => {
    let margin = -bound;
    outputs.index.forEach((i, k) => (margin += outputs.value[k] * y[i]));
    inputs.index.forEach((i, k) => (margin += inputs.value[k] * x[i]));
    return margin;
  });
}

/** The optimum of the program of these ranges; throws when HiGHS does not find it. */
export async function optimum(
  network: Network,
  ranges: NodeRanges,
  constraints: readonly Constraint[],
  form: ReluForm,
): Promise<{ bound: number; primal: Float64Array }> {
  const written = reluProgram(network, ranges, constraints, form);
  if (!written.ok) throw new Error(written.error.message);
  const model = await HighsModel.open(written.value.program);
  const solved = model.solve({ seconds: 30 });
  model.dispose();
  if (solved.kind !== 'optimal') throw new Error(`HiGHS: ${JSON.stringify(solved)}`);
  return solved;
}

/** What the mixed-integer program says of the least value over a box of the largest margin of a disjunct's constraints. */
export interface Truth {
  /** The least value is not below this, by the mixed-integer program. */
  readonly bound: number;
  /** The value at a point of the box, evaluated: the least value is not above this. */
  readonly reached: number;
}

export async function truth(network: Network, box: Box, constraints: readonly Constraint[]): Promise<Truth> {
  const { bound, primal } = await optimum(network, plainRanges(network, box), constraints, 'mixed-integer');
  const x = box.lower.map((l, i) => Math.min(box.upper[i], Math.max(l, primal[i])));
  return { bound, reached: Math.max(...margins(network, constraints, x)) };
}

/** A box of float32 numbers around a random point in which only `free` inputs vary. */
export function fewFreeInputs(random: Random, size: number, free: number, radius: number): Box {
  const open = new Set<number>();
  while (open.size < Math.min(free, size)) open.add(random.integer(size));
  const lowerPoint = new Float32Array(size);
  const upperPoint = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const centre = random.normal();
    const half = open.has(i) ? radius * (0.2 + random.uniform()) : 0;
    lowerPoint[i] = centre - half;
    upperPoint[i] = centre + half;
  }
  return { lower: Float64Array.from(lowerPoint), upper: Float64Array.from(upperPoint), lowerPoint, upperPoint };
}

/** The same constraints with every margin less by `by`. */
export function lowered(constraints: readonly Constraint[], by: number): Constraint[] {
  return constraints.map(constraint => ({ ...constraint, bound: constraint.bound + by }));
}
