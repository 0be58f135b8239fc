import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import type { Amount, LayerPerturbation, PerturbationMap } from '../../../src/weights/perturbation';
import { flipMoves, gridStep } from '../../../src/weights/grids';
import { perturbedLayer } from '../../../src/weights/perturbed-layer';
import { perturbedLayers } from '../../../src/weights/question';
import { convolutional, mlp, must, weightModel } from './models';

const model = weightModel(convolutional(1));
const interval = (lower: number, upper: number): Amount => ({ kind: 'interval', lower, upper, of: 'absolute' });

function asked(layer: string | number, map: Partial<PerturbationMap> = {}): LayerPerturbation {
  return { layer, maps: [{ tensor: 'weights', select: { kind: 'all' }, amount: interval(-1, 1), ...map }] };
}

describe('layers', () => {
  it('are the affine nodes of the file, numbered from 1 before any folding', () => {
    expect(model.layers.map(layer => `${layer.number} ${layer.name} ${layer.opType}`)).toEqual([
      '1 factor Mul',
      '2 conv_1 Conv',
      '3 bn BatchNormalization',
      '4 conv_2 Conv',
      '5 matmul MatMul',
      '6 shift Add',
      '7 fc Gemm',
    ]);
    expect(must(model.find(5)).name).toBe('matmul');
  });

  it('know how their outputs depend on their weights, whatever the operator', () => {
    // The Gemm has alpha = 0.5 and a transposed matrix: output i is Σ 0.5·W[i, j]·u_j + w_i.
    const fc = must(model.terms(must(model.find('fc'))));
    const row = [1, 2].flatMap(i =>
      Array.from({ length: 6 }, (_, t) => fc.rowStart[i] + t).map(t => [
        i,
        fc.column[t],
        fc.parameter[t],
        fc.factor[t],
      ]),
    );
    expect(row).toContainEqual([1, 3, 1 * 5 + 3, 0.5]);
    expect(row).toContainEqual([2, -1, 15 + 2, 1]);
    // The matrix of MatMul is not transposed: output j depends on M[i, j].
    const matmul = must(model.terms(must(model.find('matmul'))));
    expect(matmul.parameter[matmul.rowStart[2] + 4]).toBe(4 * 5 + 2);
  });
});

describe('bad questions get a sentence that says what to do', () => {
  const cases: readonly [string, LayerPerturbation, string, RegExp][] = [
    [
      'a layer that does not exist',
      asked('conv_9'),
      'weights/layer',
      /no layer "conv_9".*1 factor \(Mul\), 2 conv_1 \(Conv\)/,
    ],
    ['a number that is none', asked(8), 'weights/layer', /no layer 8/],
    [
      'a map of the wrong shape',
      asked('fc', { select: { kind: 'map', shape: [5, 3], values: new Float64Array(15) } }),
      'weights/map-shape',
      /\[5, 3\].*\[3, 5\]/,
    ],
    [
      'a lower bound above the upper',
      asked('fc', { amount: interval(0.2, 0.1) }),
      'weights/bounds',
      /lower bound 0.2 .* above its upper bound 0.1/,
    ],
    ['a layer without weights', asked('shift'), 'weights/no-weights', /only adds/],
    ['a layer without a bias', asked('conv_2', { tensor: 'bias' }), 'weights/no-weights', /no bias/],
    [
      'a flip in the exponent of a float',
      asked('fc', { amount: { kind: 'bit-flips', format: 'float32', flips: [3, 30] } }),
      'weights/exponent',
      /bit 30 is in the exponent/,
    ],
    [
      'a bit that is none',
      asked('fc', { amount: { kind: 'bit-flips', format: 'integer', bits: 8, flips: [8] } }),
      'weights/flips',
      /no bit 8 in 8 bits/,
    ],
    ['a grid without bits', asked('fc', { amount: { kind: 'quantisation', bits: 0 } }), 'weights/bits', /whole number/],
    [
      'an entry outside the tensor',
      asked('fc', { select: { kind: 'entries', index: [15] } }),
      'weights/index',
      /0 to 14/,
    ],
    [
      'a pattern of another rank',
      asked('conv_1', { select: { kind: 'pattern', patterns: [[0, 0]] } }),
      'weights/index',
      /\[3, 2, 3, 3\]/,
    ],
    [
      'an output that is none',
      asked('conv_1', { select: { kind: 'outputs', outputs: [3] } }),
      'weights/index',
      /0 to 2/,
    ],
    ['a magnitude that is no number', asked('fc', { amount: interval(0, NaN) }), 'weights/bounds', /finite/],
  ];
  for (const [name, perturbation, code, message] of cases)
    it(name, () => {
      const result = perturbedLayer(model, perturbation);
      expect(result.ok).toBe(false);
      if (result.ok) return;
      expect(result.error.code).toBe(code);
      expect(result.error.message).toMatch(message);
    });

  it('a range of zero', () => {
    const one = mlp(1, [2, 2]);
    const constant = {
      ...one,
      bytes: () => one.bytes(one.tensors.map(each => ({ ...each, values: each.values.map(() => 0.5) }))),
    };
    const result = perturbedLayer(
      weightModel(constant),
      asked('fc_1', { amount: { kind: 'interval', lower: -0.1, upper: 0.1, of: 'range' } }),
    );
    expect(result.ok ? '' : result.error.message).toMatch(/All weights of layer "fc_1" are 0.5/);
  });

  it('the same layer twice, no layer, an input of another size', () => {
    const of = (perturbations: LayerPerturbation[], size = 32) =>
      perturbedLayers(model, { perturbations, input: { kind: 'point', values: new Float32Array(size) }, unsafe: [] });
    const codes = [of([asked('fc'), asked(7)]), of([]), of([asked('fc')], 31)].map(result =>
      result.ok ? '' : result.error.code,
    );
    expect(codes).toEqual(['weights/layer-twice', 'weights/no-layer', 'weights/input']);
  });
});

