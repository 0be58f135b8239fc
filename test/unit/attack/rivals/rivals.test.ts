import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Random } from '../../../../src/base/random';
import { changedValues, confirm, marginOf, prepare, type Subject } from '../../../../src/attack/adversarial';
import { AttackedModel } from '../../../../src/attack/attacked-model';
import { exchange, restore } from '../../../../src/attack/fewer-values';
import { BALL_RIVALS, type RivalName } from '../../../../src/attack/rivals/names';
import { attackWith } from '../../../../src/attack/rivals/rivals';
import { evaluate } from '../../../../src/network/evaluate';
import { denseModel, must } from '../patch/models';

const random = new Random(11);
const matrix = (rows: number, columns: number) =>
  Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => Math.fround(random.normal() / Math.sqrt(columns))),
  );
const loaded = denseModel([
  { weight: matrix(16, 12), bias: matrix(1, 16)[0] },
  { weight: matrix(12, 16) },
  { weight: matrix(4, 12) },
]);
const epsilon = 0.15;
let model: AttackedModel;
let subjects: Subject[];

beforeAll(async () => {
  model = must(await AttackedModel.open(loaded));
  subjects = [];
  for (let k = 0; k < 30; k++) {
    const original = Float32Array.from({ length: 12 }, () => 0.2 + 0.6 * random.uniform());
    subjects.push(must(await prepare(model, { original, range: { lower: 0, upper: 1 } })));
  }
});

afterAll(() => model.close());

const run = async (rival: RivalName, options = {}) =>
  must(await attackWith(model, subjects, rival, { epsilon, ...options }));

describe.each(BALL_RIVALS)('%s', rival => {
  it('finds inputs inside ball and range that ONNX Runtime answers differently', async () => {
    const found = await run(rival);
    expect(found.size).toBeGreaterThan(0);
    for (const [subject, point] of found) {
      const adversarial = must(await confirm(model, subject, point, rival));
      expect(adversarial).not.toBeNull();
      expect(adversarial!.to).not.toBe(subject.label);
      point.forEach((value, i) => expect(Math.abs(value - subject.original[i])).toBeLessThan(epsilon + 1e-6));
    }
  });

  it('finds the same points again', async () => {
    const [first, second] = [await run(rival), await run(rival)];
    expect([...first.values()]).toEqual([...second.values()]);
  });

  it('stays inside a narrow range', async () => {
    const narrow = subjects.map(subject => ({
      ...subject,
      lower: subject.original.map(x => x - 0.01),
      upper: subject.original.map(x => x + 0.01),
    }));
    const found = must(await attackWith(model, narrow, rival, { epsilon }));
    for (const [subject, point] of found)
      point.forEach((value, i) => expect(value >= subject.lower[i] && value <= subject.upper[i]).toBe(true));
  });
});

describe('against each other', () => {
  it('more steps and restarts find no fewer', async () => {
    const [fgsm, pgd, apgd] = [await run('fgsm'), await run('pgd'), await run('apgd')];
    expect(pgd.size).toBeGreaterThanOrEqual(fgsm.size);
    expect(apgd.size).toBeGreaterThanOrEqual(pgd.size - 1);
    expect(apgd.size).toBeGreaterThan((await run('random', { steps: 20 })).size);
  });

  it('ILCM and the one-step target class aim at the least likely class', async () => {
    const found = await run('ilcm', { epsilon: 0.6, steps: 60 });
    const least = (logits: ArrayLike<number>) => Array.from(logits).indexOf(Math.min(...Array.from(logits)));
    let closer = 0;
    for (const [subject, point] of found) {
      const after = evaluate(loaded.network, Float64Array.from(point)).at(-1)!;
      const aim = least(subject.logits);
      if (after[aim] - after[subject.label] > subject.logits[aim] - subject.logits[subject.label]) closer++;
    }
    expect(closer).toBe(found.size);
  });

  it('reach a target that is named', async () => {
    const aimed = subjects.map(subject => ({ ...subject, target: (subject.label + 1) % 4 }));
    const found = must(await attackWith(model, aimed, 'apgd', { epsilon: 0.5 }));
    expect(found.size).toBeGreaterThan(0);
    for (const [subject, point] of found) expect(must(await model.judge(point)).prediction).toBe(subject.target);
  });

  it('refuse a radius that is none', async () => {
    const result = await attackWith(model, subjects, 'pgd', { epsilon: 0 });
    expect(result.ok ? '' : result.error.code).toBe('attack/epsilon');
  });
});

