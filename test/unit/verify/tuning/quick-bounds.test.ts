import { describe, expect, it } from 'vitest';
import { Random } from '../../../../src/base/random';
import { evaluate } from '../../../../src/network/evaluate';
import type { Network } from '../../../../src/network/network';
import type { Box, Disjunct, Question } from '../../../../src/spec/question';
import { marginAt } from '../../../../src/verify/input-split/search';
import { QuickBounder } from '../../../../src/verify/tuning/quick-bounds';
import { randomChain, randomConstraints } from '../../bounds/chains';
import { randomNetwork } from '../../tensor/random-network';
import { fewFreeInputs } from '../oracle';

const within = (milliseconds: number) => ({ deadline: performance.now() + milliseconds, cancelled: () => false });

function networkOf(seed: number): Network {
  return seed % 2 === 0 ? randomChain(seed, [4, 9, 8, 3], seed % 4 === 0 ? 0 : 0.2) : randomNetwork(seed);
}

/** Several ways to fail, of one or more constraints, over one region or two. */
function questionOf(random: Random, { inputSize, outputSize }: Network): Question {
  const boxes = Array.from({ length: 1 + random.integer(2) }, () => fewFreeInputs(random, inputSize, 4, 0.5));
  const disjuncts = Array.from({ length: 3 }, (): Disjunct => {
    const constraints = randomConstraints(random, 1 + random.integer(2), outputSize, inputSize);
    return { box: boxes[random.integer(boxes.length)], constraints };
  });
  return { disjuncts, inputSize, outputSize };
}

function pointOf(random: Random, { lower, upper }: Box): Float64Array {
  return lower.map((l, i) => Math.min(upper[i], l + (upper[i] - l) * random.uniform()));
}

/** How far from happening a way to fail is at a point. */
function marginOf(network: Network, { constraints }: Disjunct, x: Float64Array): number {
  const y = evaluate(network, x).at(-1)!;
  return Math.max(...constraints.map(constraint => marginAt(constraint, x, y).margin));
}

describe('quick bounds', () => {
  it.each(Array.from({ length: 24 }, (_, seed) => seed))(
    'hold everywhere, with time and without, and are those of a fresh bounder, seed %i',
    async seed => {
      const random = new Random(seed + 60);
      const network = networkOf(seed);
      const kept = new QuickBounder(network);
      const questions = Array.from({ length: 6 }, () => questionOf(random, network));
      // What was set up for other constraints, or for the same ones on another region, answers for nothing else.
      for (const question of [...questions, ...questions]) {
        const { margins, method } = await kept.bounds(question, within(10_000));
        expect(method).toBe('crown');
        expect(await new QuickBounder(network).bounds(question, within(10_000))).toEqual({ margins, method });
        const first = await kept.bounds(question, within(0));
        expect(first.method).toBe('intervals');
        question.disjuncts.forEach((disjunct, k) => {
          expect(margins[k]).toBeGreaterThan(-Infinity);
          for (let sample = 0; sample < 30; sample++) {
            const margin = marginOf(network, disjunct, pointOf(random, disjunct.box));
            expect(margin).toBeGreaterThanOrEqual(
              Math.max(margins[k], first.margins[k]) - 1e-10 * (1 + Math.abs(margin)),
            );
          }
        });
      }
    },
  );

  it('tell questions apart that differ in one number', async () => {
    const random = new Random(3);
    const network = networkOf(2);
    const [disjunct] = questionOf(random, network).disjuncts;
    const [constraint] = disjunct.constraints;
    const kept = new QuickBounder(network);
    const ask = async (bounder: QuickBounder, changed: Partial<typeof constraint>) => {
      const constraints = [{ ...constraint, ...changed }];
      const question = { disjuncts: [{ box: disjunct.box, constraints }], inputSize: 4, outputSize: 3 };
      return (await bounder.bounds(question, within(10_000))).margins[0];
    };
    const found = new Set([await ask(kept, {})]);
    const { outputs, inputs, bound } = constraint;
    const form = (value: number) => ({ index: Int32Array.of(0), value: Float64Array.of(value) });
    for (const changed of [
      { bound: bound + 0.5 },
      { coefficientError: 0.01 },
      { outputs: { ...outputs, value: outputs.value.map(value => 2 * value) } },
      { outputs: form(1) },
      { inputs: { ...inputs, value: inputs.value.map(value => value + 1) } },
      { inputs: form(1) },
    ]) {
      const margin = await ask(kept, changed);
      expect(margin).toBe(await ask(new QuickBounder(network), changed));
      found.add(margin);
    }
    expect(found.size).toBe(7);
  });

  it('know nothing of a way to fail without constraints', async () => {
    const network = networkOf(2);
    const box = fewFreeInputs(new Random(1), 4, 4, 0.01);
    const question = { disjuncts: [{ box, constraints: [] }], inputSize: 4, outputSize: 3 };
    expect([...(await new QuickBounder(network).bounds(question, within(1000))).margins]).toEqual([-Infinity]);
  });
});
