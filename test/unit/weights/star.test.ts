import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import type { Constraint } from '../../../src/spec/question';
import { Opening, type WeightInput } from '../../../src/weights/open-network';
import { boxOf } from '../../../src/weights/opened-network';
import type { LayerPerturbation, PerturbationMap } from '../../../src/weights/perturbation';
import { perturbedLayers } from '../../../src/weights/question';
import { starReach, type StarResult } from '../../../src/weights/star';
import {
  convolutional,
  ENDLESS,
  largest,
  mlp,
  must,
  otherWins,
  outputOf,
  randomInput,
  weightModel,
  type Tensor,
  type TestModel,
} from './models';

/** A map together with what a sample of it does to the model's tensors, written without the code under test. */
interface Sampled {
  readonly map: PerturbationMap;
  readonly tensor: string;
  /** Draws once per sample and gives the move of every entry. `corner`: scalars at their ends. */
  draw(random: Random, corner: boolean, size: number): (k: number) => number;
}

const scalar = (random: Random, corner: boolean, lower: number, upper: number): number =>
  corner ? (random.uniform() < 0.5 ? lower : upper) : lower + (upper - lower) * random.uniform();

function whole(tensor: string, kind: 'weights' | 'bias', lower: number, upper: number): Sampled {
  return {
    map: { tensor: kind, select: { kind: 'all' }, amount: { kind: 'interval', lower, upper, of: 'absolute' } },
    tensor,
    draw: (random, corner, size) => {
      const moves = Array.from({ length: size }, () => scalar(random, corner, lower, upper));
      return k => moves[k];
    },
  };
}

function together(
  tensor: string,
  values: readonly number[],
  shape: readonly number[],
  lower: number,
  upper: number,
): Sampled {
  return {
    map: {
      tensor: 'weights',
      select: { kind: 'map', shape, values },
      amount: { kind: 'interval', lower, upper, of: 'absolute' },
      together: true,
    },
    tensor,
    draw: (random, corner) => {
      const a = scalar(random, corner, lower, upper);
      return k => a * values[k];
    },
  };
}

interface Case {
  readonly it: TestModel;
  readonly layers: readonly { readonly layer: string; readonly maps: readonly Sampled[] }[];
}

async function reach(
  it: TestModel,
  layers: Case['layers'],
  input: WeightInput,
  unsafe: Constraint[][],
  programs: 'near' | 'all' | 'none' = 'near',
): Promise<StarResult> {
  const model = weightModel(it);
  const perturbations = layers.map((each): LayerPerturbation => ({
    layer: each.layer,
    maps: each.maps.map(({ map }) => map),
  }));
  const resolved = must(perturbedLayers(model, { perturbations, input, unsafe }));
  return starReach(new Opening(model, resolved).at(input), unsafe, { programs }, ENDLESS);
}

function sample({ it, layers }: Case, random: Random, corner: boolean): Tensor[] {
  let tensors: Tensor[] = [...it.tensors];
  for (const { maps } of layers)
    for (const map of maps)
      tensors = tensors.map(each => {
        if (each.name !== map.tensor) return each;
        const move = map.draw(random, corner, each.values.length);
        return { ...each, values: each.values.map((v, k) => v + move(k)) };
      });
  return tensors;
}

/** float32 rounding of the sampled weights themselves: they are taken in exact arithmetic by the bounds. */
const ROUNDED = 1e-4;

async function check(
  one: Case,
  seed: number,
  input: WeightInput,
  draw: (random: Random) => ArrayLike<number>,
): Promise<StarResult> {
  const random = new Random(seed, 7);
  const label = largest(outputOf(one.it, one.it.tensors, draw(random)));
  const outputs = outputOf(one.it, one.it.tensors, draw(random)).length;
  const unsafe = otherWins(outputs, label);
  const result = await reach(one.it, one.layers, input, unsafe);
  const last = result.bounds.lower.length - 1;
  for (let k = 0; k < 40; k++) {
    const y = outputOf(one.it, sample(one, random, k % 2 === 0), draw(random));
    unsafe.forEach(([{ outputs: form }], s) => {
      const margin = form.index.reduce((sum, i, at) => sum + form.value[at] * y[i], 0);
      expect(margin).toBeGreaterThanOrEqual(result.margins[s] - ROUNDED);
    });
    y.forEach((v, i) => {
      expect(v).toBeGreaterThanOrEqual(result.bounds.lower[last][i] - ROUNDED);
      expect(v).toBeLessThanOrEqual(result.bounds.upper[last][i] + ROUNDED);
    });
  }
  return result;
}

