import { beforeAll, describe, expect, it } from 'vitest';
import { Replayer } from '../../../src/attack/replay';
import { carriedBound, carrySummary, carryVerdicts } from '../../../src/graft/carry';
import { outcomeFlow } from '../../../src/graft/flow';
import { graftNetwork } from '../../../src/graft/graft';
import { neuronLayers } from '../../../src/graft/neurons';
import { accuracies, measureOutcomes, type OutcomeOptions, type SampleOutcome } from '../../../src/graft/outcomes';
import type { Outcome } from '../../../src/graft/kinds';
import { labelQuestion, regionAround } from '../../../src/graft/regions';
import { measureTransfer, pooledData } from '../../../src/graft/transfer';
import { writeGraftedModel } from '../../../src/graft/write-model';
import { loadModelBytes, type LoadedModel } from '../../../src/network/load';
import { ungrafted, type GraftedNetwork } from '../../../src/train/grafted-network';
import { uniformPerturbation } from '../../../src/train/perturbation';
import { trainRobustly } from '../../../src/train/robust-training';
import { DEFAULT_OPTIONS } from '../../../src/verify/options';
import { must } from '../must';
import { bars, CONVOLUTIONAL, randomNetwork } from '../train/shapes';
import { evaluateGrafted } from './evaluate-grafted';

const perturbation = uniformPerturbation(36, 0.12, [0, 1]);
/** Without pixels beyond 1, where the range would not hold them. */
const clipped = (count: number, seed: number) => {
  const data = bars(count, seed);
  return { ...data, inputs: data.inputs.map(value => Math.min(1, value)) };
};
const data = clipped(12, 30);

const options: OutcomeOptions = {
  attack: { steps: 20, restarts: 2, seed: 1 },
  solver: { ...DEFAULT_OPTIONS, timeout: 5, threads: 1 },
};

let base: GraftedNetwork;
let grafted: GraftedNetwork;
const files = new Map<GraftedNetwork, LoadedModel>();
const fileOf = (model: GraftedNetwork): LoadedModel => files.get(model)!;

beforeAll(async () => {
  const training = { data: clipped(256, 1), validation: null };
  const settings = {
    epochs: 3,
    batch: 32,
    momentum: 0.9,
    patience: null,
    seed: 1,
    adversarial: { perturbation, step: 1.25, alignment: 0 },
  };
  const weights = { rate: () => 0.05, decay: 0 };
  base = must(
    await trainRobustly(
      { model: ungrafted(randomNetwork(CONVOLUTIONAL, 1)), ...training },
      { ...settings, weights, grafts: null },
    ),
  ).model;
  const layers = neuronLayers(base.network);
  const mask = { layers, grafted: Uint8Array.from({ length: 44 }, (_, i) => (i % 4 === 0 ? 1 : 0)) };
  const model = must(graftNetwork(base.network, mask));
  grafted = must(
    await trainRobustly({ model, ...training }, { ...settings, weights: null, grafts: { rate: () => 0.05, decay: 0 } }),
  ).model;
  for (const each of [base, grafted])
    files.set(each, must(loadModelBytes(must(writeGraftedModel(each)), 'model.onnx')));
}, 60_000);

