import { DecimalReader, limitOf, readRational, type Limit } from '../numbers/decimal';
import { divide, negate } from '../numbers/rational';
import type { BoundTable } from './bound-table';
import type { Formula } from './formula';
import {
  constantTerm,
  constraintOf,
  differenceConstraint,
  indexOf,
  inputConstraint,
  isConstant,
  isInput,
  negateTerm,
  outputConstraint,
  scaleTerm,
  sumOf,
  variableTerm,
  type LinearTerm,
  type VariableRef,
} from '../linear-term';
import { CommandAbandoned, type ProblemList } from './problems';
import { Token, type Scanner } from './scanner';

/** What a name means. `unknown` has already been reported; reading goes on to find more mistakes. */
export type Resolution = VariableRef | 'unknown' | 'not a name';

/** How a dialect names variables: reads the variable at the scanner's token and moves past it. */
export interface Variables {
  read(scanner: Scanner): Resolution;
}

type Comparison = '<=' | '<' | '>=' | '>' | '=' | '!=';

const LESS = '<'.charCodeAt(0);
const EQUALS = '='.charCodeAt(0);
const GREATER = '>'.charCodeAt(0);
const EXCLAMATION = '!'.charCodeAt(0);

const COMPARISON_NAMES = '<=, <, >=, >, = and !=';

/** Deeper nesting than any real file has; keeps the parser's own stack safe. */
export const MAX_DEPTH = 400;

/** One side of a comparison: a variable, a number, or any other linear term. Reused, so that plain relations make no objects. */
class Operand {
  kind: 'variable' | 'number' | 'term' | 'unknown' = 'unknown';
  variable: VariableRef = 0;
  down = 0;
  up = 0;
  single = 0;
  start = 0;
  end = 0;
  term: LinearTerm | undefined;

  /** The same operand as an exact term. */
  toTerm(text: string): LinearTerm {
    if (this.kind === 'variable') return variableTerm(this.variable);
    return this.term ?? constantTerm(readRational(text, this.start, this.end));
  }
}

/** Reads comparisons and the arithmetic in them. */
export class RelationReader {
  private readonly number = new DecimalReader();
  private readonly left = new Operand();
  private readonly right = new Operand();
  private warnedAboutEquals = false;
  private warnedAboutExponent = false;

  constructor(
    private readonly scanner: Scanner,
    private readonly problems: ProblemList,
    private readonly variables: Variables,
    private readonly bounds: BoundTable,
    private readonly version: 1 | 2,
    /** Reports a token that cannot stand here, and abandons the command. */
    private readonly unexpected: (expected: string) => never,
  ) {}

  /** The comparison the scanner's token names, if it names one; `==` is the same as `=`. */
  comparison(): Comparison | undefined {
    const { text, start, end } = this.scanner;
    const first = text.charCodeAt(start);
    if (end - start === 1) return first === LESS ? '<' : first === GREATER ? '>' : first === EQUALS ? '=' : undefined;
    if (end - start !== 2 || text.charCodeAt(start + 1) !== EQUALS) return undefined;
    return first === LESS
      ? '<='
      : first === GREATER
        ? '>='
        : first === EQUALS
          ? '='
          : first === EXCLAMATION
            ? '!='
            : undefined;
  }

  /**
   * Reads `op left right)` with the scanner on the operator; the opening parenthesis was at `start`. Null when a name in it is unknown.
   */
  read(comparison: Comparison, start: number): Formula | null {
    const { scanner, left, right } = this;
    this.checkSpelling();
    scanner.next();
    this.operand(left);
    this.operand(right);
    if (scanner.kind !== Token.close) {
      if (scanner.kind === Token.end) this.unexpected(')');
      this.problems.error(
        'vnnlib/operands',
        `A comparison has two sides; this one has more.`,
        scanner.start,
        scanner.end,
      );
      throw new CommandAbandoned();
    }
    const end = scanner.end;
    scanner.next();
    if (left.kind === 'unknown' || right.kind === 'unknown') return null;
    switch (comparison) {
      case '<=':
      case '<':
        return this.atMost(left, right, comparison === '<', start, end);
      case '>=':
      case '>':
        return this.atMost(right, left, comparison === '>', start, end);
      case '=':
        return this.both('and', left, right, false, start, end);
      case '!=':
        return this.both('or', left, right, true, start, end);
    }
  }

