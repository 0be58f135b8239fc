import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../../src/base/random';
import { AttackedModel, largest } from '../../../../src/attack/attacked-model';
import { evaluate } from '../../../../src/network/evaluate';
import { denseModel, must } from '../patch/models';

const random = new Random(21);
const matrix = (rows: number, columns: number) =>
  Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => Math.fround(random.normal() / Math.sqrt(columns))),
  );
const loaded = denseModel([{ weight: matrix(10, 5), bias: matrix(1, 10)[0] }, { weight: matrix(4, 10) }]);
let model: AttackedModel;

beforeAll(async () => {
  model = must(await AttackedModel.open(loaded));
});
afterAll(() => model.close());

// More than one run of the graph, and not a whole number of them.
const rows = 150;
const points = Float32Array.from({ length: rows * 5 }, () => random.uniform());
const logitsAt = (x: ArrayLike<number>) => evaluate(loaded.network, Float64Array.from(x)).at(-1)!;
const point = (row: number) => Float64Array.from(points.subarray(row * 5, row * 5 + 5));

const losses = {
  crossEntropy: (z: Float64Array, c: number) => Math.log(z.reduce((sum, each) => sum + Math.exp(each), 0)) - z[c],
  /** The divisor is a constant to the gradient, so it is taken at the row's own point. */
  ratio: (z: Float64Array, c: number, own: Float64Array) => {
    const sorted = [...own].sort((a, b) => b - a);
    return (Math.max(...z.filter((_, k) => k !== c)) - z[c]) / (sorted[0] - sorted[2]);
  },
  direction: (z: Float64Array, c: number) => 2 * z[c] - z[(c + 1) % 4],
};

describe('objectives and gradients of many points', () => {
  it.each(Object.keys(losses) as (keyof typeof losses)[])('are those of float64 arithmetic: %s', async name => {
    const zero = () => new Float32Array(rows);
    const classes = new Float32Array(rows * 4);
    const direction = new Float32Array(rows * 4);
    for (let row = 0; row < rows; row++) {
      const c = row % 4;
      classes[row * 4 + c] = 1;
      if (name === 'direction') {
        direction[row * 4 + c] = 2;
        direction[row * 4 + ((c + 1) % 4)] = -1;
      }
    }
    const weight = { crossEntropy: zero(), ratio: zero() };
    if (name !== 'direction') weight[name].fill(-3);
    const factor = name === 'direction' ? 1 : -3;
    const { logits, objective, slope } = must(await model.ascend(points, { classes, direction, ...weight }));
    expect([logits.length, objective.length, slope.length]).toEqual([rows * 4, rows, rows * 5]);
    let compared = 0;
    for (let row = 0; row < rows; row++) {
      const x = point(row);
      const own = logitsAt(x);
      const value = (at: Float64Array) => factor * losses[name](logitsAt(at), row % 4, own);
      logits.subarray(row * 4, row * 4 + 4).forEach((z, k) => expect(z).toBeCloseTo(own[k], 4));
      expect(Math.abs(objective[row] - value(x))).toBeLessThan(1e-3 * Math.max(1, Math.abs(value(x))));
      for (let i = 0; i < 5; i++) {
        const moved = (by: number) => value(x.map((each, k) => (k === i ? each + by : each)));
        const [ahead, behind] = [(moved(1e-5) - value(x)) / 1e-5, (value(x) - moved(-1e-5)) / 1e-5];
        // Where the two sides differ there is a kink.
        if (Math.abs(ahead - behind) > 1e-3 * Math.max(1, Math.abs(ahead))) continue;
        compared++;
        expect(Math.abs(slope[row * 5 + i] - ahead)).toBeLessThan(5e-3 * Math.max(1, Math.abs(ahead)));
      }
    }
    expect(compared).toBeGreaterThan(rows * 4);
  });

  it('logits alone are the same', async () => {
    const logits = must(await model.logits(points));
    for (let row = 0; row < rows; row += 7) expect(logits[row * 4 + 2]).toBeCloseTo(logitsAt(point(row))[2], 4);
  });

  it('the winner is the first of equal ones', () => {
    expect(largest([1, 3, 3, 2])).toBe(1);
  });
});
