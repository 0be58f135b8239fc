import { describe, expect, it } from 'vitest';
import { constant, input } from '../../../src/tensor/expression';
import { compileHoisted } from '../../../src/tensor/hoist';
import { matmul } from '../../../src/tensor/linear';
import { add, exp, greater, mul, where } from '../../../src/tensor/operators';

describe('compileHoisted', () => {
  it('computes what does not vary once, and the same in all', async () => {
    const a = input('a', [2, 2]);
    const x = input('x', [2, 2]);
    const invariant = matmul(exp(a), constant(Float32Array.of(1, 2, 3, 4), [2, 2]));
    const y = where(greater(a, 0), mul(x, invariant), add(x, invariant));
    const compiled = await compileHoisted({ y, z: invariant }, new Set(['x']), { a: Float32Array.of(1, -1, 0.5, 2) });
    if (!compiled.ok) throw new Error(compiled.error.message);
    const { program, fixed } = compiled.value;
    const e = [1, -1, 0.5, 2].map(Math.exp);
    const product = [e[0] + 3 * e[1], 2 * e[0] + 4 * e[1], e[2] + 3 * e[3], 2 * e[2] + 4 * e[3]];
    expect(Object.keys(fixed).filter(label => label !== 'a')).toHaveLength(1);
    for (const shift of [0, 1]) {
      const points = [3, 5, 7, 9].map(v => v + shift);
      const result = await program.run({ ...fixed, x: Float32Array.from(points) });
      if (!result.ok) throw new Error(result.error.message);
      const expected = points.map((v, k) => (k === 1 ? v + product[k] : v * product[k]));
      result.value.y.forEach((value, k) => expect(Math.abs(value / expected[k] - 1)).toBeLessThan(1e-5));
      result.value.z.forEach((value, k) => expect(Math.abs(value / product[k] - 1)).toBeLessThan(1e-5));
    }
    await program.close();
  });
});
