/** What is said about a model: types alone, so that a page can name them without the code that reads models. */
import type { Problem } from '../base/result';
import type { ElementType } from './element-type';

/** A tensor at the model's boundary as the file describes it. */
export interface BoundaryInfo {
  readonly name: string;
  readonly type: string;
  /** As written: a dimension that is left open is its name, or `?`. */
  readonly shape: readonly (number | string)[];
  /** As it is verified, the batch fixed to 1; null where it could not be found. */
  readonly fixedShape: readonly number[] | null;
}

/** One operator kind of the model. */
export interface OperatorInfo {
  readonly opType: string;
  readonly domain: string;
  readonly count: number;
  readonly supported: boolean;
  /** Why some of its nodes are not supported; each reason once. */
  readonly reasons: readonly string[];
}

/** One node of the model, in the file's order. */
export interface NodeInfo {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] | null }[];
  /** Numbers in the constant tensors that the node reads. */
  readonly parameters: number;
  readonly supported: boolean;
  readonly reason: string | null;
}

/** Everything that can be said about a model without reading its weights. */
export interface ModelInfo {
  readonly path: string;
  /** Bytes of the ONNX file, decompressed. */
  readonly fileSize: number;
  readonly irVersion: number;
  /** Version of the standard operator set, and of others by their domain. */
  readonly opset: number | null;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  /** Program and version that wrote the file; '' when it does not say. */
  readonly producer: string;
  readonly inputs: readonly BoundaryInfo[];
  readonly outputs: readonly BoundaryInfo[];
  readonly operators: readonly OperatorInfo[];
  readonly nodes: readonly NodeInfo[];
  /** Numbers in the model's floating-point constants. */
  readonly parameterCount: number;
  readonly parameterTypes: readonly { readonly type: string; readonly count: number }[];
  /** Files beside the model that hold weights, by the names that the model uses. */
  readonly externalData: readonly string[];
  /** Every node is supported and nothing is wrong with the graph. */
  readonly supported: boolean;
  /** What is wrong with the graph as a whole, when something is: then no shapes are known. */
  readonly problem: Problem | null;
}

/** A constant tensor of the file, by the name under which nodes read it. */
export interface StoredTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  /** Bytes that its numbers take; 0 where the type has no fixed size. */
  readonly bytes: number;
  /** The file beside the model that holds it, as the model names it; null where the model holds it itself. */
  readonly location: string | null;
  /** The numbers themselves, where there are so few that they say more than statistics. */
  readonly values: readonly number[] | null;
}

/** What `ModelInfo` leaves out of a node; both lists have the file's order. */
export interface NodeDetail {
  /** Version of the operator set that the node's domain has in the file. */
  readonly opset: number | null;
  readonly attributes: readonly { readonly name: string; readonly text: string }[];
  /** Element types of the outputs that `ModelInfo` lists; null where unknown. */
  readonly outputTypes: readonly (ElementType | null)[];
}

/** A model as a page shows it: its graph with shapes, attributes and stored tensors, and no weights. */
export interface ModelStructure {
  readonly info: ModelInfo;
  readonly details: readonly NodeDetail[];
  /** Initializers and the tensors of Constant nodes, each of which has its output's name. */
  readonly tensors: readonly StoredTensor[];
}

/** What the numbers of one tensor are like. Numbers that are not finite are counted and in nothing else. */
export interface WeightStatistics {
  readonly count: number;
  readonly zeros: number;
  /** NaN and infinities. */
  readonly notFinite: number;
  /** Null where no number is finite. */
  readonly spread: Spread | null;
}

/** Statistics over the finite numbers. */
export interface Spread {
  readonly smallest: number;
  readonly largest: number;
  readonly mean: number;
  /** Standard deviation over all of them (not of a sample). */
  readonly deviation: number;
  /** How many lie in each of `bins` equal parts of [smallest, largest]. */
  readonly histogram: readonly number[];
}

/** Statistics of one tensor, or why there are none. */
export type TensorStatistics = { readonly name: string } & (
  | { readonly statistics: WeightStatistics; readonly problem: null }
  | { readonly statistics: null; readonly problem: Problem }
);