describe('outcomes', () => {
  it('are what the samples show: wrong, replayed, proven, or open', async () => {
    const seen: SampleOutcome[] = [];
    const outcomes = must(
      await measureOutcomes(grafted, fileOf(grafted), data, perturbation, {
        ...options,
        onSample: each => seen.push(each),
      }),
    );
    expect(outcomes).toEqual(seen);
    for (const { sample, outcome, counterexample, lowerBound } of outcomes) {
      const x = data.inputs.subarray(36 * sample, 36 * (sample + 1));
      const label = data.labels[sample];
      const margin = (at: ArrayLike<number>): number => {
        const y = evaluateGrafted(grafted, at).at(-1)!;
        return y[label] - y[1 - label];
      };
      expect(margin(x) < 0).toBe(outcome === 'misclassified');
      expect(counterexample !== null).toBe(outcome === 'attacked');
      if (counterexample) {
        expect(margin(counterexample)).toBeLessThan(1e-5);
        counterexample.forEach((value, i) => expect(Math.abs(value - x[i])).toBeLessThan(0.120001));
      }
      if (outcome === 'verified') expect(lowerBound).toBeGreaterThan(0);
    }
    const { counts, standard, robust, verified, samples } = accuracies(outcomes);
    expect(samples).toBe(12);
    expect(standard).toBeCloseTo(1 - counts.misclassified / 12, 12);
    expect(robust).toBeCloseTo((counts.verified + counts.undecided) / 12, 12);
    expect(verified).toBeGreaterThan(0);
    expect(verified).toBeLessThanOrEqual(robust);
    // What is known is not decided again.
    const known = new Map(outcomes.slice(0, 11).map(each => [each.sample, each]));
    const again: number[] = [];
    expect(
      must(
        await measureOutcomes(grafted, fileOf(grafted), data, perturbation, {
          ...options,
          known,
          onSample: each => void again.push(each.sample),
        }),
      ).map(each => each.outcome),
    ).toEqual(outcomes.map(each => each.outcome));
    expect(again).toEqual([11]);
  });

  it('can be cancelled', async () => {
    let polls = 0;
    const cancelled = (): boolean => ++polls > 30;
    expect(
      await measureOutcomes(grafted, fileOf(grafted), data, perturbation, { ...options, cancelled }),
    ).toMatchObject({ error: { code: 'graft/cancelled' } });
  });
});

describe('flow', () => {
  it('counts transitions, overlaps and hypotheses as the thesis does on the released networks', () => {
    const [m, a, v, u]: Outcome[] = ['misclassified', 'attacked', 'verified', 'undecided'];
    const flow = outcomeFlow([v, v, v, a, a, m, u, u], [v, v, a, m, a, m, v, u]);
    expect(flow.counts.verified).toEqual({ misclassified: 0, attacked: 1, verified: 2, undecided: 0 });
    expect(flow.overlaps.find(each => each.outcome === a)).toEqual({
      outcome: a,
      both: 1,
      onlyBase: 1,
      onlyGrafted: 1,
    });
    const byStatement = Object.fromEntries(
      flow.hypotheses.map(each => [each.statement, [each.contained, each.of, each.holds]]),
    );
    expect(byStatement).toEqual({
      'misclassified by f ⊆ misclassified by g': [1, 1, true],
      'attacked by f ⊆ attacked by g': [1, 2, false],
      'verified by f ⊆ verified by g': [2, 3, false],
      'undecided by g ⊆ undecided by f': [1, 1, true],
    });
  });
});

describe('transfer', () => {
  it('splits adversarial examples by what the other network makes of sample and example', async () => {
    const target = must(await Replayer.open({ bytes: fileOf(base).bytes }, fileOf(base).network));
    const points = new Map([0, 1, 2, 3].map(k => [k, data.inputs.slice(36 * k, 36 * (k + 1))]));
    // An example that is another class's own sample fools whoever knows both.
    const other = [...data.labels].findIndex(label => label !== data.labels[1]);
    points.set(1, data.inputs.slice(36 * other, 36 * (other + 1)));
    const right = (k: number, at = k): boolean => {
      const y = evaluateGrafted(base, data.inputs.subarray(36 * at, 36 * (at + 1))).at(-1)!;
      return y[data.labels[k]] > y[1 - data.labels[k]];
    };
    const transfer = must(await measureTransfer(points, data, target));
    const wrong = [0, 1, 2, 3].filter(k => !right(k)).length;
    const fooled = right(1) && !right(1, other) ? 1 : 0;
    expect(transfer).toEqual({ tried: 4, misclassified: wrong, fooled, withstood: 4 - wrong - fooled });
    await target.close();
  });

  it('pools samples and adversarial examples under the samples’ labels', () => {
    const pooled = pooledData(data, [
      new Map([[2, new Float32Array(36).fill(0.5)]]),
      new Map([[3, new Float32Array(36)]]),
    ]);
    expect(pooled.count).toBe(14);
    expect([...pooled.labels.subarray(12)]).toEqual([data.labels[2], data.labels[3]]);
    expect(pooled.inputs[12 * 36]).toBe(0.5);
    expect(pooled.inputs.subarray(0, 12 * 36)).toEqual(data.inputs);
  });
});

