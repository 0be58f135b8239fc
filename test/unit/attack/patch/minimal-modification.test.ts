import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { marksOf } from '../../../../src/attack/patch/marking';
import {
  smallestPatch,
  type PatchCase,
  type PatchOutcome,
  type SmallestPatch,
} from '../../../../src/attack/patch/minimal-modification';
import { compareLayers, modifyInTurn, modifyLayer, withPatch } from '../../../../src/attack/patch/modify';
import { evaluate } from '../../../../src/network/evaluate';
import { arrayOf, folder, kerasModel, rowsOf } from './lpar2020';
import { atMost, denseModel, must } from './models';

function asPatch(outcome: PatchOutcome): SmallestPatch {
  if (outcome.kind !== 'patched') throw new Error(outcome.kind === 'infeasible' ? outcome.message : outcome.reason);
  return outcome;
}

const fixed = { measure: 'inf', phases: 'fixed' } as const;

describe('what there is no patch for', () => {
  const model = denseModel([
    {
      weight: [
        [1, 0],
        [0, 1],
      ],
    },
    {
      weight: [
        [1, 0],
        [0, 1],
      ],
    },
  ]);

  it('names the two inputs that contradict each other, with a certificate', async () => {
    const cases = [
      { input: [1, 2], property: [atMost(0, 1)] },
      { input: [1, 2], property: [{ ...atMost(1, 0), bound: -1 }] },
    ];
    const outcome = must(await smallestPatch(model.written, 'fc_2', cases, fixed));
    expect(outcome).toMatchObject({ kind: 'infeasible', scope: 'all', isCertified: true, conflicting: [0, 1] });
    expect(outcome.kind === 'infeasible' && outcome.message).toMatch(
      /inputs 0, 1 .*same to this layer.*different outputs/,
    );
  });

  it('says that nothing moves an output when the layer reads only zeros', async () => {
    const cases = [{ input: [-1, -1], property: [{ ...atMost(0, 1), bound: -1 }] }];
    const outcome = must(await smallestPatch(model.written, 'fc_2', cases, fixed));
    expect(outcome).toMatchObject({ kind: 'infeasible', isCertified: true, conflicting: [0] });
  });

  it('keeps to the limit on a weight', async () => {
    const cases = [{ input: [1, 1], property: [{ ...atMost(0, 1), bound: -4 }] }];
    expect(must(await smallestPatch(model.written, 'fc_2', cases, { ...fixed, limit: 0.9 }))).toMatchObject({
      kind: 'infeasible',
    });
    expect(
      asPatch(must(await smallestPatch(model.written, 'fc_2', cases, { ...fixed, limit: 1.1 }))).sizes.inf,
    ).toBeCloseTo(1, 9);
  });

  it('leaves a layer as it is when the property holds already', async () => {
    const outcome = must(
      await smallestPatch(model.written, 'fc_1', [{ input: [1, 2], property: [atMost(0, 1)] }], fixed),
    );
    expect(asPatch(outcome).sizes).toEqual({ inf: 0, one: 0, count: 0 });
  });
});

describe('requests that make no sense', () => {
  const model = denseModel([
    {
      weight: [
        [1, 0],
        [0, 1],
      ],
    },
  ]);
  const ask = async (layer: string, cases: readonly PatchCase[]) => {
    const result = await smallestPatch(model.written, layer, cases, fixed);
    return result.ok ? 'none' : `${result.error.code}: ${result.error.message}`;
  };

  it.each([
    ['fc_9', [{ input: [1, 2], property: [] }], /^patch\/layer-unknown: .*"fc_9".*fc_1/],
    ['fc_1', [], /^patch\/no-inputs: /],
    ['fc_1', [{ input: [1, 2, 3], property: [] }], /^patch\/size: Input 0 has 3 values, the model takes 2/],
    ['fc_1', [{ input: [1, NaN], property: [] }], /^patch\/size: Input 0/],
    ['fc_1', [{ input: [1, 2], property: [atMost(0, 7)] }], /^patch\/property: .*output 7.*0 to 1/],
  ] as const)('%s with %j', async (layer, cases, message) => {
    expect(await ask(layer, cases as unknown as PatchCase[])).toMatch(message);
  });

  it('tells a model without a fully connected layer', async () => {
    const nodes = model.written.nodes.filter(node => node.kind === 'input');
    const result = await smallestPatch({ ...model.written, nodes }, 'fc_1', [{ input: [1, 2], property: [] }], fixed);
    expect(result.ok ? '' : result.error.code).toBe('patch/no-dense-layer');
  });
});

