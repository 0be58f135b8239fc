import { describe, expect, it } from 'vitest';
import type { RunHead } from '../../../../src/extension/runs/kept-run';
import { ago, listedRuns, runDescription, runHeadline, runTitle } from '../../../../src/extension/runs/listing';

const HEAD: RunHead = {
  id: 'a',
  name: '',
  pinned: false,
  started: 1000,
  specification: 'file:///w/nets/digits%20two.certiscope.jsonc',
  model: '/w/nets/digits.onnx',
  checks: null,
  samples: null,
  effort: 'complete',
  options: {},
  version: '1.0.0',
  planned: 3,
  counts: { verified: 3 },
  outcome: 'complete',
  problem: null,
  seconds: 1.5,
  accuracy: null,
  bytes: 0,
};
const run = (id: string, change: Partial<RunHead> = {}): RunHead => ({
  ...HEAD,
  id,
  started: id.charCodeAt(0),
  ...change,
});
const ids = (heads: readonly RunHead[]) => heads.map(({ id }) => id).join('');
const shown = (path: string) => path.replace('/w/', '');

describe('runs in a list', () => {
  const heads = [
    run('a', { counts: { verified: 3 }, seconds: 9 }),
    run('b', { counts: { falsified: 1, verified: 2 }, name: 'zebra' }),
    run('c', { counts: { unknown: 3 }, pinned: true }),
    run('d', { counts: {}, outcome: 'failed', name: 'ant' }),
  ];

  it('are sorted as a person asked, pinned ones first', () => {
    expect(ids(listedRuns(heads, 'newest', '', shown))).toBe('cdba');
    expect(ids(listedRuns(heads, 'worst', '', shown))).toBe('cdba');
    expect(ids(listedRuns(heads, 'longest', '', shown))).toBe('cadb');
    expect(ids(listedRuns(heads, 'name', '', shown))).toBe('cdab');
  });

  it('match when every word is in them', () => {
    expect(ids(listedRuns(heads, 'newest', 'falsified', shown))).toBe('b');
    expect(ids(listedRuns(heads, 'newest', 'Verified digits.ONNX', shown))).toBe('ba');
    expect(ids(listedRuns(heads, 'newest', 'pinned', shown))).toBe('c');
    expect(ids(listedRuns(heads, 'newest', 'zebra unknown', shown))).toBe('');
  });

  it('are named after what was run until somebody names them', () => {
    expect(runTitle(HEAD)).toBe('digits two');
    expect(runTitle({ ...HEAD, checks: ['near'] })).toBe('digits two › near');
    expect(runTitle({ ...HEAD, checks: ['near', 'far'] })).toBe('digits two › 2 checks');
    expect(runTitle({ ...HEAD, name: 'before' })).toBe('before');
  });

  it('say what came of them', () => {
    expect(runDescription({ ...HEAD, counts: { verified: 2, falsified: 1 } }, 61_000)).toBe(
      '1 falsified, 2 verified · 1.50 s · 1 min ago',
    );
    expect(runDescription({ ...HEAD, outcome: 'running', counts: { verified: 1 } }, 1000)).toBe(
      '1 of 3 · 1 verified · just now',
    );
    expect(runDescription({ ...HEAD, outcome: 'interrupted', effort: 'attack' }, 1000)).toContain(
      'interrupted · 3 verified · attack only',
    );
  });

  it('a run that was cut short is not shown as verified', () => {
    expect(runHeadline(HEAD).tone).toBe('good');
    expect(runHeadline({ ...HEAD, counts: { verified: 2 }, outcome: 'cancelled' }).tone).toBe('open');
    expect(runHeadline({ ...HEAD, counts: {}, outcome: 'failed' }).tone).toBe('bad');
  });

  it('tell their age', () => {
    const hour = 3_600_000;
    expect([59_000, 59 * 60_000, 5 * hour, 30 * hour, 72 * hour].map(ago)).toEqual([
      'just now',
      '59 min ago',
      '5 h ago',
      'yesterday',
      '3 days ago',
    ]);
  });
});