  private both(
    kind: 'and' | 'or',
    left: Operand,
    right: Operand,
    strict: boolean,
    start: number,
    end: number,
  ): Formula | null {
    const below = this.atMost(left, right, strict, start, end);
    const above = this.atMost(right, left, strict, start, end);
    return below && above && { kind, parts: [below, above], start, end };
  }

  /** a ≤ b, or a < b. */
  private atMost(a: Operand, b: Operand, strict: boolean, start: number, end: number): Formula | null {
    if (a.kind === 'variable' && b.kind === 'number') return this.bounded(a.variable, true, b, strict, start, end);
    if (a.kind === 'number' && b.kind === 'variable') return this.bounded(b.variable, false, a, strict, start, end);
    if (a.kind === 'variable' && b.kind === 'variable' && a.variable !== b.variable) {
      return { kind: 'row', constraint: differenceConstraint(a.variable, b.variable, strict), start, end };
    }
    const { text } = this.scanner;
    return this.general(sumOf([a.toTerm(text), negateTerm(b.toTerm(text))]), strict, start, end);
  }

  /** variable ≤ limit when `upper`, variable ≥ limit otherwise. */
  private bounded(
    variable: VariableRef,
    upper: boolean,
    limit: Limit,
    strict: boolean,
    start: number,
    end: number,
  ): Formula {
    const { down, up } = limit;
    const sign = upper ? 1 : -1;
    const index = indexOf(variable);
    if (!isInput(variable)) {
      return { kind: 'row', constraint: outputConstraint(variable, sign, upper ? up : -down, strict), start, end };
    }
    const bound: Formula = { kind: 'bound', id: this.bounds.add(index, upper, limit, start, end), start, end };
    if (!strict) return bound;
    const row: Formula = { kind: 'row', constraint: inputConstraint(index, sign, upper ? up : -down), start, end };
    return { kind: 'and', parts: [bound, row], start, end };
  }

  /** term ≤ 0, or term < 0. */
  private general(term: LinearTerm, strict: boolean, start: number, end: number): Formula | null {
    if (isConstant(term)) {
      const value = strict ? term.constant.n < 0n : term.constant.n <= 0n;
      this.problems.warn(
        'vnnlib/constant',
        `This relation is ${value ? 'always true' : 'never true'}, whatever the network does.`,
        start,
        end,
      );
      return { kind: 'truth', value, start, end };
    }
    const [[variable, coefficient]] = term.coefficients;
    if (term.coefficients.size === 1 && isInput(variable)) {
      const limit = divide(negate(term.constant), coefficient);
      const rounded = limitOf(limit);
      if (Number.isFinite(rounded.single))
        return this.bounded(variable, coefficient.n > 0n, rounded, strict, start, end);
    } else {
      const constraint = constraintOf(term, strict);
      if (constraint) return { kind: 'row', constraint, start, end };
    }
    this.problems.error(
      'vnnlib/number-range',
      'The numbers of this relation are too large or too small for floating point.',
      start,
      end,
    );
    return null;
  }

  /** Reads one side of a comparison; only what is neither a name nor a number needs exact arithmetic. */
  private operand(into: Operand): void {
    const { scanner } = this;
    into.term = undefined;
    into.start = scanner.start;
    if (scanner.kind === Token.atom) {
      const resolution = this.variables.read(scanner);
      if (resolution === 'not a name') {
        this.literal();
        into.kind = 'number';
        into.end = scanner.end;
        into.down = this.number.down;
        into.up = this.number.up;
        into.single = this.number.single;
        scanner.next();
      } else if (resolution === 'unknown') into.kind = 'unknown';
      else {
        into.kind = 'variable';
        into.variable = resolution;
      }
      return;
    }
    const term = this.term(0);
    into.kind = term === null ? 'unknown' : 'term';
    if (term === null) return;
    into.term = term;
    if (isConstant(term)) {
      // (- 3.5) and other written-out numbers bound a variable just as a literal does.
      const { down, up, single } = limitOf(term.constant);
      into.down = down;
      into.up = up;
      into.single = single;
      if (Number.isFinite(into.single)) into.kind = 'number';
    }
  }

