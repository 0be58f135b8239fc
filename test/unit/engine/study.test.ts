import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EngineClient } from '../../../src/engine/client';
import type { StudyListener, StudyRun } from '../../../src/engine/run';
import { bundle } from '../bundle';

let script: string;
let folder: string;
let client: EngineClient;

beforeAll(() => {
  script = path.join(bundle('fake-engine', { engine: 'test/unit/engine/fake-engine.ts' }), 'engine.js');
});

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
  client = new EngineClient({
    script,
    version: 'test',
    storeFolder: path.join(folder, 'store'),
    storeLimitMegabytes: 10,
    memoryLimitMegabytes: 512,
    environment: { CERTISCOPE_FAKE: JSON.stringify({ behaviours: ['slow'], timeout: 60, marker: '' }) },
  });
});

afterEach(async () => {
  await client.dispose();
  rmSync(folder, { recursive: true, force: true });
});

type Behaviour = 'works' | 'slow' | 'hangs' | 'crashes' | 'fails';

/** The fake engine takes these parameters for any kind. */
function study(behaviour: Behaviour, listener: StudyListener<number> = {}): StudyRun<number> {
  return client.study('unstable-neurons', { behaviour } as never, listener as never) as unknown as StudyRun<number>;
}

describe('a study', () => {
  it('tells its progress and its parts in order, then answers', async () => {
    const told: unknown[] = [];
    const run = study('works', { onProgress: (...progress) => told.push(progress), onPart: part => told.push(part) });
    expect(await run.result).toEqual({ ok: true, value: 3, warnings: [] });
    expect(told).toEqual([[0.5, 'half of it'], 1, 2]);
  });

  it('that is stopped still answers what it has found', async () => {
    let begun = (): void => undefined;
    const beginning = new Promise<void>(resolve => (begun = resolve));
    const run = study('slow', { onPart: begun });
    await beginning;
    await run.stop();
    expect(await run.result).toMatchObject({ ok: true, value: 2 });
  });

  it('that does not answer is ended with its process, and the next one works', async () => {
    let begun = (): void => undefined;
    const beginning = new Promise<void>(resolve => (begun = resolve));
    const run = study('hangs', { onPart: begun });
    await beginning;
    // The last of what it tells is sent 50 ms before it hangs.
    await new Promise(resolve => setTimeout(resolve, 150));
    const started = performance.now();
    await run.stop();
    expect(performance.now() - started).toBeLessThan(1500);
    expect(await run.result).toMatchObject({ ok: false, problems: [{ code: 'engine/cancelled' }] });
    expect(await study('works').result).toMatchObject({ ok: true });
  });

  it('that crashes its process says so, and the next one works', async () => {
    expect(await study('crashes').result).toMatchObject({ ok: false, problems: [{ code: 'engine/crash' }] });
    expect(await study('works').result).toMatchObject({ ok: true });
  });

  it('that fails is an answer, with the reason', async () => {
    const answer = await study('fails').result;
    expect(answer).toMatchObject({ ok: false, problems: [{ code: 'engine/failed' }] });
    expect(!answer.ok && answer.problems[0]?.message).toContain('a cable came loose');
  });

  it('waits for the run before it, and is stopped while it waits', async () => {
    const run = client.verify({ specification: { path: '/models/digits.certiscope.jsonc' } });
    const waiting = study('works');
    const kept = study('works');
    await run.plan;
    await waiting.stop();
    expect(await waiting.result).toMatchObject({ ok: false, problems: [{ code: 'engine/cancelled' }] });
    await run.stop();
    expect(await kept.result).toMatchObject({ ok: true, value: 3 });
  });
});
