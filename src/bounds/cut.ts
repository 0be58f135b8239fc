/**
 * A facet of the hull of one ReLU over the box of what it reads (Anderson et al. 2020, equation 7b): with w, b the affine map before it, l ≤ x ≤ u (sides chosen by the sign of w) and d its phase,
 * z ≤ Σ_{i in inputs} w_i (x_i − l_i (1 − d)) + (b + Σ_{other i} w_i u_i) d. It holds whatever the inputs are, so that a cut is a proposal that nothing rests on.
 */
export interface Cut {
  /** Hidden layer (activation), counted from 0, and neuron there. */
  readonly layer: number;
  readonly neuron: number;
  /** Positions among what the affine map reads. */
  readonly inputs: Int32Array;
}