/** Small networks with small whole weights, and inputs. */
const smallNetwork = fc.integer({ min: 1, max: 1000 }).map(seed => {
  let state = seed * 7919;
  const next = () => (((state = (state * 1103515245 + 12345) % 2147483648) >> 8) % 7) - 3;
  const matrix = (rows: number, columns: number) =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, next));
  const model = denseModel([
    { weight: matrix(3, 2), bias: [next(), next(), next()] },
    { weight: matrix(3, 3) },
    { weight: matrix(2, 3) },
  ]);
  return { model, input: [1 + next() / 4, -1 + next() / 4] };
});

describe('patches of random networks', () => {
  it('meets the property on the patched network; free phases never need more than fixed ones', async () => {
    await fc.assert(
      fc.asyncProperty(
        smallNetwork,
        fc.constantFrom('fc_1', 'fc_2', 'fc_3'),
        fc.constantFrom('inf', 'one'),
        async ({ model, input }, layer, measure) => {
          const y = evaluate(model.written, Float64Array.from(input)).at(-1)!;
          const cases = [
            { input, property: [y[0] > y[1] ? { ...atMost(0, 1), bound: -0.25 } : { ...atMost(1, 0), bound: -0.25 }] },
          ];
          const solve = async (phases: 'fixed' | 'free') =>
            must(await smallestPatch(model.written, layer, cases, { measure, phases, limit: 50 }));
          const [kept, free] = [await solve('fixed'), await solve('free')];
          for (const outcome of [kept, free]) {
            if (outcome.kind !== 'patched') continue;
            const after = evaluate(withPatch(model.written, outcome.patch), Float64Array.from(input)).at(-1)!;
            const { outputs, bound } = cases[0].property[0];
            expect(
              outputs.value[0] * after[outputs.index[0]] + outputs.value[1] * after[outputs.index[1]],
            ).toBeLessThanOrEqual(bound + 1e-5);
            expect(outcome.lowerBound).toBeLessThanOrEqual(outcome.sizes[measure] + 1e-6);
          }
          if (kept.kind === 'patched')
            expect(asPatch(free).sizes[measure]).toBeLessThanOrEqual(kept.sizes[measure] + 1e-5);
        },
      ),
      { numRuns: 40, seed: 5 },
    );
  });

  it('finds nothing smaller by trying single-weight changes', async () => {
    await fc.assert(
      fc.asyncProperty(smallNetwork, async ({ model, input }) => {
        const y = evaluate(model.written, Float64Array.from(input)).at(-1)!;
        const property = [y[0] > y[1] ? atMost(0, 1) : atMost(1, 0)];
        const outcome = must(
          await smallestPatch(model.written, 'fc_2', [{ input, property }], {
            measure: 'one',
            phases: 'free',
            limit: 20,
          }),
        );
        const size = outcome.kind === 'patched' ? outcome.sizes.one : 20;
        for (let weight = 0; weight < 9; weight++)
          for (const sign of [-1, 1]) {
            const change = new Float64Array(9);
            change[weight] = sign * (size - 1e-3);
            const after = evaluate(
              withPatch(model.written, { layer: 'fc_2', shape: [3, 3], change }),
              Float64Array.from(input),
            ).at(-1)!;
            if (size > 2e-3)
              expect(
                property[0].outputs.value[0] *
                  (after[property[0].outputs.index[0]] - after[property[0].outputs.index[1]]),
              ).toBeGreaterThan(-1e-9);
          }
      }),
      { numRuns: 25, seed: 6 },
    );
  });
});

describe('marks', () => {
  it('go back through the signs of the weights, and both ways where both are needed', () => {
    const { written } = denseModel([
      { weight: [[1], [1], [1]] },
      {
        weight: [
          [1, -2, 1],
          [-1, 0, 1],
        ],
      },
    ]);
    const id = written.nodes.find(node => node.name === 'relu_1')!.id;
    // y_1 is to be lowered and y_0 raised.
    expect(marksOf(written, id, [atMost(1, 0)])).toEqual([1, -1, 0]);
  });
});

