import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { loadModelBytes } from '../../../src/network/load';
import type { Network } from '../../../src/network/network';
import { evaluate } from '../../../src/network/evaluate';
import { decideWeights, DEFAULT_WEIGHT_OPTIONS, type WeightVerdict } from '../../../src/weights/decide';
import { Opening } from '../../../src/weights/open-network';
import { boxOf } from '../../../src/weights/opened-network';
import { nextFloat32, patchModel } from '../../../src/weights/patch';
import type { LayerPerturbation } from '../../../src/weights/perturbation';
import { perturbedLayer } from '../../../src/weights/perturbed-layer';
import { perturbedLayers } from '../../../src/weights/question';
import { weightTolerance } from '../../../src/weights/tolerance';
import { truth } from '../verify/oracle';
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
  type TestModel,
} from './models';

const whole = (layer: string, p: number): LayerPerturbation => ({
  layer,
  maps: [
    { tensor: 'weights', select: { kind: 'all' }, amount: { kind: 'interval', lower: -p, upper: p, of: 'absolute' } },
  ],
});

async function decide(
  it: TestModel,
  perturbations: LayerPerturbation[],
  x: Float32Array,
  label: number,
  outputs: number,
): Promise<WeightVerdict> {
  const question = { perturbations, input: { kind: 'point', values: x } as const, unsafe: otherWins(outputs, label) };
  const budget = { deadline: performance.now() + 20_000, cancelled: () => false };
  return must(await decideWeights(weightModel(it), question, DEFAULT_WEIGHT_OPTIONS, budget));
}

/** fc_2 onwards of a network 4-6-5-3 as a network over what relu_1 gives, written by hand. */
function behindSecond(
  it: TestModel,
  e: { lower: Float64Array; upper: Float64Array },
): { network: Network; box: ReturnType<typeof boxOf> } {
  const exact = { relativeError: 0, biasError: null };
  const [, , , , W3, b3] = it.tensors;
  const info = (size: number) => [{ name: 't', shape: [1, size], type: 'float32', offset: 0, size }];
  return {
    network: {
      nodes: [
        { kind: 'input', id: 0, inputs: [], size: 5, shape: [5], name: 'x' },
        { kind: 'relu', id: 1, inputs: [0], size: 5, shape: [5], name: 'r', slope: 0 },
        {
          kind: 'dense',
          id: 2,
          inputs: [1],
          size: 3,
          shape: [3],
          name: 'd',
          weight: Float64Array.from(W3.values),
          bias: Float64Array.from(b3.values),
          ...exact,
        },
      ],
      inputs: info(5),
      outputs: info(3),
      inputSize: 5,
      outputSize: 3,
      trailing: 'none',
    },
    box: boxOf(e.lower, e.upper),
  };
}

describe('several layers', () => {
  it('fail by a neuron that is off and that their weights can turn on: no gradient of the file as it is passes it', async () => {
    const { tensors, bytes, inputSize } = mlp(1, [1, 1, 2]);
    const values = { W1: [1], b1: [-1.1], W2: [-20, 0], b2: [1, 0] };
    const own = tensors.map(each => ({ ...each, values: Float32Array.from(values[each.name as keyof typeof values]) }));
    const it: TestModel = { tensors: own, inputSize, bytes: (other = own) => bytes(other) };
    const verdict = await decide(it, [whole('fc_1', 0.2), whole('fc_2', 0.01)], Float32Array.of(1), 0, 2);
    expect(verdict.kind).toBe('falsified');
  });
});

