import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArguments } from '../../../src/cli/arguments';
import { StopSignal } from '../../../src/cli/execution';
import { largestEpsilon } from '../../../src/cli/largest-epsilon';
import type { LargestEpsilonArguments } from '../../../src/cli/largest-epsilon-arguments';

const SPECIFICATION = path.resolve('samples/digits.certiscope.jsonc');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(...words: string[]): LargestEpsilonArguments {
  const result = readArguments(['largest-epsilon', ...words]);
  if (!result.ok) throw new Error(result.error.message);
  if (result.value.command !== 'largest-epsilon') throw new Error(result.value.command);
  return result.value;
}

async function run(
  words: readonly string[],
  signal = new StopSignal(),
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const output = (add: (text: string) => void) => ({
    write: (text: string) => {
      add(text);
      return true;
    },
  });
  const world = { stdout: output(text => (out += text)), stderr: output(text => (err += text)), folder: '', signal };
  const code = await largestEpsilon(read(...words), world as never);
  return { code, out, err };
}

describe('certiscope largest-epsilon', () => {
  it('reads its words', () => {
    expect(
      read('m.onnx', 'a.certiscope.jsonc', '--check', 'levels', '--sample', '0..2', '--digits', '2', '--timeout', '5'),
    ).toMatchObject({
      model: 'm.onnx',
      specification: 'a.certiscope.jsonc',
      check: 'levels',
      samples: [0, 1, 2],
      digits: 2,
      timeout: 5,
      quiet: false,
    });
    for (const wrong of [
      [],
      ['m.onnx'],
      ['a.jsonc', '--digits', '0'],
      ['a.jsonc', '--sample', 'x'],
      ['a', 'b', 'c.jsonc'],
    ])
      expect(readArguments(['largest-epsilon', ...wrong]).ok).toBe(false);
  });

  it('prints the bracket, and writes it as JSON with the input that fails', async () => {
    const json = path.join(folder, 'bracket.json');
    const { code, out } = await run([
      SPECIFICATION,
      '--check',
      'five grey levels',
      '--sample',
      '5',
      '--digits',
      '2',
      '--threads',
      '1',
      '--json',
      json,
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /five grey levels, sample 5\n {2}certified {2}\d+(\.\d+)?\/255\n {2}falsified {2}\d+(\.\d+)?\/255\n/,
    );
    const written = JSON.parse(readFileSync(json, 'utf8')) as Record<string, never>;
    expect(written).toMatchObject({
      schema: 1,
      check: 'five grey levels',
      written: '5/255',
      samples: [5],
      stopped: false,
    });
    const { certified, attacked } = written as unknown as {
      certified: string;
      attacked: { epsilon: string; sample: number; counterexample: { input: number[]; output: number[] } };
    };
    expect(Number.parseFloat(attacked.epsilon)).toBeGreaterThan(Number.parseFloat(certified));
    expect(attacked.counterexample.input).toHaveLength(256);
    expect(attacked.counterexample.output).toHaveLength(10);
  }, 60_000);

  it('ends with 2 where nothing is certified, and with 3 and a sentence where something is wrong', async () => {
    // Sample 3 is misclassified as it is.
    const nothing = await run([SPECIFICATION, '--sample', '3', '--quiet', '--json', '-']);
    expect(nothing.code).toBe(2);
    expect(JSON.parse(nothing.out)).toMatchObject({ certified: null, misclassified: [3], attacked: null });
    const wrong = await run([SPECIFICATION, '--check', 'none such']);
    expect(wrong.code).toBe(3);
    expect(wrong.err).toMatch(/there is no check named "none such"/);
  }, 60_000);

  it('claims nothing for all samples when it is stopped', async () => {
    const signal = new StopSignal();
    setTimeout(() => signal.stop(), 30);
    const { code, out } = await run([SPECIFICATION, '--digits', '4'], signal);
    expect(code).toBe(2);
    expect(out).toMatch(/certified {2}nothing/);
  }, 60_000);
});
