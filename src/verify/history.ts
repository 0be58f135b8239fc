import type { TracePoint } from '../report/verdict';

/** Points that are kept at most. */
const MOST_POINTS = 200;
/** Seconds between the first points; doubled whenever there are too many. */
const FIRST_INTERVAL = 0.01;

/** How a run went, in a bounded number of points that spread over its whole time. */
export class History {
  private points: TracePoint[] = [];
  private interval = FIRST_INTERVAL;
  private latest: TracePoint | null = null;

  /** Whether a point at this time would be kept. */
  due(seconds: number): boolean {
    const last = this.points.at(-1);
    return last === undefined || seconds - last.seconds >= this.interval;
  }

  add(point: TracePoint): void {
    this.latest = point;
    if (!this.due(point.seconds)) return;
    this.points.push(point);
    if (this.points.length < MOST_POINTS) return;
    this.points = this.points.filter((_, k) => k % 2 === 0);
    this.interval *= 2;
  }

  /** All points kept, the latest among them. */
  trace(): TracePoint[] {
    const { latest } = this;
    return latest === null || this.points.at(-1) === latest ? [...this.points] : [...this.points, latest];
  }
}
