import { Random } from '../../../src/base/random';
import type { Plane } from '../../../src/bounds/bounder';
import type { DenseNode, Network, NetworkNode } from '../../../src/network/network';
import type { Constraint, LinearForm } from '../../../src/spec/question';
import { randomNetwork } from '../tensor/random-network';
import { randomBox, randomChain, randomConstraints } from './chains';
import { Dyadic } from './dyadic';
import { exactNodes, exactOutputs, moved, type Errors } from './exact-values';

/**
 * Bounds against exact arithmetic. Where a box leaves no room for relaxation (a single point, no unstable neuron, one unstable neuron) a bound is
 * the least margin itself less what rounding may have cost, so one that forgets some rounding lands above it every now and then.
 */
export interface ExactCase {
  readonly network: Network;
  readonly constraints: readonly Constraint[];
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Corners of the box, and per corner and constraint the exact margin of a network within the stated errors of the stored one. */
  readonly corners: readonly (readonly number[])[];
  readonly margins: readonly (readonly Dyadic[])[];
  /** Per constraint the least of them. */
  readonly exact: readonly Dyadic[];
  /** How far below `exact` a bound may be; infinite where the stated errors are what counts. */
  readonly slack: number;
}

/** A way to bound a case: methods from cheap to tight, each with the bounds of all rows after those before it, and the plane of a row of the last one where it has planes. */
export interface Rungs {
  readonly methods: Readonly<Record<string, () => Float64Array | null>>;
  plane?(row: number, method: string): Plane | null;
}

interface Family {
  /** Of a dense chain; `graph`: all piecewise linear kinds of nodes; else one value that many nodes of this kind, or one many times, read. */
  readonly sizes: readonly number[] | 'graph' | 'add' | 'concat' | 'relu' | 'leakyRelu';
  /** Half the width of the box. */
  readonly radius: number;
  readonly slope?: number;
  /** Widens the exponents of the weights, so that sums cancel. */
  readonly spread?: number;
  readonly errors?: Errors;
  /** What the drawn biases and the constraints' bounds are multiplied with. */
  readonly biases?: number;
  readonly bounds?: number;
  /** All weights of a layer alike, and all biases: rounding then drifts one way. */
  readonly uniform?: boolean;
  /** Biases so large that every neuron keeps its sign. */
  readonly stable?: boolean;
  /** The first layer stable and the neurons of the second unstable, nearly symmetric around 0. */
  readonly crossing?: boolean;
}

const DEEP = [3, 9, 11, 8, 2];

export const FAMILIES: Readonly<Record<string, Family>> = {
  points: { sizes: DEEP, radius: 0, spread: 4 },
  'points with cancellation': { sizes: DEEP, radius: 0, spread: 40 },
  'points, leaky': { sizes: DEEP, radius: 0, slope: 0.1 },
  'points without constants': { sizes: DEEP, radius: 0, biases: 0, bounds: 0 },
  'points with large biases': { sizes: DEEP, radius: 0, biases: 2 ** 30 },
  'points with large bounds': { sizes: DEEP, radius: 0, bounds: 2 ** 30 },
  'points, one layer': { sizes: [3, 2], radius: 0, biases: 0, bounds: 0 },
  'inexact weights': { sizes: DEEP, radius: 0, errors: { weights: 2 ** -30 } },
  'inexact biases': { sizes: DEEP, radius: 0, errors: { biases: 2 ** -30 } },
  'inexact coefficients': { sizes: DEEP, radius: 0, errors: { coefficients: 2 ** -30 } },
  'stable boxes': { sizes: [2, 5, 6, 2], radius: 1, stable: true },
  'stable boxes, leaky': { sizes: [2, 5, 6, 2], radius: 1, slope: 0.1, stable: true },
  'stable boxes, inexact weights': { sizes: [2, 5, 6, 2], radius: 1, stable: true, errors: { weights: 2 ** -30 } },
  'one neuron': { sizes: [1, 1, 1], radius: 2, biases: 0, bounds: 0 },
  'one neuron, leaky': { sizes: [1, 1, 1], radius: 2, slope: 0.1, biases: 0, bounds: 0 },
  'one neuron after another': { sizes: [1, 1, 1, 1], radius: 2, biases: 0, bounds: 0 },
  'wide layers': { sizes: [1, 150, 1], radius: 0, uniform: true },
  'wide layers with large biases': { sizes: [1, 600, 1], radius: 0, biases: 2 ** 30, uniform: true },
  'wide layers without constants': { sizes: [1, 120, 120, 1], radius: 0, biases: 0, bounds: 0, uniform: true },
  'wide unstable layers': { sizes: [1, 600, 1], radius: 2, biases: 0, bounds: 0, uniform: true },
  'many inputs': { sizes: [600, 1, 1], radius: 0, biases: 0, bounds: 0, uniform: true },
  'many outputs': { sizes: [1, 1, 600], radius: 0, biases: 0, bounds: 0, uniform: true },
  'one neuron behind another': { sizes: [1, 1, 1, 1], radius: 2, bounds: 0, crossing: true },
  'one neuron behind another, inexact weights': {
    sizes: [1, 1, 1, 1],
    radius: 2,
    bounds: 0,
    crossing: true,
    errors: { weights: 2 ** -30 },
  },
  'one neuron behind another, inexact biases': {
    sizes: [1, 1, 1, 1],
    radius: 2,
    bounds: 0,
    crossing: true,
    errors: { biases: 2 ** -30 },
  },
  'one neuron behind many': { sizes: [1, 600, 1, 1], radius: 2, bounds: 0, crossing: true, uniform: true },
  'wide stable boxes': { sizes: [60, 40, 1], radius: 1, uniform: true, stable: true },
  graphs: { sizes: 'graph', radius: 0 },
  'graphs, inexact weights': { sizes: 'graph', radius: 0, errors: { weights: 2 ** -30 } },
  'graphs, inexact biases': { sizes: 'graph', radius: 0, errors: { biases: 2 ** -30 } },
  'one value in a long sum': { sizes: 'add', radius: 0, bounds: 0 },
  'one value many times in a join': { sizes: 'concat', radius: 0, bounds: 0 },
  'many stable neurons read one value': { sizes: 'relu', radius: 0, bounds: 0 },
  'many unstable neurons read one value': { sizes: 'relu', radius: 2, bounds: 0 },
  'many leaky neurons read one value': { sizes: 'leakyRelu', radius: 2, bounds: 0 },
};

