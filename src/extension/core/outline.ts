import { parseTree, getNodeValue, type Node, type ParseError } from 'jsonc-parser';
import type { Position, Range } from '../../base/result';

/** One property of a specification: what gets a CodeLens, a test item and a verdict. */
export interface Property {
  /** The name the engine knows it by. */
  readonly name: string;
  /** The property's own lines. */
  readonly range: Range;
  /** The few characters a mark is put under: its name, or its first line. */
  readonly anchor: Range;
  /** Equal exactly when the property means the same: comments, layout and its name do not count. */
  readonly fingerprint: string;
}

/** What the editor must know of a specification's text, from the text alone. */
export interface Outline {
  readonly kind: SpecificationKind;
  /** The model as the specification names it, relative to its own folder; null when it names none. */
  readonly model: string | null;
  readonly properties: readonly Property[];
  /** Where marks about a part of the specification go that is not a property. */
  readonly places: { readonly model?: Range; readonly preprocess?: Range };
}

export type SpecificationKind = 'perturbation' | 'vnnlib';

/** Which kind of specification a file is, by its name; null for any other file. */
export function specificationKind(path: string): SpecificationKind | null {
  if (path.endsWith('.certiscope.jsonc')) return 'perturbation';
  return /\.vnnlib(\.gz)?$/.test(path) ? 'vnnlib' : null;
}

/** The name the engine gives the one property of a VNN-LIB file: the file's base name. */
export function vnnlibName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.vnnlib(\.gz)?$/, '');
}

/** @param names what the engine calls the checks, where that is known: a check may have no name of its own */
export function outline(path: string, text: string, names: readonly string[] = []): Outline {
  return specificationKind(path) === 'vnnlib' ? outlineVnnlib(path, text) : outlinePerturbation(text, names);
}

function outlinePerturbation(text: string, names: readonly string[]): Outline {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const empty: Outline = { kind: 'perturbation', model: null, properties: [], places: {} };
  if (!tree || tree.type !== 'object') return empty;
  const model = member(tree, 'model')?.value as unknown;
  const shared = canonical(
    ['model', 'inputs', 'preprocess', 'property', 'classes', 'solver'].map(key => valueOf(member(tree, key))),
  );
  const position = positions(text);
  const rangeOf = ({ offset, length }: Node): Range => ({ start: position(offset), end: position(offset + length) });
  const properties = (member(tree, 'checks')?.children ?? []).flatMap((check, index): Property[] => {
    if (check.type !== 'object') return [];
    const { name, ...meaning } = getNodeValue(check) as Record<string, unknown>;
    const named = member(check, 'name');
    const range = rangeOf(check);
    return [
      {
        name: names[index] ?? (typeof name === 'string' && name !== '' ? name : `check ${index + 1}`),
        range,
        anchor: named ? rangeOf(named) : { start: range.start, end: endOfLine(text, check.offset, range.start) },
        fingerprint: hash(shared + canonical(meaning)),
      },
    ];
  });
  const place = (key: string) => {
    const node = member(tree, key);
    return node ? { [key]: rangeOf(node) } : {};
  };
  return {
    kind: 'perturbation',
    model: typeof model === 'string' ? model : null,
    properties,
    places: { ...place('model'), ...place('preprocess') },
  };
}

/** The end of the line that `offset` is on. */
function endOfLine(text: string, offset: number, { line, character }: Position): Position {
  const end = text.indexOf('\n', offset);
  return { line, character: character + (end < 0 ? text.length : end) - offset };
}

/** The value of a key of an object. */
export function member(object: Node, key: string): Node | undefined {
  return object.children?.find(property => property.children?.[0]?.value === key)?.children?.[1];
}

function valueOf(node: Node | undefined): unknown {
  return node ? getNodeValue(node) : null;
}

/** JSON text in which the order of an object's keys does not show. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** A VNN-LIB file is one property; its own lines begin at the first assertion that mentions an output. */
function outlineVnnlib(path: string, text: string): Outline {
  const position = positions(text);
  const code = text.replace(/;[^\n]*/g, comment => ' '.repeat(comment.length));
  const { start, end } = outputAssertions(code);
  const range = { start: position(start), end: position(end) };
  const lineEnd = endOfLine(text, start, range.start);
  const anchor = { start: range.start, end: range.end.line > range.start.line ? lineEnd : range.end };
  const property = { name: vnnlibName(path), range, anchor, fingerprint: hash(code, 'white space does not count') };
  return { kind: 'vnnlib', model: null, properties: [property], places: {} };
}

/** Offsets of the first line with an assertion over an output and of its closing bracket; the first line when there is none. */
function outputAssertions(code: string): { start: number; end: number } {
  const output = /\bY(_\d|\[)/g;
  for (let match = output.exec(code); match; match = output.exec(code)) {
    const assertion = code.lastIndexOf('(assert', match.index);
    if (assertion > code.lastIndexOf('(declare', match.index))
      return { start: assertion, end: closingBracket(code, assertion) };
  }
  const firstLine = code.indexOf('\n');
  return { start: 0, end: firstLine < 0 ? code.length : firstLine };
}

/** Offset after the bracket that closes the one at `start`. */
function closingBracket(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i + 1;
  }
  return text.length;
}

/** Turns offsets into positions; asked in any order. */
export function positions(text: string): (offset: number) => Position {
  const lineStarts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) lineStarts.push(i + 1);
  return offset => {
    let low = 0;
    let high = lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low, character: offset - lineStarts[low]! };
  };
}

/**
 * FNV-1a in two lanes, as text: enough to tell edits of one text apart; verdicts themselves are keyed by the engine. A loop over the text
 * because it runs at every pause in the typing, on files of megabytes.
 */
function hash(text: string, spaces?: 'white space does not count'): string {
  let low = 0x811c9dc5;
  let high = 0xcbf29ce4;
  let pending = true;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (spaces && code <= SPACE) {
      pending = true;
      continue;
    }
    // A run of white space counts as one space.
    if (pending) code += 0x10000;
    pending = false;
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ (code + (low >>> 13)), 0x85ebca6b);
  }
  return `${(high >>> 0).toString(16)}${(low >>> 0).toString(16).padStart(8, '0')}`;
}

const SPACE = 32;
