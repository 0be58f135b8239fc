import type { Draft } from '../network/draft';
import type { Network } from '../network/network';
import type { Box } from '../spec/question';
import type { PerturbedLayer } from './perturbed-layer';

/**
 * A perturbed network at one input (or on a box of inputs), written as an ordinary network whose input says what the perturbation did: then every
 * engine that bounds a network over a box of inputs answers questions about weights.
 */
export interface OpenedNetwork {
  readonly network: Network;
  /** Bounds of the network's inputs. */
  readonly box: Box;
  /** The network's images of the box are the outputs of the perturbed networks and no others, up to rounding that is accounted for. */
  readonly exact: boolean;
  /** What the parts of the input vector stand for, in order. */
  readonly sources: readonly Source[];
  /** Relations between inputs and inner values that hold beside the box; leaving them out is sound. */
  readonly couplings: readonly Coupling[];
}

export type Source =
  /** The model's own input. */
  | { readonly kind: 'input'; readonly offset: number; readonly size: number }
  /** Scalars of a perturbed layer: of parameter `parameter[i]` by itself, or (from `parameter.length` on) its shared perturbations in order. */
  | {
      readonly kind: 'scalars';
      readonly offset: number;
      readonly size: number;
      readonly layer: PerturbedLayer;
      readonly parameter: Int32Array;
    }
  /** What the outputs `rows` of a layer at a point are moved by, by all parameters together that count in one output only. */
  | {
      readonly kind: 'moves';
      readonly offset: number;
      readonly size: number;
      readonly layer: PerturbedLayer;
      readonly rows: Int32Array;
      /** Per output of `rows` the ends. */
      readonly lower: Float64Array;
      readonly upper: Float64Array;
      /** What the layer reads. */
      readonly reads: Float64Array;
    }
  /**
   * What a layer's outputs are after all parameters have moved, behind the activation that follows the layer where `slope` is a number: the slope on
   * its negative side.
   */
  | {
      readonly kind: 'outputs';
      readonly offset: number;
      readonly size: number;
      readonly layer: PerturbedLayer;
      readonly slope: number | null;
      /** The outputs of the layer before its activation: nominal, and the ends. */
      readonly nominal: Float64Array;
      readonly lower: Float64Array;
      readonly upper: Float64Array;
      /** What the layer reads. */
      readonly reads: Float64Array;
    }
  /** Products of perturbations with a set that a layer reads: an over-approximation, no weights stand behind one of its values. */
  | { readonly kind: 'products'; readonly offset: number; readonly size: number };

/**
 * Σ lower·u + lowerConstant ≤ e ≤ Σ upper·u + upperConstant for each input e of `columns`, u the values of node `reads`: how far a layer's output can
 * move. Terms of e_i are rowStart[i] .. rowStart[i+1].
 */
export interface Coupling {
  readonly reads: number;
  readonly columns: Int32Array;
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly lowerConstant: Float64Array;
  readonly upperConstant: Float64Array;
}

/** What follows the perturbed part of a network, reading new inputs. */
export interface Tail {
  readonly draft: Draft;
  readonly network: Network;
  /** Where the nodes of the whole network are in `draft`. */
  readonly place: ReadonlyMap<number, number>;
}

/** A network opened at its first layer. */
export interface Opened extends Tail {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly sources: readonly Source[];
}

/**
 * A box for the provers. Its float32 points are where they look for violations; what they find is taken back to weights and tried there, so the points
 * need not lie in the box to the last bit.
 */
export function boxOf(lower: Float64Array, upper: Float64Array): Box {
  return { lower, upper, lowerPoint: Float32Array.from(lower), upperPoint: Float32Array.from(upper) };
}
