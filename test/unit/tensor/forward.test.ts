import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { Program } from '../../../src/tensor/compile';
import { input } from '../../../src/tensor/expression';
import { forward } from '../../../src/tensor/forward';
import { evaluate, randomNetwork } from './random-network';

describe('forward', () => {
  it('agrees with a plain evaluation on networks of every node kind', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const network = randomNetwork(seed);
      const random = new Random(seed, 1);
      const x = Float32Array.from({ length: 3 * 18 }, () => random.normal());
      for (const feedAbove of [0, 1e9]) {
        const program = await Program.compile('float32', { y: forward(network, input('x', [3, 18])) }, { feedAbove });
        if (!program.ok) throw new Error(program.error.message);
        const result = await program.value.run({ x });
        if (!result.ok) throw new Error(result.error.message);
        const expected = [0, 1, 2].flatMap(k => [...(evaluate(network, x.subarray(18 * k, 18 * k + 18)).at(-1) ?? [])]);
        result.value.y.forEach((value, i) =>
          expect(Math.abs(value - expected[i])).toBeLessThan(1e-5 * (1 + Math.abs(expected[i]))),
        );
        await program.value.close();
      }
    }
  });
});
