import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import type { Constraint } from '../../../src/spec/question';
import { certifiedMargin, hiddenLayer, type HiddenLayer, type Phase } from '../../../src/weights/hull/layer';
import { HullProver, hullSuits } from '../../../src/weights/hull/prover';
import { HullSearch } from '../../../src/weights/hull/search';
import { boxOf } from '../../../src/weights/opened-network';
import { truth } from '../verify/oracle';
import { ENDLESS, largest, otherWins } from './models';

/** Inputs, ReLUs and three outputs, with weights at random; the box around a random point, a part of its inputs fixed. */
function oneHidden(seed: number, inputs: number, neurons: number): { network: Network; box: ReturnType<typeof boxOf> } {
  const random = new Random(seed);
  const normal = (count: number, scale: number) => Float64Array.from({ length: count }, () => scale * random.normal());
  const info = (size: number) => [{ name: 't', shape: [1, size], type: 'float32' as const, offset: 0, size }];
  const exact = { relativeError: 0, biasError: null };
  const centre = normal(inputs, 1);
  const radius = Float64Array.from({ length: inputs }, () => (random.uniform() < 0.2 ? 0 : random.uniform()));
  return {
    network: {
      nodes: [
        { kind: 'input', id: 0, inputs: [], size: inputs, shape: [inputs], name: 'x' },
        {
          kind: 'dense',
          id: 1,
          inputs: [0],
          size: neurons,
          shape: [neurons],
          name: 'a',
          weight: normal(neurons * inputs, 1 / Math.sqrt(inputs)),
          bias: normal(neurons, 0.3),
          ...exact,
        },
        { kind: 'relu', id: 2, inputs: [1], size: neurons, shape: [neurons], name: 'r', slope: 0 },
        {
          kind: 'dense',
          id: 3,
          inputs: [2],
          size: 3,
          shape: [3],
          name: 'b',
          weight: normal(3 * neurons, 1 / Math.sqrt(neurons)),
          bias: normal(3, 0.5),
          ...exact,
        },
      ],
      inputs: info(inputs),
      outputs: info(3),
      inputSize: inputs,
      outputSize: 3,
      trailing: 'none',
    },
    box: boxOf(
      centre.map((c, i) => c - radius[i]),
      centre.map((c, i) => c + radius[i]),
    ),
  };
}

const EFFORT = { steps: 60, part: 0.02, price: 0.06 };

function marginAt({ inputs, weights, biases, coefficients, constant }: HiddenLayer, x: Float64Array) {
  const y = biases.map((b, i) => x.reduce((sum, v, j) => sum + weights[i * inputs + j] * v, b));
  return { y, margin: y.reduce((sum, v, i) => sum + coefficients[i] * Math.max(0, v), constant) };
}

describe('the hull of one hidden layer', () => {
  it('whatever its multipliers are, certifies nothing above the margin at any point of those phases', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), seed => {
        const random = new Random(seed, 3);
        const { network, box } = oneHidden(seed, 3 + random.integer(6), 2 + random.integer(8));
        const layer = hiddenLayer(network, box, otherWins(3, 0)[random.integer(2)][0]);
        const x = box.lower.map(
          (l, i) => l + (box.upper[i] - l) * (random.uniform() < 0.4 ? random.integer(2) : random.uniform()),
        );
        const { y, margin } = marginAt(layer, x);
        const phases = Array.from(y, (v): Phase => (random.uniform() < 0.4 ? (v >= 0 ? 1 : -1) : 0));
        const terms = Array.from(y, () =>
          random.uniform() < 0.5
            ? { kind: 'plane' as const, plane: Float64Array.from({ length: layer.inputs }, () => random.normal()) }
            : { kind: 'argument' as const, slope: 2 * random.normal() },
        );
        const bound = certifiedMargin(
          layer,
          i => phases[i],
          i => terms[i],
        );
        expect(bound).toBeLessThanOrEqual(margin + 1e-12);
      }),
      { numRuns: 600 },
    );
  });

  it('is as tight as a box of one neuron can be: exact for a single one that counts downwards, where the chord is not', () => {
    let better = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const { network, box } = oneHidden(seed, 12, 1);
      const layer = hiddenLayer(network, box, otherWins(3, 0)[0][0]);
      if (!(layer.coefficients[0] < 0 && layer.lowest[0] < 0 && layer.highest[0] > 0)) continue;
      const search = new HullSearch(layer);
      const { state } = search.improve(search.whole(), EFFORT, Infinity);
      // One ReLU counting downwards is least where its argument is largest.
      const least = layer.constant + layer.coefficients[0] * layer.highest[0];
      expect(search.certify(state)).toBeLessThanOrEqual(least + 1e-9);
      expect(search.certify(state)).toBeGreaterThan(least - 1e-3 * (1 + Math.abs(least)));
      better++;
    }
    expect(better).toBeGreaterThan(2);
  });

  it('has bounds of the whole box that are above those of chords, and below the truth', async () => {
    let above = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const { network, box } = oneHidden(seed, 8, 8);
      const [constraint] = otherWins(3, 0)[0];
      const search = new HullSearch(hiddenLayer(network, box, constraint));
      const chords = search.certify(search.whole());
      const hull = search.certify(search.improve(search.whole(), EFFORT, Infinity).state);
      const { bound } = await truth(network, box, [constraint]);
      expect(hull).toBeLessThanOrEqual(bound + 1e-6);
      expect(hull).toBeGreaterThanOrEqual(chords - 1e-6);
      if (hull > chords + 0.05) above++;
    }
    expect(above).toBeGreaterThan(3);
  });

  it('ends with the answers of a mixed-integer program, and offers points that violate', async () => {
    const seen = { verified: 0, falsified: 0, stopped: 0, exhausted: 0 };
    for (let seed = 1; seed <= 24; seed++) {
      const { network, box } = oneHidden(seed, 6, 8);
      const centre = box.lower.map((l, i) => l + (box.upper[i] - l) / 2);
      const constraints: Constraint[] = otherWins(3, largest(evaluate(network, centre).at(-1)!)).flat();
      const problem = { box, constraints, disjuncts: [[0], [1]] };
      expect(hullSuits(network, problem)).toBe(true);
      let least = Infinity;
      for (const constraint of constraints) least = Math.min(least, (await truth(network, box, [constraint])).bound);
      if (Math.abs(least) < 1e-3) continue;
      let violated = false;
      const prover = new HullProver(network, problem, {
        tryCandidate: ({ margin }) => Promise.resolve((violated ||= margin <= 0)),
        onProgress: () => undefined,
      });
      const end = await prover.run(ENDLESS);
      if (least > 0) {
        expect(end.kind).toBe('verified');
        expect(prover.standings().every(({ proved }) => proved)).toBe(true);
      } else expect(end.kind).not.toBe('verified');
      if (end.kind === 'falsified') expect(violated).toBe(true);
      seen[end.kind]++;
    }
    expect(seen.verified).toBeGreaterThan(3);
    expect(seen.falsified).toBeGreaterThan(3);
  });
});
