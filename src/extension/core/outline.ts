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

function member(object: Node, key: string): Node | undefined {
  return object.children?.find(property => property.children?.[0]?.value === key)?.children?.[1];
}

function valueOf(node: Node | undefined): unknown {
  return node ? getNodeValue(node) : null;
}

/** JSON text in which the order of an object's keys does not show. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** A VNN-LIB file is one property; its own lines begin at the first assertion that mentions an output. */
function outlineVnnlib(path: string, text: string): Outline {
  const position = positions(text);
  const { start, end } = outputAssertions(text);
  const range = { start: position(start), end: position(end) };
  const lineEnd = endOfLine(text, start, range.start);
  const anchor = { start: range.start, end: range.end.line > range.start.line ? lineEnd : range.end };
  const meaning = text.replace(/;[^\n]*/g, '').replace(/\s+/g, ' ');
  const property = { name: vnnlibName(path), range, anchor, fingerprint: hash(meaning) };
  return { kind: 'vnnlib', model: null, properties: [property], places: {} };
}

/** Offsets of the first line with an assertion over an output and of its closing bracket; the first line when there is none. */
function outputAssertions(text: string): { start: number; end: number } {
  const assertion = /\(\s*assert\b/g;
  const output = /\bY(_\d+|\[)/;
  for (let match = assertion.exec(text); match; match = assertion.exec(text)) {
    const end = closingBracket(text, match.index);
    if (output.test(text.slice(match.index, end))) return { start: match.index, end };
    assertion.lastIndex = end;
  }
  const firstLine = text.indexOf('\n');
  return { start: 0, end: firstLine < 0 ? text.length : firstLine };
}

/** Offset after the bracket that closes the one at `start`; brackets in comments do not count. */
function closingBracket(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const character = text[i];
    if (character === ';') {
      const lineEnd = text.indexOf('\n', i);
      if (lineEnd < 0) return text.length;
      i = lineEnd;
    } else if (character === '(') depth++;
    else if (character === ')' && --depth === 0) return i + 1;
  }
  return text.length;
}

/** Turns offsets into positions; asked in any order. */
function positions(text: string): (offset: number) => Position {
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

/** FNV-1a with 53 useful bits, as text: enough to tell edits of one text apart; verdicts themselves are keyed by the engine. */
function hash(text: string): string {
  let low = 0x811c9dc5;
  let high = 0xcbf29ce4;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ (code + (low >>> 13)), 0x85ebca6b);
  }
  return `${(high >>> 0).toString(16)}${(low >>> 0).toString(16).padStart(8, '0')}`;
}
