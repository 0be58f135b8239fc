import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../../../../src/engine/protocol';
import {
  DEFAULT_GRAFT_TRAINING,
  DEFAULT_MASK_SOURCE,
  type GraftTraining,
} from '../../../../src/engine/study-protocols/graft';
import { readTensor } from '../../../../src/engine/tensor-reference';
import { writeNeuronValues } from '../../../../src/graft/neuron-file';
import { readGraftedModel } from '../../../../src/graft/read-model';
import { must } from '../../must';
import { makeWorkplace, type Workplace } from './workplace';

let place: Workplace;

beforeAll(async () => {
  place = await makeWorkplace();
});
beforeEach(() => void place.change({}));
afterAll(() => place.remove());

const subject = (): { specification: { path: string } } => ({ specification: { path: place.specification } });
const training: GraftTraining = { ...DEFAULT_GRAFT_TRAINING, epochs: 3, batch: 32, samples: 200, threads: 1 };

function value<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(answer.problems[0].message);
  return answer.value;
}

function problem(answer: Answer<unknown>): { code: string; message: string } {
  if (answer.ok) throw new Error('this was to be refused');
  return answer.problems[0];
}

describe('the study of unstable neurons', () => {
  it('counts around every sample, at one ε after the other; more are unstable the larger it is', async () => {
    const { answer, parts } = await place.study('unstable-neurons', {
      subject: subject(),
      method: 'crown',
      epsilons: ['1/100', '0.05', '0.2'],
      importance: 'gap',
    });
    const { layers, runs, importance, check } = value(answer);
    expect(check).toBe('noise');
    expect(layers.map(({ shape }) => shape)).toEqual([[4, 3, 3], [8]]);
    expect(runs.map(({ epsilon }) => epsilon)).toEqual(['1/100', '0.05', '0.2']);
    expect(runs[0].ratio).toBeLessThan(runs[1].ratio);
    expect(runs[1].ratio).toBeLessThan(runs[2].ratio);
    expect(runs[0].samples).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const run of runs) {
      const counts = must(await readTensor(run.counts));
      const [lower, upper] = [must(await readTensor(run.lower)), must(await readTensor(run.upper))];
      expect(lower).toHaveLength(8 * 44);
      const recounted = counts.map(
        (_, i) => run.samples.filter((_, k) => lower[44 * k + i] <= 0 && upper[44 * k + i] >= 0).length,
      );
      expect(recounted).toEqual(counts);
      expect(run.perLayer.reduce((a, b) => a + b, 0)).toBeCloseTo(44 * run.ratio, 9);
    }
    expect(importance?.samples).toBe('all 392 samples that bars.certiscope.jsonc does not select');
    expect(must(await readTensor(importance!.values)).every(each => each >= 0)).toBe(true);
    expect(parts.map(({ kind }) => kind)).toEqual(['layers', 'run', 'run', 'run', 'importance']);
  });

  it('takes from its folder what was measured on the same model and regions, and nothing else', async () => {
    const ask = async (check: string, epsilons?: string[]) =>
      value(
        (
          await place.study('unstable-neurons', {
            subject: subject(),
            method: 'intervals',
            check,
            ...(epsilons ? { epsilons } : {}),
          })
        ).answer,
      ).runs[0];
    const first = await ask('noise');
    const again = await ask('less noise', ['5/100']);
    expect(again).toEqual({ ...first, epsilon: '5/100' });
    expect((await ask('less noise')).ratio).toBeLessThan(first.ratio);
  });

  it('says what is wrong with ε, with a check, and that GAP needs labels', async () => {
    const ask = async (more: object) =>
      problem((await place.study('unstable-neurons', { subject: subject(), method: 'crown', ...more })).answer);
    expect((await ask({ epsilons: ['a tenth'] })).message).toMatch(/"a tenth" is not a number\. Write ε/);
    expect((await ask({ epsilons: ['0'] })).message).toMatch(/"0" is not above 0/);
    expect((await ask({ check: 'nowhere' })).message).toMatch(/no check of inputs named "nowhere"/);
    place.change({ inputs: { data: [Array.from({ length: 36 }, () => 0.5)] } });
    expect((await ask({ importance: 'gap' })).message).toMatch(/GAP.*needs the right class.*inputs\.labels/);
    expect(
      value((await place.study('unstable-neurons', { subject: subject(), method: 'crown', importance: 'sap' })).answer)
        .importance?.samples,
    ).toMatch(/^all 1 samples of the data/);
  });

  it('that is stopped answers in the engine’s words', async () => {
    const { answer } = await place.study(
      'unstable-neurons',
      { subject: subject(), method: 'crown', epsilons: ['0.123'] },
      { cancelled: () => true },
    );
    expect(problem(answer).code).toBe('engine/cancelled');
  });
});