const CONVOLUTIONAL: Readonly<Record<string, Case['layers']>> = {
  'a factor that all places share': [{ layer: 'factor', maps: [whole('scale', 'weights', -0.05, 0.02)] }],
  'a whole convolution': [{ layer: 'conv_1', maps: [whole('K1', 'weights', -0.03, 0.03)] }],
  'a convolution and its bias': [
    { layer: 'conv_1', maps: [whole('K1', 'weights', -0.02, 0.02), whole('k1', 'bias', -0.1, 0.1)] },
  ],
  'a batch normalisation': [
    { layer: 'bn', maps: [whole('gamma', 'weights', -0.1, 0.2), whole('beta', 'bias', -0.1, 0.1)] },
  ],
  'a convolution in a residual block': [{ layer: 'conv_2', maps: [whole('K2', 'weights', -0.05, 0.05)] }],
  'a matrix': [{ layer: 'matmul', maps: [whole('M', 'weights', -0.1, 0.1)] }],
  'a layer that only adds': [{ layer: 'shift', maps: [whole('m', 'bias', -0.3, 0.3)] }],
  'the last layer': [{ layer: 'fc', maps: [whole('W', 'weights', -0.1, 0.1), whole('w', 'bias', -0.1, 0.1)] }],
  'two convolutions': [
    { layer: 'conv_1', maps: [whole('K1', 'weights', -0.02, 0.02)] },
    { layer: 'conv_2', maps: [whole('K2', 'weights', -0.02, 0.02)] },
  ],
  'three layers, one of them normalised': [
    { layer: 'bn', maps: [whole('gamma', 'weights', -0.05, 0.05)] },
    { layer: 'matmul', maps: [whole('M', 'weights', -0.05, 0.05)] },
    { layer: 'fc', maps: [whole('W', 'weights', -0.05, 0.05)] },
  ],
};

describe('sampled weights never leave the reachable set', () => {
  for (const [name, layers] of Object.entries(CONVOLUTIONAL))
    it(`in a convolutional network: ${name}`, async () => {
      for (const seed of [1, 2]) {
        const one = { it: convolutional(seed), layers };
        const x = randomInput(new Random(seed, 3), one.it.inputSize);
        await check(one, seed, { kind: 'point', values: x }, () => x);
      }
    });

  it('in dense networks, with whole layers, single entries and scalars that move several', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 3 }), async (seed, layer) => {
        const random = new Random(seed);
        const one = mlp(seed, [5, 8, 7, 3]);
        const { shape, values } = one.tensors[2 * (layer - 1)];
        const p = 0.02 + 0.2 * random.uniform();
        const factors = Array.from(values, () => (random.uniform() < 0.4 ? random.normal() : 0));
        const maps = [
          [whole(`W${layer}`, 'weights', -p, p)],
          [together(`W${layer}`, factors, shape, -p, 2 * p)],
          [
            whole(`W${layer}`, 'weights', 0, p),
            together(`W${layer}`, factors, shape, -p, p),
            whole(`b${layer}`, 'bias', -p, 0),
          ],
        ][random.integer(3)];
        const x = randomInput(random, 5);
        await check({ it: one, layers: [{ layer: `fc_${layer}`, maps }] }, seed, { kind: 'point', values: x }, () => x);
      }),
      { numRuns: 25 },
    );
  });

  it('with several layers, and with weights and inputs together', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), fc.boolean(), async (seed, isBox) => {
        const random = new Random(seed);
        const one = mlp(seed, [4, 6, 6, 3]);
        const p = 0.02 + 0.1 * random.uniform();
        const layers = [1, 2, 3]
          .filter(() => random.uniform() < 0.7)
          .map(k => ({ layer: `fc_${k}`, maps: [whole(`W${k}`, 'weights', -p, p)] }));
        if (layers.length === 0) layers.push({ layer: 'fc_2', maps: [whole('W2', 'weights', -p, p)] });
        const x = randomInput(random, 4);
        const [low, high] = [Float64Array.from(x, v => v - 0.1), Float64Array.from(x, v => v + 0.1)];
        const draw = (from: Random) => (isBox ? x.map((_, i) => low[i] + (high[i] - low[i]) * from.uniform()) : x);
        const input: WeightInput = isBox ? { kind: 'box', box: boxOf(low, high) } : { kind: 'point', values: x };
        await check({ it: one, layers }, seed, input, draw);
      }),
      { numRuns: 25 },
    );
  });
});

