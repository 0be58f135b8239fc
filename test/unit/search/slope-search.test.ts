import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { above, below, slopeOf, valueOf } from '../../../src/bounds/search/curves';
import type { Choice, SlopeProblem, SlopeResult } from '../../../src/bounds/search/problem';
import { searchSlopes } from '../../../src/bounds/search/slope-search';
import type { Network } from '../../../src/network/network';
import { evaluate, evaluateNode, randomNetwork, type Kinds } from '../tensor/random-network';
import { crownLower, intervalRanges, type Range } from './crown-reference';

async function search(problem: SlopeProblem, options: Parameters<typeof searchSlopes>[1] = {}): Promise<SlopeResult> {
  const result = await searchSlopes(problem, options);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

interface Case {
  network: Network;
  boxes: Range[];
  ranges: Map<number, Range>[];
  problem: SlopeProblem;
  nodeValue: (node: number, inputs: Float64Array[]) => Float64Array;
}

/** Two boxes of a random network and three rows over its outputs, one with a form over the inputs too. */
function makeCase(seed: number, radius: number, kinds?: Kinds): Case {
  const network = randomNetwork(seed, kinds);
  const random = new Random(seed, 5);
  const nodeValue = (node: number, inputs: Float64Array[]) => evaluateNode(network.nodes[node], inputs, inputs[0]);
  const boxes = [0, 1].map(() => {
    const centre = Float64Array.from({ length: network.inputSize }, () => random.normal());
    return { lower: centre.map(x => x - radius), upper: centre.map(x => x + radius) };
  });
  const ranges = boxes.map(box => intervalRanges(network, nodeValue, box));
  const both = (pick: (k: number) => Float64Array) => Float64Array.from([...pick(0), ...pick(1)]);
  const intervals = new Map([...ranges[0].keys()].map(id => {
    const of = (side: 'lower' | 'upper') => both(k => (ranges[k].get(id) as Range)[side]);
    return [id, { lower: of('lower'), upper: of('upper') }];
  })); // prettier-ignore
  const forms = Float64Array.from({ length: 9 }, () => random.normal());
  const inputForms = Float64Array.from({ length: 3 * network.inputSize }, (_, i) =>
    i < network.inputSize ? 0.3 * random.normal() : 0,
  );
  const rows = { node: network.nodes.length - 1, count: 3, forms, inputForms, offsets: Float64Array.of(0.5, -1, 0) };
  const box = { count: 2, lower: both(k => boxes[k].lower), upper: both(k => boxes[k].upper) };
  return { network, boxes, ranges, nodeValue, problem: { network, boxes: box, intervals, rows } };
}

/** The choices of one box and row, cut out of arrays over all of them. */
function choiceOf(choices: ReadonlyMap<number, Choice>, box: number, row: number, rows: number): Map<number, Choice> {
  const cut = (values: Float32Array) =>
    values.subarray(
      ((box * rows + row) * values.length) / (2 * rows),
      ((box * rows + row + 1) * values.length) / (2 * rows),
    );
  return new Map(
    [...choices].map(([id, choice]) => [
      id,
      'slope' in choice ? { slope: cut(choice.slope) } : { below: cut(choice.below), above: cut(choice.above) },
    ]),
  );
}

function reference(
  { network, boxes, ranges, nodeValue, problem }: Case,
  box: number,
  row: number,
  choices?: ReadonlyMap<number, Choice>,
): number {
  const { rows } = problem;
  const size = network.outputSize;
  const forms = rows.forms.subarray(row * size, (row + 1) * size);
  const inputForm =
    rows.inputForms?.subarray(row * network.inputSize, (row + 1) * network.inputSize) ??
    new Float64Array(network.inputSize);
  const choice = choices && choiceOf(choices, box, row, rows.count);
  return (
    crownLower(network, nodeValue, ranges[box], boxes[box], rows.node, forms, choice, inputForm) +
    (rows.offsets?.[row] ?? 0)
  );
}

describe('lines of curves', () => {
  it('stay on their side of the curve, and touch it', () => {
    fc.assert(
      fc.property(fc.constantFrom('sigmoid' as const, 'tanh' as const), fc.double({ min: -6, max: 6, noNaN: true }), fc.double({ min: 1e-3, max: 9, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (curve, l, width, t) => {
        const u = l + width;
        for (const [side, sign] of [[below(curve, l, u), 1], [above(curve, l, u), -1]] as const) {
          const p = side.first + t * (side.last - side.first);
          expect(side.isChord || (p >= l && p <= u)).toBe(true);
          const slope = side.isChord ? (valueOf(curve, u) - valueOf(curve, l)) / (u - l) : slopeOf(curve, p);
          const at = side.isChord ? l : p;
          for (let k = 0; k <= 40; k++) {
            const x = l + (k / 40) * width;
            const line = valueOf(curve, at) + slope * (x - at);
            expect(sign * (valueOf(curve, x) - line)).toBeGreaterThan(-1e-9);
          }
        }
      }),
    );
  }); // prettier-ignore
});

describe('searchSlopes', () => {
  it("begins at CROWN's bounds, as a plain implementation computes them", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const example = makeCase(seed, 0.02 + 0.1 * (seed % 4));
      const result = await search(example.problem, { iterations: 0 });
      for (let box = 0; box < 2; box++) {
        for (let row = 0; row < 3; row++) {
          const expected = reference(example, box, row);
          expect(Math.abs(result.initial[box * 3 + row] - expected), `seed ${seed}`).toBeLessThan(
            1e-4 * (1 + Math.abs(expected)),
          );
        }
      }
    }
  });

  it('ends at bounds that its choices reach in the plain implementation, never worse, mostly better, always below samples', async () => {
    let better = 0;
    let wide = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const example = makeCase(seed, 0.05 + 0.1 * (seed % 4));
      const result = await search(example.problem, { iterations: 15 });
      for (let box = 0; box < 2; box++) {
        for (let row = 0; row < 3; row++) {
          const k = box * 3 + row;
          const expected = reference(example, box, row, result.choices);
          expect(Math.abs(result.lower[k] - expected), `seed ${seed}`).toBeLessThan(1e-4 * (1 + Math.abs(expected)));
          expect(result.lower[k]).toBeGreaterThanOrEqual(result.initial[k]);
          const smallest = sampled(example, box, row, seed);
          expect(result.lower[k]).toBeLessThanOrEqual(smallest + 1e-4 * (1 + Math.abs(smallest)));
          // Where CROWN leaves nothing to gain, nothing can be gained.
          if (smallest - result.initial[k] < 1e-3) continue;
          wide++;
          if (result.lower[k] > result.initial[k] + 1e-5) better++;
        }
      }
    }
    expect(better).toBeGreaterThan(0.6 * wide);
  });

  it('gives the same bounds of single neurons in parts as at once, and they hold', async () => {
    const example = makeCase(3, 0.2);
    const { network, problem, boxes } = example;
    const [below] = network.nodes.filter(node => node.kind === 'maxPool')[0].inputs;
    const { size } = network.nodes[below];
    const forms = new Float64Array(2 * size * size);
    for (let i = 0; i < size; i++) {
      forms[i * size + i] = 1;
      forms[(size + i) * size + i] = -1;
    }
    const rows = { node: below, count: 2 * size, forms, inputForms: null, offsets: null };
    const whole = await search({ ...problem, rows }, { iterations: 10 });
    const parts = await search({ ...problem, rows }, { iterations: 10, operationsPerRun: 1 });
    whole.lower.forEach((value, k) => expect(parts.lower[k]).toBeCloseTo(value, 4));
    expect([...parts.choices.keys()]).toEqual([...whole.choices.keys()]);
    for (const [id, choice] of whole.choices) {
      const other = parts.choices.get(id) as Choice;
      for (const field of Object.keys(choice) as (keyof Choice)[]) {
        const [one, two] = [choice[field] as Float32Array, other[field] as Float32Array];
        // NaN marks a chord.
        one.forEach((value, k) =>
          expect(Number.isNaN(value) ? 9 : value).toBeCloseTo(Number.isNaN(two[k]) ? 9 : two[k], 3),
        );
      }
    }
    const random = new Random(1);
    for (let k = 0; k < 200; k++) {
      const box = k % 2;
      const x = boxes[box].lower.map((l, i) => l + random.uniform() * (boxes[box].upper[i] - l));
      evaluate(network, x)[below].forEach((value, i) => {
        expect(whole.lower[box * 2 * size + i]).toBeLessThan(value + 1e-5);
        expect(-whole.lower[box * 2 * size + size + i]).toBeGreaterThan(value - 1e-5);
      });
    }
  });

  it('improves neurons and rows together beyond what fixed bounds allow', async () => {
    let gained = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const example = makeCase(seed, 0.25, ['relu', 'leakyRelu']);
      const { problem } = example;
      const rows = {
        ...problem.rows,
        count: 1,
        forms: problem.rows.forms.subarray(0, 3),
        inputForms: null,
        offsets: null,
      };
      const single = { ...problem, rows };
      const joint = new Map(
        [...problem.intervals].flatMap(([id, { lower, upper }]) => {
          if (!problem.network.nodes[id].kind.toLowerCase().endsWith('relu')) return [];
          const size = lower.length / 2;
          const unstable = Array.from({ length: size }, (_, i) => i).filter(i =>
            [i, i + size].some(k => lower[k] < 0 && upper[k] > 0),
          );
          // A node without unstable neurons may be named too.
          return [[id, Int32Array.from(unstable)] as const];
        }),
      );
      const alone = await search(single, { iterations: 30 });
      const together = await search({ ...single, joint }, { iterations: 30 });
      const smallest = [0, 1].map(box => sampled({ ...example, problem: single }, box, 0, seed));
      for (const box of [0, 1]) {
        expect(together.lower[box]).toBeLessThanOrEqual(smallest[box] + 1e-3);
        gained += together.lower[box] - alone.lower[box];
      }
      expect([...together.joint.keys()].sort()).toEqual([...joint.keys()].sort());
    }
    expect(gained).toBeGreaterThan(0.1);
  });

  it('stops when told to, or when all rows are above what is enough', async () => {
    const { problem } = makeCase(2, 0.2);
    expect((await search(problem, { iterations: 50, cancelled: () => true })).iterations).toBe(0);
    expect((await search(problem, { iterations: 50, enough: -1e9 })).iterations).toBe(0);
  });
});

/** The smallest value of a row on random points of a box, its corners among them. */
function sampled({ network, boxes, problem }: Case, box: number, row: number, seed: number): number {
  const random = new Random(seed, 9);
  const { forms, inputForms, offsets } = problem.rows;
  let smallest = Infinity;
  for (let k = 0; k < 200; k++) {
    const x = boxes[box].lower.map(
      (l, i) => l + (k % 2 ? random.uniform() : random.integer(2)) * (boxes[box].upper[i] - l),
    );
    const y = evaluate(network, x).at(-1) ?? x;
    let value = offsets?.[row] ?? 0;
    y.forEach((v, i) => (value += forms[row * y.length + i] * v));
    if (inputForms) x.forEach((v, i) => (value += inputForms[row * x.length + i] * v));
    smallest = Math.min(smallest, value);
  }
  return smallest;
}