/** A dense node, `readers` that read its one value, and a dense node over them with all weights alike, so that rounding drifts one way. */
function fan(seed: number, kind: 'add' | 'concat' | 'relu' | 'leakyRelu'): Network {
  const chain = randomChain(seed, [1, 1, 1]);
  const [input, first, , last] = chain.nodes as [NetworkNode, DenseNode, NetworkNode, DenseNode];
  const zero = Float64Array.of(0);
  const nodes: NetworkNode[] = [input, { ...first, bias: zero }];
  const part = { name: 'reader', size: 1, shape: [1] };
  const same = Array.from({ length: READERS }, () => 1);
  let size = READERS;
  if (kind === 'add') {
    nodes.push({ ...part, kind, id: 2, inputs: same, coefficients: same.map(() => last.weight[0]) });
    size = 1;
  } else if (kind === 'concat') nodes.push({ ...part, kind, id: 2, inputs: same, size, shape: [size] });
  else {
    for (const reads of same)
      nodes.push({ ...part, kind, id: nodes.length, inputs: [reads], slope: kind === 'relu' ? 0 : 0.1 });
    const inputs = same.map((_, k) => 2 + k);
    nodes.push({ ...part, kind: 'concat', id: nodes.length, inputs, size, shape: [size] });
  }
  const weight = new Float64Array(size).fill(last.weight[0]);
  nodes.push({ ...last, id: nodes.length, inputs: [nodes.length - 1], weight, bias: zero });
  return { ...chain, nodes };
}

const READERS = 300;

/** The biases of a family's layer, from what was drawn. `inner`: inputs of the layer. */
function biasesOf(
  family: Family,
  layer: number,
  last: boolean,
  drawn: Float64Array,
  weight: Float64Array,
): Float64Array {
  const inner = weight.length / drawn.length;
  const away = 20 * weight.length;
  if (family.stable) return last ? drawn : drawn.map(b => b + Math.sign(b) * away);
  if (family.crossing && layer === 0) return drawn.map(b => Math.abs(b) + away);
  if (family.crossing && layer === 1)
    return drawn.map(
      (b, i) => b / 8 - weight.subarray(i * inner, (i + 1) * inner).reduce((sum, w) => sum + w * (0.3 + 20 * inner), 0),
    );
  return drawn.map(b => b * (family.biases ?? 1));
}

function drawnNetwork({ sizes, slope = 0, spread = 0 }: Family, seed: number): Network {
  if (sizes === 'graph') return randomNetwork(seed, ['relu', 'leakyRelu']);
  return typeof sizes === 'string' ? fan(seed, sizes) : randomChain(seed, sizes, slope, spread);
}