describe('scalars of two layers', () => {
  it('multiply: their products are in the set, where they matter most', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const one = mlp(seed, [2, 4, 2]);
      const x = Float32Array.of(1, 0.5);
      // The first moves all hidden neurons alike, the second the two outputs apart: margins change by ± their product.
      const layers = [
        { layer: 'fc_1', maps: [together('W1', new Array<number>(8).fill(1), [4, 2], -1, 1)] },
        { layer: 'fc_2', maps: [together('W2', [1, 1, 1, 1, -1, -1, -1, -1], [2, 4], -1, 1)] },
      ];
      await check({ it: one, layers }, seed, { kind: 'point', values: x }, () => x);
    }
  });
});

describe('tightness', () => {
  it('is exact for one layer at a point: scalars at their ends reach the bounds', async () => {
    const one = mlp(5, [2, 2]);
    const x = Float32Array.of(0.7, -1.3);
    const p = 0.125;
    const result = await reach(
      one,
      [{ layer: 'fc_1', maps: [whole('W1', 'weights', -p, p)] }],
      { kind: 'point', values: x },
      otherWins(2, 0),
    );
    let least = Infinity;
    for (let mask = 0; mask < 16; mask++) {
      const tensors = one.tensors.map(each =>
        each.name === 'W1' ? { ...each, values: each.values.map((v, k) => v + (mask & (1 << k) ? p : -p)) } : each,
      );
      const y = outputOf(one, tensors, x);
      least = Math.min(least, y[0] - y[1]);
    }
    expect(result.margins[0]).toBeCloseTo(least, 5);
  });

  it('is exact where one scalar moves entries of both outputs, which boxes are not', async () => {
    const one = mlp(6, [2, 2]);
    const x = Float32Array.of(1, 1);
    const result = await reach(
      one,
      [{ layer: 'fc_1', maps: [together('W1', [1, 1, 1, 1], [2, 2], -1, 1)] }],
      { kind: 'point', values: x },
      otherWins(2, 0),
    );
    const y = outputOf(one, one.tensors, x);
    // Both outputs move alike, so their difference does not move at all.
    expect(result.margins[0]).toBeCloseTo(y[0] - y[1], 5);
  });

  it('programs are never looser than backward bounds, and sometimes tighter', async () => {
    let tighter = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const one = mlp(seed, [5, 10, 10, 10, 3]);
      const x = randomInput(new Random(seed, 5), 5);
      const label = largest(outputOf(one, one.tensors, x));
      const layers = [{ layer: 'fc_1', maps: [whole('W1', 'weights', -0.15, 0.15)] }];
      const [bounds, star] = [
        await reach(one, layers, { kind: 'point', values: x }, otherWins(3, label), 'none'),
        await reach(one, layers, { kind: 'point', values: x }, otherWins(3, label), 'all'),
      ];
      star.margins.forEach((margin, k) => {
        expect(margin).toBeGreaterThanOrEqual(bounds.margins[k]);
        if (margin > bounds.margins[k] + 1e-6) tighter++;
      });
      const inside = star.bounds.lower.every((low, id) =>
        low.every((l, i) => l >= bounds.bounds.lower[id][i] && star.bounds.upper[id][i] <= bounds.bounds.upper[id][i]),
      );
      expect(inside).toBe(true);
    }
    expect(tighter).toBeGreaterThan(5);
  });

  it('what the short way proves, all programs prove', async () => {
    const verdicts = { both: 0, neither: 0 };
    for (let seed = 1; seed <= 16; seed++) {
      const one = mlp(seed, [5, 10, 10, 10, 3]);
      const x = randomInput(new Random(seed, 5), 5);
      const label = largest(outputOf(one, one.tensors, x));
      const p = 0.02 + 0.01 * (seed % 8);
      const layers = [{ layer: 'fc_1', maps: [whole('W1', 'weights', -p, p)] }];
      const near = await reach(one, layers, { kind: 'point', values: x }, otherWins(3, label), 'near');
      const all = await reach(one, layers, { kind: 'point', values: x }, otherWins(3, label), 'all');
      if (near.verified) expect(all.verified).toBe(true);
      if (near.verified && all.verified) verdicts.both++;
      if (!near.verified && !all.verified) verdicts.neither++;
    }
    expect(verdicts.both).toBeGreaterThan(2);
    expect(verdicts.neither).toBeGreaterThan(2);
  });

  it('relations between a second perturbed layer and what it reads make the set smaller', async () => {
    let tighter = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const one = mlp(seed, [5, 8, 8, 3]);
      const x = randomInput(new Random(seed, 5), 5);
      const label = largest(outputOf(one, one.tensors, x));
      const unsafe = otherWins(3, label);
      const model = weightModel(one);
      const input: WeightInput = { kind: 'point', values: x };
      const perturbations = [1, 2].map(k => ({ layer: `fc_${k}`, maps: [whole(`W${k}`, 'weights', -0.1, 0.1).map] }));
      const opened = new Opening(model, must(perturbedLayers(model, { perturbations, input, unsafe }))).at(input);
      expect(opened.couplings).toHaveLength(1);
      const [without, star] = [
        await starReach({ ...opened, couplings: [] }, unsafe, {}, ENDLESS),
        await starReach(opened, unsafe, {}, ENDLESS),
      ];
      star.margins.forEach((margin, k) => {
        expect(margin).toBeGreaterThanOrEqual(without.margins[k] - 1e-9);
        if (margin > without.margins[k] + 1e-6) tighter++;
      });
    }
    expect(tighter).toBeGreaterThan(2);
  });

  it('relations of a layer that reads numbers of either sign make the set smaller, and no sample leaves it', async () => {
    let tighter = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const one = mlp(seed, [4, 8, 3]);
      const x = randomInput(new Random(seed, 5), 4);
      const box = boxOf(
        Float64Array.from(x, v => v - 0.8),
        Float64Array.from(x, v => v + 0.8),
      );
      const input: WeightInput = { kind: 'box', box };
      const layers = [{ layer: 'fc_1', maps: [whole('W1', 'weights', -0.1, 0.3)] }];
      const unsafe = otherWins(3, largest(outputOf(one, one.tensors, x)));
      const model = weightModel(one);
      const perturbations = layers.map(({ layer, maps }) => ({ layer, maps: maps.map(({ map }) => map) }));
      const opened = new Opening(model, must(perturbedLayers(model, { perturbations, input, unsafe }))).at(input);
      expect(opened.couplings).toHaveLength(1);
      const without = await starReach({ ...opened, couplings: [] }, unsafe, { programs: 'all' }, ENDLESS);
      const star = await starReach(opened, unsafe, { programs: 'all' }, ENDLESS);
      star.margins.forEach((margin, k) => {
        expect(margin).toBeGreaterThanOrEqual(without.margins[k] - 1e-9);
        if (margin > without.margins[k] + 1e-3) tighter++;
      });
      await check({ it: one, layers }, seed, input, from => x.map(v => v + 1.6 * (from.uniform() - 0.5)));
    }
    expect(tighter).toBeGreaterThan(6);
  });

  it('a set that needs several constraints is judged by all of them together', async () => {
    const one = mlp(3, [3, 6, 3]);
    const x = Float32Array.of(0.4, 0.9, -0.5);
    const label = largest(outputOf(one, one.tensors, x));
    const both = [otherWins(3, label).flat()];
    const layers = [{ layer: 'fc_1', maps: [whole('W1', 'weights', -0.6, 0.6)] }];
    const [single, joint] = [
      await reach(one, layers, { kind: 'point', values: x }, otherWins(3, label)),
      await reach(one, layers, { kind: 'point', values: x }, both),
    ];
    expect(joint.margins[0]).toBeGreaterThanOrEqual(Math.max(...single.margins) - 1e-9);
    const random = new Random(4);
    for (let k = 0; k < 200; k++) {
      const y = outputOf(one, sample({ it: one, layers }, random, true), x);
      const margins = [0, 1, 2].filter(j => j !== label).map(j => y[label] - y[j]);
      expect(Math.max(...margins)).toBeGreaterThanOrEqual(joint.margins[0] - ROUNDED);
    }
  });
});
