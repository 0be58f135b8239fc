import { inflate, ROUNDING } from '../base/rounding';
import { dualBound } from '../lp/certified';
import { HighsModel } from '../lp/highs';
import type { Constraint } from '../spec/question';
import { combined, ELASTIC, type Form, type Predicates } from './predicates';
import type { StarValues } from './star-values';

/** The programs over the predicates there are, with one objective after the other. */
export class Programs {
  solved = 0;

  private constructor(
    private readonly predicates: Predicates,
    private readonly model: HighsModel,
  ) {}

  static async open(predicates: Predicates): Promise<Programs> {
    const none = new Float64Array(predicates.lower.length);
    return new Programs(predicates, await HighsModel.open(predicates.program(none, 0)));
  }

  /** Certified lower bound of a form over the predicates; −∞ where the solver gives nothing. */
  least(form: Form): number {
    const cost = this.costOf(form);
    this.model.changeCost(cost);
    this.solved++;
    const solved = this.model.solve();
    const duals = solved.kind === 'optimal' || solved.kind === 'timeLimit' ? solved.rowDuals : null;
    if (!duals) return -Infinity;
    const bound = dualBound({ ...this.model.program, offset: form.constant }, duals);
    return bound - inflate(form.error + 2 * ROUNDING.unit * Math.abs(bound));
  }

  /** Certified lower bound of the largest of several forms: t ≥ each of them, and t as small as possible. */
  async leastOfLargest(forms: readonly Form[]): Promise<number> {
    const t = this.predicates.lower.length;
    const rows = forms.map(form => {
      const own = this.costOf(form);
      const at = [...own.keys()].filter(column => own[column] !== 0);
      const slack = inflate(form.error + 2 * ROUNDING.unit * Math.abs(form.constant));
      return {
        column: Int32Array.from([...at, t]),
        value: Float64Array.from([...at.map(column => -own[column]), 1]),
        lower: form.constant - slack,
        upper: Infinity,
      };
    });
    const cost = new Float64Array(t + 1);
    cost[t] = 1;
    const program = this.predicates.program(cost, 0, rows, 1);
    const model = await HighsModel.open(program);
    try {
      this.solved++;
      const solved = model.solve();
      if (solved.kind !== 'optimal' || !solved.rowDuals) return -Infinity;
      const bound = dualBound(program, solved.rowDuals);
      // Where every form can be below what the column allows, its lower end would be taken for a bound.
      return bound > -ELASTIC / 2 ? bound : -Infinity;
    } finally {
      model.dispose();
    }
  }

  close(): void {
    this.model.dispose();
  }

  private costOf({ value }: Form): Float64Array {
    const cost = new Float64Array(this.predicates.lower.length);
    const { generators } = this.predicates;
    for (let g = 0; g < value.length; g++) cost[generators[g]] = value[g];
    return cost;
  }
}

export function negated({ constant, value, error }: Form): Form {
  return { constant: -constant, value: value.map(v => -v), error };
}

/** A constraint's margin outputs·y − bound over the values of the last node. */
export function marginForm(
  values: StarValues,
  predicates: Predicates,
  { outputs, bound, coefficientError }: Constraint,
  last: number,
): Form {
  const { total } = values.value(last);
  const parts = [...outputs.index].map((i, k) => ({
    coefficient: outputs.value[k],
    form: values.form(last, i),
    size: total[i],
  }));
  return combined(parts, -bound, predicates.generators.length, coefficientError * 1.000001);
}
