import { describe, expect, it } from 'vitest';
import { confirm, prepare } from '../../../../src/attack/adversarial';
import { AttackedModel } from '../../../../src/attack/attacked-model';
import { patchAttack } from '../../../../src/attack/patch/algorithm';
import { smallestChange } from '../../../../src/attack/patch/fewest-values';
import { sizesOf, smallestPatch } from '../../../../src/attack/patch/minimal-modification';
import { modifyLayer, withPatch } from '../../../../src/attack/patch/modify';
import { evaluate } from '../../../../src/network/evaluate';
import { atMost, denseModel, must } from './models';

/** The examples of the paper that Algorithm 1 is from (Khan, Madhukar and Sharma, PRDC 2023), number by number. */

const figure1 = denseModel([
  {
    weight: [
      [1, 1],
      [-1, 2],
    ],
  },
  {
    weight: [
      [2, 3],
      [1, 1],
    ],
  },
  {
    weight: [
      [2, -8],
      [-4, 5],
    ],
  },
]);
const input = [0.5, 0.5];
/** Outputs before and behind every ReLU, by the layer's name. */
const layerValues = (network: typeof figure1.network, x: number[]) => {
  const values = evaluate(network, Float64Array.from(x));
  const named = new Map(network.nodes.map(node => [node.name, Array.from(values[node.id])]));
  return { hidden: [named.get('relu_1'), named.get('relu_2')], output: Array.from(values[values.length - 1]) };
};
const patched = (layer: string, change: number[]) =>
  withPatch(figure1.written, { layer, shape: [2, 2], change: Float64Array.from(change) });
/** o_1 ≤ o_2. */
const property = [atMost(0, 1)];

describe('Fig. 1: an adversarial input by way of a first-layer patch', () => {
  it('has the printed values for the original input', () => {
    expect(layerValues(figure1.written, input)).toEqual({
      hidden: [
        [1, 0.5],
        [3.5, 1.5],
      ],
      output: [-5, -6.5],
    });
  });

  it('has the printed values with the first-layer patch', () => {
    const { hidden, output } = layerValues(patched('fc_1', [0, -7 / 4, 0, -9 / 8]), input);
    expect(hidden).toEqual([
      [0.125, 0],
      [0.25, 0.125],
    ]);
    expect(output).toEqual([-0.5, -0.375]);
  });

  it('has the same values for the printed adversarial input without the patch', () => {
    const { hidden, output } = layerValues(figure1.written, [1 / 12, 1 / 24]);
    expect(hidden[0]![0]).toBeCloseTo(0.125, 12);
    expect(hidden[0]![1]).toBeCloseTo(0, 12);
    expect(hidden[1]![0]).toBeCloseTo(0.25, 12);
    expect(hidden[1]![1]).toBeCloseTo(0.125, 12);
    expect(output[0]).toBeCloseTo(-0.5, 12);
    expect(output[1]).toBeCloseTo(-0.375, 12);
  });

  it('finds no larger input change for the printed first-layer values, by the relaxed constraints', async () => {
    // 1/8 at the first neuron as an equation (3), the second at most 0 (4); δ within ±1/2.
    const forms = [
      { column: [0, 1], value: [1, 1], constant: 1 - 1 / 8 },
      { column: [0, 1], value: [-1, -1], constant: 1 / 8 - 1 },
      { column: [0, 1], value: [1, -2], constant: -0.5 },
    ];
    const room = { down: [-0.5, -0.5], up: [0.5, 0.5] };
    const sum = await smallestChange(room, forms, 'one');
    expect(sum!.change.reduce((total, each) => total + Math.abs(each), 0)).toBeLessThanOrEqual(5 / 12 + 11 / 24 + 1e-9);
    const largest = await smallestChange(room, forms, 'inf');
    expect(Math.max(...largest!.change.map(Math.abs))).toBeLessThanOrEqual(11 / 24 + 1e-9);
    // Both values are needed: one alone moves the first neuron by at most a half.
    expect((await smallestChange(room, forms, 'count'))!.bound).toBe(2);
  });
});

