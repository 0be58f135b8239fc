import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkAssignment } from '../../../bench/independent-check';
import { property, writeTinyModel } from '../cli/tiny';

let folder: string;
let model: string;
let spec: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
  model = writeTinyModel(folder);
  spec = path.join(folder, 'unsafe.vnnlib');
  writeFileSync(spec, property(1.5));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

// The network is (relu(x0 + x1), relu(x0 − x1) + 1/2); unsafe is Y_0 ≥ 1.5 with inputs in [0, 1].
it.each([
  ['a counterexample', [1, 0.75, 1.75, 0.75], undefined],
  ['one at the limit', [1, 0.5, 1.5, 1], undefined],
  ['a point that violates nothing', [0.5, 0.5, 1, 0.5], /violates.*Y_0/],
  ['a point outside the region', [1.5, 0.5, 2, 1.5], /violates.*X_0/],
  ['outputs that the network does not give', [1, 0.25, 1.75, 0.75], /says Y_0 = 1\.75, ONNX Runtime says 1\.25/],
] as const)('the bench judges %s', async (_, [x0, x1, y0, y1], fault) => {
  const result = `sat\n((X_0 ${x0})\n(X_1 ${x1})\n(Y_0 ${y0})\n(Y_1 ${y1}))\n`;
  const found = await checkAssignment(model, spec, result);
  if (fault === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(fault);
});
