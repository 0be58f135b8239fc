import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModelBytes } from '../../../src/network/load';
import { seed } from './generators';
import { difference, randomValues, referenceOutput, runs, runtimeOutputs } from './onnx-runtime';
import { samples } from './operator-samples';

describe('every operator agrees with ONNX Runtime', () => {
  it.each(Object.entries(samples))('%s', async (_name, arbitrary) => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(arbitrary, seed, async ({ bytes, label }, inputSeed) => {
        const model = loadModelBytes(bytes, 'sample.onnx');
        // What this reader finds invalid ONNX Runtime must refuse too, but for windows beyond the padding, of which it makes something.
        if (!model.ok) {
          if (!/kernel larger than its padded input/.test(model.error.message))
            await expect(runs(bytes), `${model.error.message} ${label}`).resolves.toBe(false);
          return;
        }
        // Here ONNX Runtime refuses SAME padding where the stride is larger than the kernel.
        if (label.includes('SAME') && !(await runs(bytes))) return;
        const x = randomValues(model.value.network.inputSize, inputSeed);
        const expected = await runtimeOutputs(model.value, x);
        expect(difference(referenceOutput(model.value, x), expected), label).toBeLessThan(1e-5);
        compared++;
      }),
      { numRuns: Number(process.env.CERTISCOPE_RUNS ?? 60), seed: 20260731 },
    );
    expect(compared).toBeGreaterThan(20);
  });
});
