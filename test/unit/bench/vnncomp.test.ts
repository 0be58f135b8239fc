import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Outcome, Row } from '../../../bench/vnncomp-rows';
import { State } from '../../../bench/vnncomp-state';
import { markdown, totalsOf } from '../../../bench/vnncomp-tables';

let folder: string;

beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function outcome(verdict: string, limit: number, build = 'one', fault = '', cores = 1): Outcome {
  return { verdict, seconds: 2, cpuSeconds: 1.5, subproblems: 7, fault, limit, cores, build };
}

function row(name: string, found: Outcome, expected: string): Row {
  const others = new Map([['peer_23', { verdict: 'unsat', seconds: 4 }]]);
  return { name, timeout: 300, outcome: found, expected: { verdict: expected, others } };
}

it('runs again what a shorter limit or fewer cores left open, and nothing that is decided', () => {
  const state = new State(folder, 'set', 'one', { fresh: false, keep: false });
  state.set('decided', outcome('unsat', 20));
  state.set('open', outcome('timeout', 20));
  const later = new State(folder, 'set', 'one', { fresh: false, keep: false });
  expect(['decided', 'open', 'never run'].map(name => later.isOpen(name, 20, 1))).toEqual([false, false, true]);
  expect(['decided', 'open', 'never run'].map(name => later.isOpen(name, 60, 1))).toEqual([false, true, true]);
  expect(['decided', 'open', 'never run'].map(name => later.isOpen(name, 20, 2))).toEqual([false, true, true]);
});

it('forgets what another build gave, unless it decided and that is to be kept', () => {
  const before = new State(folder, 'set', 'one', { fresh: false, keep: false });
  before.set('decided', outcome('sat', 20));
  before.set('open', outcome('timeout', 20));
  const keeping = new State(folder, 'set', 'two', { fresh: false, keep: true });
  expect(['decided', 'open'].map(name => keeping.isOpen(name, 20, 1))).toEqual([false, true]);
  const other = new State(folder, 'set', 'two', { fresh: false, keep: false });
  expect(['decided', 'open'].map(name => other.isOpen(name, 20, 1))).toEqual([true, true]);
});

it('counts what is solved, wrong and left open, and says at which limits on how many cores', () => {
  const rows = [
    row('a', outcome('unsat', 20), 'unsat'),
    row('b', outcome('sat', 20), 'unsat'),
    row('c', outcome('sat', 60, 'two'), 'unknown'),
    row('d', outcome('timeout', 60, 'one', '', 2), 'unsat'),
    row('e', outcome('sat', 20, 'one', 'violates X_0'), 'sat'),
  ];
  const totals = totalsOf(rows);
  expect(totals[0]).toBe('solved 2 of 5 (1 that have no expected verdict), wrong 2');
  expect(totals).toContain(
    "limits: 3 at 20 s on 1 core (1 solved), 1 at 60 s on 1 core (1 solved), 1 at 60 s on 2 cores (0 solved); the competition's are 300 s; measured by 2 builds",
  );
  expect(totals.at(-1)).toBe('published peer_23: solved 5 of 5, seconds on those: sum 20.0, median 4.00, max 4.00');
  expect(markdown('set', rows)).toContain('| e | sat | sat **wrong** violates X_0 | 2.00 | 20 | 1.50 | 7 | 4.0 |');
});
