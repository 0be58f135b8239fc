import type { Box, Question } from '../question.js';
import {
  disjuncts,
  MAX_EXPANDED,
  product,
  type Bound,
  type Clause,
  type Formula,
  type Row,
  type Span,
} from './formula.js';
import type { ProblemList } from './problems.js';
import type { VariableTable } from './variable-table.js';

/** Boxes hold 24 bytes per input; a file whose boxes would together hold more inputs than this is refused. */
const MAX_BOX_INPUTS = 2 ** 25;

/** The question a file asks, and for each disjunct the part of the text it came from. */
export interface BuiltQuestion {
  readonly question: Question;
  readonly spans: readonly Span[];
}

/** The tightest bounds seen so far, by input. */
interface Region {
  readonly lower: (Bound | undefined)[];
  readonly upper: (Bound | undefined)[];
}

/** Collects assertions and makes the question of them. */
export class QuestionBuilder {
  private readonly region: Region = { lower: [], upper: [] };
  private readonly rows: Row[] = [];
  private readonly choices: Clause[][] = [];
  private readonly boxes = new Map<string, Box>();
  /** The part of the text that constrains outputs. */
  private propertyStart = Infinity;
  private propertyEnd = 0;

  constructor(
    private readonly text: string,
    private readonly problems: ProblemList,
    private readonly inputs: VariableTable,
    private readonly outputs: VariableTable,
    private readonly inputName: (index: number) => string,
  ) {}

  /** Adds one asserted formula. True when it says more than the bounds of one input. */
  assert(formula: Formula): boolean {
    switch (formula.kind) {
      case 'bound':
        tighten(this.region, formula);
        return false;
      case 'row':
        this.rows.push(formula);
        break;
      case 'truth':
        if (!formula.value) this.choices.push([]);
        break;
      case 'and': {
        let more = false;
        for (const part of formula.parts) more = this.assert(part) || more;
        return more;
      }
      case 'or': {
        const clauses = disjuncts(formula);
        if (clauses) this.choices.push(clauses);
        else this.tooMany(formula);
        break;
      }
    }
    this.propertyStart = Math.min(this.propertyStart, formula.start);
    this.propertyEnd = Math.max(this.propertyEnd, formula.end);
    return true;
  }

  /** The question, or null after reporting why there is none. */
  finish(): BuiltQuestion | null {
    const whole: Span =
      this.propertyEnd > 0 ? { start: this.propertyStart, end: this.propertyEnd } : { start: 0, end: this.text.length };
    const clauses = product({ bounds: [], rows: this.rows, ...whole }, this.choices);
    if (clauses === null) {
      this.tooMany(whole);
      return null;
    }
    this.checkContradiction(this.region);
    this.checkBounded(clauses);
    if (this.problems.hasErrors) return null;

    const kept: BuiltQuestion['question']['disjuncts'][number][] = [];
    const spans: Span[] = [];
    for (const clause of clauses) {
      const box = this.boxOf(clause);
      if (box === undefined) return null;
      if (box === 'empty') continue;
      kept.push({ box, constraints: clause.rows.map(row => row.constraint) });
      spans.push({ start: clause.start, end: clause.end });
    }
    if (this.problems.hasErrors) return null;
    if (kept.length === 0) {
      this.problems.error(
        'vnnlib/empty',
        'No input can satisfy these assertions, so there is nothing to verify.',
        whole.start,
        whole.end,
      );
      return null;
    }
    if (kept.every(disjunct => disjunct.constraints.length === 0)) {
      this.problems.warn(
        'vnnlib/no-output',
        'Nothing is said about the outputs: every input of the box is a counterexample.',
        whole.start,
        whole.end,
      );
    }
    return { question: { disjuncts: kept, inputSize: this.inputs.count, outputSize: this.outputs.count }, spans };
  }

