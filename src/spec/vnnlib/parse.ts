import { fail, ok, type Problem, type Result } from '../../base/result';
import { withoutByteOrderMark } from '../text-file';
import { TextLines } from '../text-lines';
import { BoundTable } from './bound-table';
import { variableName, type DeclaredTensor, type VnnlibDocument } from './document';
import type { Formula, Span } from './formula';
import { NetworkDeclaration } from './network-declaration';
import { CommandAbandoned, ProblemList } from './problems';
import { QuestionBuilder } from './question-builder';
import { MAX_DEPTH, RelationReader, shortened, type Variables } from './relation-reader';
import { Scanner, Token } from './scanner';
import { ScalarVariables } from './scalar-variables';
import { SpanList, VariableTable } from './variable-table';

/**
 * Reads a VNN-LIB file, version 1.0 or (when it says so in its first command) 2.0 with one network.
 * @param file path for the reports
 * @returns the document, or everything that is wrong with it, each with its place
 */
export function parseVnnlib(text: string, file: string): Result<VnnlibDocument, Problem[]> {
  return new Parser(withoutByteOrderMark(text), file).parse();
}

/** SMT-LIB commands that many files carry and that say nothing about the network. */
const IGNORED = new Set(['set-logic', 'set-info', 'set-option', 'check-sat', 'get-model', 'exit']);
const COMMANDS = new Set(['assert', 'declare-const', 'declare-fun', 'declare-network', 'vnnlib-version', ...IGNORED]);

class Parser {
  private readonly lines: TextLines;
  private readonly problems: ProblemList;
  private readonly version: 1 | 2;
  private readonly scanner: Scanner;
  private readonly inputs = new VariableTable();
  private readonly outputs = new VariableTable();
  private readonly scalars: ScalarVariables;
  private readonly network: NetworkDeclaration;
  private readonly relations: RelationReader;
  private readonly builder: QuestionBuilder;
  private readonly bounds = new BoundTable();
  private readonly asserts = new SpanList();
  private readonly properties: Span[] = [];
  /** Opening parenthesis of the command being read. */
  private commandStart = 0;
  private commands = 0;

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {
    this.lines = new TextLines(text);
    this.problems = new ProblemList(file, this.lines);
    this.version = startsWithVersion(text) ? 2 : 1;
    this.scanner = new Scanner(text, this.version);
    const unexpected = (expected: string): never => this.unexpected(expected);
    this.scalars = new ScalarVariables(this.inputs, this.outputs, this.problems, text.length);
    this.network = new NetworkDeclaration(this.inputs, this.outputs, this.problems, unexpected);
    const variables: Variables = this.version === 1 ? this.scalars : this.network;
    this.relations = new RelationReader(this.scanner, this.problems, variables, this.bounds, this.version, unexpected);
    this.builder = new QuestionBuilder(text, this.problems, this.bounds, this.inputs, this.outputs, index =>
      variableName(this.naming, 'input', index),
    );
  }

  parse(): Result<VnnlibDocument, Problem[]> {
    const { scanner } = this;
    while (scanner.kind !== Token.end) {
      if (scanner.kind === Token.open) this.command();
      else this.strayToken();
    }
    this.checkDeclarations();
    const built = this.problems.hasErrors ? null : this.builder.finish();
    if (built === null || this.problems.hasErrors) return fail(this.problems.report());
    return ok({
      kind: 'vnnlib',
      version: this.version,
      file: this.file,
      text: this.text,
      lines: this.lines,
      question: built.question,
      disjuncts: built.spans,
      inputs: this.inputs,
      outputs: this.outputs,
      tensors: this.network.tensors,
      asserts: this.asserts,
      properties: this.properties,
      warnings: this.problems.report(),
    });
  }

  private get naming(): { version: 1 | 2; tensors: readonly DeclaredTensor[] } {
    return { version: this.version, tensors: this.network.tensors };
  }

