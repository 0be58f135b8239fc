import { inputRef, outputRef } from '../linear-term';
import { CommandAbandoned, type ProblemList } from './problems';
import { shortened, type Resolution, type Variables } from './relation-reader';
import { Token, type Scanner } from './scanner';
import type { VariableTable } from './variable-table';

const CAPITAL_X = 88;
const CAPITAL_Y = 89;
const UNDERSCORE = 95;

type Unexpected = (expected: string) => never;

/** The variables of version 1.0: X_0, X_1, … for the inputs, Y_0, Y_1, … for the outputs. */
export class ScalarVariables implements Variables {
  private readonly reported = new Set<string>();
  private readonly used: Set<number> = new Set();

  constructor(
    private readonly inputs: VariableTable,
    private readonly outputs: VariableTable,
    private readonly problems: ProblemList,
    private readonly textLength: number,
  ) {}

  read(scanner: Scanner): Resolution {
    const index = indexIn(scanner);
    if (index < 0) {
      const c = scanner.text.charCodeAt(scanner.start);
      // Numbers begin with a digit, a sign or a dot; anything else was meant as a name.
      if (c < 65) return 'not a name';
    } else {
      const isInput = scanner.text.charCodeAt(scanner.start) === CAPITAL_X;
      if ((isInput ? this.inputs : this.outputs).has(index)) {
        if (!isInput) this.used.add(index);
        scanner.next();
        return isInput ? inputRef(index) : outputRef(index);
      }
    }
    this.undeclared(scanner);
    scanner.next();
    return 'unknown';
  }

  /** (declare-const X_0 Real), with the scanner on the command's name. */
  declareConst(scanner: Scanner, unexpected: Unexpected): void {
    if (scanner.next() !== Token.atom) unexpected('a variable');
    this.declare(scanner);
    this.sort(scanner, unexpected);
  }

  /** (declare-fun X_0 () Real): the same in older SMT-LIB. */
  declareFun(scanner: Scanner, unexpected: Unexpected): void {
    if (scanner.next() !== Token.atom) unexpected('a variable');
    this.declare(scanner);
    if (scanner.kind !== Token.open) unexpected('()');
    if (scanner.next() !== Token.close) unexpected(')');
    scanner.next();
    this.sort(scanner, unexpected);
  }

  /** Indices without gaps, and something declared on both sides. */
  checkComplete(): void {
    for (const [letter, table, what] of [
      ['X', this.inputs, 'input'],
      ['Y', this.outputs, 'output'],
    ] as const) {
      if (table.count === 0 && !this.problems.hasErrors) {
        this.problems.error(
          'vnnlib/no-variables',
          `No ${what} is declared: ${what}s are named ${letter}_0, ${letter}_1, …`,
          0,
          0,
        );
      }
      for (let index = 1; index < table.extent; index++) {
        if (!table.has(index) || table.has(index - 1)) continue;
        const { start, end } = table.span(index);
        this.problems.error(
          'vnnlib/index-gap',
          `${letter}_${index} is declared, but ${letter}_${index - 1} is not.`,
          start,
          end,
        );
      }
      if (table.extent > 0 && !table.has(0)) {
        this.problems.error(
          'vnnlib/index-gap',
          `${what === 'input' ? 'Inputs' : 'Outputs'} are counted from 0, but ${letter}_0 is not declared.`,
          0,
          0,
        );
      }
    }
    this.reportUnused();
  }

  private reportUnused(): void {
    const unused: number[] = [];
    for (let index = 0; index < this.outputs.extent; index++)
      if (this.outputs.has(index) && !this.used.has(index)) unused.push(index);
    // Most properties leave some outputs out; that none is mentioned is said elsewhere.
    if (unused.length === 0 || unused.length === this.outputs.count) return;
    const { start, end } = this.outputs.span(unused[0]);
    const names = unused.slice(0, 8).map(index => `Y_${index}`);
    const more = unused.length > names.length ? ` and ${unused.length - names.length} more` : '';
    this.problems.inform('vnnlib/unused', `No assertion mentions ${names.join(', ')}${more}.`, start, end);
  }

  private declare(scanner: Scanner): void {
    const { start, end } = scanner;
    const index = indexIn(scanner);
    if (index < 0) {
      const message = `${shortened(scanner.lexeme)} is no VNN-LIB variable: inputs are named X_0, X_1, …, outputs Y_0, Y_1, …`;
      this.problems.error('vnnlib/variable-name', message, start, end);
      scanner.next();
      return;
    }
    const table = scanner.text.charCodeAt(start) === CAPITAL_X ? this.inputs : this.outputs;
    if (index >= this.textLength) {
      // More variables than the file has characters cannot all be declared.
      this.problems.error(
        'vnnlib/index-gap',
        `${scanner.lexeme} is declared, but the variables before it are not.`,
        start,
        end,
      );
    } else if (table.has(index))
      this.problems.error('vnnlib/duplicate', `${scanner.lexeme} is declared twice.`, start, end);
    else table.declare(index, start, end);
    scanner.next();
  }

  private sort(scanner: Scanner, unexpected: Unexpected): void {
    if (scanner.kind !== Token.atom) unexpected('Real');
    if (!scanner.is('Real')) {
      this.problems.error(
        'vnnlib/type',
        `${shortened(scanner.lexeme)}: variables of VNN-LIB 1.0 are Real.`,
        scanner.start,
        scanner.end,
      );
      throw new CommandAbandoned();
    }
    scanner.next();
  }

  private undeclared(scanner: Scanner): void {
    const name = scanner.lexeme;
    if (this.reported.has(name)) return;
    this.reported.add(name);
    const message = `${shortened(name)} is not declared. Variables are declared above their first use, e.g. (declare-const X_0 Real).`;
    this.problems.error('vnnlib/undeclared', message, scanner.start, scanner.end);
  }
}

/** The index of X_i or Y_i at the scanner's token, −1 when it is none. */
function indexIn(scanner: Scanner): number {
  const { text, start, end } = scanner;
  const letter = text.charCodeAt(start);
  if (
    (letter !== CAPITAL_X && letter !== CAPITAL_Y) ||
    end - start < 3 ||
    end - start > 12 ||
    text.charCodeAt(start + 1) !== UNDERSCORE
  )
    return -1;
  let index = 0;
  for (let i = start + 2; i < end; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    index = index * 10 + digit;
  }
  // X_01 would be a second name of X_1.
  return end - start > 3 && text.charCodeAt(start + 2) === 48 ? -1 : index;
}
