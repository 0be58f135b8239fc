import type { Constant } from './constant';
import { asOffsets, type Coefficients, exactly, type Offsets } from './coefficients';
import type {
  ActivationNode,
  AddNode,
  ConcatNode,
  ConvNode,
  NetworkNode,
  NodeBase,
  Affine,
  SparseNode,
  Trailing,
} from './network';
import { sizeOf } from './tensor';

/**
 * y_i = scale_i · x_{map_i} + bias_i: every elementwise affine map and every rearrangement, until it is folded into a neighbour or becomes
 * a scale or a sparse node. `map` null is the identity; map_i = -1 reads nothing. `scale` null means 1.
 */
export interface ViewNode extends NodeBase, Affine {
  readonly kind: 'view';
  readonly map: Int32Array | null;
  readonly scale: Float64Array | null;
  readonly bias: Float64Array | null;
}

export type DraftNode = NetworkNode | ViewNode;

/** The geometry of a convolution, as in `ConvNode`. */
export type ConvGeometry = Pick<
  ConvNode,
  'inputShape' | 'outputShape' | 'kernel' | 'strides' | 'dilations' | 'pads' | 'groups'
>;

/** A network under construction: nodes in order, before simplification. Each method appends one node and gives its id. */
export class Draft {
  readonly nodes: DraftNode[] = [];
  trailing: Trailing = 'none';

  constructor(inputSize: number) {
    this.append({ kind: 'input', inputs: [], size: inputSize, shape: [inputSize], name: 'input' });
  }

  constant(constant: Constant, name: string): number {
    const { values, error } = asOffsets(constant, `a constant of node "${name}"`);
    return this.append({
      kind: 'constant',
      inputs: [],
      ...outputOf(constant.shape),
      name,
      bias: values,
      relativeError: 0,
      biasError: error,
    });
  }

  /** `shape` here and below is the ONNX shape of the result. */
  view(
    input: number,
    shape: readonly number[],
    name: string,
    parts: { map?: Int32Array | null; scale?: Coefficients | null; bias?: Offsets | null },
  ): number {
    return this.append({
      kind: 'view',
      inputs: [input],
      ...outputOf(shape),
      name,
      map: parts.map ?? null,
      scale: parts.scale?.values ?? null,
      relativeError: parts.scale?.relativeError ?? 0,
      bias: parts.bias?.values ?? null,
      biasError: parts.bias?.error ?? null,
    });
  }

  dense(input: number, shape: readonly number[], name: string, weight: Coefficients, bias: Offsets | null): number {
    return this.append({
      kind: 'dense',
      inputs: [input],
      ...outputOf(shape),
      name,
      ...affine(weight, bias),
      weight: weight.values,
    });
  }

  conv(
    input: number,
    shape: readonly number[],
    name: string,
    geometry: ConvGeometry,
    weight: Coefficients,
    bias: Offsets | null,
  ): number {
    return this.append({
      kind: 'conv',
      inputs: [input],
      ...outputOf(shape),
      name,
      ...geometry,
      ...affine(weight, bias),
      weight: weight.values,
    });
  }

  sparse(
    input: number,
    shape: readonly number[],
    name: string,
    rows: Pick<SparseNode, 'rowStart' | 'column'>,
    weight: Coefficients | null,
    bias: Offsets | null,
  ): number {
    const value = weight?.values ?? null;
    return this.append({
      kind: 'sparse',
      inputs: [input],
      ...outputOf(shape),
      name,
      ...rows,
      ...affine(weight ?? exactly(1), bias),
      value,
    });
  }

  /** Σ coefficient·input. Inputs that occur twice are taken together, so that engines see each once. */
  add(inputs: readonly number[], shape: readonly number[], name: string, coefficients: readonly number[]): number {
    const sums = new Map<number, number>();
    inputs.forEach((input, k) => sums.set(input, (sums.get(input) ?? 0) + coefficients[k]));
    const node: Omit<AddNode, 'id'> = {
      kind: 'add',
      inputs: [...sums.keys()],
      ...outputOf(shape),
      name,
      coefficients: [...sums.values()],
    };
    return this.append(node);
  }

  concat(inputs: readonly number[], shape: readonly number[], name: string): number {
    const node: Omit<ConcatNode, 'id'> = { kind: 'concat', inputs, ...outputOf(shape), name };
    return this.append(node);
  }

  activation(kind: ActivationNode['kind'], input: number, shape: readonly number[], name: string, slope = 0): number {
    return this.append({ kind, inputs: [input], ...outputOf(shape), name, slope });
  }

  maxPool(
    input: number,
    shape: readonly number[],
    name: string,
    windows: Pick<SparseNode, 'rowStart' | 'column'>,
  ): number {
    return this.append({ kind: 'maxPool', inputs: [input], ...outputOf(shape), name, ...windows });
  }

  /** The constant `scale` times the input, elementwise. */
  scaled(input: number, shape: readonly number[], name: string, scale: number): number {
    return this.view(input, shape, name, { scale: uniform(scale, sizeOf(shape)) });
  }

  private append(node: WithoutId<DraftNode>): number {
    this.nodes.push({ ...node, id: this.nodes.length });
    return this.nodes.length - 1;
  }
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** `values` repeated over `size` elements, exact. */
export function uniform(value: number, size: number): Coefficients {
  return { values: new Float64Array(size).fill(value), relativeError: 0 };
}

/** Size and shape of a result, without the batch dimension of 1. */
function outputOf(shape: readonly number[]): Pick<NodeBase, 'size' | 'shape'> {
  return { size: sizeOf(shape), shape: shape.length > 1 && shape[0] === 1 ? shape.slice(1) : shape };
}

function affine(
  weight: Coefficients,
  bias: Offsets | null,
): { relativeError: number; bias: Float64Array | null; biasError: Float64Array | null } {
  return { relativeError: weight.relativeError, bias: bias?.values ?? null, biasError: bias?.error ?? null };
}