describe('Fig. 2: the middle-layer patch', () => {
  const printed = [-9 / 8, -17 / 4, -5 / 4, -1 / 4];

  it('makes the printed patch meet the property with the printed values', () => {
    const { hidden, output } = layerValues(patched('fc_2', printed), input);
    expect(hidden[1]).toEqual([0.25, 0.125]);
    expect(output[1]).toBeGreaterThan(output[0]);
  });

  it.each([
    ['one', 1.5 / 13],
    ['inf', 1 / 19],
    ['count', 1],
  ] as const)('finds the smallest patch in the measure "%s"', async (measure, smallest) => {
    const outcome = must(
      await smallestPatch(figure1.written, 'fc_2', [{ input, property }], { measure, phases: 'fixed' }),
    );
    if (outcome.kind !== 'patched') throw new Error(outcome.kind);
    expect(outcome.sizes[measure]).toBeCloseTo(smallest, 6);
    expect(outcome.sizes[measure]).toBeLessThanOrEqual(sizesOf(Float64Array.from(printed))[measure]);
    expect(outcome.lowerBound).toBeGreaterThan(0.999 * smallest);
    const { output } = layerValues(withPatch(figure1.written, outcome.patch), input);
    expect(output[1] - output[0]).toBeGreaterThan(-1e-6);
  });

  it('writes a patched file on which ONNX Runtime confirms the property', async () => {
    const { written } = must(
      await modifyLayer(figure1, 'fc_2', [{ input, property }], { measure: 'one', phases: 'fixed' }),
    );
    expect(written!.holds).toBe(true);
    expect(written!.replays[0].output[1]).toBeGreaterThanOrEqual(written!.replays[0].output[0]);
    expect(written!.sizes.one).toBeLessThan(1.01 * (1.5 / 13));
  });
});

describe('Figs. 3 and 4: marks', () => {
  // Any first layer that makes (0, 2) of (3, 4) will do.
  const figure3 = denseModel([
    {
      weight: [
        [1, -1],
        [2, -1],
      ],
    },
    {
      weight: [
        [1, -1],
        [-1, 1],
      ],
    },
  ]);
  const cases = [{ input: [3, 4], property: [atMost(1, 0)] }];

  it('has the printed values', () => {
    expect(layerValues(figure3.written, [3, 4])).toMatchObject({ hidden: [[0, 2], undefined], output: [-2, 2] });
  });

  it.each([true, false])('needs a change of 1, marking or not (%s)', async marking => {
    const outcome = must(
      await smallestPatch(figure3.written, 'fc_2', cases, { measure: 'inf', phases: 'fixed', marking }),
    );
    if (outcome.kind !== 'patched') throw new Error(outcome.kind);
    expect(outcome.sizes.inf).toBeCloseTo(1, 9);
    expect(outcome.scope).toBe('all');
    const [e1, e2, e3, e4] = outcome.patch.change;
    // ε₁ = ε₃ = 0, 0 ≤ ε₂ ≤ M, −M ≤ ε₄ ≤ 0.
    expect([e1, e3]).toEqual([0, 0]);
    expect(e2).toBeCloseTo(1, 9);
    expect(e4).toBeCloseTo(-1, 9);
  });
});

describe('Algorithm 1 on the network of Fig. 1', () => {
  it('goes through the layers the paper goes through and changes the input by no more', async () => {
    const model = must(await AttackedModel.open(figure1));
    const subject = must(await prepare(model, { original: Float32Array.from(input), range: { lower: 0, upper: 1 } }));
    expect(subject.label).toBe(0);
    const found = await patchAttack(figure1.network, subject);
    expect(found!.steps.map(step => step.layer)).toEqual(['fc_2', 'fc_1']);
    const adversarial = must(await confirm(model, subject, found!.point, found!.stage));
    expect(adversarial!.to).toBe(1);
    const change = adversarial!.input.map((x, i) => Math.abs(x - input[i]));
    expect(change[0] + change[1]).toBeLessThanOrEqual(5 / 12 + 11 / 24);
    await model.close();
  });
});
