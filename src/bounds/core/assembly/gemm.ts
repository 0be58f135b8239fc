// Matrix products in float64. All strides are multiples of 4 doubles and padding is zero, so there are no column tails.

/**
 * C[m × n] = A[m × k] · B[k × n], row-major with row strides lda, ldb, ldc in doubles; n a multiple of 4. C must not overlap A or B.
 * Every entry is a sum of k products in some order: |computed − exact| ≤ γ_k (|A||B|), which is all that the bounds rely on.
 */
export function gemm(c: usize, a: usize, b: usize, m: i32, k: i32, n: i32, lda: i32, ldb: i32, ldc: i32): void {
  const rowA = <usize>lda << 3;
  const rowB = <usize>ldb << 3;
  const rowC = <usize>ldc << 3;
  let i = 0;
  for (; i + 4 <= m; i += 4) {
    const a0 = a + <usize>i * rowA;
    const c0 = c + <usize>i * rowC;
    for (let j = 0; j < n; j += 4) {
      let s00 = f64x2.splat(0), s01 = f64x2.splat(0);
      let s10 = f64x2.splat(0), s11 = f64x2.splat(0);
      let s20 = f64x2.splat(0), s21 = f64x2.splat(0);
      let s30 = f64x2.splat(0), s31 = f64x2.splat(0);
      let pa = a0;
      let pb = b + (<usize>j << 3);
      for (let p = 0; p < k; p++) {
        const b0 = v128.load(pb);
        const b1 = v128.load(pb, 16);
        const x0 = v128.load64_splat(pa);
        s00 = f64x2.add(s00, f64x2.mul(x0, b0));
        s01 = f64x2.add(s01, f64x2.mul(x0, b1));
        const x1 = v128.load64_splat(pa + rowA);
        s10 = f64x2.add(s10, f64x2.mul(x1, b0));
        s11 = f64x2.add(s11, f64x2.mul(x1, b1));
        const x2 = v128.load64_splat(pa + 2 * rowA);
        s20 = f64x2.add(s20, f64x2.mul(x2, b0));
        s21 = f64x2.add(s21, f64x2.mul(x2, b1));
        const x3 = v128.load64_splat(pa + 3 * rowA);
        s30 = f64x2.add(s30, f64x2.mul(x3, b0));
        s31 = f64x2.add(s31, f64x2.mul(x3, b1));
        pa += 8;
        pb += rowB;
      }
      const pc = c0 + (<usize>j << 3);
      v128.store(pc, s00);
      v128.store(pc, s01, 16);
      v128.store(pc + rowC, s10);
      v128.store(pc + rowC, s11, 16);
      v128.store(pc + 2 * rowC, s20);
      v128.store(pc + 2 * rowC, s21, 16);
      v128.store(pc + 3 * rowC, s30);
      v128.store(pc + 3 * rowC, s31, 16);
    }
  }
  for (; i < m; i++) {
    const a0 = a + <usize>i * rowA;
    const c0 = c + <usize>i * rowC;
    for (let j = 0; j < n; j += 4) {
      let s0 = f64x2.splat(0), s1 = f64x2.splat(0);
      let pa = a0;
      let pb = b + (<usize>j << 3);
      for (let p = 0; p < k; p++) {
        const x = v128.load64_splat(pa);
        s0 = f64x2.add(s0, f64x2.mul(x, v128.load(pb)));
        s1 = f64x2.add(s1, f64x2.mul(x, v128.load(pb, 16)));
        pa += 8;
        pb += rowB;
      }
      v128.store(c0 + (<usize>j << 3), s0);
      v128.store(c0 + (<usize>j << 3), s1, 16);
    }
  }
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
