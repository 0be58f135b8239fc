import { Scanner, Token } from '../../spec/vnnlib/scanner';

/** Half-open range of offsets. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Command extends Span {
  /** Its first word, e.g. `assert`; '' when there is none. */
  readonly name: string;
}

export interface Declaration extends Span {
  readonly name: string;
  readonly side: 'input' | 'output';
  /** As written, e.g. `Real`. */
  readonly elementType: string;
  /** Version 1: a number each, no dimensions. */
  readonly shape: readonly number[];
  /** The whole command (or the part of declare-network) that declares it. */
  readonly whole: Span;
}

/** What language features know of a VNN-LIB text, sound or broken: its commands and its variables, in the order of the text. */
export interface VnnlibIndex {
  readonly version: 1 | 2;
  readonly commands: readonly Command[];
  readonly declarations: readonly Declaration[];
  readonly byName: ReadonlyMap<string, Declaration>;
}

/** Tokens between two looks at the clock. */
const STEP = 4096;
const TOP_LEVEL = new Set(['assert', 'declare-const', 'declare-fun', 'declare-network', 'vnnlib-version']);

/**
 * Reads a text a few thousand tokens at a time, so that whoever runs it can do other things in between. Never fails: where brackets do not match, a
 * command that begins a line ends the one before it.
 */
export function* indexing(text: string): Generator<void, VnnlibIndex> {
  const version = /^(\s|;[^\n]*\n|\ufeff)*\(\s*vnnlib-version\b/.test(text.slice(0, 65536)) ? 2 : 1;
  const scanner = new Scanner(text, version);
  const commands: Command[] = [];
  const declarations: Declaration[] = [];
  let depth = 0;
  let start = 0;
  let name = '';
  let declared: { words: Word[]; side: 'input' | 'output' | null; start: number } | null = null;
  let steps = 0;
  const finish = (end: number) => {
    commands.push({ name, start, end });
    if (declared) declare(declared, end);
    declared = null;
    depth = 0;
  };
  const declare = (from: { words: Word[]; side: 'input' | 'output' | null; start: number }, end: number) => {
    const made = declarationOf(from.words, from.side, { start: from.start, end });
    if (made) declarations.push(made);
  };
  while (scanner.kind !== Token.end) {
    if (++steps % STEP === 0) yield;
    const at = scanner.start;
    switch (scanner.kind) {
      case Token.open: {
        scanner.next();
        const word = (scanner.kind as Token) === Token.atom ? scanner.lexeme : '';
        if (depth > 0 && TOP_LEVEL.has(word) && beginsLine(text, at)) finish(at);
        if (depth === 0) {
          start = at;
          name = word;
          if (word === 'declare-const' || word === 'declare-fun') declared = { words: [], side: null, start: at };
        } else if (word === 'declare-input' || word === 'declare-output')
          declared = { words: [], side: word === 'declare-input' ? 'input' : 'output', start: at };
        depth++;
        if ((scanner.kind as Token) === Token.atom) scanner.next();
        continue;
      }
      case Token.close:
        if (depth > 0 && --depth === 0) finish(scanner.end);
        else if (depth === 1 && declared?.side) {
          declare(declared, scanner.end);
          declared = null;
        }
        break;
      case Token.atom:
        if (declared && declared.words.length < MOST_WORDS)
          declared.words.push({ text: scanner.lexeme, start: at, end: scanner.end });
        break;
      default:
        break;
    }
    scanner.next();
  }
  if (depth > 0) finish(text.length);
  return { version, commands, declarations, byName: new Map(declarations.map(each => [each.name, each])) };
}

/** Words of a declaration that matter: its name, its type, its dimensions. */
const MOST_WORDS = 16;

interface Word extends Span {
  readonly text: string;
}

function declarationOf(
  [name, elementType, ...dimensions]: readonly Word[],
  side: 'input' | 'output' | null,
  whole: Span,
): Declaration | null {
  if (!name) return null;
  const own = side ?? sideOfScalar(name.text);
  if (own === null) return null;
  const shape = dimensions.map(word => Number(word.text)).filter(Number.isFinite);
  return {
    name: name.text,
    start: name.start,
    end: name.end,
    side: own,
    elementType: elementType?.text ?? '',
    shape,
    whole,
  };
}

function sideOfScalar(name: string): 'input' | 'output' | null {
  if (!/^[XY]_\d+$/.test(name)) return null;
  return name.startsWith('X') ? 'input' : 'output';
}

function beginsLine(text: string, offset: number): boolean {
  for (let i = offset - 1; i >= 0; i--) {
    const c = text[i];
    if (c === '\n') return true;
    if (c !== ' ' && c !== '\t') return false;
  }
  return true;
}

/** The index at once; for texts of moderate size and for tests. */
export function indexVnnlib(text: string): VnnlibIndex {
  const steps = indexing(text);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** A variable as the text mentions it. */
export interface Mention extends Span {
  readonly name: string;
  /** Version 2: the indices in brackets; null where there are none (or they are no numbers). */
  readonly indices: readonly number[] | null;
  /** The name alone, without brackets. */
  readonly nameEnd: number;
}

const NAME = /[A-Za-z][A-Za-z0-9_]*/y;
const NAME_CHARACTER = /[A-Za-z0-9_]/;

/** The variable at an offset, or null: in a comment, on a bracket, on a word that is not declared. */
export function mentionAt(text: string, index: VnnlibIndex, offset: number): Mention | null {
  if (inComment(text, offset)) return null;
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  let start = offset;
  // Inside of brackets the name stands before them.
  const open = text.lastIndexOf('[', offset);
  if (open > lineStart - 1 && /^\[[\d\s,]*\]?$/.test(text.slice(open, offset))) start = open;
  while (start > lineStart && NAME_CHARACTER.test(text[start - 1])) start--;
  NAME.lastIndex = start;
  const name = NAME.exec(text)?.[0];
  if (name === undefined || !index.byName.has(name)) return null;
  const nameEnd = start + name.length;
  const brackets = index.version === 2 ? /^\s*\[([\d\s,]*)\]/.exec(text.slice(nameEnd, nameEnd + 200)) : null;
  const indices = brackets ? brackets[1].split(',').map(part => Number(part.trim())) : null;
  return { name, start, nameEnd, end: nameEnd + (brackets?.[0].length ?? 0), indices };
}

/** Every place where a name stands, comments left out. */
export function occurrences(text: string, name: string): Span[] {
  const found: Span[] = [];
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
    const end = at + name.length;
    if (at > 0 && /[A-Za-z0-9_-]/.test(text[at - 1])) continue;
    if (end < text.length && /[A-Za-z0-9_-]/.test(text[end])) continue;
    if (!inComment(text, at)) found.push({ start: at, end });
  }
  return found;
}

/** Whether an offset is behind a semicolon of its line. Looks at that line alone: files have millions of them. */
export function inComment(text: string, offset: number): boolean {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset).includes(';');
}

/** The last command that begins before an offset; undefined where there is none. Commands are in order: halved, not walked through. */
export function commandBefore({ commands }: VnnlibIndex, offset: number): Command | undefined {
  let low = 0;
  let high = commands.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (commands[middle].start < offset) low = middle + 1;
    else high = middle;
  }
  return commands[low - 1];
}
