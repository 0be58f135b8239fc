import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundle } from '../bundle';
import { perturbation, property, writeFourClasses, writeSigmoidModel, writeTinyModel } from './tiny';

let cli: string;
let folder: string;

beforeAll(() => {
  cli = path.join(
    bundle('cli', {
      cli: 'src/cli/main.ts',
      engine: 'src/engine/main.ts',
      guard: 'src/engine/guard.ts',
      'search-worker': 'src/verify/input-split/worker.ts',
      'neuron-worker': 'src/verify/neuron-split/worker.ts',
    }),
    'cli.js',
  );
});

beforeEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
  writeTinyModel(folder);
  write('safe.vnnlib', property(2.5));
  write('unsafe.vnnlib', property(1.5));
  write('tiny.certiscope.jsonc', perturbation());
});

// Processes are waited for without a turn of the event loop; the test runner must be answered in between.
afterEach(() => new Promise<void>(resolve => setTimeout(resolve)));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(path.join(folder, name), content);
}

function read(name: string): string {
  return readFileSync(path.join(folder, name), 'utf8');
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function certiscope(...words: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...words], { cwd: folder, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

interface Report {
  readonly schema: number;
  readonly verdict: string;
  readonly results: readonly {
    readonly check: string;
    readonly sample: number | null;
    readonly verdict: string;
    readonly reason?: string;
    readonly counterexample?: { readonly input: readonly number[]; readonly output: readonly number[] };
  }[];
  readonly problems?: readonly { readonly message: string }[];
}

function report(name: string): Report {
  return JSON.parse(read(name)) as Report;
}

describe('verify', () => {
  it('answers 0 when everything is verified', () => {
    const { code, stdout, stderr } = certiscope('verify', 'tiny.onnx', 'safe.vnnlib');
    expect(stdout).toMatch(/^safe: no input of the region gives Y_0 ≥ 2\.5\n {2}verified +\d+\.\d\d s {2}safe\n$/);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('answers 1 with a counterexample that the network confirms', () => {
    const { code, stdout } = certiscope('verify', 'tiny.onnx', 'unsafe.vnnlib', '--json', 'out.json');
    expect(code).toBe(1);
    expect(stdout).toContain('falsified');
    const [{ counterexample }] = report('out.json').results;
    const [x0, x1] = counterexample?.input ?? [];
    expect(x0 + x1).toBeGreaterThanOrEqual(1.5);
    expect(Math.max(x0, x1)).toBeLessThanOrEqual(1);
    expect(counterexample?.output[0]).toBe(Math.fround(x0 + x1));
  });

  it('answers 2 when a sample is misclassified, and says so', () => {
    const { code, stdout } = certiscope('verify', 'tiny.certiscope.jsonc', '--json', 'out.json');
    expect(code).toBe(2);
    const { schema, verdict, results } = report('out.json');
    expect([schema, verdict]).toEqual([1, 'misclassified']);
    expect(results.map(({ check, sample, verdict }) => [check, sample, verdict])).toEqual([
      ['noise', 0, 'verified'],
      ['noise', 1, 'verified'],
      ['noise', 2, 'misclassified'],
    ]);
    expect(stdout).toContain('accuracy on the selected data: 2 of 3 (66.7 %)');
    expect(stdout).toMatch(/3 questions in \d+\.\d s: 2 verified, 1 misclassified\n$/);
  });

  it('names the suspects when the network is hardly better than guessing', () => {
    const data = Array.from({ length: 12 }, () => [1, 0.9]);
    write('wrong.certiscope.jsonc', perturbation({ inputs: { data, labels: data.map(() => 1) } }));
    const { stdout } = certiscope('verify', 'wrong.certiscope.jsonc');
    expect(stdout).toMatch(
      /answers only 0 of 12 samples.*guessing among 2 classes would give 50 %.*scale, mean, std.*channels/,
    );
  });

  it('decides checks of inputs and of weights in one run', () => {
    const noise = { name: 'noise', perturb: 'input', norm: 'inf', epsilon: 0.05 };
    const weights = { name: 'write', perturb: 'weights', layers: [1], magnitude: '1%' };
    write('weights.certiscope.jsonc', perturbation({ checks: [noise, weights] }));
    const { code } = certiscope('verify', 'weights.certiscope.jsonc', '--sample', '0', '--json', 'out.json');
    expect(report('out.json').results.map(({ check, verdict }) => [check, verdict])).toEqual([
      ['noise', 'verified'],
      ['write', 'verified'],
    ]);
    expect(code).toBe(0);
  });

  it('does the same in a supervised process', () => {
    const { code, stdout } = certiscope('verify', 'tiny.certiscope.jsonc', '--isolated', '--json', 'isolated.json');
    expect(code).toBe(2);
    expect(stdout).toMatch(/3 questions in \d+\.\d s: 2 verified, 1 misclassified\n$/);
    certiscope('verify', 'tiny.certiscope.jsonc', '--json', 'here.json');
    const plain = ({ results }: Report): unknown => results.map(result => ({ ...result, seconds: 0 }));
    expect(plain(report('isolated.json'))).toEqual(plain(report('here.json')));
  });

  it('decides only what is asked for', () => {
    certiscope(
      'verify',
      'tiny.certiscope.jsonc',
      '--sample',
      '0..1',
      '--check',
      'noise',
      '--json',
      'out.json',
      '--quiet',
    );
    expect(report('out.json').results.map(({ sample }) => sample)).toEqual([0, 1]);
    expect(certiscope('verify', 'tiny.certiscope.jsonc', '--check', 'nose').stderr).toBe(
      'certiscope: tiny.certiscope.jsonc: there is no check named "nose"; there are: "noise".\n',
    );
  });

  it('writes SARIF and JUnit beside', () => {
    certiscope('verify', 'tiny.certiscope.jsonc', '--sarif', 'out.sarif', '--junit', 'out.xml', '--quiet');
    expect(JSON.parse(read('out.sarif'))).toMatchObject({
      version: '2.1.0',
      runs: [{ results: [{ kind: 'pass' }, { kind: 'pass' }, { kind: 'fail' }] }],
    });
    expect(read('out.xml')).toContain('tests="3" failures="1" errors="0" skipped="0"');
  });

  it('puts JSON alone on standard output when asked to', () => {
    const { stdout, stderr } = certiscope('verify', 'tiny.onnx', 'safe.vnnlib', '--json', '-');
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, verdict: 'verified' });
    expect(stderr).toContain('verified');
  });

  it('prints nothing but errors when quiet', () => {
    expect(certiscope('verify', 'tiny.onnx', 'safe.vnnlib', '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('answers 2 when the time is over, saying why, the bound and what to do', () => {
    const { code } = certiscope('verify', 'tiny.onnx', 'safe.vnnlib', '--timeout', '0', '--json', 'out.json');
    const [{ verdict, reason }] = report('out.json').results;
    expect([code, verdict]).toEqual([2, 'timeout']);
    expect(reason).toMatch(/Not decided within 0 s\..*bound.*time/);
  });

  it('reads a gzipped specification', () => {
    write('packed.vnnlib.gz', gzipSync(property(2.5)));
    expect(certiscope('verify', 'tiny.onnx', 'packed.vnnlib.gz').code).toBe(0);
  });
});

describe('labels', () => {
  interface Label {
    readonly disjunct: number;
    readonly label: number;
    readonly outcome: string;
    readonly margin: number;
    readonly reason: string | null;
  }
  const labelsOf = (name: string): readonly Label[] =>
    (report(name).results[0] as unknown as { readonly labels: readonly Label[] }).labels;
  const four = (epsilon: number, changes: object = {}): string =>
    perturbation({
      model: 'four.onnx',
      classes: ['true', 'first', 'second', 'third'],
      inputs: { data: [Array.from({ length: 30 }, (_, k) => (k === 0 ? 2 : 0))] },
      checks: [{ name: 'noise', perturb: 'input', epsilon }],
      ...changes,
    });

  beforeEach(() => {
    writeFourClasses(folder);
    write('holds.certiscope.jsonc', four(0.5));
    write('fails.certiscope.jsonc', four(1.5));
  });

  it('are told one by one when asked to, and always in the JSON', () => {
    const { code, stdout } = certiscope('verify', 'holds.certiscope.jsonc', '--verbose', '--json', 'out.json');
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n +first +discarded +margin ≥ 0\.(?:5|49+) +It stays at least 0\.\d+ below output 0\.\n/);
    expect(stdout).toMatch(/\n +third +discarded /);
    expect(labelsOf('out.json').map(({ label, outcome }) => [label, outcome])).toEqual(
      expect.arrayContaining([
        [1, 'discarded'],
        [2, 'discarded'],
        [3, 'discarded'],
      ]),
    );
    expect(certiscope('verify', 'holds.certiscope.jsonc').stdout).not.toContain('discarded');
  });

  it('a counterexample is of one of them', () => {
    const { code } = certiscope('verify', 'fails.certiscope.jsonc', '--json', 'out.json', '--quiet');
    expect(code).toBe(1);
    const falsified = labelsOf('out.json').filter(({ outcome }) => outcome === 'falsified');
    expect(falsified.map(({ label }) => label)).toEqual([1]);
  });

  it.each(['auto', 'crown', 'milp', 'zonotope', 'symbolic'])(
    'the back end %s decides them, guided and unguided',
    name => {
      for (const more of [[], ['--unguided'], ['--label-order', 'paper']]) {
        expect(certiscope('verify', 'holds.certiscope.jsonc', '--backend', name, ...more, '--quiet').code).toBe(0);
        expect(certiscope('verify', 'fails.certiscope.jsonc', '--backend', name, ...more, '--quiet').code).toBe(1);
      }
    },
  );

  it('what the command line asks for comes before the specification, and both before the defaults', () => {
    write('own.certiscope.jsonc', four(0.5, { solver: { backend: 'milp', guided: false } }));
    const backendOf = (...words: string[]): unknown => {
      certiscope('verify', 'own.certiscope.jsonc', '--json', 'out.json', '--quiet', ...words);
      const [result] = report('out.json').results as unknown as { backend: string; key: string }[];
      return result;
    };
    const own = backendOf() as { backend: string; key: string };
    const other = backendOf('--backend', 'zonotope') as { backend: string; key: string };
    expect([own.backend, other.backend]).toEqual(['milp', 'zonotope']);
    expect(other.key).not.toBe(own.key);
  });
});

describe('bad input', () => {
  const cases: readonly [string, () => string[], RegExp][] = [
    ['no words', () => ['verify'], /^verify takes a specification/],
    ['an unknown command', () => ['prove'], /^'prove' is no command/],
    ['an unknown option', () => ['verify', 'tiny.onnx', 'safe.vnnlib', '--fast'], /^Unknown option '--fast'/],
    [
      'a timeout that is no number',
      () => ['verify', 'tiny.onnx', 'safe.vnnlib', '--timeout', 'soon'],
      /^--timeout takes a number from 0 up, not 'soon'/,
    ],
    [
      'a soundness that there is not',
      () => ['verify', 'tiny.onnx', 'safe.vnnlib', '--soundness', 'none'],
      /^--soundness is real or runtime/,
    ],
    [
      'a back end that there is not',
      () => ['verify', 'tiny.onnx', 'safe.vnnlib', '--backend', 'z3'],
      /^--backend is auto, crown, milp, zonotope or symbolic, not 'z3'/,
    ],
    [
      'an order that there is not',
      () => ['verify', 'tiny.onnx', 'safe.vnnlib', '--label-order', 'best'],
      /^--label-order is margin, paper, naive or random, not 'best'/,
    ],
    [
      'a back end of the whole specification that cannot take an operator',
      () => (
        writeSigmoidModel(folder),
        write('s.certiscope.jsonc', perturbation({ model: 'sigmoid.onnx', solver: { backend: 'milp' } })),
        ['verify', 's.certiscope.jsonc']
      ),
      /^s\.certiscope\.jsonc:36:16: squash is a Sigmoid, .*"crown" or "auto"/,
    ],
    [
      'a back end of one check that cannot take an operator',
      () => (
        writeSigmoidModel(folder),
        write(
          's.certiscope.jsonc',
          perturbation({
            model: 'sigmoid.onnx',
            checks: [{ perturb: 'input', epsilon: 0.1, solver: { backend: 'symbolic' } }],
          }),
        ),
        ['verify', 's.certiscope.jsonc']
      ),
      /^s\.certiscope\.jsonc:32:20: squash is a Sigmoid; .*"crown" or "auto"/,
    ],
    [
      'a back end from the command line that cannot take an operator',
      () => (writeSigmoidModel(folder), ['verify', 'sigmoid.onnx', 'safe.vnnlib', '--backend', 'milp']),
      /^safe\.vnnlib: squash is a Sigmoid/,
    ],
    [
      'more names of classes than outputs',
      () => (write('c.certiscope.jsonc', perturbation({ classes: ['a', 'b', 'c'] })), ['verify', 'c.certiscope.jsonc']),
      /^c\.certiscope\.jsonc:35:14: There are 3 names for 2 outputs/,
    ],
    [
      'a label out of range',
      () => (
        write('l.certiscope.jsonc', perturbation({ inputs: { data: [[1, 0.9]], labels: [2] } })),
        ['verify', 'l.certiscope.jsonc']
      ),
      /^l\.certiscope\.jsonc:10:15: Sample 0 has the label 2, but the model has 2 outputs/,
    ],
    [
      'more labels than samples',
      () => (
        write('l.certiscope.jsonc', perturbation({ inputs: { data: [[1, 0.9]], labels: [0, 1] } })),
        ['verify', 'l.certiscope.jsonc']
      ),
      /^l\.certiscope\.jsonc:10:15: There are 2 labels for 1 samples/,
    ],
    [
      'an epsilon of 0',
      () => (
        write('e.certiscope.jsonc', perturbation({ checks: [{ perturb: 'input', epsilon: 0 }] })),
        ['verify', 'e.certiscope.jsonc']
      ),
      /^e\.certiscope\.jsonc:30:18: Epsilon is 0: nothing is perturbed/,
    ],
    [
      'an epsilon below 0',
      () => (
        write('e.certiscope.jsonc', perturbation({ checks: [{ perturb: 'input', epsilon: '-1/255' }] })),
        ['verify', 'e.certiscope.jsonc']
      ),
      /^e\.certiscope\.jsonc:30:18: Expected a number not below 0, found -1\/255/,
    ],
    [
      'a clip range that excludes the sample',
      () => (
        write(
          'r.certiscope.jsonc',
          perturbation({
            inputs: { data: [[1, 0.9]] },
            checks: [{ perturb: 'input', epsilon: 0.1, clip: [0, 0.5] }],
          }),
        ),
        ['verify', 'r.certiscope.jsonc', '--quiet']
      ),
      /^r\.certiscope\.jsonc:18:15: Sample 0 lies outside of this range itself: value 0 is 1, 0\.5 above 0\.5 \(and 1 more value is outside\)/,
    ],
    ['a model alone', () => ['verify', 'tiny.onnx'], /^tiny\.onnx is a model\. Name a specification too/],
    ['VNN-LIB alone', () => ['verify', 'safe.vnnlib'], /^safe\.vnnlib: a VNN-LIB file does not name its model/],
    ['a model that is not there', () => ['verify', 'none.onnx', 'safe.vnnlib'], /^none\.onnx: there is no such file/],
    ['a folder for a model', () => ['verify', '.', 'safe.vnnlib'], /^\.: this is a folder/],
    [
      'a specification that is not there',
      () => ['verify', 'tiny.onnx', 'none.vnnlib'],
      /^none\.vnnlib: does not exist/,
    ],
    [
      'a folder for a specification',
      () => (mkdirSync(path.join(folder, 'd.vnnlib')), ['verify', 'tiny.onnx', 'd.vnnlib']),
      /^d\.vnnlib: is a folder/,
    ],
    [
      'an empty model',
      () => (write('empty.onnx', ''), ['verify', 'empty.onnx', 'safe.vnnlib']),
      /^empty\.onnx: this file is empty/,
    ],
    [
      'an empty specification',
      () => (write('empty.vnnlib', ''), ['verify', 'tiny.onnx', 'empty.vnnlib']),
      /^empty\.vnnlib:1:1: /,
    ],
    [
      'a truncated model',
      () => (
        write('cut.onnx', readFileSync(path.join(folder, 'tiny.onnx')).subarray(0, 90)),
        ['verify', 'cut.onnx', 'safe.vnnlib']
      ),
      /^cut\.onnx: .*Download or export it again/,
    ],
    [
      'a random model',
      () => (write('random.onnx', Buffer.alloc(500, 0x9d)), ['verify', 'random.onnx', 'safe.vnnlib']),
      /^random\.onnx: /,
    ],
    [
      'text for a model',
      () => (write('text.onnx', 'this is not a model'), ['verify', 'text.onnx', 'safe.vnnlib']),
      /^text\.onnx: /,
    ],
    [
      'a specification for another model',
      () => (
        write('other.vnnlib', property(1).replaceAll('X_1', 'X_0').replace('(declare-const X_0 Real)\n', '')),
        ['verify', 'tiny.onnx', 'other.vnnlib']
      ),
      /^other\.vnnlib:1:\d+: The file declares 1 input, the model has 2/,
    ],
    [
      'an undeclared variable',
      () => (write('u.vnnlib', property(1).replace('Y_0 1', 'Z_0 1')), ['verify', 'tiny.onnx', 'u.vnnlib']),
      /^u\.vnnlib:9:\d+: /,
    ],
    [
      'a key that there is not',
      () => (write('k.certiscope.jsonc', perturbation({ modle: 'x' })), ['verify', 'k.certiscope.jsonc']),
      /^k\.certiscope\.jsonc:\d+:\d+: .*modle/,
    ],
    [
      'a specification whose model is missing',
      () => (write('m.certiscope.jsonc', perturbation({ model: 'gone.onnx' })), ['verify', 'm.certiscope.jsonc']),
      /^m\.certiscope\.jsonc:2:12: gone\.onnx: there is no such file/,
    ],
    [
      'a missing data file',
      () => (
        write('d.certiscope.jsonc', perturbation({ inputs: { data: 'digits.csv' } })),
        ['verify', 'd.certiscope.jsonc']
      ),
      /^d\.certiscope\.jsonc:\d+:\d+: .*digits\.csv: does not exist/,
    ],
    [
      'a place that cannot be written',
      () => ['verify', 'tiny.onnx', 'safe.vnnlib', '--quiet', '--json', 'none/out.json'],
      /^none\/out\.json: cannot be written/,
    ],
    [
      'a specification that is no text',
      () => (write('b.vnnlib', '\u0000\u0001(assert'), ['verify', 'tiny.onnx', 'b.vnnlib']),
      /^b\.vnnlib: is a binary file, and a specification is text\./,
    ],
    [
      'a check of weights with a layer that is not there, of several samples',
      () => (
        write(
          'w.certiscope.jsonc',
          perturbation({
            inputs: {
              data: [
                [0.5, 0.5],
                [0.2, 0.1],
              ],
            },
            checks: [{ perturb: 'weights', layers: ['fc_9'], magnitude: '1%' }],
          }),
        ),
        ['verify', 'w.certiscope.jsonc', '--quiet']
      ),
      /^w\.certiscope\.jsonc:\d+:\d+: .*has no layer "fc_9" with weights. The layers are: 1 /,
    ],
    ['a model to describe that is not there', () => ['info', 'none.onnx'], /^none\.onnx: there is no such file/],
    ['a missing word of vnncomp', () => ['vnncomp', 'v1', 'acas', 'tiny.onnx'], /^vnncomp takes six words/],
  ];

  it.each(cases)('%s gets one line on standard error and code 3', (_, prepare, message) => {
    const { code, stdout, stderr } = certiscope(...prepare());
    const [first, ...rest] = stderr.trimEnd().split('\n');
    expect(first.replace(/^certiscope: /, '')).toMatch(message);
    expect(rest).toEqual([]);
    expect(stdout).toBe('');
    expect(code).toBe(3);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('is in the reports too', () => {
    certiscope(
      'verify',
      'tiny.onnx',
      'none.vnnlib',
      '--json',
      'out.json',
      '--sarif',
      'out.sarif',
      '--junit',
      'out.xml',
    );
    expect(report('out.json')).toMatchObject({
      verdict: 'error',
      results: [],
      problems: [{ message: expect.stringContaining('does not exist') as string }],
    });
    expect(JSON.parse(read('out.sarif'))).toMatchObject({ runs: [{ results: [{ ruleId: 'CS005', level: 'error' }] }] });
    expect(read('out.xml')).toContain('errors="1"');
  });
});

describe('vnncomp', () => {
  it.each([
    ['safe', 'unsat'],
    ['unsafe', 'sat'],
  ])('writes its result file for %s', (name, verdict) => {
    const { code, stdout } = certiscope('vnncomp', 'v1', 'tiny', 'tiny.onnx', `${name}.vnnlib`, 'results.txt', '10');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${verdict}, `));
    const [first, ...rest] = read('results.txt').trimEnd().split('\n');
    expect(first).toBe(verdict);
    expect(rest.map(line => line.replace(/ [-\d.e]+\)/, ' v)'))).toEqual(
      verdict === 'sat' ? ['((X_0 v)', '(X_1 v)', '(Y_0 v)', '(Y_1 v))'] : [],
    );
  });

  it('takes files that lie there packed', () => {
    write('packed.onnx.gz', gzipSync(readFileSync(path.join(folder, 'tiny.onnx'))));
    write('packed.vnnlib.gz', gzipSync(property(2.5)));
    expect(certiscope('vnncomp', 'v1', 'tiny', 'packed.onnx', 'packed.vnnlib', 'results.txt', '10').code).toBe(0);
    expect(read('results.txt')).toBe('unsat\n');
  });

  it('says error in the file when the model cannot be used', () => {
    const { code, stderr } = certiscope('vnncomp', 'v1', 'tiny', 'none.onnx', 'safe.vnnlib', 'results.txt', '10');
    expect([code, read('results.txt')]).toEqual([3, 'error\n']);
    expect(stderr).toBe('certiscope: none.onnx: there is no such file.\n');
  });
});

describe('info', () => {
  it('describes a model for people and for programs', () => {
    const { code, stdout } = certiscope('info', 'tiny.onnx');
    expect(code).toBe(0);
    expect(stdout).toContain('input   x  float32 [1, 2]');
    expect(stdout).toMatch(/Gemm +1 {2}supported/);
    expect(stdout).toContain('This model can be verified.');
    expect(JSON.parse(certiscope('info', 'tiny.onnx', '--json').stdout)).toMatchObject({
      supported: true,
      parameterCount: 8,
    });
  });
});

it('knows its version and explains itself', () => {
  expect(certiscope('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  for (const words of [['--help'], ['verify', '--help'], []])
    expect(certiscope(...words).stdout).toContain('certiscope verify [MODEL.onnx] SPEC');
});
