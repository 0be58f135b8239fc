import type { Random } from '../base/random';
import type { Question } from '../spec/question';
import { corner, freeCoordinates, uniformPoint } from './starts';

const KEPT = 64;

interface Kept {
  readonly worst: number;
  readonly point: Float32Array;
}

/** A batch of points with the disjunct each aims at and how far it is from it. */
interface Judged {
  readonly disjunctOf: Int32Array;
  readonly worst: Float32Array;
  evaluated(row: number): Float32Array;
}

/** Sampled points of low-dimensional boxes, of which the best become starts of the descent. */
export class StartPool {
  readonly isLowDimensional: boolean;
  private readonly free: Int32Array[];
  private readonly drawn: Int32Array;
  private readonly kept: Kept[][];

  constructor(
    private readonly question: Question,
    lowDimension: number,
  ) {
    const known = new Map(question.disjuncts.map(each => [each.box, freeCoordinates(each.box)]));
    this.free = question.disjuncts.map(each => known.get(each.box) as Int32Array);
    this.isLowDimensional = this.free.every(each => each.length <= lowDimension);
    this.drawn = new Int32Array(question.disjuncts.length);
    this.kept = question.disjuncts.map(() => []);
  }

  /** The next sample of a disjunct's box: its corners as long as they are few, every other one a random point; then random points. */
  draw(disjunct: number, random: Random, target: Float32Array): void {
    const { box } = this.question.disjuncts[disjunct];
    const free = this.free[disjunct];
    const turn = this.drawn[disjunct]++;
    const index = turn >> 1;
    if (turn % 2 === 1 || free.length > 20 || index >= 2 ** free.length) uniformPoint(box, random, target);
    else corner(box, k => ((index >> k) & 1) === 1, free, target);
  }

  /** Keeps the points of a batch that are among the best of low-dimensional boxes. */
  offerAll(batch: Judged): void {
    if (!this.isLowDimensional) return;
    batch.worst.forEach((worst, row) => this.offer(batch.disjunctOf[row], worst, batch.evaluated(row)));
  }

  private offer(disjunct: number, worst: number, point: Float32Array): void {
    const kept = this.kept[disjunct];
    if (!(worst < (kept.length < KEPT ? Infinity : kept[kept.length - 1].worst))) return;
    const place = kept.findIndex(each => each.worst > worst);
    kept.splice(place < 0 ? kept.length : place, 0, { worst, point: point.slice() });
    kept.length = Math.min(kept.length, KEPT);
  }

  /** Writes the start of a repetition: every other one comes from the best samples, each used once. False: none left. */
  take(disjunct: number, repetition: number, target: Float32Array): boolean {
    if (repetition % 2 !== 0) return false;
    const best = this.kept[disjunct].shift();
    if (!best) return false;
    target.set(best.point);
    return true;
  }
}
