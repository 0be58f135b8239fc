import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { History } from '../../../../src/extension/runs/history';
import { Recorder } from '../../../../src/extension/runs/recorder';
import type { RunRequest } from '../../../../src/extension/runner';
import { finished, plan, result, VERDICT } from '../records';

let folder: string;
let history: History;
let recorder: Recorder;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'recorder-'));
  history = new History(
    folder,
    () => ({ runs: 10, megabytes: 10 }),
    () => undefined,
  );
  recorder = new Recorder(history, '1.0.0');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function request(change: Partial<RunRequest> = {}): RunRequest {
  const file = path.join(folder, 'a.certiscope.jsonc');
  return {
    specification: `file://${file}`,
    path: file,
    names: null,
    options: { seed: 7 },
    purpose: 'verify',
    ...change,
  };
}

const over = () => expect.poll(() => history.heads().every(({ outcome }) => outcome !== 'running')).toBe(true);

it('keeps what was asked as it was asked: later edits change nothing', async () => {
  await writeFile(path.join(folder, 'a.certiscope.jsonc'), 'first');
  recorder.onBegin('run-1', request({ names: ['near'], effort: 'quick' }));
  recorder.onEvent(plan('run-1', ['near', 'near']));
  recorder.onEvent({ kind: 'result', run: 'run-1', result: result(0, 'near', VERDICT.verified) });
  recorder.onEvent({ kind: 'result', run: 'run-1', result: result(1, 'near', VERDICT.unknown) });
  recorder.onEvent({ kind: 'finished', run: 'run-1', finished: finished() });
  await over();
  await writeFile(path.join(folder, 'a.certiscope.jsonc'), 'second');
  const [head] = history.heads();
  expect(head).toMatchObject({
    checks: ['near'],
    effort: 'quick',
    options: { seed: 7 },
    model: '/w/m.onnx',
    planned: 2,
    counts: { verified: 1, unknown: 1 },
    outcome: 'complete',
  });
  expect(await history.text(head!.id)).toBe('first');
});

it('keeps the text of the editor rather than that of the file', async () => {
  await writeFile(path.join(folder, 'a.certiscope.jsonc'), 'on the disk');
  recorder.onBegin('run-1', request({ text: 'on the screen' }));
  recorder.onEvent(plan('run-1', ['near']));
  recorder.onEvent({ kind: 'finished', run: 'run-1', finished: finished('cancelled') });
  await over();
  expect(await history.text(history.heads()[0]!.id)).toBe('on the screen');
});

it('keeps why a run was refused', async () => {
  recorder.onBegin('run-1', request({ text: '{}' }));
  recorder.onEvent({ kind: 'refused', run: 'run-1', problems: [{ code: 'x', message: 'There is no model.' }] });
  recorder.onEvent({ kind: 'finished', run: 'run-1', finished: finished('failed') });
  await over();
  expect(history.heads()[0]).toMatchObject({ outcome: 'failed', problem: 'There is no model.' });
});
