import { ok, problem, type Result } from '../base/result';
import { runtimeError } from '../bounds/graph/runtime-error';
import { ROUNDING } from '../base/rounding';
import type { LoadedModel } from '../network/load';
import type { Box, Question } from '../spec/question';

/**
 * The question that has to be proved so that ONNX Runtime's float32 outputs obey the property too: every bound is moved by what the runtime's
 * outputs can be off. Only ever harder to prove than the question itself.
 */
export function strengthened(
  question: Question,
  { written, computesConstants }: Pick<LoadedModel, 'written' | 'computesConstants'>,
): Result<Question> {
  if (computesConstants)
    return problem(
      'runtime-soundness',
      '"soundness": "runtime" is not available for this network: its file computes constants from constants, which ONNX Runtime does in float32 with an unknown loss. Simplify the model, or use "real".',
    );
  const errors = new Map<Box, Float64Array>();
  for (const { box } of question.disjuncts) {
    if (errors.has(box)) continue;
    const bound = runtimeError(written, box.lower, box.upper);
    if (!bound.ok) return bound;
    errors.set(box, bound.value);
  }
  return ok({
    ...question,
    disjuncts: question.disjuncts.map(({ box, constraints }) => ({
      box,
      constraints: constraints.map(constraint => {
        const error = errors.get(box)!;
        let move = 0;
        constraint.outputs.index.forEach((i, k) => (move += Math.abs(constraint.outputs.value[k]) * error[i]));
        // Rounded up, and once more for the sum with the bound.
        const bound = constraint.bound + move * (1 + 1e-7);
        return { ...constraint, bound: bound + Math.abs(bound) * 2 * ROUNDING.unit };
      }),
    })),
  });
}