  /** Any term, exactly. Null when a name in it is unknown. */
  private term(depth: number): LinearTerm | null {
    const { scanner } = this;
    if (scanner.kind === Token.atom) {
      const start = scanner.start;
      const resolution = this.variables.read(scanner);
      if (resolution === 'unknown') return null;
      if (resolution !== 'not a name') return variableTerm(resolution);
      this.literal();
      const value = readRational(scanner.text, start, scanner.end);
      scanner.next();
      return constantTerm(value);
    }
    if (scanner.kind !== Token.open) this.unexpected('a variable, a number or a sum');
    const start = scanner.start;
    if (scanner.next() !== Token.atom) this.unexpected('+, - or *');
    const operator = scanner.lexeme;
    if (operator !== '+' && operator !== '-' && operator !== '*') this.badOperator(operator);
    if (depth > MAX_DEPTH) this.tooDeep();
    scanner.next();
    const parts: LinearTerm[] = [];
    let allKnown = true;
    while ((scanner.kind as Token) !== Token.close) {
      const part = this.term(depth + 1);
      if (part === null) allKnown = false;
      else parts.push(part);
    }
    const end = scanner.end;
    scanner.next();
    if (!allKnown) return null;
    if (parts.length === 0) {
      this.problems.error('vnnlib/operands', `(${operator}) has nothing to compute with.`, start, end);
      return null;
    }
    return this.combine(operator, parts, start, end);
  }

  private combine(
    operator: '+' | '-' | '*',
    parts: readonly LinearTerm[],
    start: number,
    end: number,
  ): LinearTerm | null {
    const [first, ...rest] = parts;
    if (operator === '+') return sumOf(parts);
    if (operator === '-') return rest.length === 0 ? negateTerm(first) : sumOf([first, ...rest.map(negateTerm)]);
    let result = first;
    for (const part of rest) {
      if (isConstant(part)) result = scaleTerm(result, part.constant);
      else if (isConstant(result)) result = scaleTerm(part, result.constant);
      else {
        this.problems.error(
          'vnnlib/nonlinear',
          'A product of two variables is not linear; only linear relations can be verified.',
          start,
          end,
        );
        return null;
      }
    }
    return result;
  }

  /** Reads the scanner's token as a number. */
  private literal(): void {
    const { scanner, problems } = this;
    const outcome = this.number.read(scanner.text, scanner.start, scanner.end);
    if (outcome === 'malformed') {
      problems.error(
        'vnnlib/number',
        `${shortened(scanner.lexeme)} is neither a declared variable nor a number.`,
        scanner.start,
        scanner.end,
      );
      throw new CommandAbandoned();
    }
    if (outcome === 'range') {
      problems.error(
        'vnnlib/number-range',
        `${shortened(scanner.lexeme)} is too large or too small for a float32 number.`,
        scanner.start,
        scanner.end,
      );
      throw new CommandAbandoned();
    }
    if (this.version === 2 && !this.warnedAboutExponent && /e/i.test(scanner.lexeme)) {
      this.warnedAboutExponent = true;
      problems.warn(
        'vnnlib/exponent',
        'VNN-LIB 2.0 has no exponents in numbers; other tools may refuse this file.',
        scanner.start,
        scanner.end,
      );
    }
  }

  /** `=` in version 2 is a slip that everyone understands. */
  private checkSpelling(): void {
    if (this.version === 1 || this.warnedAboutEquals || !this.scanner.is('=')) return;
    this.warnedAboutEquals = true;
    this.problems.warn(
      'vnnlib/equals',
      'VNN-LIB 2.0 writes == for equality; other tools may refuse =.',
      this.scanner.start,
      this.scanner.end,
    );
  }

  badOperator(operator: string): never {
    const { scanner } = this;
    this.problems.error(
      'vnnlib/unknown-operator',
      `${shortened(operator)} is no operator here. VNN-LIB has and, or, the comparisons ${COMPARISON_NAMES}, and +, -, * on numbers.`,
      scanner.start,
      scanner.end,
    );
    throw new CommandAbandoned();
  }

  tooDeep(): never {
    this.problems.error(
      'vnnlib/too-deep',
      `Nested more than ${MAX_DEPTH} levels deep.`,
      this.scanner.start,
      this.scanner.end,
    );
    throw new CommandAbandoned();
  }
}

/** An atom as it can be quoted in a message. */
export function shortened(text: string): string {
  const visible = text.replace(/\p{Cc}/gu, '\uFFFD');
  return visible.length > 40 ? `${visible.slice(0, 37)}…` : visible;
}