  /** The box of a clause; `empty` when it contradicts the bounds that hold everywhere; undefined when there are too many boxes. */
  private boxOf(clause: Clause): Box | 'empty' | undefined {
    const own: Region = { lower: [], upper: [] };
    for (const bound of clause.bounds) tighten(own, bound);
    // Bounds that contradict each other inside one written conjunction are a slip; between assertions they are an intersection.
    const written = (bound: Bound): boolean => bound.start >= clause.start && bound.end <= clause.end;
    this.checkContradiction(own, written);
    let key = '';
    for (const { input, upper, down, up, single } of clause.bounds)
      key += `${input}${upper ? '<' : '>'}${down},${up},${single};`;
    const known = this.boxes.get(key);
    if (known) return known;

    const size = this.inputs.count;
    if ((this.boxes.size + 1) * size > MAX_BOX_INPUTS) {
      this.problems.error(
        'vnnlib/too-many-boxes',
        `These are too many different input boxes for ${size} inputs. Split the file.`,
        clause.start,
        clause.end,
      );
      return undefined;
    }
    const effective: Region = { lower: this.region.lower.slice(), upper: this.region.upper.slice() };
    for (const bound of clause.bounds) tighten(effective, bound);
    const box: Box = {
      lower: new Float64Array(size),
      upper: new Float64Array(size),
      lowerPoint: new Float32Array(size),
      upperPoint: new Float32Array(size),
    };
    for (let i = 0; i < size; i++) {
      const lower = effective.lower[i];
      const upper = effective.upper[i];
      // Reported as unbounded already.
      if (!lower || !upper) return 'empty';
      if (contradict(lower, upper)) {
        this.problems.warn(
          'vnnlib/vacuous',
          `No input lies here: ${this.contradiction(lower, upper)}. This alternative is left out.`,
          clause.start,
          clause.end,
        );
        return 'empty';
      }
      box.lower[i] = Math.min(lower.down, lower.single);
      box.upper[i] = Math.max(upper.up, upper.single);
      box.lowerPoint[i] = lower.single;
      box.upperPoint[i] = upper.single;
    }
    this.boxes.set(key, box);
    return box;
  }

  /** Reports every input whose bounds exclude each other. */
  private checkContradiction({ lower, upper }: Region, counts: (bound: Bound) => boolean = () => true): void {
    for (const low of lower) {
      const high = low && upper[low.input];
      if (!low || !high || !contradict(low, high) || !counts(low) || !counts(high)) continue;
      const later = low.start > high.start ? low : high;
      this.problems.error(
        'vnnlib/empty-interval',
        `${capitalised(this.contradiction(low, high))}.`,
        later.start,
        later.end,
      );
    }
  }

  private contradiction(low: Bound, high: Bound): string {
    const written = (bound: Bound): string => this.text.slice(bound.start, bound.end).replace(/\s+/g, ' ');
    return `the lower bound of ${this.inputName(low.input)} lies above its upper bound: ${written(low)} against ${written(high)}`;
  }

  /** Reports every input that some disjunct leaves without a lower or an upper bound. */
  private checkBounded(clauses: readonly Clause[]): void {
    for (const side of ['lower', 'upper'] as const) {
      const open: number[] = [];
      for (let i = 0; i < this.inputs.count; i++) if (!this.region[side][i]) open.push(i);
      if (open.length === 0) continue;
      const boundedSomewhere = new Set<number>();
      const bounded = clauses.map(clause => {
        const inputs = new Set<number>();
        for (const bound of clause.bounds) if (bound.upper === (side === 'upper')) inputs.add(bound.input);
        inputs.forEach(input => boundedSomewhere.add(input));
        return inputs;
      });
      for (const input of open) {
        if (boundedSomewhere.has(input)) continue;
        const { start, end } = this.inputs.span(input);
        this.problems.error(
          'vnnlib/unbounded',
          `${this.inputName(input)} has no ${side} bound. Every input needs both bounds.`,
          start,
          end,
        );
      }
      clauses.forEach((clause, k) => {
        const missing = open.find(input => boundedSomewhere.has(input) && !bounded[k].has(input));
        if (missing === undefined) return;
        const message = `${this.inputName(missing)} has no ${side} bound in this alternative. Every input needs both bounds.`;
        this.problems.error('vnnlib/unbounded', message, clause.start, clause.end);
      });
    }
  }

  private tooMany(span: Span): void {
    const message = `Multiplied out, these assertions are more than ${MAX_EXPANDED} alternatives. Split the file into several.`;
    this.problems.error('vnnlib/too-many-disjuncts', message, span.start, span.end);
  }
}

/** Keeps the tighter of two bounds of one side. Of two that lie within a rounding error of each other either will do. */
function tighten(region: Region, bound: Bound): void {
  const { input } = bound;
  if (bound.upper) {
    const known = region.upper[input];
    if (!known || bound.up < known.up) region.upper[input] = bound;
  } else {
    const known = region.lower[input];
    if (!known || bound.down > known.down) region.lower[input] = bound;
  }
}

/** Whether no number satisfies both. Written equal, or equal to a float64's rounding, is a fixed input and no contradiction. */
function contradict(lower: Bound, upper: Bound): boolean {
  return lower.down > upper.up || lower.single > upper.single;
}

function capitalised(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}
