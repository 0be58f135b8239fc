import type { TracePoint } from './verdict';

/** Points that are kept at most. */
const MOST_POINTS = 200;
/** Seconds between the first points; doubled whenever there are too many. */
const FIRST_INTERVAL = 0.01;

/** How a run went, in a bounded number of points that spread over its whole time. */
export interface Trace {
  readonly points: readonly TracePoint[];
  /** Seconds from one kept point to the next, at least. */
  readonly interval: number;
  /** The last one that was added, kept or not. */
  readonly latest: TracePoint | null;
}

export const EMPTY_TRACE: Trace = { points: [], interval: FIRST_INTERVAL, latest: null };

/** Whether a point at this time would be kept. */
export function isDue({ points, interval }: Trace, seconds: number): boolean {
  const last = points.at(-1);
  return last === undefined || seconds - last.seconds >= interval;
}

/** The trace with one more point, which is the latest in time. */
export function extended(trace: Trace, point: TracePoint): Trace {
  if (!isDue(trace, point.seconds)) return { ...trace, latest: point };
  const points = [...trace.points, point];
  if (points.length < MOST_POINTS) return { ...trace, points, latest: point };
  return { points: points.filter((_, k) => k % 2 === 0), interval: 2 * trace.interval, latest: point };
}

/** All points kept, and the latest. */
export function pointsOf({ points, latest }: Trace): readonly TracePoint[] {
  return latest === null || points.at(-1) === latest ? points : [...points, latest];
}