describe('complete verdicts', () => {
  it('equal a mixed-integer program, and failures are replayed weights within their bounds', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 12; seed++) {
      const random = new Random(seed, 11);
      const one = mlp(seed, [4, 6, 5, 3]);
      const x = randomInput(random, 4);
      const label = largest(outputOf(one, one.tensors, x));
      const p = 0.3 * random.uniform();
      const verdict = await decide(one, [whole('fc_2', p)], x, label, 3);
      seen.add(verdict.kind);

      // The same by hand: z1, the interval of every output of fc_2, and the rest as a program.
      const [W1, b1, W2, b2] = one.tensors.map(each => Float64Array.from(each.values));
      const z1 = b1.map((b, i) =>
        Math.max(
          0,
          x.reduce((sum, v, j) => sum + W1[i * 4 + j] * v, b),
        ),
      );
      const size = z1.reduce((sum, z) => sum + z, 0);
      const y2 = b2.map((b, i) => z1.reduce((sum, z, j) => sum + W2[i * 6 + j] * z, b));
      const { network, box } = behindSecond(one, {
        lower: y2.map(y => y - p * size),
        upper: y2.map(y => y + p * size),
      });
      let least = Infinity;
      for (const set of otherWins(3, label)) least = Math.min(least, (await truth(network, box, set)).bound);
      if (Math.abs(least) < 1e-4) continue;
      expect(verdict.kind).toBe(least > 0 ? 'verified' : 'falsified');
      if (verdict.kind === 'verified') expect(verdict.lowerBound).toBeLessThanOrEqual(least + 1e-6);
      if (verdict.kind === 'falsified') {
        const { patched, output } = verdict.failure;
        expect(patched.changes.length).toBeGreaterThan(0);
        for (const { layer, before, after } of patched.changes) {
          expect(layer).toBe('fc_2');
          expect(Math.abs(after - before)).toBeLessThanOrEqual(p);
          expect(Math.fround(after)).toBe(after);
        }
        const again = evaluate(must(loadModelBytes(patched.bytes, 'patched.onnx')).network, Float64Array.from(x)).at(
          -1,
        )!;
        expect(largest(again)).not.toBe(label);
        again.forEach((y, i) => expect(output[i]).toBeCloseTo(y, 4));
      }
    }
    expect([...seen].sort()).toEqual(['falsified', 'verified']);
  });

  it('equal a mixed-integer program where one hidden layer follows the box', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 10; seed++) {
      const random = new Random(seed, 13);
      const one = mlp(seed, [4, 6, 7, 3]);
      const x = randomInput(random, 4);
      const label = largest(outputOf(one, one.tensors, x));
      const perturbations = [whole('fc_1', 0.4 * random.uniform())];
      const verdict = await decide(one, perturbations, x, label, 3);
      const model = weightModel(one);
      const question = { perturbations, input: { kind: 'point', values: x } as const, unsafe: otherWins(3, label) };
      const { network, box } = new Opening(model, must(perturbedLayers(model, question))).at(question.input);
      let least = Infinity;
      for (const set of question.unsafe) least = Math.min(least, (await truth(network, box, set)).bound);
      if (Math.abs(least) < 1e-4) continue;
      expect(verdict.kind).toBe(least > 0 ? 'verified' : 'falsified');
      seen.add(verdict.kind === 'verified' ? verdict.method : verdict.kind);
    }
    expect(seen).toContain('hull');
    expect(seen).toContain('falsified');
  });

  it('a convolution whose taps are shared is verified below and falsified above its tolerance', async () => {
    const one = convolutional(2);
    const x = randomInput(new Random(9), one.inputSize);
    const label = largest(outputOf(one, one.tensors, x));
    const small = await decide(one, [whole('conv_1', 1e-5)], x, label, 3);
    expect(small.kind).toBe('verified');
    const large = await decide(one, [whole('conv_1', 3)], x, label, 3);
    expect(large.kind).toBe('falsified');
    if (large.kind !== 'falsified') return;
    for (const { tensor, index, before, after } of large.failure.patched.changes) {
      expect(tensor).toBe('K1');
      expect(index).toHaveLength(4);
      expect(Math.abs(after - before)).toBeLessThanOrEqual(3);
    }
  });

  it('weights that must move end within their bounds, all of them, and the last layer as its closed form says', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 10; seed++) {
      const random = new Random(seed, 12);
      const one = mlp(seed, [4, 6, 3]);
      const x = randomInput(random, 4);
      const label = largest(outputOf(one, one.tensors, x));
      const [low, high] = [0.05, 0.05 + 0.4 * random.uniform()];
      const amount = { kind: 'interval', lower: low, upper: high, of: 'absolute' } as const;
      const verdict = await decide(
        one,
        [{ layer: 'fc_2', maps: [{ tensor: 'weights', select: { kind: 'all' }, amount }] }],
        x,
        label,
        3,
      );
      const y = outputOf(one, one.tensors, x);
      const [W1, b1] = one.tensors.map(each => each.values);
      const size = [...b1.keys()].reduce(
        (sum, i) =>
          sum +
          Math.max(
            0,
            x.reduce((total, v, j) => total + W1[i * 4 + j] * v, b1[i]),
          ),
        0,
      );
      const margin = Math.min(...[0, 1, 2].filter(j => j !== label).map(j => y[label] - y[j])) - (high - low) * size;
      if (Math.abs(margin) < 1e-5) continue;
      expect(verdict.kind).toBe(margin > 0 ? 'verified' : 'falsified');
      seen.add(verdict.kind);
      if (verdict.kind !== 'falsified') continue;
      expect(verdict.failure.patched.changes).toHaveLength(one.tensors[2].values.length);
      for (const { before, after } of verdict.failure.patched.changes) {
        expect(after - before).toBeGreaterThanOrEqual(low);
        expect(after - before).toBeLessThanOrEqual(high);
      }
    }
    expect([...seen].sort()).toEqual(['falsified', 'verified']);
  });

  it('one number for a row and bounds of their own for the biases: both ends, with weights of both kinds', async () => {
    const one = mlp(4, [4, 6, 5, 3]);
    const x = randomInput(new Random(2), 4);
    const label = largest(outputOf(one, one.tensors, x));
    const maps = (size: number): LayerPerturbation['maps'] => [
      {
        tensor: 'weights',
        select: { kind: 'pattern', patterns: [[2, null]] },
        amount: { kind: 'interval', lower: -size, upper: size, of: 'absolute' },
        together: true,
      },
      {
        tensor: 'bias',
        select: { kind: 'all' },
        amount: { kind: 'interval', lower: -size, upper: size, of: 'absolute' },
      },
    ];
    expect((await decide(one, [{ layer: 'fc_2', maps: maps(1e-6) }], x, label, 3)).kind).toBe('verified');
    const verdict = await decide(one, [{ layer: 'fc_2', maps: maps(4) }], x, label, 3);
    expect(verdict.kind).toBe('falsified');
    if (verdict.kind !== 'falsified') return;
    const { changes } = verdict.failure.patched;
    expect(new Set(changes.map(each => each.tensor))).toEqual(new Set(['W2', 'b2']));
    const row = changes.filter(each => each.tensor === 'W2');
    expect(row.every(({ index }) => index[0] === 2)).toBe(true);
    for (const { before, after } of changes) expect(Math.abs(after - before)).toBeLessThanOrEqual(4);
    for (const { before, after } of row) expect(after - before).toBeCloseTo(row[0].after - row[0].before, 5);
  });

  it('flips that fail are flips: each changed weight is the stored integer with one of the bits changed', async () => {
    let seen = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const one = mlp(seed, [4, 6, 5, 3]);
      const x = randomInput(new Random(seed, 14), 4);
      const label = largest(outputOf(one, one.tensors, x));
      const amount = { kind: 'bit-flips', format: 'integer', bits: 8, flips: [5, 6] } as const;
      const verdict = await decide(
        one,
        [{ layer: 'fc_2', maps: [{ tensor: 'weights', select: { kind: 'all' }, amount }] }],
        x,
        label,
        3,
      );
      if (verdict.kind !== 'falsified') continue;
      seen++;
      const scale = one.tensors[2].values.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / 127;
      for (const { before, after } of verdict.failure.patched.changes) {
        const stored = Math.round(before / scale);
        const flipped = [5, 6].map(k => (((stored & 255) ^ (1 << k)) << 24) >> 24);
        expect([stored, ...flipped].some(v => Math.abs(v * scale - after) < 1e-6)).toBe(true);
      }
    }
    expect(seen).toBeGreaterThan(2);
  });

  it('two layers at once: verified when small, falsified with weights of both when large', async () => {
    const one = mlp(4, [4, 6, 5, 3]);
    const x = randomInput(new Random(2), 4);
    const label = largest(outputOf(one, one.tensors, x));
    expect((await decide(one, [whole('fc_1', 1e-6), whole('fc_3', 1e-6)], x, label, 3)).kind).toBe('verified');
    const verdict = await decide(one, [whole('fc_1', 2), whole('fc_3', 2)], x, label, 3);
    expect(verdict.kind).toBe('falsified');
    if (verdict.kind === 'falsified')
      expect(new Set(verdict.failure.patched.changes.map(each => each.layer)).size).toBe(2);
  });

  it('says so when the file as it is fails already', async () => {
    const one = mlp(4, [4, 6, 5, 3]);
    const x = randomInput(new Random(2), 4);
    const label = (largest(outputOf(one, one.tensors, x)) + 1) % 3;
    expect((await decide(one, [whole('fc_1', 1e-6)], x, label, 3)).kind).toBe('misclassified');
  });
});