describe('FGSM', () => {
  it('is one step along the sign of the loss’s gradient', async () => {
    const found = await run('fgsm');
    for (const [subject, point] of found) {
      // Central differences of the cross entropy, coordinate by coordinate.
      const loss = (x: Float64Array) => {
        const z = evaluate(loaded.network, x).at(-1)!;
        return Math.log(z.reduce((sum, each) => sum + Math.exp(each), 0)) - z[subject.label];
      };
      const at = Float64Array.from(subject.original);
      at.forEach((x, i) => {
        const shifted = (by: number) => loss(at.map((each, k) => (k === i ? x + by : each)));
        const slope = (shifted(1e-4) - shifted(-1e-4)) / 2e-4;
        if (Math.abs(slope) > 1e-3) expect(Math.sign(point[i] - x)).toBe(Math.sign(slope));
      });
    }
  });
});

describe('greedy coordinates', () => {
  it('find few values, all of them needed', async () => {
    const found = await run('greedy');
    expect(found.size).toBeGreaterThan(20);
    for (const [subject, point] of found) {
      expect(must(await confirm(model, subject, point, 'greedy'))).not.toBeNull();
      const changed = [...point.keys()].filter(i => point[i] !== subject.original[i]);
      for (const i of changed) {
        if (changed.length === 1) continue;
        const without = point.slice();
        without[i] = subject.original[i];
        const logits = must(await model.logits(without));
        expect(marginOf(subject, logits)).toBeLessThanOrEqual(0);
      }
    }
  });

  it('find a single value where one is enough (all are tried)', async () => {
    const found = await run('greedy', { candidates: 12 });
    for (const subject of subjects) {
      const single = subject.original.findIndex((_, i) =>
        [0, 1].some(end => {
          const point = Float64Array.from(subject.original);
          point[i] = end;
          return marginOf(subject, evaluate(loaded.network, point).at(-1)!) > 1e-5;
        }),
      );
      if (single >= 0) expect(changedValues(found.get(subject)!, subject.original)).toBe(1);
    }
  });

  it('takes several values at a time where very many are needed, and none too many in the end', async () => {
    // Class 1 wins by the sum of all inputs, from the 121st on.
    const wide = must(
      await AttackedModel.open(
        denseModel([{ weight: [new Array<number>(200).fill(0), new Array<number>(200).fill(1)], bias: [120.5, 0] }]),
      ),
    );
    const subject = must(await prepare(wide, { original: new Float32Array(200), range: { lower: 0, upper: 1 } }));
    const gradients = vi.spyOn(wide, 'ascend');
    const found = must(await attackWith(wide, [subject], 'greedy', { epsilon }));
    expect(changedValues(found.get(subject)!, subject.original)).toBe(121);
    expect(gradients.mock.calls.length).toBeLessThan(60);
    await wide.close();
  });
});

describe('fewer values', () => {
  it('restoring and exchanging keep an input adversarial and never add values', async () => {
    for (const [subject, point] of await run('pgd', { epsilon: 0.4 })) {
      const restored = must(await restore(model, subject, point));
      const exchanged = must(await exchange(model, subject, restored));
      const counts = [point, restored, exchanged].map(each => changedValues(each, subject.original));
      expect(counts[1]).toBeLessThanOrEqual(counts[0]);
      expect(counts[2]).toBeLessThanOrEqual(counts[1]);
      expect(must(await confirm(model, subject, exchanged, 'test'))).not.toBeNull();
    }
  });
});

describe('what cannot be attacked', () => {
  const original = new Float32Array(12).fill(0.5);
  const ask = async (task: Partial<Parameters<typeof prepare>[1]>) => {
    const result = await prepare(model, { original, range: { lower: 0, upper: 1 }, ...task });
    return result.ok ? `label ${result.value.label}` : `${result.error.code}: ${result.error.message}`;
  };

  it('is said in a sentence', async () => {
    const label = Number((await ask({})).split(' ')[1]);
    expect(await ask({ original: new Float32Array(3) })).toMatch(
      /^attack\/size: The input has 3 values, the model takes 12/,
    );
    expect(await ask({ original: original.map((x, i) => (i === 4 ? NaN : x)) })).toMatch(
      /^attack\/not-finite: Value 4/,
    );
    expect(await ask({ original: original.map((x, i) => (i === 7 ? 1.5 : x)) })).toMatch(
      /^attack\/outside-range: Value 7 .* 1.5, outside .* from 0 to 1/,
    );
    expect(await ask({ range: { lower: 1, upper: 0 } })).toMatch(/^attack\/range: .*empty/);
    expect(await ask({ target: label })).toMatch(/^attack\/target-is-prediction: .*already/);
    expect(await ask({ target: 4 })).toMatch(/^attack\/target-unknown: .*0 to 3/);
    const single = await AttackedModel.open(denseModel([{ weight: [[1, 2]] }]));
    expect(single.ok ? '' : single.error.code).toBe('attack/one-class');
  });
});
