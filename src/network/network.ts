/**
 * The network as the engines see it: a graph of affine maps and activations over flat float64 vectors, in which nothing is
 * left of ONNX but names. Every engine below `src/spec` works on this form and on nothing else.
 *
 * Exactness. The weights of an ONNX file are numbers; the network they define in exact arithmetic is what `verified` speaks of.
 * Where simplification had to compute with weights (batch normalisation, division by a constant), the result differs from the exact weight
 * by rounding; `relativeError` and `biasError` bound that difference, and every bound computed from the network accounts for them.
 */

/** One tensor at the model's boundary. Dynamic dimensions have been fixed (a batch dimension to 1). */
export interface TensorInfo {
  readonly name: string;
  readonly shape: readonly number[];
  /** ONNX element type, e.g. `float32`. */
  readonly type: string;
  /** Where this tensor's elements begin in the network's flat input (or output) vector. */
  readonly offset: number;
  readonly size: number;
}

export interface NodeBase {
  /** Index of this node in `Network.nodes`; inputs always have smaller ids. */
  readonly id: number;
  /** Ids of the nodes whose values this node reads. */
  readonly inputs: readonly number[];
  /** Number of values. */
  readonly size: number;
  /** Shape without the batch dimension, e.g. `[channels, height, width]`; its product is `size`. For display and for convolutions. */
  readonly shape: readonly number[];
  /** The ONNX node this came from (its name, or `Op_k` when it has none); several ONNX nodes may have been folded into one. */
  readonly name: string;
}

/** What every affine node carries so that bounds stay true: the exact coefficient w and the stored ŵ obey |w − ŵ| ≤ relativeError·|ŵ|. */
export interface Affine {
  readonly relativeError: number;
  /** Bound on |exact bias − stored bias| per output; null when the stored bias is exact. */
  readonly biasError: Float64Array | null;
}

/** The network's flat input vector (the concatenation of all input tensors). Always node 0. */
export interface InputNode extends NodeBase {
  readonly kind: 'input';
}

/** A value that does not depend on the input, e.g. an initializer that is concatenated to an activation. No inputs. */
export interface ConstantNode extends NodeBase, Affine {
  readonly kind: 'constant';
  readonly bias: Float64Array;
}

/** y = W x + b with W row-major [size × inputSize]. */
export interface DenseNode extends NodeBase, Affine {
  readonly kind: 'dense';
  readonly weight: Float64Array;
  readonly bias: Float64Array | null;
}

/**
 * Cross-correlation as ONNX Conv defines it, over `inputShape` = [C, ...spatial] with one or two spatial dimensions (one is stored as two
 * with height 1). weight is [O, C/groups, kh, kw]; bias has one entry per output channel.
 */
export interface ConvNode extends NodeBase, Affine {
  readonly kind: 'conv';
  readonly weight: Float64Array;
  /** Per output channel, length O. `biasError` too is per output channel. */
  readonly bias: Float64Array | null;
  readonly inputShape: readonly [number, number, number];
  readonly outputShape: readonly [number, number, number];
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
}

/** y_i = scale_i · x_i + bias_i. `scale` null means 1. */
export interface ScaleNode extends NodeBase, Affine {
  readonly kind: 'scale';
  readonly scale: Float64Array | null;
  readonly bias: Float64Array | null;
}

/**
 * Any sparse linear map in compressed rows: y_i = Σ_k value[k] · x_{column[k]} + b_i, k in rowStart[i] .. rowStart[i+1].
 * Slices, permutations, pads, pools, means and reductions become this. `value` null means every coefficient is 1.
 */
export interface SparseNode extends NodeBase, Affine {
  readonly kind: 'sparse';
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
  readonly value: Float64Array | null;
  readonly bias: Float64Array | null;
}

/** y = Σ_k coefficients[k] · x^(k) over inputs of equal size (residual sums and differences). Coefficients are exact. */
export interface AddNode extends NodeBase {
  readonly kind: 'add';
  readonly coefficients: readonly number[];
}

/** The inputs one after the other. */
export interface ConcatNode extends NodeBase {
  readonly kind: 'concat';
}

/** Elementwise activation. `slope` is the negative-side slope of LeakyRelu (0 for Relu). */
export interface ActivationNode extends NodeBase {
  readonly kind: 'relu' | 'leakyRelu' | 'sigmoid' | 'tanh';
  readonly slope: number;
}

/** y_i = max over window i of the input; windows in compressed rows, padding left out. Every window has at least one entry. */
export interface MaxPoolNode extends NodeBase {
  readonly kind: 'maxPool';
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
}

export type AffineNode = DenseNode | ConvNode | ScaleNode | SparseNode;
export type NetworkNode = InputNode | ConstantNode | AffineNode | AddNode | ConcatNode | ActivationNode | MaxPoolNode;

/** What was taken off the end of the graph because it does not change the order of the outputs. */
export type Trailing = 'none' | 'softmax' | 'argmax';

export interface Network {
  /** Topologically ordered; `nodes[0]` is the input, the last node is the output. */
  readonly nodes: readonly NetworkNode[];
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly inputSize: number;
  readonly outputSize: number;
  /**
   * A final Softmax (or ArgMax) is not part of `nodes`: the network then ends in the logits. Questions that only compare outputs
   * mean the same over logits; any other question about a softmax output is refused with a clear message. After an ArgMax, `outputs` has the
   * file's name with shape and size of the values that were compared.
   */
  readonly trailing: Trailing;
}