describe('tolerance', () => {
  it('of the last layer is its closed form: margin over twice the sum of what it reads', async () => {
    for (const seed of [1, 2, 3]) {
      const one = mlp(seed, [4, 6, 5, 3]);
      const x = randomInput(new Random(seed), 4);
      const y = outputOf(one, one.tensors, x);
      const label = largest(y);
      const margin = Math.min(...[0, 1, 2].filter(j => j !== label).map(j => y[label] - y[j]));
      const [W1, b1, W2, b2] = one.tensors.map(each => Float64Array.from(each.values));
      const relu = (W: Float64Array, b: Float64Array, u: ArrayLike<number>) =>
        b.map((start, i) =>
          Math.max(
            0,
            Array.from(u).reduce((sum, v, j) => sum + W[i * u.length + j] * v, start),
          ),
        );
      const z2 = relu(W2, b2, relu(W1, b1, x));
      const W3 = one.tensors[4].values;
      const range = Math.max(...W3) - Math.min(...W3);
      const exact = margin / (2 * z2.reduce((a, b) => a + b, 0)) / range;
      const question = {
        layer: 'fc_3',
        input: { kind: 'point', values: x } as const,
        unsafe: otherWins(3, label),
        start: exact * 3,
        places: 512,
        timeout: 60,
        options: { ...DEFAULT_WEIGHT_OPTIONS, method: 'star' as const },
      };
      const found = must(await weightTolerance(weightModel(one), question, ENDLESS));
      expect(found.certified).toBeLessThanOrEqual(exact * (1 + 1e-9));
      expect(found.certified).toBeGreaterThan(0.98 * exact);
      expect(found.failing).toBeGreaterThanOrEqual(exact * (1 - 1e-5));
      expect(found.failing).toBeLessThan(exact * 1.03);
    }
  });
});

