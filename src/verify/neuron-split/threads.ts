import { setTimeout as delay } from 'node:timers/promises';
import type { Cut } from '../../bounds/cut';
import type { NeuronRegion } from '../../bounds/split-bounds';
import type { Frontier } from './frontier';
import { startHelpers, type Helper } from './helpers';
import type { WorkerStart } from './messages';
import type { Settled, SubProblem } from './sub-problem';

/** Starting a thread costs about 50 ms of a core; easy questions are done before. */
const AFTER = 100;
/** Milliseconds a thread works before it answers. */
const SLICE = 200;
/** Sub-problems a thread is given at once. */
const SHARE = 128;

/** The other threads of a search, and what they are working on. */
export class Threads {
  private helpers: readonly Helper[] | null = null;
  private readonly lent = new Map<Helper, readonly SubProblem[]>();
  /** Cuts that the sub-problems at hand are bounded with. */
  private cuts: readonly Cut[] = [];
  private failure: Error | null = null;

  /** `count`: threads beside this one. */
  constructor(
    private readonly begin: WorkerStart,
    private readonly count: number,
    private readonly region: NeuronRegion,
  ) {}

  /** The threads, which know the region as it is; started once the work has taken `worked` milliseconds that make it worth while. */
  ready(worked: number): readonly Helper[] {
    if (this.helpers === null && worked > AFTER) {
      this.helpers = startHelpers(this.begin, this.count);
      this.tellRegion(this.cuts);
    }
    return this.helpers ?? [];
  }

  /** Sub-problems name neurons by their places, which follow from the bounds: all threads get the same to the bit. */
  tellRegion(cuts: readonly Cut[]): void {
    this.cuts = cuts;
    const bounds = this.region.bounds();
    this.helpers?.forEach(helper => helper.post({ kind: 'region', bounds, cuts }));
  }

  /** Gives idle threads a part of the sub-problems; `take` gets what comes of each. */
  lend(
    frontier: Frontier,
    disjuncts: readonly number[],
    worked: number,
    deadline: number,
    take: (settled: Settled) => void,
  ): void {
    for (const helper of this.ready(worked)) {
      const open = frontier.count(disjuncts);
      if (helper.busy || open < 2) continue;
      const subs = frontier.takeOldest(Math.min(SHARE, open >> 1), disjuncts);
      this.lent.set(helper, subs);
      helper.expand(subs, Math.min(SLICE, deadline - performance.now())).then(
        settled => {
          this.lent.delete(helper);
          take(settled);
        },
        (error: Error) => (this.failure = error),
      );
    }
  }

  get busy(): boolean {
    return this.lent.size > 0;
  }

  /** What they are working on: open until they tell. */
  get subProblems(): SubProblem[] {
    return [...this.lent.values()].flat();
  }

  /** Waits for what is lent: nobody outside may miss it. */
  async settle(): Promise<void> {
    while (this.busy && this.failure === null) await delay(1);
  }

  /** Throws what a thread has thrown. */
  check(): void {
    if (this.failure) throw this.failure;
  }

  async close(): Promise<void> {
    await Promise.all((this.helpers ?? []).map(helper => helper.end()));
  }
}