  /** Reads one command; after a mistake in it, goes on with the next. */
  private command(): void {
    const { scanner } = this;
    this.commandStart = scanner.start;
    this.commands++;
    try {
      if (scanner.next() !== Token.atom) this.unexpected('a command');
      this.body();
      if (scanner.kind !== Token.close) this.unexpected(')');
      scanner.next();
    } catch (error) {
      if (!(error instanceof CommandAbandoned)) throw error;
      this.recover();
    }
  }

  private body(): void {
    const { scanner } = this;
    if (scanner.is('assert')) this.assertion();
    else if (this.version === 1 && scanner.is('declare-const'))
      this.scalars.declareConst(scanner, message => this.unexpected(message));
    else if (this.version === 1 && scanner.is('declare-fun'))
      this.scalars.declareFun(scanner, message => this.unexpected(message));
    else if (this.version === 2 && scanner.is('vnnlib-version')) this.header();
    else if (this.version === 2 && scanner.is('declare-network')) this.network.declare(scanner);
    else if (IGNORED.has(scanner.lexeme)) this.skipArguments();
    else this.unknownCommand();
  }

  private unknownCommand(): never {
    const { scanner } = this;
    const name = scanner.lexeme;
    let message = `${shortened(name)} is no VNN-LIB command.`;
    if (this.version === 2 && (name === 'declare-const' || name === 'declare-fun')) {
      message = `VNN-LIB 2.0 declares variables with declare-network; ${name} belongs to version 1.0.`;
    } else if (this.version === 1 && (name === 'declare-network' || name === 'vnnlib-version')) {
      message = `${name} belongs to VNN-LIB 2.0, whose files begin with (vnnlib-version <2.0>).`;
    } else if (this.version === 1) message += ' Version 1.0 has declare-const and assert.';
    else message += ' Version 2.0 has vnnlib-version, declare-network and assert.';
    this.problems.error('vnnlib/unknown-command', message, scanner.start, scanner.end);
    throw new CommandAbandoned();
  }

  /** (vnnlib-version <2.0>) */
  private header(): void {
    const { scanner } = this;
    if (this.commands > 1)
      this.problems.error(
        'vnnlib/version',
        'The version is given once, at the top of the file.',
        scanner.start,
        scanner.end,
      );
    if (scanner.next() !== Token.atom) this.unexpected('a version such as <2.0>');
    if (!/^<2\.\d+>$/.test(scanner.lexeme)) {
      const message = `Version ${shortened(scanner.lexeme)} is not supported; <2.0> is, and files of version 1.0 have no version command.`;
      this.problems.error('vnnlib/version', message, scanner.start, scanner.end);
    }
    scanner.next();
  }

  private assertion(): void {
    const { scanner } = this;
    const start = this.commandStart;
    scanner.next();
    const formula = this.formula(0);
    if (scanner.kind !== Token.close) this.unexpected(')');
    this.asserts.push(start, scanner.end);
    if (formula && this.builder.assert(formula)) this.properties.push({ start, end: scanner.end });
  }

  /** Null when a name in it is unknown (that is reported, and the document is refused). */
  private formula(depth: number): Formula | null {
    const { scanner } = this;
    if (scanner.kind !== Token.open) this.unexpected('a relation in parentheses');
    const start = scanner.start;
    if (scanner.next() !== Token.atom) this.unexpected('and, or, or a comparison');
    const comparison = this.relations.comparison();
    if (comparison) return this.relations.read(comparison, start);
    const kind = scanner.is('and') ? 'and' : scanner.is('or') ? 'or' : undefined;
    if (!kind) {
      if (COMMANDS.has(scanner.lexeme)) this.neverClosed(start);
      return this.relations.badOperator(scanner.lexeme);
    }
    if (depth > MAX_DEPTH) this.relations.tooDeep();
    scanner.next();
    const parts: Formula[] = [];
    let complete = true;
    while ((scanner.kind as Token) !== Token.close) {
      const part = this.formula(depth + 1);
      if (part) parts.push(part);
      else complete = false;
    }
    const end = scanner.end;
    scanner.next();
    if (!complete) return null;
    if (parts.length === 0) {
      this.problems.error('vnnlib/operands', `(${kind}) combines nothing.`, start, end);
      return null;
    }
    return { kind, parts, start, end };
  }

