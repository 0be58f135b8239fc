import { assert } from '../base/assert';
import type { ActivationNode, Network, NetworkNode } from '../network/network';
import { constant, input, sizeOf, type Expression } from '../tensor/expression';
import { forwardNodes } from '../tensor/forward';
import { add, greater, mul, relu, where } from '../tensor/operators';
import type { Parameter } from './architecture';

/** A network some of whose rectified neurons may be linear: what training changes, and the answers as an expression of it. */

/** What the neurons of one Relu do instead, one entry a neuron: where `mask` is 1 they answer slope·y + intercept. */
export interface Graft {
  readonly mask: Uint8Array;
  readonly slope: Float64Array;
  readonly intercept: Float64Array;
}

export interface GraftedNetwork {
  /** Node for node the base network (with weights of its own, where they were retrained). */
  readonly network: Network;
  /** By the id of the Relu node; a node without an entry rectifies all its neurons. */
  readonly grafts: ReadonlyMap<number, Graft>;
}

/** A network without linear neurons. */
export function ungrafted(network: Network): GraftedNetwork {
  return { network, grafts: new Map() };
}

type Part = 'weight' | 'bias' | 'slope' | 'intercept';

/** Names are unique also where nodes of a file share theirs. */
function parameterName(node: NetworkNode, part: Part): string {
  return `${node.name}#${node.id}.${part}`;
}

export interface Parameters {
  readonly weights: readonly Parameter[];
  readonly grafts: readonly Parameter[];
}

/** Copies of all numbers that training may change: weights and biases of dense and convolutional nodes, slopes and intercepts of linear neurons. */
export function parametersOf({ network, grafts }: GraftedNetwork): Parameters {
  const parameter = (node: NetworkNode, part: Part, shape: readonly number[], data: Float64Array): Parameter => ({
    name: parameterName(node, part),
    shape,
    data: Float32Array.from(data),
  });
  const weights = network.nodes.flatMap(node => {
    if (node.kind !== 'dense' && node.kind !== 'conv') return [];
    const shape =
      node.kind === 'dense'
        ? [node.size, node.weight.length / node.size]
        : [node.outputShape[0], node.inputShape[0] / node.groups, ...node.kernel];
    const biasShape = node.kind === 'dense' ? [node.size] : [node.outputShape[0], 1, 1];
    const bias = node.bias ? [parameter(node, 'bias', biasShape, node.bias)] : [];
    return [parameter(node, 'weight', shape, node.weight), ...bias];
  });
  const lines = [...grafts].flatMap(([id, { slope, intercept }]) => {
    const node = network.nodes[id];
    return [parameter(node, 'slope', [node.size], slope), parameter(node, 'intercept', [node.size], intercept)];
  });
  return { weights, grafts: lines };
}

/** The same network with other numbers, exactly those float32 values; what is not named stays. */
export function withParameters(model: GraftedNetwork, parameters: readonly Parameter[]): GraftedNetwork {
  const byName = new Map(parameters.map(({ name, data }) => [name, data]));
  const given = (node: NetworkNode, part: Part, before: Float64Array): Float64Array => {
    const data = byName.get(parameterName(node, part));
    assert(!data || data.length === before.length, () => `${parameterName(node, part)} has another length`);
    return data ? Float64Array.from(data) : before;
  };
  const nodes = model.network.nodes.map((node): NetworkNode => {
    if (node.kind !== 'dense' && node.kind !== 'conv') return node;
    if (!byName.has(parameterName(node, 'weight'))) return node;
    const bias = node.bias && given(node, 'bias', node.bias);
    // These numbers are what the network is now, whatever was lost in folding the old ones.
    return { ...node, weight: given(node, 'weight', node.weight), bias, relativeError: 0, biasError: null };
  });
  const grafts = [...model.grafts].map(([id, graft]): [number, Graft] => {
    const node = nodes[id];
    return [
      id,
      {
        mask: graft.mask,
        slope: given(node, 'slope', graft.slope),
        intercept: given(node, 'intercept', graft.intercept),
      },
    ];
  });
  return { network: { ...model.network, nodes }, grafts: new Map(grafts) };
}

/**
 * The values of every node, [batch, size], for x of shape [batch, inputSize]; the last one is the output. Numbers named in `variables` are
 * those expressions, the others constants.
 */
export function graftedNodes(
  { network, grafts }: GraftedNetwork,
  x: Expression,
  variables: ReadonlyMap<string, Expression> = new Map(),
): Expression[] {
  const line = (node: ActivationNode, part: 'slope' | 'intercept', data: Float64Array): Expression =>
    variables.get(parameterName(node, part)) ?? constant(Float32Array.from(data), [node.size]);
  return forwardNodes(network, x, {
    parameter: (node, part) => variables.get(parameterName(node, part)),
    activation: (node, a) => {
      const graft = grafts.get(node.id);
      if (!graft || !graft.mask.includes(1)) return undefined;
      const linear = add(mul(a, line(node, 'slope', graft.slope)), line(node, 'intercept', graft.intercept));
      if (!graft.mask.includes(0)) return linear;
      return where(greater(constant(Float32Array.from(graft.mask), [node.size]), 0), linear, relu(a));
    },
  });
}

/** The network's output for each row of x. */
export function answers(
  model: GraftedNetwork,
  x: Expression,
  variables: ReadonlyMap<string, Expression> = new Map(),
): Expression {
  const nodes = graftedNodes(model, x, variables);
  return nodes[nodes.length - 1];
}

/** Every parameter as an input of its name. */
export function variablesOf(parameters: readonly Parameter[]): Map<string, Expression> {
  return new Map(
    parameters.map(({ name, shape, data }) => {
      assert(sizeOf(shape) === data.length, () => `${name} has ${data.length} numbers`);
      return [name, input(name, shape)];
    }),
  );
}
