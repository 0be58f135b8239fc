import type { Box, Constraint, Question } from '../spec/question';
import type { BoxProblem } from './input-split/search';

/** A box problem that knows where its disjuncts stand in the question. */
export interface PlacedProblem extends BoxProblem {
  /** Per disjunct its index in the question. */
  readonly places: readonly number[];
}

/** The question box by box: disjuncts that share a box share its bounds, and equal constraints are one row. */
export function boxProblems(question: Question): PlacedProblem[] {
  interface Entry {
    readonly constraints: Constraint[];
    readonly rows: Map<Constraint, number>;
    readonly disjuncts: number[][];
    readonly places: number[];
  }
  const byBox = new Map<Box, Entry>();
  for (const [place, { box, constraints }] of question.disjuncts.entries()) {
    let entry = byBox.get(box);
    if (!entry) byBox.set(box, (entry = { constraints: [], rows: new Map(), disjuncts: [], places: [] }));
    const { rows } = entry;
    // A constraint that is written twice in one disjunct is one row all the same.
    const own = new Set<number>();
    for (const constraint of constraints) {
      let row = rows.get(constraint);
      if (row === undefined) {
        row = entry.constraints.push(constraint) - 1;
        rows.set(constraint, row);
      }
      own.add(row);
    }
    entry.disjuncts.push([...own]);
    entry.places.push(place);
  }
  return [...byBox].map(([box, { constraints, disjuncts, places }]) => ({ box, constraints, disjuncts, places }));
}

/** How many inputs of a box can be told apart at all, so that splitting them could help. */
export function freeInputs(box: Box): number {
  let free = 0;
  for (let i = 0; i < box.lower.length; i++) if (box.upperPoint[i] > box.lowerPoint[i]) free++;
  return free;
}
