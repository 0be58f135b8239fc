import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { sourceOf } from '../../../../src/attack/attacked-model';
import { Replayer } from '../../../../src/attack/replay';
import { studyAdversarialInputs } from '../../../../src/engine/studies/adversarial-inputs/study';
import type {
  AdversarialParams,
  AdversarialPart,
  AdversarialResult,
  AdversarialRunFile,
  FoundInput,
  MissedInput,
} from '../../../../src/engine/study-protocols/adversarial-inputs';
import type { Answer } from '../../../../src/engine/protocol';
import { readTensor } from '../../../../src/engine/tensor-reference';
import { model as proto, node, tensor, valueInfo } from '../../../../src/network/authoring';
import { encodeModel } from '../../../../src/network/codec';
import { loadModel } from '../../../../src/network/load';
import { decodeNpy } from '../../../../src/report/npy';
import { must } from '../../must';
import { samples, watched, type Watched } from './environment';

const DIGITS = path.join(samples, 'digits.certiscope.jsonc');

interface Ran extends Watched<AdversarialPart> {
  readonly answer: Answer<AdversarialResult>;
}

async function run(params: Partial<AdversarialParams>, specification = DIGITS, stopAfter?: number): Promise<Ran> {
  const world = watched<AdversarialPart>(stopAfter);
  const subject = { specification: { path: specification }, samples: [0, 1, 2, 3, 4], ...params.subject };
  return { ...world, answer: await studyAdversarialInputs({ ...params, subject }, world.environment) };
}

const foundIn = ({ parts }: Ran): FoundInput[] =>
  parts.filter((part): part is FoundInput & AdversarialPart => part.kind === 'found');
const missedIn = ({ parts }: Ran): MissedInput[] =>
  parts.filter((part): part is MissedInput => part.kind === 'skipped' || part.kind === 'not found');
const problemOf = ({ answer }: Ran): string =>
  answer.ok ? 'no problem' : `${answer.problems[0]?.code}: ${answer.problems[0]?.message}`;

/** A perturbation specification over a model of our own, in a folder of its own. */
function specification(model: Uint8Array, changes: Readonly<Record<string, unknown>> = {}): string {
  const { folder } = watched();
  writeFileSync(path.join(folder, 'model.onnx'), model);
  const file = path.join(folder, 'spec.certiscope.jsonc');
  const content = {
    model: 'model.onnx',
    inputs: {
      data: [
        [0.9, 0.2],
        [0.1, 0.8],
      ],
    },
    property: { kind: 'label' },
    checks: [{ name: 'noise', perturb: 'input', epsilon: 0.05, clip: [0, 1] }],
    ...changes,
  };
  writeFileSync(file, JSON.stringify(content));
  return file;
}

/** y = W x of two inputs, with or without a fully connected layer. */
function linear(rows: readonly (readonly number[])[], dense = true): Uint8Array {
  const data = Float32Array.from(rows.flat());
  const nodes = dense
    ? [node('Gemm', ['x', 'w'], ['y'], { transB: { int: 1 } }, 'fc')]
    : [node('Mul', ['x', 'w'], ['y'], {}, 'scaled')];
  return encodeModel(
    proto({
      nodes,
      initializers: [tensor('w', dense ? [rows.length, 2] : [1, 2], data)],
      inputs: [valueInfo('x', 'float32', [1, 2])],
      outputs: [valueInfo('y', 'float32', [1, dense ? rows.length : 2])],
    }),
  );
}

