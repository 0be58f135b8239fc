import { assert } from '../base/assert';
import { OUTCOMES, type Outcome } from './kinds';

/** How samples move between outcomes from a base network to its graft (Brandis 2023, section 4.3). */

export interface Overlap {
  readonly outcome: Outcome;
  readonly both: number;
  readonly onlyBase: number;
  readonly onlyGrafted: number;
}

/** `subset` ⊆ `superset`, and how far it holds: so many of the subset's samples are in the superset. */
export interface Hypothesis {
  readonly statement: string;
  readonly contained: number;
  readonly of: number;
  /** NaN where the subset is empty. */
  readonly part: number;
  readonly holds: boolean;
}

export interface Flow {
  readonly samples: number;
  /** Samples by outcome of the base network, then of the graft. */
  readonly counts: Readonly<Record<Outcome, Readonly<Record<Outcome, number>>>>;
  readonly overlaps: readonly Overlap[];
  /** Eq. 4.3: verified ⊆ verified of g; misclassified and attacked likewise; undecided of g ⊆ undecided. */
  readonly hypotheses: readonly Hypothesis[];
}

/** Both lists are about the same samples in the same order. */
export function outcomeFlow(base: readonly Outcome[], grafted: readonly Outcome[]): Flow {
  assert(base.length === grafted.length, () => `${base.length} and ${grafted.length} outcomes`);
  const row = (): Record<Outcome, number> => ({ misclassified: 0, attacked: 0, verified: 0, undecided: 0 });
  const counts: Record<Outcome, Record<Outcome, number>> = {
    misclassified: row(),
    attacked: row(),
    verified: row(),
    undecided: row(),
  };
  base.forEach((outcome, k) => counts[outcome][grafted[k]]++);
  const total = (list: readonly Outcome[], outcome: Outcome): number => list.filter(each => each === outcome).length;
  const overlaps = OUTCOMES.map(outcome => {
    const both = counts[outcome][outcome];
    return { outcome, both, onlyBase: total(base, outcome) - both, onlyGrafted: total(grafted, outcome) - both };
  });
  const hypotheses = OUTCOMES.map((outcome): Hypothesis => {
    const ofGraft = outcome === 'undecided';
    const [of, contained] = [total(ofGraft ? grafted : base, outcome), counts[outcome][outcome]];
    const names = [`${outcome} by f`, `${outcome} by g`];
    const statement = (ofGraft ? names.reverse() : names).join(' ⊆ ');
    return { statement, contained, of, part: contained / of, holds: contained === of };
  });
  return { samples: base.length, counts, overlaps, hypotheses };
}
