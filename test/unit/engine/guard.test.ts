import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { MEMORY_MARK } from '../../../src/engine/guard-orders';
import { bundle } from '../bundle';

it.each([
  ['deadline', 'the limit has passed\n'],
  ['memory', `${MEMORY_MARK}: the process held more than 300 MB. the limit has passed\n`],
])('the guard ends a process whose main thread is stuck at its %s, with its last words', (reason, message) => {
  const programs = bundle('guard', { hanging: 'test/unit/engine/hanging.ts', guard: 'src/engine/guard.ts' });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
  try {
    const { signal, stderr } = spawnSync(process.execPath, [path.join(programs, 'hanging.js'), folder, reason], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect([signal, stderr]).toEqual(['SIGKILL', message]);
    expect(readFileSync(path.join(folder, 'results.txt'), 'utf8')).toBe('timeout\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