describe('adversarial inputs', () => {
  it('are in their files what ONNX Runtime takes for another class, inside the range; norms and metrics are theirs', async () => {
    const ran = await run({ methods: ['patches', 'greedy', 'gradient'] });
    const { answer, parts } = ran;
    expect(problemOf(ran)).toBe('no problem');
    const found = foundIn(ran);
    // Sample 3 is misclassified without any change.
    expect(found.map(({ sample }) => sample)).toEqual([0, 1, 2, 4]);
    expect(missedIn(ran)).toMatchObject([{ kind: 'skipped', sample: 3, from: 2, label: 3 }]);
    const loaded = must(loadModel(path.join(samples, 'digits.onnx')));
    const replayer = must(await Replayer.open(sourceOf(loaded), loaded.network));
    for (const { input, original, from, to, logits, norms } of found) {
      const read = decodeNpy(readFileSync(input.kind === 'file' ? input.path : ''))!;
      expect(read.shape).toEqual([1, 1, 16, 16]);
      expect(read.values.every(value => value >= 0 && value <= 1)).toBe(true);
      const { output } = must(await replayer.forward(read.values));
      expect(output.indexOf(Math.max(...output))).toBe(to);
      expect(to).not.toBe(from);
      expect(logits).toEqual(Array.from(output));
      const before = must(await readTensor(original));
      const changes = read.values.map((value, i) => Math.abs(value - before[i]));
      expect(norms.values).toBe(changes.filter(change => change > 0).length);
      expect(norms.inf).toBeCloseTo(Math.max(...changes), 6);
    }
    await replayer.close();
    if (!answer.ok) return;
    const { summary, folder } = answer.value;
    expect(summary).toMatchObject({ attacked: 4, found: 4, notFound: 0, skipped: 1, defectDetection: 100 });
    expect(summary.norms?.values.largest).toBe(Math.max(...found.map(({ norms }) => norms.values)));
    expect(summary.naturalness.reason).toMatch(/needs at least \d+ adversarial inputs; there are 4/);
    const kept = JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8')) as AdversarialRunFile;
    expect(kept.run).toEqual(parts[0]);
    expect(kept.outcomes).toEqual(parts.slice(1));
    expect(kept.summary).toEqual(summary);
  });

  it('are no farther in the measure that was asked for, whichever attack found them', async () => {
    const near = await run({
      measure: 'inf',
      methods: ['greedy', 'gradient', 'bim'],
      subject: { specification: { path: DIGITS }, samples: [0] },
    });
    const few = await run({ subject: { specification: { path: DIGITS }, samples: [0] } });
    expect(foundIn(near)[0].norms.inf).toBeLessThan(foundIn(few)[0].norms.inf);
    expect(foundIn(few)[0].norms.values).toBeLessThan(foundIn(near)[0].norms.values);
    expect(Object.keys(foundIn(near)[0].found)).toContain('bim');
  });

  it('reach the class that is named; a sample of that class is left out with a sentence', async () => {
    const ran = await run({ target: 7, subject: { specification: { path: DIGITS }, samples: [1, 7] } });
    expect(foundIn(ran)).toMatchObject([{ sample: 1, to: 7 }]);
    expect(missedIn(ran)[0].reason).toMatch(/already answers class 7/);
  });

  it('come with the verifier’s word on how close one can be, which no input contradicts', async () => {
    const ran = await run({
      measure: 'inf',
      optimumSeconds: 20,
      subject: { specification: { path: DIGITS }, samples: [0] },
    });
    const [{ optimum, norms }] = foundIn(ran);
    expect(optimum!.certified).toBeGreaterThan(0.02);
    expect(optimum!.certified).toBeLessThan(optimum!.known);
    expect(norms.inf).toBeCloseTo(optimum!.known, 6);
    expect(optimum!.statement).toMatch(/^Certified over the whole valid range/);
  });

  it('that fool another model too are counted; lines per class take the place of phases', async () => {
    const ran = await run({ transfer: path.join(samples, 'digits-conv.onnx'), lines: true });
    const { summary } = ran.answer.ok ? ran.answer.value : { summary: null };
    expect(summary?.transfer).toMatchObject({ comparable: expect.any(Number) as number });
    expect(summary!.transfer!.fooled).toBeLessThanOrEqual(summary!.transfer!.comparable);
  });

  it('that were found before a stop are kept', async () => {
    const ran = await run({}, DIGITS, 3);
    expect(ran.answer).toMatchObject({ ok: true, value: { summary: { found: 2 } } });
    expect(ran.answer).toMatchObject({
      value: { summary: { statement: expect.stringMatching(/Stopped after 2 of \d+ inputs\.$/) as string } },
    });
  });

  it('that cannot be there are not found, and it is said what was tried', async () => {
    // Both rows of the first class are always ahead: no input inside [0, 1] changes that.
    const always = await studyAdversarialInputs(
      {
        methods: ['patches', 'greedy'],
        subject: {
          specification: {
            path: specification(
              linear([
                [1, 1],
                [-1, -1],
              ]),
            ),
          },
        },
      },
      watched<AdversarialPart>().environment,
    );
    expect(always).toMatchObject({
      ok: true,
      value: { summary: { found: 0, notFound: 2, norms: null, pielou: null } },
    });
  });
});

describe('bad input gets a sentence', () => {
  const whole = (file: string, params: Partial<AdversarialParams> = {}): Promise<Ran> => {
    const world = watched<AdversarialPart>();
    return studyAdversarialInputs({ ...params, subject: { specification: { path: file } } }, world.environment).then(
      answer => ({ ...world, answer }),
    );
  };
  const pair = linear([
    [1, 0],
    [0, 1],
  ]);

  it('a specification that does not say the range of the data, or an empty range', async () => {
    const file = specification(pair, { checks: [{ name: 'noise', perturb: 'input', epsilon: 0.05 }] });
    expect(problemOf(await whole(file))).toMatch(/^attack\/no-range: .*Give a check a "clip"/);
    expect(problemOf(await whole(file, { range: ['1', '0'] }))).toMatch(/^attack\/range: .*from 1 to 0: it is empty/);
    expect((await whole(file, { range: ['0', '1'] })).answer.ok).toBe(true);
  });

  it('an input outside of the range of the data', async () => {
    const ran = await whole(specification(pair), { range: ['0', '0.85'] });
    expect(missedIn(ran)[0].reason).toMatch(/outside the valid range/);
    expect(foundIn(ran)).toMatchObject([{ sample: 1 }]);
  });

  it('a class that there is not', async () => {
    const ran = await whole(specification(pair), { target: 9 });
    expect(problemOf(ran)).toMatch(/^attack\/target-unknown: There is no class 9/);
    expect(ran.parts).toEqual([]);
  });

  it('patches of a model without a fully connected layer; with other attacks beside them it is a warning', async () => {
    const file = specification(linear([[1, 1]], false));
    expect(problemOf(await whole(file, { methods: ['patches'] }))).toMatch(
      /^attack\/no-dense-layer: .*no fully connected layer/,
    );
    const { answer } = await whole(file);
    expect(answer).toMatchObject({ ok: true, warnings: [{ code: 'attack/no-dense-layer' }] });
  });

  it('a model with one output, and another model of other inputs', async () => {
    const one = specification(linear([[1, 1]]), { property: { kind: 'range', radius: 0.1 } });
    expect(problemOf(await whole(one))).toMatch(/^attack\/one-class: /);
    const other = path.join(samples, 'digits.onnx');
    expect(problemOf(await whole(specification(pair), { transfer: other }))).toMatch(
      /^attack\/other-size: .*takes 256 values, the attacked model 2/,
    );
  });
});