  private skipArguments(): void {
    let depth = 0;
    for (this.scanner.next(); depth > 0 || this.scanner.kind !== Token.close; this.scanner.next()) {
      if (this.scanner.kind === Token.end) this.unexpected(')');
      if (this.scanner.kind === Token.open) depth++;
      if (this.scanner.kind === Token.close) depth--;
    }
  }

  private strayToken(): void {
    const { scanner, problems } = this;
    if (scanner.kind === Token.close)
      problems.error('vnnlib/unbalanced', 'This parenthesis closes nothing.', scanner.start, scanner.end);
    else
      problems.error(
        'vnnlib/unexpected',
        `${shortened(scanner.lexeme)} stands outside of any command.`,
        scanner.start,
        scanner.end,
      );
    scanner.next();
  }

  /** Reports the token at hand and abandons the command. A missing parenthesis is reported where it was opened. */
  private unexpected(expected: string): never {
    const { scanner } = this;
    if (scanner.kind === Token.end || this.atCommand()) this.neverClosed();
    const found =
      scanner.kind === Token.close && expected !== ')'
        ? 'the command ends here'
        : `${shortened(scanner.lexeme)} cannot stand here`;
    const wanted = expected === ')' ? 'the command should end here' : `expected ${expected}`;
    this.problems.error(
      'vnnlib/unexpected',
      `${found[0].toUpperCase()}${found.slice(1)}: ${wanted}.`,
      scanner.start,
      scanner.end,
    );
    throw new CommandAbandoned();
  }

  /** Whether the scanner stands on the opening parenthesis of a command. */
  private atCommand(): boolean {
    const { scanner } = this;
    if (scanner.kind !== Token.open) return false;
    const { start } = scanner;
    const found = scanner.next() === Token.atom && COMMANDS.has(scanner.lexeme);
    scanner.seek(start);
    return found;
  }

  /** The command at hand has no closing parenthesis; the next one (if any) opens at `next`. */
  private neverClosed(next = this.scanner.start): never {
    const follower =
      next < this.text.length ? ` The next command begins in line ${this.lines.position(next).line + 1}.` : '';
    this.problems.error(
      'vnnlib/unbalanced',
      `This parenthesis is never closed.${follower}`,
      this.commandStart,
      this.commandStart + 1,
    );
    this.scanner.seek(next);
    throw new CommandAbandoned();
  }

  /** Skips what is left of an abandoned command: up to its closing parenthesis, or to where the next command plainly begins. */
  private recover(): void {
    const { scanner } = this;
    const from = scanner.start;
    scanner.seek(this.commandStart);
    let depth = 0;
    while (scanner.kind !== Token.end) {
      if (scanner.kind === Token.open) {
        if (scanner.start > this.commandStart && this.atCommand()) {
          if (scanner.start > from) this.reportUnclosed();
          return;
        }
        depth++;
      } else if (scanner.kind === Token.close && --depth === 0) {
        scanner.next();
        return;
      }
      scanner.next();
    }
    if (depth > 0 && from < this.text.length) this.reportUnclosed();
  }

  private reportUnclosed(): void {
    this.problems.error(
      'vnnlib/unbalanced',
      'This parenthesis is never closed.',
      this.commandStart,
      this.commandStart + 1,
    );
  }

  /** What can only be said when the whole file was read. */
  private checkDeclarations(): void {
    if (this.commands === 0) {
      // Text without commands was reported already.
      if (this.problems.hasErrors) return;
      this.problems.error('vnnlib/empty-file', 'The file has no commands: nothing is asked of the network.', 0, 0);
      return;
    }
    if (this.version === 1) this.scalars.checkComplete();
    else this.network.checkComplete();
    if (!this.problems.hasErrors && this.asserts.length === 0) {
      this.problems.error('vnnlib/no-assert', 'The file asserts nothing: nothing is asked of the network.', 0, 0);
    }
  }
}

/** Whether the first command of the file is (vnnlib-version …). */
function startsWithVersion(text: string): boolean {
  const scanner = new Scanner(text, 1);
  return scanner.kind === Token.open && scanner.next() === Token.atom && scanner.is('vnnlib-version');
}
