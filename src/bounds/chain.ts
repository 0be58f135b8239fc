import { assert } from '../base/assert';
import type { ActivationNode, DenseNode, Network } from '../network/network';
import type { Constraint } from '../spec/question';
import type { BoxBounder, Plane } from './bounder';
import { doublesAt, instantiateCore, stride, type CoreExports } from './core/core';

/** A network that is nothing but dense layers with ReLU or LeakyRelu between them. */
export interface DenseChain {
  readonly layers: readonly DenseNode[];
  /** Negative-side slope behind each layer but the last. */
  readonly slopes: readonly number[];
  /** Names of the activations. */
  readonly activations: readonly string[];
}

/** The network as a dense chain, or null when it is something else. One that ends in an activation has a last layer that changes nothing. */
export function denseChain(network: Network): DenseChain | null {
  const layers: DenseNode[] = [];
  const slopes: number[] = [];
  const activations: string[] = [];
  const [input, ...rest] = network.nodes;
  let previous = input.id;
  for (const [index, node] of rest.entries()) {
    if (node.inputs.length !== 1 || node.inputs[0] !== previous) return null;
    previous = node.id;
    if (index % 2 === 0) {
      if (node.kind !== 'dense') return null;
      layers.push(node);
    } else {
      const slope = activationSlope(node as ActivationNode);
      if (slope === null) return null;
      slopes.push(slope);
      activations.push(node.name);
    }
  }
  if (layers.length > 0 && layers.length === slopes.length) layers.push(unchanged(network));
  return layers.length === slopes.length + 1 ? { layers, slopes, activations } : null;
}

/** A layer behind a network's last node whose outputs are what it reads. */
function unchanged({ nodes, outputSize: size }: Network): DenseNode {
  const last = nodes[nodes.length - 1];
  const weight = new Float64Array(size * size);
  for (let i = 0; i < size; i++) weight[i * size + i] = 1;
  return {
    kind: 'dense',
    id: nodes.length,
    inputs: [last.id],
    size,
    shape: last.shape,
    name: `${last.name} as it is`,
    weight,
    bias: null,
    relativeError: 0,
    biasError: null,
  };
}

/** Bytes that the ladder may take for its rows and weights; the core can address 4 GB. */
const LADDER_MEMORY = 2 ** 30;

/** Whether a chain is small enough for the ladder, which keeps a row for every neuron. */
export function ladderFits({ layers }: DenseChain): boolean {
  const sizes = layers.map(layer => layer.size);
  const widest = Math.max(layers[0].weight.length / layers[0].size, ...sizes);
  const rows = 2 * sizes.reduce((sum, size) => sum + size, 0) + 4 * widest;
  const weights = layers.reduce((sum, layer) => sum + 2 * layer.weight.length, 0);
  return 8 * (rows * widest + weights) < LADDER_MEMORY;
}

function activationSlope(node: ActivationNode): number | null {
  if (node.kind === 'relu') return 0;
  return node.kind === 'leakyRelu' && node.slope >= 0 && node.slope <= 1 ? node.slope : null;
}

/**
 * The ladder of bounds for one box of a dense chain (forward zonotope, then backward CROWN for the neurons still unstable), in float64 with all
 * rounding subtracted. One instance a thread.
 */
export class ChainLadder implements BoxBounder {
  protected readonly core: CoreExports;
  protected readonly inputs: number;
  private readonly outputs: number;
  /** Doubles in the block of bounds of all layers, lower and upper. */
  readonly boundsLength: number;
  private readonly point: number;

