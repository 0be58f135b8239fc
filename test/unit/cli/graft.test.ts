import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGraftedModel } from '../../../src/graft/read-model';
import { bundle } from '../bundle';
import { makeWorkplace, type Workplace } from '../engine/graft/workplace';
import { must } from '../must';

let cli: string;
let place: Workplace;

beforeAll(async () => {
  cli = path.join(bundle('cli-graft', { cli: 'src/cli/main.ts' }), 'cli.js');
  place = await makeWorkplace();
});
afterAll(() => place.remove());

function run(...words: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...words], {
    cwd: place.folder,
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

describe('certiscope unstable', () => {
  it('prints a column for every ε, and writes all counts as JSON', () => {
    const { code, out, err } = run(
      'unstable',
      'bars.certiscope.jsonc',
      '--epsilon',
      '1/100',
      '--epsilon',
      '0.05',
      '--importance',
      'sap',
      '--json',
      'unstable.json',
    );
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/layer +neurons +ε = 1\/100 +ε = 0\.05\n/);
    expect(out).toMatch(/relu_1 +4×3×3 /);
    expect(out).toMatch(/ε = 0\.05: .* % of 44 neurons, mean over 8 regions \(all samples\), bounds by crown/);
    const report = JSON.parse(readFileSync(path.join(place.folder, 'unstable.json'), 'utf8')) as {
      schema: number;
      runs: { epsilon: string; counts: number[][]; ratio: number }[];
      importance: { values: number[][] };
    };
    expect(report.schema).toBe(1);
    expect(report.runs.map(each => each.counts.map(layer => layer.length))).toEqual([
      [36, 8],
      [36, 8],
    ]);
    const sum = report.runs[1].counts.flat().reduce((a, b) => a + b, 0);
    expect(sum / (44 * 8)).toBeCloseTo(report.runs[1].ratio, 9);
    expect(report.importance.values.flat()).toHaveLength(44);
  });

  it('says what is wrong, in one line, and ends with 3', () => {
    expect(run('unstable')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/unstable takes a perturbation specification/) as string,
    });
    expect(run('unstable', 'bars.certiscope.jsonc', '--method', 'magic').err).toMatch(
      /--method is intervals, crown or alpha-crown, not 'magic'/,
    );
    expect(run('unstable', 'bars.certiscope.jsonc', '--epsilon', 'x')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/"x" is not a number/) as string,
    });
  });
});

describe('certiscope graft', () => {
  const words = [
    'graft',
    'bars.certiscope.jsonc',
    '--epochs',
    '2',
    '--batch',
    '32',
    '--train',
    '100',
    '--folder',
    'kept',
    '--threads',
    '1',
  ];

  it('writes the grafted model and what was done; with --outcomes it compares', () => {
    const { code, out, err } = run(
      ...words,
      '--ratio',
      '0.25',
      '--gamma',
      'inf',
      '--output',
      'g.onnx',
      '--outcomes',
      '--timeout',
      '5',
      '--restarts',
      '1',
      '--json',
      'graft.json',
    );
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/Linear neurons: 11 of 44 \(25\.0 %\): relu_1 \d+ of 36, relu_2 \d+ of 8/);
    expect(out).toMatch(/100 of 392 samples .*: 90 to train on, 10 held out/);
    expect(out).toMatch(/epoch 2: loss /);
    expect(out).toMatch(/Outcomes of 8 samples/);
    const model = must(readGraftedModel(path.join(place.folder, 'g.onnx')));
    expect([...model.grafts.values()].reduce((sum, { mask }) => sum + mask.reduce((a, b) => a + b, 0), 0)).toBe(11);
    const report = JSON.parse(readFileSync(path.join(place.folder, 'graft.json'), 'utf8')) as {
      end: string;
      outcomes: { samples: unknown[] };
    };
    expect(report.end).toBe('finished');
    expect(report.outcomes.samples).toHaveLength(8);
    expect(existsSync(path.join(place.folder, 'kept'))).toBe(true);
  });

  it('names a model of its own where none is named, and writes over none', () => {
    expect(run(...words, '--ratio', '0.5').out).toMatch(/The grafted model: bars\.grafted\.onnx\n/);
    expect(run(...words, '--ratio', '0.5').out).toMatch(/The grafted model: bars\.grafted-2\.onnx\n/);
  });

  it('says what is wrong: a ratio, a place that cannot be written', () => {
    expect(run(...words, '--ratio', '2')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/The ratio is 2; .* between 0 and 1/) as string,
    });
    expect(run(...words, '--ratio', '0.5', '--output', 'nowhere/g.onnx')).toMatchObject({
      code: 3,
      err: expect.stringMatching(
        /nowhere\/g\.onnx: cannot be written: its folder does not exist.*It is kept as/,
      ) as string,
    });
  });
});
