import { expect, it } from 'vitest';
import { graphOf } from '../../../src/engine/inspection';
import { readStructure } from '../../../src/network/structure';
import { unpacked } from '../../../webview/model/packed';
import { must } from '../must';

const SHOWN = { name: 'digits.onnx', folder: 'samples', problem: null, actions: [], notRunning: null };

it('a graph arrives as it was read', async () => {
  const answer = await graphOf({ model: 'samples/digits.onnx' });
  if (!answer.ok) throw new Error(answer.problems[0].message);
  const structure = new Uint8Array(Buffer.from(answer.value.base64, 'base64'));
  const expected = must(readStructure('samples/digits.onnx'));
  expect(await unpacked({ ...SHOWN, structure })).toEqual({
    ...SHOWN,
    structure: JSON.parse(JSON.stringify(expected)) as unknown,
  });
});

it('so does a file that could not be read', async () => {
  const broken = { ...SHOWN, problem: 'digits.onnx is empty.', structure: null };
  expect(await unpacked(broken)).toEqual(broken);
});
