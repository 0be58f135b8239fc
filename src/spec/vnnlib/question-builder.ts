import { assert } from '../../base/assert';
import type { Box, Disjunct, Question } from '../question';
import type { BoundTable } from './bound-table';
import { disjuncts, MAX_EXPANDED, product, type Clause, type Formula, type Row, type Span } from './formula';
import type { ProblemList } from './problems';
import type { VariableTable } from './variable-table';

/** Boxes hold 40 bytes per input; a file whose boxes would together hold more inputs than this is refused. */
const MAX_BOX_INPUTS = 2 ** 25;

/** The question a file asks, and for each disjunct the part of the text it came from. */
export interface BuiltQuestion {
  readonly question: Question;
  readonly spans: readonly Span[];
}

const NONE = -1;

/** The tightest bounds seen so far, by input: rows of the `BoundTable`, or NONE. */
class Region {
  private lower = new Int32Array(64).fill(NONE);
  private upper = new Int32Array(64).fill(NONE);

  constructor(private readonly bounds: BoundTable) {}

  at(input: number, upper: boolean): number {
    return (upper ? this.upper : this.lower)[input] ?? NONE;
  }

  tighten(id: number): void {
    const input = this.bounds.input(id);
    if (input >= this.lower.length) this.grow(input);
    const side = this.bounds.isUpper(id) ? this.upper : this.lower;
    if (side[input] === NONE || this.bounds.tighter(id, side[input])) side[input] = id;
  }

  forget(input: number): void {
    this.lower[input] = this.upper[input] = NONE;
  }

  private grow(input: number): void {
    const size = Math.max(input + 1, 2 * this.lower.length);
    const [lower, upper] = [this.lower, this.upper];
    this.lower = new Int32Array(size).fill(NONE);
    this.upper = new Int32Array(size).fill(NONE);
    this.lower.set(lower);
    this.upper.set(upper);
  }
}

/** Collects assertions and makes the question of them. */
export class QuestionBuilder {
  private readonly region: Region;
  private readonly rows: Row[] = [];
  private readonly choices: Clause[][] = [];
  /** The part of the text that constrains outputs. */
  private propertyStart = Infinity;
  private propertyEnd = 0;

  constructor(
    private readonly text: string,
    private readonly problems: ProblemList,
    private readonly bounds: BoundTable,
    private readonly inputs: VariableTable,
    private readonly outputs: VariableTable,
    private readonly inputName: (index: number) => string,
  ) {
    this.region = new Region(bounds);
  }