  constructor(
    protected readonly chain: DenseChain,
    constraints: readonly Constraint[],
    /** How many constraints there is room for. */
    protected readonly rows = constraints.length,
  ) {
    const core = instantiateCore();
    this.core = core;
    this.inputs = chain.layers[0].weight.length / chain.layers[0].size;
    this.outputs = chain.layers[chain.layers.length - 1].size;
    core.newChain(chain.layers.length, this.inputs);
    let width = this.inputs;
    for (const [index, layer] of chain.layers.entries()) {
      core.newLayer(index + 1, layer.size, chain.slopes[index] ?? 0, layer.relativeError);
      const wide = stride(width);
      const weight = doublesAt(core, core.layerWeight(index + 1), layer.size * wide);
      for (let i = 0; i < layer.size; i++) weight.set(layer.weight.subarray(i * width, (i + 1) * width), i * wide);
      if (layer.bias) doublesAt(core, core.layerBias(index + 1), layer.size).set(layer.bias);
      if (layer.biasError) doublesAt(core, core.layerBiasError(index + 1), layer.size).set(layer.biasError);
      width = layer.size;
    }
    core.finish(rows);
    this.point = core.allocate(stride(this.inputs) * 8);
    this.writeForms(constraints);
    this.boundsLength = 2 * core.boundsCount.value;
  }

  /** Puts these constraints in place of the rows there are. */
  protected writeForms(constraints: readonly Constraint[]): void {
    const { core, rows, outputs, inputs } = this;
    assert(constraints.length <= rows, () => `${constraints.length} constraints where there is room for ${rows}`);
    const bounds = doublesAt(core, core.formBounds.value, rows);
    const errors = doublesAt(core, core.coefficientErrors.value, rows);
    for (const [r, constraint] of constraints.entries()) {
      const form = doublesAt(core, core.forms.value + r * stride(outputs) * 8, outputs).fill(0);
      constraint.outputs.index.forEach((at, k) => (form[at] += constraint.outputs.value[k]));
      const inputForm = doublesAt(core, core.inputForms.value + r * stride(inputs) * 8, inputs).fill(0);
      constraint.inputs.index.forEach((at, k) => (inputForm[at] += constraint.inputs.value[k]));
      bounds[r] = constraint.bound;
      errors[r] = constraint.coefficientError;
    }
  }

  setBox(lower: Float64Array, upper: Float64Array, bounds: Float64Array | null): void {
    doublesAt(this.core, this.core.inputLower.value, this.inputs).set(lower);
    doublesAt(this.core, this.core.inputUpper.value, this.inputs).set(upper);
    if (bounds) doublesAt(this.core, this.core.boundsBlock.value, this.boundsLength).set(bounds);
    else this.core.resetBounds();
  }

  private select(rows: readonly number[]): void {
    const selected = new Int32Array(this.core.memory.buffer, this.core.selected.value, this.rows);
    for (let k = 0; k < rows.length; k++) selected[k] = rows[k];
  }

  zonotope(rows: readonly number[]): Float64Array | null {
    this.select(rows);
    if (!this.core.ladderZonotope(rows.length)) return null;
    return doublesAt(this.core, this.core.zonotopeBounds.value, rows.length).slice();
  }

  backward(rows: readonly number[]): Float64Array {
    this.select(rows);
    this.core.ladderRows(rows.length);
    return this.lowerBounds(rows.length);
  }

  crown(rows: readonly number[]): { unstable: number; lower: Float64Array } {
    this.select(rows);
    const unstable = this.core.ladderCrown(rows.length);
    return {
      unstable,
      lower: unstable < 0 ? new Float64Array(rows.length).fill(-Infinity) : this.lowerBounds(rows.length),
    };
  }

  private lowerBounds(count: number): Float64Array {
    return doublesAt(this.core, this.core.rowLower.value, count).slice();
  }

  plane(k: number): Plane {
    const wide = stride(this.inputs) * 8;
    return {
      coefficients: doublesAt(this.core, this.core.rowPlane.value + k * wide, this.inputs).slice(),
      constant: doublesAt(this.core, this.core.constants.value, k + 1)[k],
    };
  }

  bounds(): Float64Array {
    return doublesAt(this.core, this.core.boundsBlock.value, this.boundsLength).slice();
  }

  evaluate(input: ArrayLike<number>): Float64Array {
    assert(input.length === this.inputs, () => `point has ${input.length} values, the network takes ${this.inputs}`);
    doublesAt(this.core, this.point, this.inputs).set(input);
    return doublesAt(this.core, this.core.evaluate(this.point), this.outputs).slice();
  }

  gradient(row: number): Float64Array {
    return doublesAt(this.core, this.core.gradient(row), this.inputs).slice();
  }
}
