import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VerdictStore } from '../../../src/engine/store';
import { readTensor } from '../../../src/engine/tensor-reference';
import type { Verdict } from '../../../src/report/verdict';
import { FALSIFIED, VERIFIED } from './fake-plan';

const SHAPES = { inputShape: [1, 2], outputShape: [1, 2] };
const KEY = 'ab12';

let folder: string;
let warnings: string[];
let store: VerdictStore;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
  warnings = [];
  store = new VerdictStore(folder, 10, message => warnings.push(message));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function files(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.join(entry.parentPath, entry.name))
    .sort();
}

/** A counterexample too large to be inline. */
function large(size: number): Verdict {
  if (FALSIFIED.kind !== 'falsified') throw new Error('not falsified');
  const input = Float32Array.from({ length: size }, (_, k) => Math.fround(k / 7));
  return { ...FALSIFIED, counterexample: { ...FALSIFIED.counterexample, input } };
}

describe('the store', () => {
  it('gives back what was written, across instances', async () => {
    const written = await store.write(KEY, VERIFIED, SHAPES);
    expect(await new VerdictStore(folder, 10, () => undefined).read(KEY)).toEqual(written);
    expect(await store.read('cd34')).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it('keeps a changed model as a file, and forgets the verdict without it', async () => {
    if (FALSIFIED.kind !== 'falsified') throw new Error('not falsified');
    const bytes = Uint8Array.of(8, 9, 10);
    const changes = [{ layer: 'fc_1', tensor: 'w', index: [0], before: 1, after: 2 }];
    const patched = { kind: 'bytes', bytes } as const;
    const verdict: Verdict = { ...FALSIFIED, weights: { changed: 1, layers: ['fc_1'], largest: 1, changes, patched } };
    await store.write(KEY, verdict, SHAPES);
    const known = await store.read(KEY);
    if (known?.kind !== 'falsified' || known.weights?.patched?.kind !== 'file') throw new Error('no file');
    expect(known.weights.changes).toEqual(changes);
    expect(new Uint8Array(readFileSync(known.weights.patched.path))).toEqual(bytes);
    rmSync(known.weights.patched.path);
    expect(await store.read(KEY)).toBeUndefined();
  });

  it('keeps counts of a proof and no infinite bound', async () => {
    const leaf = {
      kind: 'box' as const,
      lower: Float64Array.of(0),
      upper: Float64Array.of(1),
      disjuncts: [0],
      bound: 1,
      method: 'crown' as const,
    };
    await store.write(
      KEY,
      { ...VERIFIED, lowerBound: -Infinity, proof: { leaves: 1, depth: 0, kept: [leaf] } } as Verdict,
      SHAPES,
    );
    expect(await store.read(KEY)).toMatchObject({ lowerBound: null, proof: { leaves: 1, depth: 0 } });
    expect(await store.read(KEY)).not.toHaveProperty('proof.kept');
  });

  it('puts large tensors into files beside the entry', async () => {
    const written = await store.write(KEY, large(5000), { inputShape: [50, 100], outputShape: [1, 2] });
    if (written.kind !== 'falsified') throw new Error('not falsified');
    const { input, output } = written.counterexample;
    expect([input.kind, output.kind]).toEqual(['file', 'inline']);
    const values = await readTensor(input);
    expect(values.ok && values.value[4999]).toBe(Math.fround(4999 / 7));
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, -10)],
    ['empty', () => ''],
    ['changed in one place', (text: string) => text.replace('"leaves":3', '"leaves":4')],
    ['something else', () => 'not an entry'],
  ])('takes an entry that is %s for none', async (_, damage) => {
    await store.write(KEY, VERIFIED, SHAPES);
    const [file] = files();
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    expect(await store.read(KEY)).toBeUndefined();
    await store.write(KEY, VERIFIED, SHAPES);
    expect(await store.read(KEY)).toBeDefined();
  });

  it('takes an entry whose tensor is gone or cut short for none', async () => {
    await store.write(KEY, large(5000), { inputShape: [5000], outputShape: [2] });
    const [tensor] = files().filter(file => file.endsWith('.npy'));
    writeFileSync(tensor, readFileSync(tensor).subarray(0, 1000));
    expect(await store.read(KEY)).toBeUndefined();
    rmSync(tensor);
    expect(await store.read(KEY)).toBeUndefined();
  });

  it('leaves no half-written file, and warns once when the disk refuses', async () => {
    // A file where the store's folder should be refuses every write, as a full disk does, also to root.
    const blocked = path.join(folder, 'blocked');
    writeFileSync(blocked, '');
    const refused = new VerdictStore(blocked, 10, message => warnings.push(message));
    const written = await refused.write(KEY, large(5000), { inputShape: [5000], outputShape: [2] });
    if (written.kind !== 'falsified') throw new Error('not falsified');
    expect(written.counterexample.input.kind).toBe('inline');
    const values = await readTensor(written.counterexample.input);
    expect(values.ok && values.value.length).toBe(5000);
    await refused.write('cd34', VERIFIED, SHAPES);
    expect(warnings).toHaveLength(1);
    expect(files()).toEqual([blocked]);
  });

  it('drops what was used longest ago when it grows over its limit', async () => {
    const keys = ['aa00', 'bb00', 'cc00', 'dd00'];
    for (const key of keys) await store.write(key, large(300_000), { inputShape: [300_000], outputShape: [2] });
    const now = Date.now() / 1000;
    for (const file of files()) {
      const age = keys.length - keys.findIndex(key => path.basename(file).startsWith(key));
      utimesSync(file, now - 100 * age, now - 100 * age);
    }
    await new VerdictStore(folder, 3, () => undefined).trim();
    expect(await Promise.all(keys.map(async key => (await store.read(key)) !== undefined))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(files().reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThanOrEqual(3 * 2 ** 20);
  });

  it('clears away what an interrupted write left long ago', async () => {
    await store.write(KEY, VERIFIED, SHAPES);
    const [file] = files();
    const [old, fresh] = ['old', 'fresh'].map(name => `${file}.${name}.draft`);
    writeFileSync(old, 'half');
    writeFileSync(fresh, 'half');
    utimesSync(old, 0, 0);
    await store.trim();
    expect([existsSync(old), existsSync(fresh), existsSync(file)]).toEqual([false, true, true]);
  });
});
