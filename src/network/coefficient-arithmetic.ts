import type { Coefficients, Offsets } from './coefficients';
import { boundSlack, compoundError, gamma, productError, sumError, underflowError, unitRoundoff } from './rounding';

/**
 * The few computations with weights that folding needs, each with a bound on its rounding. A result is null when it cannot be bounded
 * (overflow, or coefficients so small that their relative error grows): then nothing is folded and nothing is lost.
 */

/** Collects coefficients made as products, with the largest relative rounding error among them. */
export class Products {
  private rounding = 0;

  /** fl(a·b), remembered. */
  of(a: number, b: number): number {
    const product = a * b;
    const error = productError(a, b);
    if (error > 0) this.rounding = Math.max(this.rounding, (error / Math.abs(product)) * boundSlack);
    // Overflow gives NaN or infinity above, and a product that vanished divides by zero.
    else if (product === 0 && a !== 0 && b !== 0) this.rounding = Infinity;
    return product;
  }

  /** The products as coefficients, when their factors had relative errors r and s. */
  coefficients(values: Float64Array, r: number, s: number): Coefficients | null {
    return this.rounding <= 2 * unitRoundoff ? { values, relativeError: compoundError(r, s, this.rounding) } : null;
  }
}

/** s_i·b_i + c_i for every i; each part null where it is not there (s then is 1). False when a result overflowed. */
export function scaledOffsets(
  size: number,
  scale: Coefficients | null,
  b: Offsets | null,
  c: Offsets | null,
): Offsets | null | false {
  if (!b) return c;
  if (!scale && !c) return b;
  const values = new Float64Array(size);
  const error = new Float64Array(size);
  let exact = true;
  const r = scale?.relativeError ?? 0;
  for (let i = 0; i < size; i++) {
    const factor = scale ? scale.values[i] : 1;
    const product = factor * b.values[i];
    const summand = c ? c.values[i] : 0;
    values[i] = product + summand;
    const eb = b.error ? b.error[i] : 0;
    const bound =
      productError(factor, b.values[i]) +
      sumError(product, summand) +
      r * Math.abs(product) +
      Math.abs(factor) * (1 + r) * eb +
      (c?.error ? c.error[i] : 0);
    // The error bound's own roundings are relative, and r·|product| misses r times the product's rounding.
    error[i] = bound === 0 ? 0 : bound * boundSlack + underflowError;
    if (!Number.isFinite(values[i]) || !Number.isFinite(error[i])) return false;
    exact &&= error[i] === 0;
  }
  return { values, error: exact ? null : error };
}

/** A sum Σ w_k·b_k + c as it is added up, with what its error bound needs. */
export class DotProduct {
  private sum = 0;
  private size = 0;
  private terms = 0;
  private propagated = 0;

  /** `relativeError` is that of every w. */
  constructor(private readonly relativeError: number) {}

  /** Adds w·b; `error` is that of b. */
  term(w: number, b: number, error: number): void {
    if (w === 0 || (b === 0 && error === 0)) return;
    const product = w * b;
    this.sum += product;
    this.size += Math.abs(product);
    this.propagated += Math.abs(w) * error;
    this.terms++;
  }

  /**
   * The sum with c added, and the bound on its error: each of n products and n additions rounds once, so the computed sum is within
   * γ_{n+1}·(Σ|w·b| + |c|) of the exact one; w's own error adds relativeError·Σ|w·b|, that of b Σ|w|(1 + relativeError)·error.
   */
  result(c: number, cError: number): { value: number; error: number } {
    if (this.terms === 0) return { value: c, error: cError };
    const n = this.terms + 2;
    const size = (this.size + Math.abs(c)) * (1 + 2 * gamma(n));
    const rounding = gamma(n) * size + n * underflowError;
    const error =
      rounding + this.relativeError * size + this.propagated * (1 + 2 * gamma(n)) * (1 + this.relativeError) + cError;
    return { value: this.sum + c, error: error * boundSlack };
  }
}

/** Gathers computed offsets; null when one of them overflowed. */
export function offsetsFrom(size: number, compute: (i: number) => { value: number; error: number }): Offsets | null {
  const values = new Float64Array(size);
  const error = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const result = compute(i);
    if (!Number.isFinite(result.value) || !Number.isFinite(result.error)) return null;
    values[i] = result.value;
    error[i] = result.error;
  }
  return { values, error: error.every(bound => bound === 0) ? null : error };
}
