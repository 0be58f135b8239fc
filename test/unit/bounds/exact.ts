import { Random } from '../../../src/base/random';
import type { BoxBounder, Plane } from '../../../src/bounds/bounder';
import type { DenseNode, Network } from '../../../src/network/network';
import type { Constraint, LinearForm } from '../../../src/spec/question';
import { randomBox, randomChain, randomConstraints } from './chains';
import { Dyadic } from './dyadic';

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

/** Where the exact weights, biases and coefficients are: this part of, or this far from, the stored ones; by turns above and below. */
interface Errors {
  readonly weights?: number;
  readonly biases?: number;
  readonly coefficients?: number;
}

interface Family {
  readonly sizes: readonly number[];
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
};

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

export function exactCase(name: string, seed: number): ExactCase {
  const family = FAMILIES[name];
  const { sizes, radius, slope = 0, spread = 0, errors = {}, biases = 1, bounds = 1, uniform, stable } = family;
  const random = new Random(seed * 31 + name.length);
  const drawn = randomChain(seed, sizes, slope, spread);
  let layer = 0;
  const network: Network = {
    ...drawn,
    nodes: drawn.nodes.map(node => {
      if (node.kind !== 'dense') return node;
      const like = (values: Float64Array) => (uniform ? values.map(() => values[0]) : values);
      const last = node.id === drawn.nodes.length - 1;
      const weight = like(node.weight);
      return {
        ...node,
        weight,
        bias: biasesOf(family, layer++, last, like(node.bias!), weight),
        relativeError: errors.weights ?? 0,
        biasError: errors.biases ? node.bias!.map(() => errors.biases!) : null,
      };
    }),
  };
  const constraints = randomConstraints(random, 4, network.outputSize, network.inputSize).map(constraint => ({
    ...constraint,
    outputs: uniform ? everywhere(constraint.outputs, network.outputSize) : withoutRepeats(constraint.outputs),
    // The corners of a box of many inputs are too many to try, so there the inputs have no say of their own.
    inputs: withoutRepeats(radius > 0 && sizes[0] > MOST_CORNERS ? NOTHING : constraint.inputs),
    bound: constraint.bound * bounds,
    coefficientError: errors.coefficients ?? 0,
  }));
  const { lower, upper } = randomBox(random, network.inputSize, radius);
  if (uniform) {
    lower.fill(lower[0]);
    upper.fill(upper[0]);
  }
  const layers = network.nodes
    .filter((node): node is DenseNode => node.kind === 'dense')
    .map(node => exactLayer(node, errors));
  const corners = cornersOf(lower, upper);
  const margins = corners.map(x => {
    const values = x.map(Dyadic.of);
    return constraints.map(constraint => exactMargin(layers, Dyadic.of(slope), values, constraint, errors));
  });
  const exact = constraints.map((_, row) => margins.map(at => at[row]).reduce((a, b) => (a.atMost(b) ? a : b)));
  const size = constraints.reduce((most, { bound }) => Math.max(most, Math.abs(bound)), Math.max(1, biases));
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

interface ExactLayer {
  readonly weight: readonly Dyadic[];
  readonly bias: readonly Dyadic[];
}

/** Moved by its full error, by turns up and down: with a seed's signs random enough. */
function moved(value: number, relative: number, absolute: number, turn: number): Dyadic {
  const sign = turn % 2 === 0 ? 1 : -1;
  return Dyadic.of(value)
    .times(Dyadic.of(1 + sign * relative))
    .plus(Dyadic.of(sign * absolute));
}

function exactLayer(node: DenseNode, { weights = 0, biases = 0 }: Errors): ExactLayer {
  return {
    weight: Array.from(node.weight, (w, k) => moved(w, weights, 0, k)),
    bias: Array.from(node.bias!, (b, k) => moved(b, 0, biases, k)),
  };
}

/** outputs·y + inputs·x − bound at a point. */
function exactMargin(
  layers: readonly ExactLayer[],
  slope: Dyadic,
  x: readonly Dyadic[],
  constraint: Constraint,
  { coefficients = 0 }: Errors,
): Dyadic {
  let values = x;
  layers.forEach(({ weight, bias }, k) => {
    const y = bias.map((b, i) => values.reduce((sum, v, j) => sum.plus(v.times(weight[i * values.length + j])), b));
    values = k + 1 < layers.length ? y.map(v => (v.negative ? v.times(slope) : v)) : y;
  });
  const form = ({ index, value }: LinearForm, of: readonly Dyadic[]) =>
    Array.from(index).reduce((sum, i, k) => sum.plus(of[i].times(moved(value[k], coefficients, 0, k))), Dyadic.zero);
  return form(constraint.outputs, values).plus(form(constraint.inputs, x)).plus(Dyadic.of(-constraint.bound));
}

/** What is wrong with a bounder's bounds on a case: too high, or lower than rounding explains; null when nothing is. */
export function fault(bounder: BoxBounder, it: ExactCase): string | null {
  const { constraints, lower, upper, exact, slack } = it;
  const rows = constraints.map((_, row) => row);
  bounder.setBox(lower, upper.slice(), null);
  const methods = {
    zonotope: () => bounder.zonotope(rows)!,
    backward: () => bounder.backward(rows),
    crown: () => bounder.crown(rows).lower,
  };
  for (const [method, bounds] of Object.entries(methods)) {
    const lowerBounds = bounds();
    for (const row of rows) {
      const bound = lowerBounds[row];
      if (bound === -Infinity) return `${method} gives up on row ${row}`;
      if (!Dyadic.of(bound).atMost(exact[row])) return `${method} is above the exact margin of row ${row}`;
      if (slack < Infinity && !exact[row].atMost(Dyadic.of(bound + slack)))
        return `${method} is further below the exact margin of row ${row} than rounding explains`;
      if (method !== 'zonotope' && isAbove(bounder.plane(row), it, row))
        return `the plane of ${method} is above the exact margin of row ${row}`;
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
