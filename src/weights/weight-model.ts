import path from 'node:path';
import { assert } from '../base/assert';
import { ok, problem, type Result } from '../base/result';
import { decodeModel } from '../network/codec';
import { Constant } from '../network/constant';
import type { Draft } from '../network/draft';
import type { ElementType } from '../network/element-type';
import { ExternalData } from '../network/external-data';
import { readGraph, type Graph, type GraphNode } from '../network/graph';
import { inferShapes, type Inference } from '../network/infer';
import type { LoadedModel } from '../network/load';
import { lower, type Lowered } from '../network/lower';
import { catching } from '../network/refusal';
import { sizeOf } from '../network/tensor';
import { readTerms, type LayerTerms } from './layer-terms';
import type { Network } from '../network/network';
import type { Value } from '../network/operation';
import { asWritten } from '../network/simplify';
import { ancestors } from './draft-surgery';
import type { LayerReference } from './perturbation';

/** A tensor of parameters as its node reads it. */
export interface ParameterTensor {
  /** Which input of the node it is. */
  readonly input: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly values: Float64Array;
  /** Where its entries begin in the layer's vector of parameters: weights first, then biases. */
  readonly offset: number;
}

/** One affine node of the file. */
export interface Layer {
  /** From 1, over the affine nodes of the file. */
  readonly number: number;
  readonly name: string;
  readonly opType: string;
  /** What is multiplied; null for a node that only adds. */
  readonly weight: ParameterTensor | null;
  /** What is added. */
  readonly bias: ParameterTensor | null;
  readonly parameters: number;
}

/** Inputs of the operators whose outputs are affine in constants: which one is multiplied and which one is added. */
function parameterInputs(node: GraphNode, inference: Inference): { weight: number | null; bias: number | null } | null {
  const isConstant = (input: number): boolean =>
    node.inputs[input] !== undefined &&
    node.inputs[input] !== '' &&
    !!inference.values.get(node.inputs[input])?.constant;
  const either = [0, 1].find(isConstant) ?? null;
  switch (node.opType) {
    case 'Gemm':
      return either === null ? null : { weight: either, bias: isConstant(2) ? 2 : null };
    case 'MatMul':
    case 'Mul':
    case 'Div':
      return either === null ? null : { weight: either, bias: null };
    case 'Conv':
    case 'ConvTranspose':
    case 'BatchNormalization':
      return { weight: 1, bias: isConstant(2) ? 2 : null };
    case 'Add':
    case 'Sub':
      return either === null ? null : { weight: null, bias: either };
    default:
      return null;
  }
}

/** A model whose weights are asked about: its layers as the file has them, before any folding. */
export class WeightModel {
  private readonly known = new Map<Layer, Result<LayerTerms>>();
  private written: ReturnType<WeightModel['writtenWith']> | undefined;

  private constructor(
    readonly loaded: LoadedModel,
    private readonly graph: Graph,
    private readonly inference: Inference,
    private readonly external: ExternalData,
    /** The network before any folding; terms name its draft nodes. */
    readonly lowered: Lowered,
    readonly layers: readonly Layer[],
    private readonly nodes: ReadonlyMap<Layer, GraphNode>,
  ) {}

  static open(loaded: LoadedModel): Result<WeightModel> {
    const decoded = decodeModel(loaded.bytes, loaded.path);
    if (!decoded.ok) return decoded;
    return catching(loaded.path, () => {
      const external = new ExternalData(path.dirname(loaded.path));
      const graph = readGraph(decoded.value);
      const inference = inferShapes(graph, external);
      const lowered = lower(graph, inference, external);
      const nodes = new Map<Layer, GraphNode>();
      for (const node of graph.nodes) {
        if (node.outputs.every(name => inference.values.get(name)?.constant)) continue;
        const inputs = parameterInputs(node, inference);
        if (!inputs) continue;
        const weight = tensorAt(node, inputs.weight, inference, 0);
        const bias = tensorAt(node, inputs.bias, inference, weight ? sizeOf(weight.shape) : 0);
        const parameters = (weight ? sizeOf(weight.shape) : 0) + (bias ? sizeOf(bias.shape) : 0);
        const { name, opType } = node;
        nodes.set({ number: nodes.size + 1, name, opType, weight, bias, parameters }, node);
      }
      return new WeightModel(loaded, graph, inference, external, lowered, [...nodes.keys()], nodes);
    });
  }