  /** Adds one asserted formula. True when it says more than the bounds of one input. */
  assert(formula: Formula): boolean {
    switch (formula.kind) {
      case 'bound':
        this.region.tighten(formula.id);
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
    for (let input = 0; input < this.inputs.count; input++) this.checkContradiction(this.region, input);
    this.checkBounded(clauses);
    if (this.problems.hasErrors) return null;
    const boxes = new BoxMaker(this.bounds, this.region, this.inputs.count);
    const kept: Disjunct[] = [];
    const spans: Span[] = [];
    for (const clause of clauses) {
      if (!this.agrees(clause)) continue;
      const box = boxes.box(clause.bounds);
      if (box === null) {
        const message = `These are too many different input boxes for ${this.inputs.count} inputs. Split the file.`;
        this.problems.error('vnnlib/too-many-boxes', message, clause.start, clause.end);
        return null;
      }
      kept.push({ box, constraints: clause.rows.map(row => row.constraint) });
      spans.push({ start: clause.start, end: clause.end });
    }
    if (this.problems.hasErrors) return null;
    if (kept.length === 0) {
      const message = 'No input can satisfy these assertions, so there is nothing to verify.';
      this.problems.error('vnnlib/empty', message, whole.start, whole.end);
      return null;
    }
    if (kept.every(disjunct => disjunct.constraints.every(constraint => constraint.outputs.index.length === 0))) {
      const message = 'Nothing is said about the outputs: every input of the region is a counterexample.';
      this.problems.warn('vnnlib/no-output', message, whole.start, whole.end);
    }
    return { question: { disjuncts: kept, inputSize: this.inputs.count, outputSize: this.outputs.count }, spans };
  }

  /**
   * Whether a clause's own bounds leave room within each other and within the bounds that hold everywhere. Two bounds that contradict each other
   * inside one written conjunction are a slip and reported; across assertions they are an empty intersection, and the clause is dropped.
   */
  private agrees(clause: Clause): boolean {
    if (clause.bounds.length === 0) return true;
    const { bounds, region } = this;
    const own = new Region(bounds);
    for (const id of clause.bounds) own.tighten(id);
    const inside = (id: number): boolean => {
      const { start, end } = bounds.span(id);
      return start >= clause.start && end <= clause.end;
    };
    let agrees = true;
    for (const input of new Set(clause.bounds.map(id => bounds.input(id)))) {
      const [low, high] = [own.at(input, false), own.at(input, true)];
      if (low !== NONE && high !== NONE && bounds.contradict(low, high)) {
        agrees = false;
        if (inside(low) && inside(high)) this.checkContradiction(own, input);
        continue;
      }
      const [outerLow, outerHigh] = [region.at(input, false), region.at(input, true)];
      for (const [lower, upper] of [
        [low, outerHigh],
        [outerLow, high],
      ]) {
        if (lower === NONE || upper === NONE || !bounds.contradict(lower, upper)) continue;
        agrees = false;
        const message = `No input lies here: ${this.contradiction(lower, upper)}. This alternative is left out.`;
        this.problems.warn('vnnlib/vacuous', message, clause.start, clause.end);
      }
    }
    return agrees;
  }

  /** Reports an input whose bounds in `region` exclude each other. */
  private checkContradiction(region: Region, input: number): void {
    const low = region.at(input, false);
    const high = region.at(input, true);
    if (low === NONE || high === NONE || !this.bounds.contradict(low, high)) return;
    const { start, end } = this.bounds.span(Math.max(low, high));
    const message = this.contradiction(low, high);
    this.problems.error('vnnlib/empty-interval', `${message[0].toUpperCase()}${message.slice(1)}.`, start, end);
  }

  private contradiction(low: number, high: number): string {
    const written = (id: number): string => {
      const { start, end } = this.bounds.span(id);
      return this.text.slice(start, end).replace(/\s+/g, ' ');
    };
    const name = this.inputName(this.bounds.input(low));
    return `the lower bound of ${name} lies above its upper bound: ${written(low)} against ${written(high)}`;
  }

  /** Reports every input that some disjunct leaves without a lower or an upper bound. */
  private checkBounded(clauses: readonly Clause[]): void {
    for (const upper of [false, true]) {
      const side = upper ? 'upper' : 'lower';
      const open: number[] = [];
      for (let i = 0; i < this.inputs.count; i++) if (this.region.at(i, upper) === NONE) open.push(i);
      if (open.length === 0) continue;
      const boundedSomewhere = new Set<number>();
      const bounded = clauses.map(clause => {
        const inputs = new Set<number>();
        for (const id of clause.bounds) if (this.bounds.isUpper(id) === upper) inputs.add(this.bounds.input(id));
        inputs.forEach(input => boundedSomewhere.add(input));
        return inputs;
      });
      for (const input of open) {
        if (boundedSomewhere.has(input)) continue;
        const { start, end } = this.inputs.span(input);
        const message = `${this.inputName(input)} has no ${side} bound. Every input needs both bounds.`;
        this.problems.error('vnnlib/unbounded', message, start, end);
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

/** Makes the boxes of disjuncts, one object for all disjuncts with the same bounds. */
class BoxMaker {
  /** Boxes by a checksum of their bounds. */
  private readonly known = new Map<number, Box[]>();
  private count = 0;
  /** The box of the region alone, which most disjuncts have. */
  private whole: Box | undefined;
  private readonly scratch: Region;

  constructor(
    private readonly bounds: BoundTable,
    private readonly region: Region,
    private readonly size: number,
  ) {
    this.scratch = new Region(bounds);
  }

  /** The box of the region and the given bounds, which agree; null when there are too many boxes already. */
  box(own: readonly number[]): Box | null {
    if (own.length === 0 && this.whole) return this.whole;
    for (const id of own) this.scratch.tighten(id);
    const box = this.shared(this.build());
    for (const id of own) this.scratch.forget(this.bounds.input(id));
    if (own.length === 0 && box) this.whole = box;
    return box;
  }

  /** A box equal to the given one that was made before, else that one; null when it would be one too many. */
  private shared(box: Box): Box | null {
    const key = checksum(box);
    const candidates = this.known.get(key) ?? [];
    const same = candidates.find(candidate => equal(candidate, box));
    if (same) return same;
    if (++this.count * this.size > MAX_BOX_INPUTS) return null;
    this.known.set(key, [...candidates, box]);
    return box;
  }

  private build(): Box {
    const { bounds, size } = this;
    const lower = new Float64Array(size);
    const upper = new Float64Array(size);
    const lowerPoint = new Float32Array(size);
    const upperPoint = new Float32Array(size);
    const writtenLower = new Float64Array(size);
    const writtenUpper = new Float64Array(size);
    let allSingle = true;
    for (let i = 0; i < size; i++) {
      const low = this.tightest(i, false);
      const high = this.tightest(i, true);
      writtenLower[i] = bounds.down(low);
      writtenUpper[i] = bounds.up(high);
      lowerPoint[i] = bounds.single(low);
      upperPoint[i] = bounds.single(high);
      lower[i] = Math.min(writtenLower[i], lowerPoint[i]);
      upper[i] = Math.max(writtenUpper[i], upperPoint[i]);
      allSingle &&= writtenLower[i] === lowerPoint[i] && writtenUpper[i] === upperPoint[i];
    }
    const box = { lower, upper, lowerPoint, upperPoint };
    return allSingle ? box : { ...box, writtenLower, writtenUpper };
  }

  private tightest(input: number, upper: boolean): number {
    const everywhere = this.region.at(input, upper);
    const here = this.scratch.at(input, upper);
    assert(everywhere !== NONE || here !== NONE, () => `input ${input} is unbounded and was not reported`);
    if (here === NONE) return everywhere;
    return everywhere === NONE || this.bounds.tighter(here, everywhere) ? here : everywhere;
  }
}

/** A number that equal boxes share and others seldom do. */
function checksum(box: Box): number {
  let sum = 0;
  for (const side of [box.lower, box.upper]) {
    const words = new Int32Array(side.buffer);
    for (let i = 0; i < words.length; i++) sum = (Math.imul(sum, 31) + words[i]) | 0;
  }
  return sum;
}

/** Lower and upper edges decide: float32 points and written edges follow from the same decimals. */
function equal(a: Box, b: Box): boolean {
  for (let i = 0; i < a.lower.length; i++) {
    if (a.lower[i] !== b.lower[i] || a.upper[i] !== b.upper[i]) return false;
    if (a.lowerPoint[i] !== b.lowerPoint[i] || a.upperPoint[i] !== b.upperPoint[i]) return false;
  }
  return true;
}
