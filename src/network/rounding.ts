/**
 * Rounding errors of single float64 operations, found exactly: the classical error-free transformations (Dekker 1971, Knuth 1969). Folding
 * uses them so that an exact fold (adding zero, a product of two float32 numbers) is known to be exact and costs no soundness.
 */

/** u: the largest relative error of one float64 operation that neither under- nor overflows. */
export const unitRoundoff = 2 ** -53;

/** At least the error of one underflowing product (half the smallest subnormal number), with room to spare. */
export const underflowError = 2 ** -1074;

/** Factor that makes up for the few roundings made while an error bound itself is computed. */
export const boundSlack = 1 + 2 ** -45;

/** γ_n = n·u / (1 − n·u), rounded up: the relative error of a chain of n roundings. */
export function gamma(n: number): number {
  return ((n * unitRoundoff) / (1 - n * unitRoundoff)) * boundSlack;
}

/** |(a + b) − fl(a + b)|, exactly (Knuth's two-sum). */
export function sumError(a: number, b: number): number {
  const sum = a + b;
  const bPart = sum - a;
  return Math.abs(a - (sum - bPart) + (b - bPart));
}

const splitter = 2 ** 27 + 1;

/**
 * |a·b − fl(a·b)|: exact (Dekker's two-product) where no part of it can under- or overflow, else a bound.
 */
export function productError(a: number, b: number): number {
  const product = a * b;
  if (a === 0 || b === 0) return 0;
  const size = Math.abs(product);
  if (!(size > 2 ** -960 && Math.abs(a) < 2 ** 990 && Math.abs(b) < 2 ** 990))
    return size * unitRoundoff + underflowError;
  const aBig = splitter * a;
  const aHigh = aBig - (aBig - a);
  const aLow = a - aHigh;
  const bBig = splitter * b;
  const bHigh = bBig - (bBig - b);
  const bLow = b - bHigh;
  return Math.abs(aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow));
}

/**
 * Relative error of a coefficient that was made as fl(a·b) from stored a and b with relative errors r and s: with a product error of
 * at most `rounding`·|fl(a·b)|, the exact product is fl(a·b)·(1 + δ)(1 + ε)(1 + ρ), |δ| ≤ r, |ε| ≤ s, |ρ| ≤ rounding.
 */
export function compoundError(r: number, s: number, rounding: number): number {
  if (r === 0 && s === 0) return rounding;
  return ((1 + r) * (1 + s) * (1 + rounding) - 1 + 4 * unitRoundoff) * boundSlack;
}
