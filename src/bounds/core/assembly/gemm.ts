// Matrix products in float64 and float32. All strides are multiples of 4 numbers and padding is zero, so there are no column tails.

import { add, mul, splatAt } from './lanes';
import { allocate } from './memory';

/** Where a panel of B is copied to, so that its columns are read one after the other: 32 bytes a row. */
let panel: usize = 0;
let panelRows: i32 = 0;
/** With fewer rows of A the copy does not pay. */
const PANEL_FROM: i32 = 8;

/** Room for products over sums of up to `terms` products. Must not be released. */
export function reservePanel(terms: i32): void {
  if (terms <= panelRows) return;
  panelRows = terms;
  panel = allocate(<usize>terms << 5);
}

/** Two vectors' width of columns of C, from the panel at `b` with `rowB` bytes a row; `wide` is false when only the first vector is C's. */
@inline
function columns<T>(c: usize, a: usize, b: usize, m: i32, k: i32, rowA: usize, rowB: usize, rowC: usize, wide: bool): void {
  const zero = f64x2.splat(0);
  let i = 0;
  let pc = c;
  for (; i + 4 <= m; i += 4) {
    let s00 = zero, s01 = zero;
    let s10 = zero, s11 = zero;
    let s20 = zero, s21 = zero;
    let s30 = zero, s31 = zero;
    let pa = a + <usize>i * rowA;
    let pb = b;
    for (let p = 0; p < k; p++) {
      const b0 = v128.load(pb);
      const b1 = v128.load(pb, 16);
      const x0 = splatAt<T>(pa);
      s00 = add<T>(s00, mul<T>(x0, b0));
      s01 = add<T>(s01, mul<T>(x0, b1));
      const x1 = splatAt<T>(pa + rowA);
      s10 = add<T>(s10, mul<T>(x1, b0));
      s11 = add<T>(s11, mul<T>(x1, b1));
      const x2 = splatAt<T>(pa + 2 * rowA);
      s20 = add<T>(s20, mul<T>(x2, b0));
      s21 = add<T>(s21, mul<T>(x2, b1));
      const x3 = splatAt<T>(pa + 3 * rowA);
      s30 = add<T>(s30, mul<T>(x3, b0));
      s31 = add<T>(s31, mul<T>(x3, b1));
      pa += sizeof<T>();
      pb += rowB;
    }
    v128.store(pc, s00);
    v128.store(pc + rowC, s10);
    v128.store(pc + 2 * rowC, s20);
    v128.store(pc + 3 * rowC, s30);
    if (wide) {
      v128.store(pc, s01, 16);
      v128.store(pc + rowC, s11, 16);
      v128.store(pc + 2 * rowC, s21, 16);
      v128.store(pc + 3 * rowC, s31, 16);
    }
    pc += 4 * rowC;
  }
  for (; i < m; i++) {
    let s0 = zero, s1 = zero;
    let pa = a + <usize>i * rowA;
    let pb = b;
    for (let p = 0; p < k; p++) {
      const x = splatAt<T>(pa);
      s0 = add<T>(s0, mul<T>(x, v128.load(pb)));
      s1 = add<T>(s1, mul<T>(x, v128.load(pb, 16)));
      pa += sizeof<T>();
      pb += rowB;
    }
    v128.store(pc, s0);
    if (wide) v128.store(pc, s1, 16);
    pc += rowC;
  }
}

@inline
function product<T>(c: usize, a: usize, b: usize, m: i32, k: i32, n: i32, lda: i32, ldb: i32, ldc: i32): void {
  const size = sizeof<T>();
  const rowA = <usize>lda * size;
  const rowB = <usize>ldb * size;
  const rowC = <usize>ldc * size;
  const end = <usize>n * size;
  for (let at: usize = 0; at < end; at += 32) {
    const wide = at + 32 <= end;
    // Columns a power of two apart share a few places of the cache; one after the other they do not. And float32 may have half a panel left.
    if (k <= panelRows && (m >= PANEL_FROM || !wide)) {
      let pb = b + at;
      let to = panel;
      for (let p = 0; p < k; p++) {
        v128.store(to, v128.load(pb));
        v128.store(to, wide ? v128.load(pb, 16) : f64x2.splat(0), 16);
        pb += rowB;
        to += 32;
      }
      columns<T>(c + at, a, panel, m, k, rowA, 32, rowC, wide);
    } else columns<T>(c + at, a, b + at, m, k, rowA, rowB, rowC, wide);
  }
}

/**
 * C[m × n] = A[m × k] · B[k × n], row-major with row strides lda, ldb, ldc in doubles; n a multiple of 4. C must not overlap A or B.
 * Every entry is a sum of k products in some order: |computed − exact| ≤ γ_k (|A||B|), which is all that the bounds rely on.
 */
export function gemm(c: usize, a: usize, b: usize, m: i32, k: i32, n: i32, lda: i32, ldb: i32, ldc: i32): void {
  product<f64>(c, a, b, m, k, n, lda, ldb, ldc);
}

/** The same in float32, for searching: `reservePanel(k)` first. */
export function gemmSingle(c: usize, a: usize, b: usize, m: i32, k: i32, n: i32, lda: i32, ldb: i32, ldc: i32): void {
  product<f32>(c, a, b, m, k, n, lda, ldb, ldc);
}

/** y = |A|·x for A [m × k] with row stride lda, x ≥ 0: one sum of k non-negative products an entry. */
export function absoluteProduct(y: usize, a: usize, x: usize, m: i32, k: i32, lda: i32): void {
  for (let i = 0; i < m; i++) {
    const row = a + ((<usize>i * <usize>lda) << 3);
    let sum: f64 = 0;
    for (let j = 0; j < k; j++) sum += abs(load<f64>(row + (<usize>j << 3))) * load<f64>(x + (<usize>j << 3));
    store<f64>(y + (<usize>i << 3), sum);
  }
}
