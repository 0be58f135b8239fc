// What rounding can do to a computed bound, and how much is subtracted for it. The proof is in docs/rounding.md.

/** A little more than 2^-53, the unit roundoff of float64, so that products with it round to the safe side. */
export const UNIT: f64 = 1.1102230246251570e-16;

/**
 * Added wherever a product may underflow: more than (number of operations) × 2^-1074 × any magnitude that the core accepts
 * (below 2^200, see `MAGNITUDE_LIMIT`), and far below anything that matters.
 */
export const UNDERFLOW: f64 = 1e-200;

/** Larger values than this anywhere in a bound give up (the bound becomes −∞): keeps overflow and underflow out of the error analysis. */
export const MAGNITUDE_LIMIT: f64 = 1e60;

/** γ_n = n·u / (1 − n·u), rounded up: the relative error of a sum of n products in any order, with or without fused multiply-add. */
@inline
export function gamma(n: i32): f64 {
  return <f64>(n + 1) * UNIT * 1.000001;
}

/** Makes a computed sum of non-negative terms (fewer than 2^29 operations) at least as large as its exact value. */
@inline
export function inflate(value: f64): f64 {
  return value * 1.0000002 + UNDERFLOW;
}