describe('the study that grafts', () => {
  it('makes the asked part linear, trains with fixed weights, and writes what reads back as linear neurons', async () => {
    const { answer, parts } = await place.study('graft', {
      subject: subject(),
      mask: { ...DEFAULT_MASK_SOURCE, ratio: 0.25 },
      training: { ...training, weightRate: null },
    });
    const { model, mask, end, history, data } = value(answer);
    expect(end).toBe('finished');
    expect(history).toHaveLength(3);
    expect(data).toBe(
      '200 of 392 samples that bars.certiscope.jsonc does not select: 180 to train on, 20 held out to choose the best epoch.',
    );
    expect(mask.layers.reduce((sum, { grafted }) => sum + grafted, 0)).toBe(11);
    const [base, grafted] = [must(readGraftedModel(place.model)), must(readGraftedModel(model))];
    expect(
      [...grafted.grafts.values()].reduce((sum, { mask: flags }) => sum + flags.reduce((a, b) => a + b, 0), 0),
    ).toBe(11);
    const weightsOf = ({ network }: typeof base) =>
      network.nodes.flatMap(node => ('weight' in node ? [Array.from(node.weight as Float64Array)] : []));
    expect(weightsOf(grafted)).toEqual(weightsOf(base));
    expect(parts.map(({ kind }) => kind)).toEqual(['mask', 'data', 'epoch', 'epoch', 'epoch']);
  });

  it('that is stopped keeps what it has, and goes on from there to the same numbers', async () => {
    const params = { subject: subject(), mask: DEFAULT_MASK_SOURCE, training: { ...training, seed: 4 } };
    const whole = value((await place.study('graft', params, { folder: path.join(place.folder, 'whole') })).answer);
    let epochs = 0;
    const interrupted = await place.study('graft', params, { cancelled: () => epochs++ > 40 });
    const kept = value(interrupted.answer);
    expect(kept.end).toBe('cancelled');
    expect(existsSync(kept.model)).toBe(true);
    const resumed = await place.study('graft', params);
    expect(value(resumed.answer).end).toBe('finished');
    expect(value(resumed.answer).history.map(({ meanLoss }) => meanLoss)).toEqual(
      whole.history.map(({ meanLoss }) => meanLoss),
    );
    expect(readFileSync(value(resumed.answer).model).equals(readFileSync(whole.model))).toBe(true);
    // What is finished is answered without another epoch.
    expect((await place.study('graft', params)).parts.filter(({ kind }) => kind === 'epoch')).toEqual([]);
  });

  it('begins anew with other labels, or with another radius of a single value', async () => {
    const epochs = async () =>
      (
        await place.study('graft', {
          subject: subject(),
          mask: { from: 'file', path: mask },
          training: { ...training, epochs: 1, seed: 6 },
        })
      ).parts.filter(({ kind }) => kind === 'epoch').length;
    const mask = path.join(place.folder, 'every-second.npz');
    const layers = [[4, 3, 3], [8]].map(shape => ({ name: 'a', shape, size: shape.reduce((a, b) => a * b, 1) }));
    must(await writeNeuronValues(mask, { layers, grafted: Uint8Array.from({ length: 44 }, (_, i) => i % 2) }));
    const radii = (last: number) =>
      place.change({
        checks: [
          { name: 'noise', perturb: 'input', norm: 'inf', epsilon: [...new Array<number>(35).fill(0.05), last] },
        ],
      });
    expect(await epochs()).toBe(1);
    expect(await epochs()).toBe(0);
    place.relabel();
    expect(await epochs()).toBe(1);
    radii(0.06);
    expect(await epochs()).toBe(1);
    radii(0.07);
    expect(await epochs()).toBe(1);
  });

  it('that diverges ends with the last good parameters and says so', async () => {
    const { answer } = await place.study('graft', {
      subject: subject(),
      mask: DEFAULT_MASK_SOURCE,
      training: { ...training, lineRate: 1e12, weightRate: 1e12, epochs: 4 },
    });
    const { end, message, model } = value(answer);
    expect(end).toBe('diverged');
    expect(message).toMatch(/diverged in epoch 1.*Choose a smaller learning rate/);
    must(readGraftedModel(model));
  });

  it('takes a mask from a file, and refuses one of another architecture', async () => {
    const file = path.join(place.folder, 'mask.npz');
    const layer = (shape: number[]) => ({ name: 'a', shape, size: shape.reduce((a, b) => a * b, 1) });
    const write = async (shapes: number[][]) => {
      const layers = shapes.map(layer);
      const count = layers.reduce((sum, { size }) => sum + size, 0);
      must(await writeNeuronValues(file, { layers, grafted: Uint8Array.from({ length: count }, (_, i) => i % 2) }));
    };
    const ask = async () =>
      (
        await place.study('graft', {
          subject: subject(),
          mask: { from: 'file', path: file },
          training: { ...training, epochs: 1 },
        })
      ).answer;
    await write([[4, 3, 3], [8]]);
    expect(value(await ask()).mask.layers.map(({ grafted }) => grafted)).toEqual([18, 4]);
    await write([[4, 2, 3], [8]]);
    expect(problem(await ask()).message).toMatch(/4×2×3, 8 neurons, but the network has 4×3×3, 8\. Choose the mask/);
  });

  it('says what is wrong before it measures: a ratio, a schedule, missing labels', async () => {
    const ask = async (mask: object) =>
      problem(
        (await place.study('graft', { subject: subject(), mask: { ...DEFAULT_MASK_SOURCE, ...mask }, training }))
          .answer,
      );
    expect((await ask({ ratio: 1.5 })).message).toMatch(/ratio is 1\.5.*between 0 and 1/);
    expect((await ask({ schedule: [] })).message).toMatch(/0 stages/);
    place.change({ inputs: { data: [Array.from({ length: 36 }, () => 0.5)] } });
    expect((await ask({})).message).toMatch(/Training needs the right class of every sample/);
  });
});

