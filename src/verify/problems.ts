import type { Box, Constraint, Question } from '../spec/question';
import type { BoxProblem } from './input-split/search';

/** The question box by box: disjuncts that share a box share its bounds, and equal constraints are one row. */
export function boxProblems(question: Question): BoxProblem[] {
  const byBox = new Map<Box, { constraints: Constraint[]; rows: Map<Constraint, number>; disjuncts: number[][] }>();
  for (const { box, constraints } of question.disjuncts) {
    let entry = byBox.get(box);
    if (!entry) byBox.set(box, (entry = { constraints: [], rows: new Map(), disjuncts: [] }));
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
  }
  return [...byBox].map(([box, { constraints, disjuncts }]) => ({ box, constraints, disjuncts }));
}

/** How many inputs of a box can be told apart at all, so that splitting them could help. */
export function freeInputs(box: Box): number {
  let free = 0;
  for (let i = 0; i < box.lower.length; i++) if (box.upperPoint[i] > box.lowerPoint[i]) free++;
  return free;
}
