import { assert } from '../base/assert';
import { gamma, inflate, ROUNDING } from '../base/rounding';
import type { Constraint } from '../spec/question';
import { widened, type Objective, type ProgramBuilder } from './linear-program';
import { named, SMALLEST_REACH, type NodeWriter } from './node-writer';

/** Writes what a question asks as objectives over the columns of its network's values, lowered by all that rounds. */
export class ObjectiveWriter {
  constructor(
    private readonly builder: ProgramBuilder,
    private readonly nodes: NodeWriter,
  ) {}

  /** A form that is nowhere on the box above the largest margin of the constraints. */
  objective(constraints: readonly Constraint[]): Objective {
    assert(constraints.length > 0, () => 'a program without a constraint has no objective');
    const margins = constraints.map(constraint => this.margin(constraint));
    if (margins.length === 1) return margins[0];
    const ranges = margins.map(margin => this.rangeOf(margin));
    const t = this.builder.addColumn(
      Math.max(...ranges.map(range => range.lower)),
      Math.max(...ranges.map(range => range.upper)),
    );
    for (const { columns, values, offset } of margins)
      this.builder.addRow(offset, Infinity, [t, ...columns], [1, ...values.map(value => -value)]);
    return { columns: [t], values: [1], offset: 0 };
  }

  /** The least of several objectives, each with an indicator that chooses it. */
  union(objectives: readonly Objective[]): Objective {
    const ranges = objectives.map(objective => this.rangeOf(objective));
    const least = Math.min(...ranges.map(range => range.lower));
    const t = this.builder.addColumn(least, Math.max(...ranges.map(range => range.upper)));
    const indicators = objectives.map(({ columns, values, offset }, k) => {
      const a = this.nodes.indicator();
      // t ≥ objective where the indicator is 1, and nothing where it is 0.
      const reach = inflate(Math.max(SMALLEST_REACH, ranges[k].upper - least));
      this.builder.addRow(
        widened(offset, -reach),
        Infinity,
        [t, ...columns, a],
        [1, ...values.map(value => -value), -reach],
      );
      return a;
    });
    const ones = indicators.map(() => 1);
    this.builder.addRow(1, 1, indicators, ones);
    return { columns: [t], values: [1], offset: 0 };
  }

  /** What an objective certainly lies between. */
  private rangeOf({ columns, values, offset }: Objective): { lower: number; upper: number } {
    let [lower, upper, size] = [offset, offset, Math.abs(offset)];
    columns.forEach((column, k) => {
      const [a, b] = this.builder.range(column).map(end => end * values[k]);
      lower += Math.min(a, b);
      upper += Math.max(a, b);
      size += Math.max(Math.abs(a), Math.abs(b));
    });
    const error = inflate(gamma(columns.length + 2) * size);
    return { lower: widened(lower, -error), upper: widened(upper, error) };
  }

  /** A constraint's margin over the program's columns, lowered by what the error of its coefficients can amount to. */
  private margin({ outputs, inputs, coefficientError, bound }: Constraint): Objective {
    const y = named(
      Array.from(outputs.index),
      Array.from(outputs.value),
      this.nodes.columns[this.nodes.columns.length - 1],
    );
    const x = named(Array.from(inputs.index), Array.from(inputs.value), this.nodes.columns[0]);
    const merged = new Map<number, number>();
    let lost = 0;
    for (const { columns, values } of [y, x])
      columns.forEach((column, k) => {
        const before = merged.get(column);
        const value = (before ?? 0) + values[k];
        merged.set(column, value);
        const size = this.builder.magnitude(column);
        lost += coefficientError * Math.abs(values[k]) * size;
        // Columns that outputs share: their coefficients are added up, and rounded.
        if (before !== undefined) lost += 2 * ROUNDING.unit * Math.abs(value) * size;
      });
    return {
      columns: [...merged.keys()],
      values: [...merged.values()],
      offset: lost === 0 ? -bound : widened(-bound, -inflate(lost)),
    };
  }
}
