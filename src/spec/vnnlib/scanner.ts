/** What the scanner stands on. Plain numbers, because a 10 MB file has a million of them. */
export const Token = {
  end: 0,
  open: 1,
  close: 2,
  atom: 3,
  openBracket: 4,
  closeBracket: 5,
  comma: 6,
  string: 7,
} as const;
export type Token = (typeof Token)[keyof typeof Token];

/** Classes of the ASCII characters: part of an atom, white space, or the token the character is by itself. */
const SPACE = 64;
const COMMENT = 65;

function classes(version: 1 | 2): Uint8Array {
  const table = new Uint8Array(128).fill(Token.atom);
  for (const c of '\t\n\v\f\r ') table[c.charCodeAt(0)] = SPACE;
  table[';'.charCodeAt(0)] = COMMENT;
  table['('.charCodeAt(0)] = Token.open;
  table[')'.charCodeAt(0)] = Token.close;
  if (version === 2) {
    table['['.charCodeAt(0)] = Token.openBracket;
    table[']'.charCodeAt(0)] = Token.closeBracket;
    table[','.charCodeAt(0)] = Token.comma;
    table['"'.charCodeAt(0)] = Token.string;
  }
  return table;
}

const CLASSES = { 1: classes(1), 2: classes(2) };

/**
 * Walks over a VNN-LIB text token by token. It makes no object and no string per token: the current token is `kind` at text[start, end).
 * Version 2 gives brackets, commas and quotes a meaning of their own.
 */
export class Scanner {
  kind: Token = Token.end;
  start = 0;
  end = 0;
  private readonly classes: Uint8Array;

  constructor(
    readonly text: string,
    version: 1 | 2,
  ) {
    this.classes = CLASSES[version];
    this.next();
  }

  /** Moves to the next token and returns its kind. */
  next(): Token {
    const { text, classes } = this;
    const length = text.length;
    let i = this.end;
    let kind = SPACE;
    for (; i < length; i++) {
      const c = text.charCodeAt(i);
      kind = c < 128 ? classes[c] : Token.atom;
      if (kind < SPACE) break;
      if (kind === COMMENT) {
        const newline = text.indexOf('\n', i);
        i = newline < 0 ? length : newline;
      }
    }
    if (i >= length) {
      this.start = this.end = length;
      return (this.kind = Token.end);
    }
    this.start = i++;
    if (kind === Token.atom) {
      for (; i < length; i++) {
        const c = text.charCodeAt(i);
        if (c < 128 && classes[c] !== Token.atom) break;
      }
    } else if (kind === Token.string) {
      const quote = text.indexOf('"', i);
      i = quote < 0 ? length : quote + 1;
    }
    this.end = i;
    return (this.kind = kind as Token);
  }

  /** Goes back to a token that began at `start`. */
  seek(start: number): void {
    this.end = start;
    this.next();
  }

  /** The current token's text. */
  get lexeme(): string {
    return this.text.slice(this.start, this.end);
  }

  /** Whether the current token is exactly `word`. */
  is(word: string): boolean {
    return this.end - this.start === word.length && this.text.startsWith(word, this.start);
  }
}