describe('a changed file', () => {
  it('is refused where no float32 number lies within the bounds of a weight', () => {
    const one = mlp(4, [4, 6, 3]);
    const model = weightModel(one);
    const amount = { kind: 'interval', lower: 1e-12, upper: 2e-12, of: 'absolute' } as const;
    const layer = must(
      perturbedLayer(model, { layer: 'fc_1', maps: [{ tensor: 'weights', select: { kind: 'all' }, amount }] }),
    );
    const patched = patchModel(model, [{ layer, amount: layer.upper }]);
    expect(patched.ok ? '' : patched.error.code).toBe('weights/no-number');
    expect(patched.ok ? '' : patched.error.message).toMatch(/entry \[0, 0\] of "W1"/);
  });

  it('has the number nearest to what is wanted that lies within the bounds', () => {
    const one = mlp(4, [4, 6, 3]);
    const model = weightModel(one);
    for (const p of [1e-7, 3.3e-7, 0.1]) {
      const layer = must(perturbedLayer(model, whole('fc_1', p)));
      const { changes } = must(patchModel(model, [{ layer, amount: layer.upper }]));
      expect(changes.length).toBeGreaterThan(0);
      for (const { before, after } of changes) {
        expect(after - before).toBeLessThanOrEqual(p);
        expect(nextFloat32(after, 1) - before).toBeGreaterThan(p);
      }
    }
  });
});
