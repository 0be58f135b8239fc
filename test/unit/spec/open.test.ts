import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { manyAlternatives, manyInputs } from '../../../bench/vnnlib-files';
import { meaningHash, openSpecification, type Specification } from '../../../src/spec/open';
import { parseVnnlib } from '../../../src/spec/vnnlib/parse';

const folder = mkdtempSync(path.join(tmpdir(), 'certiscope-open-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PROPERTY =
  '(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(assert (and (>= X_0 0.1) (<= X_0 1) (<= Y_0 0)))\n';
const SPEC = '{ "model": "m.onnx", "inputs": { "data": [[1]] }, "checks": [{ "perturb": "input", "epsilon": 0.1 }] }';

async function open(source: { path: string; text?: string }): Promise<Specification> {
  const result = await openSpecification(source);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

async function codes(source: { path: string; text?: string }): Promise<string[]> {
  const result = await openSpecification(source);
  return result.ok ? [] : result.error.map(problem => problem.code);
}

describe('opening a specification', () => {
  it('tells what it is by its name', async () => {
    const file = (name: string, bytes: string | Uint8Array): string => {
      writeFileSync(path.join(folder, name), bytes);
      return path.join(folder, name);
    };
    expect((await open({ path: file('p.vnnlib', PROPERTY) })).kind).toBe('vnnlib');
    expect((await open({ path: file('p.vnnlib.gz', gzipSync(`\uFEFF${PROPERTY}`)) })).kind).toBe('vnnlib');
    // as the competition has it: the name without .gz, the content gzipped
    expect((await open({ path: file('packed.vnnlib', gzipSync(PROPERTY)) })).kind).toBe('vnnlib');
    expect((await open({ path: file('s.certiscope.jsonc', SPEC) })).kind).toBe('perturbation');
    expect((await open({ path: file('s.json', SPEC) })).kind).toBe('perturbation');
  });

  it('reads the text of an open editor instead of the file', async () => {
    expect((await open({ path: path.join(folder, 'unsaved.vnnlib'), text: PROPERTY })).kind).toBe('vnnlib');
    expect(await codes({ path: path.join(folder, 'p.vnnlib'), text: '(' })).toEqual(['vnnlib/unbalanced']);
  });

  it('says what is wrong with the file itself', async () => {
    expect(await codes({ path: path.join(folder, 'missing.vnnlib') })).toEqual(['file/unreadable']);
    expect(await codes({ path: folder })).toEqual(['file/kind']);
    expect(await codes({ path: path.join(folder, 'model.onnx') })).toEqual(['file/kind']);
    writeFileSync(path.join(folder, 'cut.vnnlib.gz'), gzipSync(PROPERTY).subarray(0, 30));
    expect(await codes({ path: path.join(folder, 'cut.vnnlib.gz') })).toEqual(['file/gzip']);
    writeFileSync(path.join(folder, 'zero.vnnlib'), '');
    expect(await codes({ path: path.join(folder, 'zero.vnnlib') })).toEqual(['vnnlib/empty-file']);
  });
});

describe('the meaning of a question', () => {
  const hash = async (text: string): Promise<string> => meaningHash(await open({ path: 'p.vnnlib', text }));

  it('does not depend on how it is written', async () => {
    const other =
      '; comment\r\n(declare-const Y_0 Real)(declare-const X_0 Real)\r\n(assert (<= X_0 1.0))(assert (<= 1e-1 X_0))(assert (>= 0 Y_0))';
    expect(await hash(other)).toBe(await hash(PROPERTY));
  });

  it('depends on every number and relation', async () => {
    const hashes = await Promise.all(
      [
        PROPERTY,
        PROPERTY.replace('0.1', '0.100000001'),
        PROPERTY.replace('(<= Y_0 0)', '(< Y_0 0)'),
        PROPERTY.replace('Y_0 0)', 'Y_0 0.5)'),
      ].map(hash),
    );
    expect(new Set(hashes).size).toBe(4);
  });
});

describe('files of ten megabytes', () => {
  // Under one second on an idle machine (bench/vnnlib.ts); this machine may be busy.
  it.each([
    ['with many inputs', manyInputs(100_000)],
    ['with many alternatives', manyAlternatives(800, 200)],
  ])('%s are read at once', (_, text) => {
    expect(text.length).toBeGreaterThan(8e6);
    const start = performance.now();
    expect(parseVnnlib(text, 'big.vnnlib').ok).toBe(true);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
