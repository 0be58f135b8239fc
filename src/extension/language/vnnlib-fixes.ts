import { commandBefore, inComment, type Span, type VnnlibIndex } from './vnnlib-index';
import { sizeOf } from './vnnlib-answers';

/** A change of the text. */
export interface Edit extends Span {
  readonly text: string;
}

/** One quick fix. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly Edit[];
  /** The obvious one, for "fix all" and the shortcut. */
  readonly preferred: boolean;
}

/** What can be done about one problem of the parser (`code`, at `at`); none where the person must decide. */
export function fixesFor(code: string, message: string, at: Span, text: string, index: VnnlibIndex): Fix[] {
  switch (code) {
    case 'vnnlib/equals':
      return equals(text, index);
    case 'vnnlib/unbounded':
      return missingBound(message, text, index);
    case 'vnnlib/undeclared':
      return undeclared(at, text, index);
    case 'vnnlib/unbalanced':
      return unbalanced(at, text, index);
    case 'vnnlib/unknown-command':
      return misspelt(at, text, index);
    default:
      return [];
  }
}

/** `=` is one slip made everywhere: all of them at once. */
function equals(text: string, index: VnnlibIndex): Fix[] {
  const edits: Edit[] = [];
  const pattern = /\(\s*=(?=\s)/g;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const at = match.index + match[0].length - 1;
    const command = commandBefore(index, at);
    if (command?.name === 'assert' && at < command.end) edits.push({ start: at, end: at + 1, text: '==' });
  }
  if (edits.length === 0) return [];
  return [{ title: edits.length === 1 ? 'Write ==' : `Write == (${edits.length} places)`, edits, preferred: true }];
}

/** After the last assertion: the bound that is missing, with the value of the other bound as a place to start from. */
function missingBound(message: string, text: string, index: VnnlibIndex): Fix[] {
  const said = /^(\S+) has no (lower|upper) bound/.exec(message);
  if (!said) return [];
  const [, name, side] = said;
  const relation = side === 'lower' ? '>=' : '<=';
  const other = side === 'lower' ? '<=' : '>=';
  const escaped = name.replace(/[[\]]/g, '\\$&');
  const known = new RegExp(String.raw`\(\s*${other}\s+${escaped}\s+([^\s()]+)\s*\)`).exec(text);
  const value = known?.[1] ?? '0.0';
  const asserts = index.commands.filter(command => command.name === 'assert');
  const near = known && asserts.find(({ start, end }) => start < known.index && known.index < end);
  const place = (near ?? asserts[asserts.length - 1] ?? index.commands[index.commands.length - 1])?.end ?? text.length;
  return [
    {
      title: `Add (assert (${relation} ${name} ${value}))`,
      edits: [{ start: place, end: place, text: `\n(assert (${relation} ${name} ${value}))` }],
      preferred: true,
    },
  ];
}

function undeclared({ start, end }: Span, text: string, index: VnnlibIndex): Fix[] {
  const name = text.slice(start, end);
  if (index.version === 1) {
    if (!/^[XY]_\d+$/.test(name)) return [];
    const same = index.declarations.filter(each => each.name[0] === name[0]);
    const place = same.length > 0 ? same[same.length - 1].whole.end : 0;
    const command = `(declare-const ${name} Real)`;
    const edit =
      place === 0 ? { start: 0, end: 0, text: `${command}\n` } : { start: place, end: place, text: `\n${command}` };
    return [{ title: `Declare ${name}`, edits: [edit], preferred: true }];
  }
  const closest = [...index.byName.keys()].filter(each => distance(each, name) <= Math.min(2, name.length / 2));
  return closest.map(each => ({
    title: `Write ${each}`,
    edits: [{ start, end, text: each }],
    preferred: closest.length === 1,
  }));
}

/** A command that is never closed gets its parenthesis where the next begins; one that closes nothing goes. */
function unbalanced({ start, end }: Span, text: string, index: VnnlibIndex): Fix[] {
  if (text[start] === ')') return [{ title: 'Remove )', edits: [{ start, end, text: '' }], preferred: true }];
  const command = index.commands.find(each => each.start === start);
  if (!command) return [];
  const code = text.slice(start, command.end).replace(/;[^\n]*/g, comment => ' '.repeat(comment.length));
  let depth = 0;
  for (const c of code) depth += c === '(' ? 1 : c === ')' ? -1 : 0;
  if (depth <= 0) return [];
  const place = start + code.trimEnd().length;
  const missing = ')'.repeat(depth);
  return [{ title: `Add ${missing}`, edits: [{ start: place, end: place, text: missing }], preferred: true }];
}

const WORDS = {
  1: ['assert', 'declare-const', 'declare-fun'],
  2: ['assert', 'declare-network', 'vnnlib-version'],
};

function misspelt({ start, end }: Span, text: string, index: VnnlibIndex): Fix[] {
  const word = text.slice(start, end);
  const closest = WORDS[index.version].filter(each => distance(each, word) <= 2);
  return closest.map(each => ({
    title: `Write ${each}`,
    edits: [{ start, end, text: each }],
    preferred: closest.length === 1,
  }));
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}

/** A 1.0 file written as 2.0, comments kept; null where its declarations leave gaps or it is 2.0 already. */
export function asVersion2(text: string, index: VnnlibIndex): Edit[] | null {
  if (index.version === 2) return null;
  const sides = (['input', 'output'] as const).map(side => index.declarations.filter(each => each.side === side));
  if (sides.some(own => own.length === 0)) return null;
  const gap = sides.some(own => new Set(own.map(each => each.name)).size !== Math.max(...own.map(numberOf)) + 1);
  if (gap) return null;
  const [inputs, outputs] = sides.map(own => own.reduce((sum, each) => sum + sizeOf(each), 0));
  const [first, ...rest] = index.declarations;
  const network = `(vnnlib-version <2.0>)\n(declare-network f\n  (declare-input X float32 [${inputs}])\n  (declare-output Y float32 [${outputs}]))`;
  const edits: Edit[] = [{ ...first.whole, text: network }];
  // The version stands at the top: what comes before the first declaration can only be comments and ignored commands.
  const early = index.commands.filter(command => command.start < first.whole.start && command.name !== 'assert');
  for (const command of early) edits.push({ start: command.start, end: command.end, text: '' });
  for (const each of rest) edits.push({ start: lineStartOf(text, each.whole.start), end: each.whole.end, text: '' });
  const declared = new Set(index.declarations.map(each => each.start));
  const pattern = /(?<![A-Za-z0-9_-])([XY])_(\d+)(?![A-Za-z0-9_-])/g;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    if (declared.has(match.index) || inComment(text, match.index)) continue;
    edits.push({ start: match.index, end: match.index + match[0].length, text: `${match[1]}[${match[2]}]` });
  }
  for (const each of equals(text, index).flatMap(fix => fix.edits)) edits.push(each);
  return edits.sort((a, b) => a.start - b.start);
}

function numberOf({ name }: { readonly name: string }): number {
  return Number(name.slice(2));
}

/** Up to and with the line break before, when nothing else stands on the line. */
function lineStartOf(text: string, offset: number): number {
  const newline = text.lastIndexOf('\n', offset - 1);
  return newline >= 0 && text.slice(newline, offset).trim() === '' ? newline : offset;
}

/** The text after all edits; they must not overlap. */
export function edited(text: string, edits: readonly Edit[]): string {
  let result = '';
  let at = 0;
  for (const { start, end, text: piece } of [...edits].sort((a, b) => a.start - b.start)) {
    result += text.slice(at, start) + piece;
    at = end;
  }
  return result + text.slice(at);
}