describe('the study of outcomes', () => {
  const grafted = async (): Promise<string> =>
    value((await place.study('graft', { subject: subject(), mask: DEFAULT_MASK_SOURCE, training })).answer).model;
  const compare = async (more: object = {}, options: { cancelled?: () => boolean; program?: string } = {}) =>
    place.study(
      'graft-outcomes',
      {
        subject: subject(),
        grafted: await grafted(),
        attack: { steps: 5, restarts: 1 },
        timeout: 10,
        seed: 1,
        threads: 1,
        carry: true,
        ...more,
      },
      options,
    );

  it('tells of every sample under both networks, and of how they move', async () => {
    const { answer, parts } = await compare();
    const { base, samples, flow, transfer, distance, hypotheses } = value(answer);
    expect(samples.map(({ sample }) => sample)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(samples.filter(each => each.base === 'verified')).toHaveLength(base.counts.verified);
    expect(
      Object.values(flow)
        .flatMap(row => Object.values(row))
        .reduce((a, b) => a + b, 0),
    ).toBe(8);
    for (const { base: from, grafted: to } of samples) expect(flow[from][to]).toBeGreaterThan(0);
    expect(hypotheses.map(({ statement }) => statement)[3]).toBe('undecided by g ⊆ undecided by f');
    expect(transfer.toBase.tried).toBe(samples.filter(each => each.grafted === 'attacked').length);
    expect(distance!.outputs).toHaveLength(2);
    for (const { lower, upper, widest } of distance!.outputs) expect(upper - lower).toBeGreaterThanOrEqual(widest);
    expect(samples.filter(({ carried }) => carried)).toHaveLength(distance!.carried);
    // What is carried is true: the base network's own verifier has found no attack there.
    for (const { carried, base: own } of samples) if (carried) expect(['verified', 'undecided']).toContain(own);
    expect(parts.filter(({ kind }) => kind === 'outcome')).toHaveLength(16);
  });

  it('takes outcomes that are kept, and goes on after a stop', async () => {
    const more = { seed: 9 };
    let asked = 0;
    expect(problem((await compare(more, { cancelled: () => asked++ > 12 })).answer).code).toBe('engine/cancelled');
    const whole = value((await compare(more)).answer);
    expect(whole.samples).toHaveLength(8);
    const again = value((await compare(more)).answer);
    expect(again.samples).toEqual(whole.samples);
  });

  it('takes none that another build of this program has found', async () => {
    const files = (): number =>
      readdirSync(path.join(place.folder, 'studies/graft-outcomes')).filter(name => name.endsWith('.outcomes.jsonl'))
        .length;
    value((await compare()).answer);
    const before = files();
    value((await compare()).answer);
    expect(files()).toBe(before);
    value((await compare({}, { program: 'mended' })).answer);
    expect(files()).toBe(before + 2); // of the base and of the graft
  });

  it('refuses a graft of another network', async () => {
    const other = path.resolve(import.meta.dirname, '../../../../samples/digits.onnx');
    expect(problem((await compare({ grafted: other })).answer).message).toMatch(
      /has .* inputs .*Choose a graft of this network/,
    );
  });
});
