/**
 * What the error analysis of float64 rests on. None of these is a tolerance in the sense of "close enough"; the WebAssembly core has the
 * same three constants in `src/bounds/core/assembly/rounding.ts`.
 */
export const ROUNDING = {
  /** A little more than 2^-53, the unit roundoff, so that multiplying with it rounds to the safe side. */
  unit: 1.110223024625157e-16,
  /** Added where a product may underflow: far more than any number of such products can lose, far below anything that matters. */
  underflow: 1e-200,
  /** A bound that meets larger numbers gives up (−∞): keeps overflow and underflow out of the analysis. */
  magnitudeLimit: 1e60,
} as const;

/** γ_n = n·u / (1 − n·u), rounded up: the relative error of a sum of n products in any order. */
export function gamma(n: number): number {
  return (n + 2) * ROUNDING.unit * 1.000001;
}

/** Makes a computed sum of non-negative terms (fewer than 2^29 operations) at least as large as its exact value. */
export function inflate(value: number): number {
  return value * 1.0000002 + ROUNDING.underflow;
}