describe('selections', () => {
  const moved = (map: Partial<PerturbationMap>, layer = 'conv_1'): number[] => {
    const { upper } = must(perturbedLayer(model, asked(layer, map)));
    return [...upper.keys()].filter(k => upper[k] !== 0);
  };
  it('name filters, taps and outputs', () => {
    expect(moved({ select: { kind: 'pattern', patterns: [[1, null, null, null]] } })).toEqual(
      Array.from({ length: 18 }, (_, k) => 18 + k),
    );
    expect(moved({ select: { kind: 'pattern', patterns: [[null, null, 0, 1]] } })).toEqual([1, 10, 19, 28, 37, 46]);
    expect(moved({ select: { kind: 'outputs', outputs: [1] } })).toEqual(Array.from({ length: 18 }, (_, k) => 18 + k));
    expect(moved({ select: { kind: 'outputs', outputs: [2] } }, 'matmul')).toEqual(
      Array.from({ length: 12 }, (_, k) => 5 * k + 2),
    );
  });
  it('multiply the scalar with the entries of a map', () => {
    const values = new Float64Array(15);
    values[4] = -2;
    const { lower, upper } = must(
      perturbedLayer(model, asked('fc', { select: { kind: 'map', shape: [3, 5], values }, amount: interval(-1, 3) })),
    );
    expect([lower[4], upper[4]]).toEqual([-6, 2]);
  });
});

describe('grids', () => {
  it('a step of a min-to-max grid is the range over 2^bits − 1', () => {
    expect(must(gridStep(1, 8))).toBe(1 / 255);
    const random = new Random(1);
    const [low, high] = [-0.7, 1.9];
    const step = must(gridStep(high - low, 4));
    for (let k = 0; k < 1000; k++) {
      const w = low + (high - low) * random.uniform();
      const rounded = low + Math.round((w - low) / step) * step;
      expect(Math.abs(rounded - w)).toBeLessThanOrEqual(step / 2 + 1e-12);
    }
  });

  it('flips of a two’s complement integer are those of its bits', () => {
    const weights = Float64Array.from([-1, 0.9, 0.4, 0, -0.3]);
    const flips = [0, 3, 7];
    const scale = 1 / 127;
    const of = must(flipMoves(weights, { kind: 'bit-flips', format: 'integer', bits: 8, flips }));
    for (const w of weights) {
      const v = Math.round(w / scale);
      const images = flips.map(k => {
        const flipped = BigInt.asIntN(8, BigInt.asUintN(8, BigInt(v)) ^ (1n << BigInt(k)));
        return Number(flipped) * scale - w;
      });
      const expected = [0, v * scale - w, ...images].sort((a, b) => a - b);
      expect(of(w)).toHaveLength(expected.length);
      of(w).forEach((move, k) => expect(move).toBeCloseTo(expected[k], 12));
    }
  });

  it('flips of a float32 are those of its bits', () => {
    const of = must(flipMoves(new Float64Array(0), { kind: 'bit-flips', format: 'float32', flips: [22, 31] }));
    // 1.5 has its highest mantissa bit set: without it, it is 1; with the sign flipped, −1.5.
    expect([...of(1.5)]).toEqual([-3, -0.5, 0]);
    expect([...of(1)]).toEqual([-2, 0, 0.5]);
  });
});
