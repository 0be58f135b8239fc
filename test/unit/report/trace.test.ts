import { describe, expect, it } from 'vitest';
import { EMPTY_TRACE, extended, pointsOf } from '../../../src/report/trace';
import type { TracePoint } from '../../../src/report/verdict';

const point = (seconds: number): TracePoint => ({ seconds, lowerBound: -1, open: 1, depth: 0, subproblems: 1 });

describe('a trace', () => {
  it('keeps the first and the latest point, in order, and never many', () => {
    let trace = EMPTY_TRACE;
    for (let k = 0; k < 20_000; k++) {
      trace = extended(trace, point(k * 0.013));
      const points = pointsOf(trace);
      expect(points.length).toBeLessThanOrEqual(200);
      expect(points.at(-1)?.seconds).toBe(k * 0.013);
    }
    const seconds = pointsOf(trace).map(each => each.seconds);
    expect(seconds[0]).toBe(0);
    expect(seconds.every((each, k) => k === 0 || each > seconds[k - 1])).toBe(true);
    // Spread over the whole time: no gap is much wider than the others.
    const gaps = seconds.slice(1).map((each, k) => each - seconds[k]);
    expect(Math.max(...gaps)).toBeLessThan((4 * seconds.at(-1)!) / seconds.length);
    expect(seconds.length).toBeGreaterThan(90);
  });

  it('of a short run has all its points', () => {
    const trace = [0, 0.02, 0.05].reduce((all, seconds) => extended(all, point(seconds)), EMPTY_TRACE);
    expect(pointsOf(trace)).toHaveLength(3);
    expect(pointsOf(EMPTY_TRACE)).toEqual([]);
  });
});
