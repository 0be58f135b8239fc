/**
 * What may happen to the weights of a layer, as a person asks it (Zubair et al., CAI 2025, definition 4): any number of scalar perturbations,
 * each with bounds and with a map that says which parameters it moves and by how much.
 */

/** A layer by the name of its ONNX node, or by its number, counted from 1 over the affine nodes of the file before any folding. */
export type LayerReference = string | number;

/** Which entries of a tensor a perturbation moves. Every entry chosen is moved by a scalar of its own, unless the map says `together`. */
export type Selection =
  | { readonly kind: 'all' }
  /** Flat, row-major places in the tensor as the file stores it. */
  | { readonly kind: 'entries'; readonly index: readonly number[] }
  /** One number a dimension, null for all: [3, null] is row 3, [null, null, 0, 1] the tap in row 0 and column 1 of every filter. */
  | { readonly kind: 'pattern'; readonly patterns: readonly (readonly (number | null)[])[] }
  /** All parameters that lead to these outputs: neurons of a dense layer, channels of a convolution. */
  | { readonly kind: 'outputs'; readonly outputs: readonly number[] }
  /** The map itself: entries that are not 0 are moved, by the scalar times the entry. It has the shape of the tensor. */
  | { readonly kind: 'map'; readonly shape: readonly number[]; readonly values: ArrayLike<number> };

/** How far. `of: 'range'` counts in the range of the layer's weights (largest − smallest), so 0.01 is one percent of it. */
export type Amount =
  | { readonly kind: 'interval'; readonly lower: number; readonly upper: number; readonly of: 'absolute' | 'range' }
  /** Rounding to a grid of 2^bits values from the smallest to the largest weight: half a step, range/(2(2^bits − 1)), either way. */
  | { readonly kind: 'quantisation'; readonly bits: number }
  /**
   * One of the bits `flips` (0 is the lowest) of each entry may flip. `integer`: the entry is v·scale with v in two's complement of `bits` bits,
   * scale the largest size of an entry over 2^(bits−1) − 1 unless given. `float32`: the mantissa and the sign; exponents are refused.
   */
  | {
      readonly kind: 'bit-flips';
      readonly format: 'integer' | 'float32';
      readonly bits?: number;
      readonly scale?: number;
      readonly flips: readonly number[];
    };

export interface PerturbationMap {
  /** `bias` is what is added; a layer that only adds (Add, Sub) has nothing else. */
  readonly tensor: 'weights' | 'bias';
  readonly select: Selection;
  readonly amount: Amount;
  /** One scalar moves all entries chosen, instead of one each. */
  readonly together?: boolean;
  /** With `together`: entries of the bias that the same scalar moves as well. */
  readonly bias?: Selection;
}

/** Everything that may happen to one layer. Maps that move the same entry add up. */
export interface LayerPerturbation {
  readonly layer: LayerReference;
  readonly maps: readonly PerturbationMap[];
}

/** Every weight of a layer by ± `part` of the range of its weights: the perturbation of the paper's experiment. */
export function wholeLayer(layer: LayerReference, part: number): LayerPerturbation {
  return {
    layer,
    maps: [
      {
        tensor: 'weights',
        select: { kind: 'all' },
        amount: { kind: 'interval', lower: -part, upper: part, of: 'range' },
      },
    ],
  };
}
