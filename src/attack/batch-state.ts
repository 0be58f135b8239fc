import type { Random } from '../base/random';
import type { Network } from '../network/network';
import type { Question } from '../spec/question';
import type { StepSizes } from './descent';
import type { Targets } from './targets';

/** The arrays of one batch, row by row. */
export class BatchState {
  readonly batch: number;
  readonly disjunctOf: Int32Array;
  /** How many rows before this one aim at the same disjunct. */
  readonly repetition: Int32Array;
  readonly rate: Float32Array;
  worst: Float32Array;
  readonly feeds: Record<string, Float32Array>;
  private readonly size: number;
  private last: Float32Array;

  constructor(
    network: Network,
    private readonly question: Question,
    readonly sizes: StepSizes,
  ) {
    const { batch, rows } = sizes;
    this.batch = batch;
    this.size = network.inputSize;
    this.disjunctOf = new Int32Array(batch);
    this.repetition = new Int32Array(batch);
    const per = (size: number): Float32Array => new Float32Array(batch * size);
    this.rate = per(1);
    this.worst = per(1);
    this.last = per(this.size);
    this.feeds = {
      ...Object.fromEntries(['x', 'lower', 'upper', 'first', 'second'].map(label => [label, per(this.size)])),
      outputForms: new Float32Array(rows * network.outputSize),
      ...(sizes.inputForms ? { inputForms: new Float32Array(rows * network.inputSize) } : {}),
      bound: new Float32Array(rows),
      outside: per(rows),
      worstWeight: per(1),
      sumWeight: per(1),
      direction: per(network.outputSize),
      rate: this.rate,
    };
  }

  /** The row's point, to be written. */
  point(row: number): Float32Array {
    return this.feeds.x.subarray(row * this.size, (row + 1) * this.size);
  }

  /** The row's point that `worst` is about. */
  evaluated(row: number): Float32Array {
    return this.last.subarray(row * this.size, (row + 1) * this.size);
  }

  /** Distributes the rows over the chosen disjuncts: all in turn, and after the first round half of the rows over the most promising. */
  load(targets: Targets, chosen: readonly number[], round: number): void {
    const promising = targets.mostPromising(chosen);
    const count = new Map<number, number>();
    for (let row = 0; row < this.batch; row++) {
      const list = round > 0 && row >= this.batch / 2 ? promising : chosen;
      const disjunct = list[(row + round) % list.length];
      this.disjunctOf[row] = disjunct;
      this.repetition[row] = count.get(disjunct) ?? 0;
      count.set(disjunct, this.repetition[row] + 1);
      const { box } = this.question.disjuncts[disjunct];
      this.feeds.lower.set(box.lowerPoint, row * this.size);
      this.feeds.upper.set(box.upperPoint, row * this.size);
    }
    targets.write(chosen, this.disjunctOf, this.feeds);
    this.aim();
  }

  /** Descend on the constraints: on the worst one, or on the sum of all violated ones in every other repetition. */
  aim(): void {
    this.feeds.direction.fill(0);
    this.restart();
    for (let row = 0; row < this.batch; row++) {
      const onSum = this.repetition[row] % 2 === 1;
      this.feeds.worstWeight[row] = onSum ? 0 : 1;
      this.feeds.sumWeight[row] = onSum ? 1 : 0;
    }
  }

  /** Descend along a random direction of outputs in the rows that move; the others stay where they are. */
  scatter(random: Random, moves: (row: number) => boolean): void {
    this.restart();
    this.feeds.worstWeight.fill(0);
    this.feeds.sumWeight.fill(0);
    const { direction } = this.feeds;
    for (let k = 0; k < direction.length; k++) direction[k] = 2 * random.uniform() - 1;
    for (let row = 0; row < this.batch; row++) this.rate[row] = moves(row) ? 0.25 : 0;
  }

  private restart(): void {
    this.feeds.first = new Float32Array(this.feeds.first.length);
    this.feeds.second = new Float32Array(this.feeds.second.length);
  }

  /** Whether most points have stood still since the last restart because their gradients are zero. */
  get isFlat(): boolean {
    let still = 0;
    for (let row = 0; row < this.batch; row++) {
      const moment = this.feeds.first.subarray(row * this.size, (row + 1) * this.size);
      if (moment.every(value => value === 0)) still++;
    }
    return 2 * still > this.batch;
  }

  advance(next: { x: Float32Array; first: Float32Array; second: Float32Array; worst: Float32Array }): void {
    this.last = this.feeds.x;
    this.feeds.x = next.x;
    this.feeds.first = next.first;
    this.feeds.second = next.second;
    this.worst = next.worst;
  }
}
