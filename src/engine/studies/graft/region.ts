import { ok, problem, type Problem, type Result } from '../../../base/result';
import { parseWritten } from '../../../spec/numbers/written';
import { neighbourhoodOf, type Check, type Neighbourhood } from '../../../spec/perturbation/spec';
import type { Box } from '../../../spec/question';
import type { Perturbation } from '../../../train/perturbation';
import type { OpenedSubject } from '../../subject';

/** The regions of one check of inputs, at its own ε or at another. */
export class CheckedRegion {
  private constructor(
    readonly subject: OpenedSubject,
    readonly check: Check,
    private readonly inputs: Neighbourhood,
    /** As it is written. */
    readonly epsilon: string,
  ) {}

  /** The checks that have regions of inputs, by name. */
  static checksOf({ spec }: OpenedSubject): readonly string[] {
    return spec.checks.filter(each => neighbourhoodOf(each) !== null).map(({ name }) => name);
  }

  /** Errors: `study/no-check` and `study/epsilon`. */
  static of(subject: OpenedSubject, name: string | undefined, epsilon?: string): Result<CheckedRegion> {
    const { spec } = subject;
    const check = spec.checks.find(each => neighbourhoodOf(each) !== null && (name ?? each.name) === each.name);
    const inputs = check && neighbourhoodOf(check);
    if (!check || !inputs) {
      const named = name === undefined ? '' : ` named "${name}"`;
      const message = `${spec.file}: there is no check of inputs${named}, whose regions could be bounded.`;
      return problem('study/no-check', message, { file: spec.file });
    }
    if (epsilon === undefined) {
      const own = inputs.epsilon.length === 1 ? inputs.epsilon[0].text : `${inputs.epsilon.length} radii`;
      return ok(new CheckedRegion(subject, check, inputs, own));
    }
    const written = parseWritten(epsilon);
    if ('error' in written || !(written.value > 0)) {
      const wrong = 'error' in written ? written.error : 'is not above 0';
      return problem('study/epsilon', `"${epsilon}" ${wrong}. Write ε as a number above 0, such as 0.1 or 8/255.`);
    }
    const changed = { ...inputs, epsilon: [written] };
    return ok(new CheckedRegion(subject, { ...check, epsilon: [written] } as Check, changed, written.text));
  }

  /** The region around a sample, whether the network is right on it or not. Errors: what is wrong with the sample. */
  async box(index: number): Promise<Result<Box>> {
    const forward = await this.subject.samples.forward(index);
    if (!forward.ok) return forward;
    const { sample, output } = forward.value;
    const asked = this.subject.plan.question(this.check, { ...sample, label: null }, output);
    if (!asked.ok) return asked;
    if (asked.value.kind !== 'question') return problem('study/no-check', asked.value.reason);
    return ok(asked.value.question.disjuncts[0].box);
  }

  /** The same for searches and training, which prove nothing. */
  get perturbation(): Perturbation {
    return this.subject.plan.perturbation(this.inputs);
  }
}

/** A data set without labels, where labels are needed. */
export function withoutLabels(subject: OpenedSubject, what: string): Problem | null {
  if (subject.data.hasLabels) return null;
  const { file } = subject.spec;
  const message = `${file}: ${what} needs the right class of every sample, and the data has no labels. Name their file in inputs.labels.`;
  return { code: 'study/no-labels', message, file, range: subject.spec.rangeOf(['inputs']) };
}
