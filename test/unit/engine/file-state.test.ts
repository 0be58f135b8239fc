import { copyFileSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataFiles, fileState } from '../../../src/engine/file-state';
import { openPlan } from '../../../src/engine/open';
import { parsePerturbationSpec } from '../../../src/spec/perturbation/parse';
import { must } from '../must';

let folder: string;
const inFolder = (name: string) => path.join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-files-'));
  for (const name of ['digits.onnx', 'digits-images.idx', 'digits-labels.idx'])
    copyFileSync(path.join('samples', name), inFolder(name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function specification(data: string): string {
  return `{
  "model": "digits.onnx",
  "inputs": { "data": ${data}, "labels": "digits-labels.idx" },
  "preprocess": { "scale": "1/255" },
  "checks": [{ "name": "levels", "perturb": "input", "epsilon": "1/255" }]
}`;
}

it('a plan tells the model and the data that it was made from, as they were', async () => {
  const text = specification('"digits-images.idx"');
  const request = { specification: { path: inFolder('a.certiscope.jsonc'), text } };
  const first = await openPlan(request);
  expect(first.ok && first.value.files.map(file => path.basename(file.path))).toEqual([
    'digits.onnx',
    'digits-images.idx',
    'digits-labels.idx',
  ]);
  expect(first.ok && first.value.files).toEqual(first.ok && first.value.files.map(file => fileState(file.path)));
  utimesSync(inFolder('digits-images.idx'), new Date(0), new Date(0));
  const second = await openPlan(request);
  const changed = (k: number) => first.ok && second.ok && first.value.files[k]!.state !== second.value.files[k]!.state;
  expect([changed(0), changed(1), changed(2)]).toEqual([false, true, false]);
});

it('data is followed by its file: of an array of an archive by the archive, of pictures that a pattern names by their folder', () => {
  const files = (data: string) =>
    dataFiles(must(parsePerturbationSpec(specification(data), inFolder('a.certiscope.jsonc')))).map(file =>
      path.relative(folder, file),
    );
  expect(files('"set.npz#x"')).toEqual(['set.npz', 'digits-labels.idx']);
  expect(files('"pictures/*.png"')).toEqual(['pictures', 'digits-labels.idx']);
  expect(files('[[0, 1]]')).toEqual(['digits-labels.idx']);
});

it('a file that is not there has a state, too', () => {
  expect(fileState(inFolder('nowhere.onnx')).state).toBe('missing');
});
