import type { LabelResult } from '../../report/verdict';
import type { PlacedProblem } from '../problems';
import type { ProofEnd, Standing } from '../prover';
import type { DiscardedLabel, SortedLabels } from './sort';

type State = 'waiting' | 'stopped' | 'exhausted' | 'verified' | 'discarded';

interface Entry {
  state: State;
  reason: string | null;
  seconds: number;
  /** Best certified lower bound of the margin. */
  bound: number;
  subproblems: number;
  /** Of them, those of provers that are done with it. */
  before: number;
  /** How often a prover has worked on it by itself. */
  turns: number;
}

/** What has become of each label (disjunct) of a problem so far, and which is next. */
export class LabelLedger {
  private readonly entries: Entry[];
  private order: readonly number[];

  constructor(private readonly problem: PlacedProblem) {
    this.order = problem.disjuncts.map((_, disjunct) => disjunct);
    this.entries = this.order.map(() => {
      return { state: 'waiting', reason: null, seconds: 0, bound: -Infinity, subproblems: 0, before: 0, turns: 0 };
    });
  }

  /** Takes over an order; what it discards is settled. */
  sort({
    order,
    discarded,
    bounds,
  }: Pick<SortedLabels, 'order' | 'bounds'> & {
    discarded: readonly Pick<DiscardedLabel, 'disjunct' | 'reason'>[];
  }): void {
    this.order = [...order, ...discarded.map(({ disjunct }) => disjunct)];
    this.entries.forEach((entry, disjunct) => (entry.bound = Math.max(entry.bound, bounds[disjunct])));
    for (const { disjunct, reason } of discarded) Object.assign(this.entries[disjunct], { state: 'discarded', reason });
  }

  /** The labels that are not settled, in their order. */
  get open(): number[] {
    return this.order.filter(disjunct => !isSettled(this.entries[disjunct]));
  }

  /** Those of them that the prover has not given up on; first those that had the fewest turns, since a turn may take longer than its share. */
  get workable(): number[] {
    return this.open
      .filter(disjunct => this.entries[disjunct].state !== 'exhausted')
      .sort((a, b) => this.entries[a].turns - this.entries[b].turns);
  }

  /** A prover has worked on these labels, for `seconds` in all. */
  note(disjuncts: readonly number[], end: ProofEnd, seconds: number): void {
    for (const disjunct of disjuncts) {
      const entry = this.entries[disjunct];
      entry.seconds += seconds / disjuncts.length;
      if (disjuncts.length === 1) entry.turns++;
      if (isSettled(entry)) continue;
      if (end.kind === 'verified') entry.state = 'verified';
      else if (end.kind === 'exhausted') {
        entry.state = 'exhausted';
        entry.reason = end.reason;
      } else entry.state = 'stopped';
    }
  }

  /** What the prover knows of each label now; work on one may have settled others. */
  update(standings: readonly Standing[]): void {
    standings.forEach(({ bound, proved, subproblems }, disjunct) => {
      const entry = this.entries[disjunct];
      entry.bound = Math.max(entry.bound, bound);
      entry.subproblems = entry.before + subproblems;
      if (!proved || isSettled(entry)) return;
      entry.state = 'verified';
      entry.reason = null;
    });
  }

  /** Why the first of the labels that a prover gave up on is undecided; null when there is none. */
  get stuckReason(): string | null {
    const stuck = this.order.find(disjunct => this.entries[disjunct].state === 'exhausted');
    return stuck === undefined ? null : this.entries[stuck].reason;
  }

  /** Another prover goes on: what the one before gave up on is open again. */
  reopen(): void {
    for (const entry of this.entries) {
      entry.before = entry.subproblems;
      if (entry.state === 'exhausted') Object.assign(entry, { state: 'stopped', reason: null });
    }
  }

  /** Certified lower bound over all labels. */
  get bound(): number {
    return this.entries.reduce((least, { bound }) => Math.min(least, bound), Infinity);
  }

  /** Part of the labels that are settled, 0..1. */
  get settledFraction(): number {
    return this.entries.filter(isSettled).length / this.entries.length;
  }

  /** In the order in which the labels were taken. */
  results(labelOf: (disjunct: number) => number | null, falsified: number | null): LabelResult[] {
    return this.order.map(index => {
      const { state, reason, seconds, bound, subproblems } = this.entries[index];
      const disjunct = this.problem.places[index];
      const outcome = disjunct === falsified ? 'falsified' : OUTCOME[state];
      return {
        disjunct,
        label: labelOf(disjunct),
        outcome,
        margin: Number.isFinite(bound) ? bound : null,
        seconds,
        subproblems,
        reason: outcome === 'discarded' ? reason : outcome === 'unknown' ? `${reason}.` : null,
      };
    });
  }
}

const OUTCOME: Readonly<Record<State, LabelResult['outcome']>> = {
  waiting: 'not tried',
  stopped: 'open',
  exhausted: 'unknown',
  verified: 'verified',
  discarded: 'discarded',
};

function isSettled({ state }: Entry): boolean {
  return state === 'verified' || state === 'discarded';
}