describe('verdicts carried back', () => {
  it('are never contradicted, and never say more than is true', async () => {
    const small = uniformPerturbation(36, 0.02, [0, 1]);
    const carried = must(await carryVerdicts(base.network, grafted, data, small));
    expect(carried).toHaveLength(12);
    expect(carried.some(each => each.verified)).toBe(true);
    for (const { sample, verified, lowerBound, margins } of carried) {
      const { lower, upper } = regionAround(data.inputs.slice(36 * sample, 36 * (sample + 1)), small);
      const label = data.labels[sample];
      let least = Infinity;
      for (let corner = 0; corner < 60; corner++) {
        const x = lower.map((low, i) => (((corner * 2654435761 + i * 40503) >>> 7) & 1 ? upper[i] : low));
        const y = evaluateGrafted(base, x).at(-1)!;
        least = Math.min(least, y[label] - y[1 - label]);
      }
      expect(lowerBound).toBeLessThanOrEqual(least + 1e-9);
      expect(verified).toBe(lowerBound > 0);
      expect(lowerBound).toBeCloseTo(Math.min(...margins.map(each => each.grafted.lower + each.difference.lower)), 12);
    }
  });

  it('use a better margin of g where its verifier has one', () => {
    const margin = {
      other: 1,
      base: { lower: 0, upper: 1 },
      grafted: { lower: 0.2, upper: 1 },
      difference: { lower: -0.5, upper: 0.5 },
    };
    expect(carriedBound([margin], [])).toBeCloseTo(-0.3, 12);
    expect(carriedBound([margin], [null, 0.9])).toBeCloseTo(0.4, 12);
    const record = (outcome: Outcome, seconds: number): SampleOutcome => ({
      sample: 0,
      outcome,
      seconds,
      lowerBound: null,
      branched: true,
      counterexample: null,
      margins: [],
      reason: null,
    });
    const one = [{ sample: 0, verified: true, lowerBound: 1, outputs: [], margins: [margin], seconds: 1 }];
    const summary = (outcome: Outcome, seconds: number) =>
      carrySummary(one, {
        base: new Map([[0, record(outcome, seconds)]]),
        grafted: new Map([[0, record('verified', 2)]]),
      });
    expect(summary('verified', 2.9)).toEqual({
      samples: 1,
      carried: 1,
      missedByBase: 0,
      onlyCarried: 0,
      beyondBounds: 1,
    });
    expect(summary('verified', 3.1)).toEqual({
      samples: 1,
      carried: 1,
      missedByBase: 1,
      onlyCarried: 0,
      beyondBounds: 1,
    });
    expect(summary('undecided', 1)).toEqual({
      samples: 1,
      carried: 1,
      missedByBase: 1,
      onlyCarried: 1,
      beyondBounds: 1,
    });
  });
});

describe('regions', () => {
  it('hold every point of the radius and range, and their float32 edges', () => {
    const x = Float32Array.of(0.1, 0.95, 0.5);
    const { lower, upper, lowerPoint, upperPoint } = regionAround(x, uniformPerturbation(3, 0.1, [0, 1]));
    const radius = Math.fround(0.1);
    x.forEach((value, i) => {
      expect(lower[i]).toBeLessThanOrEqual(Math.max(0, value - radius));
      expect(upper[i]).toBeGreaterThanOrEqual(Math.min(1, value + radius));
      expect(lowerPoint[i]).toBeGreaterThanOrEqual(lower[i]);
      expect(upperPoint[i]).toBeLessThanOrEqual(upper[i]);
    });
    expect(upper[1]).toBe(1);
    expect(labelQuestion({ lower, upper, lowerPoint, upperPoint }, 1, 4).disjuncts).toHaveLength(3);
  });
});
