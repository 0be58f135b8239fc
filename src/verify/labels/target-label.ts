import type { Constraint } from '../../spec/question';

/** "Output `label` is at least each of the outputs `references`": how a classification fails. */
export interface TargetLabel {
  readonly label: number;
  readonly references: readonly number[];
}

/**
 * The label that wins where all constraints of a disjunct hold; null where they say something else. Most disjuncts of a classification have one
 * constraint, y_reference − y_label ≤ 0; "this class wins over all others" has one for each of the others.
 */
export function targetLabel(constraints: readonly Constraint[]): TargetLabel | null {
  const comparisons = constraints.map(comparison);
  const [first] = comparisons;
  if (!first) return null;
  const references: number[] = [];
  for (const found of comparisons) {
    if (found?.label !== first.label) return null;
    references.push(found.reference);
  }
  return { label: first.label, references };
}

/** a·y_reference − a·y_label ≤ 0 for some a > 0. */
function comparison({ outputs, inputs, bound }: Constraint): { label: number; reference: number } | null {
  if (inputs.index.length > 0 || outputs.index.length !== 2 || bound !== 0) return null;
  const [first, second] = outputs.value;
  if (first !== -second || first === 0) return null;
  const [low, high] = outputs.index;
  return first > 0 ? { label: high, reference: low } : { label: low, reference: high };
}