  /** The layer of that name or number; the message of a failure lists the layers that there are. */
  find(reference: LayerReference): Result<Layer> {
    const found = this.layers.filter(layer => layer.name === reference || layer.number === reference);
    if (found.length === 1) return ok(found[0]);
    const list = this.layers.map(({ number, name, opType }) => `${number} ${name} (${opType})`).join(', ');
    const shown = typeof reference === 'number' ? `layer ${reference}` : `layer "${reference}"`;
    return problem(
      'weights/layer',
      found.length > 1
        ? `${this.loaded.path} has ${found.length} nodes named "${reference}"; name the layer by its number. The layers are: ${list}.`
        : `${this.loaded.path} has no ${shown} with weights. The layers are: ${list === '' ? 'none' : list}.`,
    );
  }

  /** The ONNX node of a layer. */
  nodeOf(layer: Layer): GraphNode {
    const node = this.nodes.get(layer);
    assert(node, () => `layer ${layer.name} belongs to another model`);
    return node;
  }

  /** How the layer's outputs depend on its parameters. Fails for a layer in which they are not linear, or that shares its tensors with another. */
  terms(layer: Layer): Result<LayerTerms> {
    let terms = this.known.get(layer);
    if (!terms) this.known.set(layer, (terms = this.findTerms(layer)));
    return terms;
  }

  private findTerms(layer: Layer): Result<LayerTerms> {
    const node = this.nodeOf(layer);
    for (const tensor of [layer.weight, layer.bias]) {
      if (!tensor) continue;
      const others = (this.graph.consumers.get(tensor.name) ?? []).filter(other => other !== node);
      if (others.length > 0)
        return problem(
          'weights/shared-tensor',
          `Layer "${layer.name}" shares its tensor "${tensor.name}" with node "${others[0].name}", so its weights do not move alone; give the layer a tensor of its own.`,
        );
      if (this.inference.values.get(tensor.name)?.constant?.error)
        return problem(
          'weights/computed-tensor',
          `The tensor "${tensor.name}" of layer "${layer.name}" is computed inside the file; store its values as they are to ask about them.`,
        );
    }
    return catching(this.loaded.path, () => {
      // The coefficients of the lowered network are linear in the parameters: with every parameter at 1 they are the factors, and with
      // parameter k at k + 2 the quotient tells which parameter each of them belongs to.
      const ones = this.loweredWith(layer, () => 1);
      const marked = this.loweredWith(layer, k => k + 2);
      return readTerms(layer.name, layer.parameters, ones, marked);
    });
  }

  /** The network as it is written, and where the nodes of `lowered` are in it. */
  get nominal(): ReturnType<WeightModel['writtenWith']> {
    return (this.written ??= this.writtenWith([]));
  }

  /**
   * The network with moved parameters, as it is written, and where the nodes of `lowered` are in it: parameter k of a layer is its value plus
   * amount[k].
   */
  writtenWith(changes: readonly { readonly layer: Layer; readonly amount: Float64Array }[]): {
    network: Network;
    place: (draftId: number) => number;
  } {
    const values = new Map(this.inference.values);
    for (const { layer, amount } of changes) this.put(values, layer, (k, value) => value + amount[k]);
    const { inference, graph, external } = this;
    const lowered = lower(graph, { ...inference, values }, external);
    const used = ancestors(lowered.draft.nodes, [lowered.output]);
    used[0] = true;
    const places: number[] = [];
    used.forEach((isUsed, id) => (places[id] = id === 0 ? 0 : places[id - 1] + (isUsed ? 1 : 0)));
    return { network: asWritten(lowered), place: id => places[id] };
  }

  /** The network's draft with other values in a layer's parameters. */
  private loweredWith(layer: Layer, value: (parameter: number) => number): Draft {
    const values = new Map(this.inference.values);
    this.put(values, layer, value);
    return lower(this.graph, { ...this.inference, values }, this.external).draft;
  }

  private put(values: Map<string, Value>, layer: Layer, value: (parameter: number, stored: number) => number): void {
    for (const tensor of [layer.weight, layer.bias]) {
      if (!tensor) continue;
      const { name, shape, type, offset } = tensor;
      const constant = Constant.of(
        shape,
        type,
        tensor.values.map((stored, k) => value(offset + k, stored)),
      );
      values.set(name, { name, shape, type, constant });
    }
  }
}

function tensorAt(node: GraphNode, input: number | null, inference: Inference, offset: number): ParameterTensor | null {
  if (input === null) return null;
  const name = node.inputs[input];
  const { shape, type, constant } = inference.values.get(name)!;
  return {
    input,
    name,
    shape,
    type,
    get values() {
      return constant!.values;
    },
    offset,
  };
}