describe('several layers', () => {
  const model = denseModel([
    {
      weight: [
        [1, 0],
        [0, 1],
      ],
    },
    {
      weight: [
        [1, 0],
        [0, 1],
      ],
    },
    {
      weight: [
        [1, 0],
        [0, 1],
      ],
    },
  ]);
  const cases = [{ input: [2, 1], property: [{ ...atMost(0, 1), bound: -0.5 }] }];

  it('are compared, each with its patch and replay', async () => {
    const compared = must(await compareLayers(model, cases, fixed));
    expect(compared.map(each => each.layer)).toEqual(['fc_1', 'fc_2', 'fc_3']);
    for (const each of compared) {
      expect(each.written!.holds).toBe(true);
      expect(each.written!.replays[0].margin).toBeGreaterThanOrEqual(0);
      expect(asPatch(each.outcome).sizes.inf).toBeCloseTo(0.25, 6);
    }
  });

  it('are patched in turn where one alone is not enough', async () => {
    const limited = { ...fixed, limit: 0.2 };
    expect(must(await modifyLayer(model, 'fc_3', cases, limited)).outcome.kind).toBe('infeasible');
    const { outcome, written } = must(await modifyInTurn(model, ['fc_3', 'fc_2'], cases, { ...limited, slack: 1e-4 }));
    expect(outcome.kind).toBe('patched');
    expect(written!.holds).toBe(true);
    expect(written!.sizes.inf).toBeLessThan(0.2001);
    expect(written!.file.stored.map(each => each.layer)).toEqual(['fc_3', 'fc_2']);
  });
});

describe.skipIf(!folder)('the published smallest modifications', () => {
  it('of one watermark each, all 100', async () => {
    const model = await kerasModel('mnist.w.wm_model.npz', [
      { name: 'dense-1e5d5', bias: true },
      { name: 'output-3dd48', bias: false },
    ]);
    const { values } = await arrayOf('watermarks.npz', 'wm_set');
    const published = rowsOf('results_linear/mnist.w.wm.1.wm.csv').slice(1);
    expect(published).toHaveLength(100);
    const cases = published.map(([, original, second], k) => ({
      input: values.subarray(784 * k, 784 * k + 784),
      property: [atMost(original, second)],
    }));
    for (const [k, each] of cases.entries()) {
      const outcome = asPatch(must(await smallestPatch(model.written, 'fc_2', [each], fixed)));
      expect(Math.abs(outcome.sizes.inf - published[k][0])).toBeLessThan(1e-6);
      expect(outcome).toMatchObject({ scope: 'all', isCertified: true });
      expect(outcome.lowerBound).toBeGreaterThan(outcome.sizes.inf - 1e-9);
    }
    const all = asPatch(must(await smallestPatch(model.written, 'fc_2', cases, fixed)));
    expect(Math.abs(all.sizes.inf - 2.176319849632837)).toBeLessThan(1e-6);
    expect(all.isCertified && all.lowerBound).toBeGreaterThan(2.17631);
  }, 120_000);

  it('of one watermark in the sum of changes, inside the published intervals', async () => {
    const model = await kerasModel('mnist.w.wm_model.npz', [
      { name: 'dense-1e5d5', bias: true },
      { name: 'output-3dd48', bias: false },
    ]);
    const { values } = await arrayOf('watermarks.npz', 'wm_set');
    const published = rowsOf('results_linear/mnist.w.wm.1.wm.csv').slice(1);
    const intervals = rowsOf('results_nonLinear/mnist.w.wm.1.wm.csv').slice(1);
    for (let k = 0; k < 10; k++) {
      const [, original, second] = published[k];
      const cases = [{ input: values.subarray(784 * k, 784 * k + 784), property: [atMost(original, second)] }];
      const { sizes } = asPatch(
        must(await smallestPatch(model.written, 'fc_2', cases, { measure: 'one', phases: 'fixed' })),
      );
      expect(sizes.one).toBeGreaterThan(intervals[k][0]);
      expect(sizes.one).toBeLessThan(intervals[k][1] + 1e-6);
      expect(sizes.count).toBeLessThanOrEqual(2);
    }
  }, 60_000);

  it('of ACAS Xu: a confirmed patch or a certificate in every layer', async () => {
    const names = [1, 2, 3, 4, 5, 6].map(k => `hidden${k}`);
    const model = await kerasModel(
      'acasxu_2_9/ACASXU_2_9.npz',
      [...names, 'output'].map(name => ({ name, bias: true })),
    );
    const cases = rowsOf('acasxu_2_9/inputs.csv').map(input => {
      const y = evaluate(model.written, Float64Array.from(input)).at(-1)!;
      const [least, next] = Array.from(y.keys()).sort((a, b) => y[a] - y[b]);
      return { input, property: [atMost(next, least)] };
    });
    const compared = must(await compareLayers(model, cases, { measure: 'one', phases: 'fixed' }));
    expect(compared).toHaveLength(7);
    for (const { outcome, written } of compared) {
      if (outcome.kind === 'patched') expect(written!.holds).toBe(true);
      else expect(outcome).toMatchObject({ kind: 'infeasible', isCertified: true, scope: 'phases' });
    }
    expect(asPatch(compared[6].outcome).sizes.one).toBeLessThan(0.0018);
    expect(asPatch(compared[6].outcome).scope).toBe('all');
  }, 120_000);
});