export function exactCase(name: string, seed: number): ExactCase {
  const family = FAMILIES[name];
  const { sizes, radius, spread = 0, errors = {}, biases = 1, bounds = 1, uniform, stable } = family;
  const random = new Random(seed * 31 + name.length);
  const drawn = drawnNetwork(family, seed);
  let layer = 0;
  const network: Network = {
    ...drawn,
    nodes: drawn.nodes.map(node => {
      if (typeof sizes === 'string') return inexact(node, errors);
      if (node.kind !== 'dense') return node;
      const like = (values: Float64Array) => (uniform ? values.map(() => values[0]) : values);
      const last = node.id === drawn.nodes.length - 1;
      const weight = like(node.weight);
      return inexact({ ...node, weight, bias: biasesOf(family, layer++, last, like(node.bias!), weight) }, errors);
    }),
  };
  const constraints = randomConstraints(random, 4, network.outputSize, network.inputSize).map(constraint => ({
    ...constraint,
    outputs: uniform ? everywhere(constraint.outputs, network.outputSize) : withoutRepeats(constraint.outputs),
    // The corners of a box of many inputs are too many to try, so there the inputs have no say of their own.
    inputs: withoutRepeats(radius > 0 && network.inputSize > MOST_CORNERS ? NOTHING : constraint.inputs),
    bound: constraint.bound * bounds,
    coefficientError: errors.coefficients ?? 0,
  }));
  const { lower, upper } = randomBox(random, network.inputSize, radius);
  if (uniform) {
    lower.fill(lower[0]);
    upper.fill(upper[0]);
  }
  const nodes = exactNodes(network, errors);
  const corners = cornersOf(lower, upper);
  const margins = corners.map(corner => {
    const x = corner.map(Dyadic.of);
    const y = exactOutputs(nodes, x);
    return constraints.map(constraint => exactMargin(constraint, x, y, errors));
  });
  const exact = constraints.map((_, row) => margins.map(at => at[row]).reduce((a, b) => (a.atMost(b) ? a : b)));
  const values = typeof sizes === 'string' ? READERS : 1;
  const size = constraints.reduce((most, { bound }) => Math.max(most, Math.abs(bound)), Math.max(values, biases));
  const loose = spread > 4 || Object.keys(errors).length > 0 || (radius > 0 && !stable);
  return {
    network,
    constraints,
    lower,
    upper,
    corners,
    margins,
    exact,
    slack: loose ? Infinity : 1e-9 * size * (stable ? 1e6 : 1),
  };
}

const NOTHING: LinearForm = { index: new Int32Array(0), value: new Float64Array(0) };

function withoutRepeats({ index, value }: LinearForm): LinearForm {
  return {
    index: index.filter((i, k) => index.indexOf(i) === k),
    value: value.filter((_, k) => index.indexOf(index[k]) === k),
  };
}

function everywhere({ value }: LinearForm, size: number): LinearForm {
  return { index: Int32Array.from({ length: size }, (_, i) => i), value: new Float64Array(size).fill(value[0]) };
}

/** Inputs of a box whose corners are all tried. */
const MOST_CORNERS = 3;

/** Corners of the box, or with many inputs those two that have all of one side. */
function cornersOf(lower: Float64Array, upper: Float64Array): number[][] {
  if (lower.every((l, i) => l === upper[i])) return [[...lower]];
  if (lower.length > MOST_CORNERS) return [[...lower], [...upper]];
  return Array.from({ length: 2 ** lower.length }, (_, k) => [...lower].map((l, i) => ((k >> i) & 1 ? upper[i] : l)));
}

/** The node with the stated errors of its weights and biases. */
function inexact<N extends NetworkNode>(node: N, { weights = 0, biases = 0 }: Errors): N {
  if (!('biasError' in node)) return node;
  const biasError = biases > 0 && node.bias ? node.bias.map(() => biases) : null;
  return { ...node, biasError, relativeError: weights };
}

/** outputs·y + inputs·x − bound. */
function exactMargin(
  constraint: Constraint,
  x: readonly Dyadic[],
  y: readonly Dyadic[],
  { coefficients = 0 }: Errors,
): Dyadic {
  const form = ({ index, value }: LinearForm, of: readonly Dyadic[]) =>
    Array.from(index).reduce((sum, i, k) => sum.plus(of[i].times(moved(value[k], coefficients, 0, k))), Dyadic.zero);
  return form(constraint.outputs, y).plus(form(constraint.inputs, x)).plus(Dyadic.of(-constraint.bound));
}

/** What is wrong with the bounds of a case: too high, or lower than rounding explains; null when nothing is. */
export function fault({ methods, plane }: Rungs, it: ExactCase): string | null {
  const { exact, slack } = it;
  for (const [method, bounds] of Object.entries(methods)) {
    const lowerBounds = bounds();
    for (const [row, margin] of exact.entries()) {
      const bound = lowerBounds?.[row] ?? -Infinity;
      if (bound === -Infinity) return `${method} gives up on row ${row}`;
      if (!Dyadic.of(bound).atMost(margin)) return `${method} is above the exact margin of row ${row}`;
      if (slack < Infinity && !margin.atMost(Dyadic.of(bound + slack)))
        return `${method} is further below the exact margin of row ${row} than rounding explains`;
      const own = plane?.(row, method);
      if (own && isAbove(own, it, row)) return `the plane of ${method} is above the exact margin of row ${row}`;
    }
  }
  return null;
}

function isAbove({ coefficients, constant }: Plane, { corners, margins }: ExactCase, row: number): boolean {
  return corners.some((x, k) => {
    const value = x.reduce(
      (sum, v, i) => sum.plus(Dyadic.of(v).times(Dyadic.of(coefficients[i]))),
      Dyadic.of(constant),
    );
    return !value.atMost(margins[k][row]);
  });
}
