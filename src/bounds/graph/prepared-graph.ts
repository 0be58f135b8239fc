import { assert } from '../../base/assert';
import { gamma } from '../../base/rounding';
import type { Network, NetworkNode } from '../../network/network';
import { doublesAt, instantiateCore, stride, type CoreExports } from '../core/core';
import { MOST_CUTS } from './cut-limits';
import { linearMap, type LinearMap } from './linear-map';

/** A network with the linear maps of its affine nodes in the core's memory; what all bounds over general graphs work on. */
export class PreparedGraph {
  readonly nodes: readonly NetworkNode[];
  readonly maps: readonly (LinearMap | null)[];
  /** Bias of every affine node, one value an output (zeros where there is none), and what it may be off by. */
  readonly bias: readonly (Float64Array | null)[];
  readonly biasError: readonly (Float64Array | null)[];
  /** Doubles per row of each node's values. */
  readonly wide: readonly number[];
  /** Ids of the nodes that feed an activation or a pool: those whose bounds are worth tightening. */
  readonly bounded: readonly number[];
  /** Multiplications in one forward evaluation. */
  readonly products: number;
  /** γ for the constant of a linear bound: at most two terms a neuron, one a cut, and a few more. */
  readonly constantsGamma: number;

  /** `core`: where the maps are to live, when several networks are to share one memory. */
  constructor(
    readonly network: Network,
    readonly core: CoreExports = instantiateCore(),
  ) {
    this.nodes = network.nodes;
    this.wide = this.nodes.map(node => stride(node.size));
    this.maps = this.nodes.map(node => {
      if (node.kind !== 'dense' && node.kind !== 'conv' && node.kind !== 'scale' && node.kind !== 'sparse') return null;
      return linearMap(this.core, node, this.nodes[node.inputs[0]].size);
    });
    this.bias = this.nodes.map(node => expand(node, 'bias' in node ? node.bias : null));
    this.biasError = this.nodes.map(node => expand(node, 'biasError' in node ? node.biasError : null));
    this.bounded = [...new Set(this.nodes.filter(isNonlinear).flatMap(node => node.inputs))];
    this.products = this.maps.reduce((sum, map) => sum + (map ? map.outputSize * map.forwardTerms : 0), 0);
    this.constantsGamma = gamma(8 * this.nodes.reduce((sum, node) => sum + node.size, 0) + 2 * MOST_CUTS + 256);
  }

  relativeError(id: number): number {
    const node = this.nodes[id];
    return 'relativeError' in node ? node.relativeError * 1.000001 : 0;
  }

  view(address: number, length: number): Float64Array {
    return doublesAt(this.core, address, length);
  }

  /** |W|·x for an affine node. */
  absolute(id: number, x: Float64Array): Float64Array {
    return this.through(id, x, (map, output, input) => map.absolute(output, input));
  }

  /** W·x for an affine node. */
  linear(id: number, x: Float64Array): Float64Array {
    return this.through(id, x, (map, output, input) => map.forward(output, input, 1));
  }

  /** Wᵀ·a for an affine node. */
  transposed(id: number, a: Float64Array): Float64Array {
    const map = this.maps[id];
    assert(map, () => `${this.nodes[id].name} is no affine node`);
    const mark = this.core.mark();
    const output = this.core.allocate(stride(map.outputSize) * 8);
    const input = this.core.allocate(stride(map.inputSize) * 8);
    this.view(output, map.outputSize).set(a);
    map.backward(input, output, 1);
    const result = this.view(input, map.inputSize).slice();
    this.core.release(mark);
    return result;
  }

  /** W·x + b in plain float64. */
  apply(id: number, x: Float64Array): Float64Array {
    const result = this.linear(id, x);
    const bias = this.bias[id];
    if (bias) for (let i = 0; i < result.length; i++) result[i] += bias[i];
    return result;
  }

  private through(
    id: number,
    x: Float64Array,
    run: (map: LinearMap, output: number, input: number) => void,
  ): Float64Array {
    const map = this.maps[id];
    assert(map, () => `${this.nodes[id].name} is no affine node`);
    const mark = this.core.mark();
    const input = this.core.allocate(stride(map.inputSize) * 8);
    const output = this.core.allocate(stride(map.outputSize) * 8);
    this.view(input, map.inputSize).set(x);
    run(map, output, input);
    const result = this.view(output, map.outputSize).slice();
    this.core.release(mark);
    return result;
  }
}

export function isNonlinear(node: NetworkNode): boolean {
  return ['relu', 'leakyRelu', 'sigmoid', 'tanh', 'maxPool'].includes(node.kind);
}

/** A convolution's bias is one value a channel; everywhere else it is one an output. */
function expand(node: NetworkNode, bias: Float64Array | null): Float64Array | null {
  if (bias === null || node.kind !== 'conv') return bias;
  const plane = node.outputShape[1] * node.outputShape[2];
  return Float64Array.from({ length: node.size }, (_, i) => bias[Math.floor(i / plane)]);
}
