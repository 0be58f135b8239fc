import type { Constraint, LinearForm, Question } from '../spec/question';

/** Far above any excess of a constraint, and finite: 0 · ∞ would be NaN. */
const OUTSIDE = -1e30;
/** Constraints in a graph at once, unless one disjunct alone has more. */
const ROWS_AT_ONCE = 128;

/** The disjuncts as targets of a batch: which of them are aimed at, and their constraints as matrices. */
export class Targets {
  /** Constraints in all; 0 when every disjunct is the whole of its box. */
  readonly rows: number;
  /** Constraints that any choice of disjuncts has at most. */
  readonly rowsAtOnce: number;
  readonly hasInputForms: boolean;
  private readonly reached: Float64Array;
  private readonly chunks: number[][] = [];

  constructor(private readonly question: Question) {
    const counts = question.disjuncts.map(each => each.constraints.length);
    this.rows = counts.reduce((sum, each) => sum + each, 0);
    this.rowsAtOnce = Math.max(...counts, Math.min(this.rows, ROWS_AT_ONCE));
    this.hasInputForms = question.disjuncts.some(each => each.constraints.some(c => c.inputs.index.length > 0));
    this.reached = new Float64Array(question.disjuncts.length).fill(Infinity);
    let filled = Infinity;
    counts.forEach((count, disjunct) => {
      if (count === 0) return;
      if (filled + count > this.rowsAtOnce) {
        this.chunks.push([]);
        filled = 0;
      }
      this.chunks[this.chunks.length - 1].push(disjunct);
      filled += count;
    });
  }

  /** The disjuncts of a round; with too many for one graph the rounds take turns. */
  choose(round: number): readonly number[] {
    return this.chunks[round % this.chunks.length];
  }

  /** How many rounds it takes to have aimed at every disjunct. */
  get turns(): number {
    return this.chunks.length;
  }

  /** Remembers how close a point came to a disjunct. */
  note(disjunct: number, worst: number): void {
    if (worst < this.reached[disjunct]) this.reached[disjunct] = worst;
  }

  /** The third of these disjuncts that was come closest to. */
  mostPromising(chosen: readonly number[]): readonly number[] {
    return [...chosen].sort((a, b) => this.reached[a] - this.reached[b]).slice(0, Math.ceil(chosen.length / 3));
  }

  /** Writes the chosen disjuncts' constraints into the feeds of a step program, see `compileStep`. */
  write(chosen: readonly number[], disjunctOf: Int32Array, feeds: Readonly<Record<string, Float32Array>>): void {
    const first = new Map<number, number>();
    const constraints: Constraint[] = [];
    for (const disjunct of chosen) {
      first.set(disjunct, constraints.length);
      constraints.push(...this.question.disjuncts[disjunct].constraints);
    }
    writeForms(
      constraints.map(each => each.outputs),
      feeds.outputForms,
      this.question.outputSize,
    );
    if (feeds.inputForms)
      writeForms(
        constraints.map(each => each.inputs),
        feeds.inputForms,
        this.question.inputSize,
      );
    feeds.bound.fill(0);
    constraints.forEach((each, k) => (feeds.bound[k] = each.bound));
    feeds.outside.fill(OUTSIDE);
    const rows = feeds.bound.length;
    disjunctOf.forEach((disjunct, row) => {
      const start = row * rows + (first.get(disjunct) ?? 0);
      feeds.outside.fill(0, start, start + this.question.disjuncts[disjunct].constraints.length);
    });
  }
}

function writeForms(forms: readonly LinearForm[], target: Float32Array, width: number): void {
  target.fill(0);
  forms.forEach((form, row) => {
    for (let k = 0; k < form.index.length; k++) target[row * width + form.index[k]] += form.value[k];
  });
}
