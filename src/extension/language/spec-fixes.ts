import { findNodeAtOffset, parseTree, type Node } from 'jsonc-parser';
import { NumberForm } from '../../spec/numbers/number-form';

/** A change of the text, by offsets. */
export interface SpecEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface SpecFix {
  readonly title: string;
  readonly edit: SpecEdit;
}

/** A number, or a fraction of two, that stands where a JSON value should. */
const FRACTION = /\d*\.?\d+(?:[eE][-+]?\d+)?\s*\/\s*\d*\.?\d+(?:[eE][-+]?\d+)?/g;
/** What to write for a key that is missing; the person goes on from there. */
const VALUES: Readonly<Record<string, string>> = {
  model: '"model.onnx"',
  inputs: '{ "data": "data.idx" }',
  data: '"data.idx"',
  checks: '[{ "perturb": "input", "epsilon": "1/255", "clip": [0, 1] }]',
  perturb: '"input"',
  epsilon: '"1/255"',
  kind: '"label"',
  class: '0',
  k: '1',
  radius: '0.1',
};

/**
 * What can be done about one problem of a perturbation specification; none where the person must decide.
 * @param at offsets of what the problem is about
 */
export function specFixes(code: string, message: string, at: { start: number; end: number }, text: string): SpecFix[] {
  const said = text.slice(at.start, at.end);
  switch (code) {
    case 'spec/syntax':
      return unquotedFraction(at.start, text) ?? bareNumber(at.start, text);
    case 'spec/unknown-key':
    case 'spec/value':
      return suggestion(message, at);
    case 'spec/number':
      return decimalComma(said, at);
    case 'spec/missing-key':
      return missingKey(message, at.start, text);
    case 'spec/epsilon-units':
      return inScaledUnits(message, said, at);
    case 'spec/duplicate-name':
      return said.startsWith('"')
        ? [{ title: 'Give it another name', edit: { ...at, text: `${said.slice(0, -1)} 2"` } }]
        : [];
    default:
      return [];
  }
}

/** `1/255` without quotes is no JSON: the parser stumbles somewhere in it. */
function unquotedFraction(offset: number, text: string): SpecFix[] | null {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const line = text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd);
  for (const match of line.matchAll(FRACTION)) {
    const start = lineStart + match.index;
    const end = start + match[0].length;
    // One inside quotes is right as it is.
    if (offset < start || offset > end || text[start - 1] === '"') continue;
    const written = match[0].replace(/\s+/g, '');
    return [{ title: `Write "${written}" in quotes`, edit: { start, end, text: `"${written}"` } }];
  }
  return null;
}

/** `.5` and `5.` are no JSON numbers. */
function bareNumber(offset: number, text: string): SpecFix[] {
  const match = /^(\.\d+|\d+\.)(?=\s*[,}\]\n])/.exec(text.slice(offset));
  if (!match) return [];
  const written = match[0].startsWith('.') ? `0${match[0]}` : match[0].slice(0, -1);
  return [{ title: `Write ${written}`, edit: { start: offset, end: offset + match[0].length, text: written } }];
}

/** `"0,03"`. */
function decimalComma(said: string, at: { start: number; end: number }): SpecFix[] {
  const match = /^"(\d+),(\d+)"$/.exec(said);
  return match ? [{ title: `Write ${match[1]}.${match[2]}`, edit: { ...at, text: `${match[1]}.${match[2]}` } }] : [];
}

/** The word that was probably meant, as the problem names it. */
function suggestion(message: string, at: { start: number; end: number }): SpecFix[] {
  const match = /Did you mean "([^"]+)"\?$/.exec(message);
  return match ? [{ title: `Write "${match[1]}"`, edit: { ...at, text: `"${match[1]}"` } }] : [];
}

/** A key that is missing, at the end of its object. */
function missingKey(message: string, brace: number, text: string): SpecFix[] {
  const name = /^"([A-Za-z]+)" is missing/.exec(message)?.[1];
  const value = name === undefined ? undefined : VALUES[name];
  if (name === undefined || value === undefined) return [];
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const object = tree && objectAt(tree, brace);
  if (!object) return [];
  const last = object.children?.at(-1);
  const title = `Add "${name}": ${value.length > 24 ? '…' : value}`;
  if (!last) return [{ title, edit: { start: brace + 1, end: brace + 1, text: ` "${name}": ${value} ` } }];
  const end = last.offset + last.length;
  // In the way its neighbours stand: on a line of its own, or on theirs.
  const before = text.slice(text.lastIndexOf('\n', last.offset - 1) + 1, last.offset);
  const separator = /^\s*$/.test(before) ? `,\n${before}` : ', ';
  return [{ title, edit: { start: end, end, text: `${separator}"${name}": ${value}` } }];
}

function objectAt(tree: Node, offset: number): Node | undefined {
  let node = findNodeAtOffset(tree, offset, true);
  while (node && !(node.type === 'object' && node.offset === offset)) node = node.parent;
  return node;
}

/** `8` where `8/255` is meant: the problem names the scale. */
function inScaledUnits(message: string, said: string, at: { start: number; end: number }): SpecFix[] {
  const scale = /are multiplied by 1\/(\d+(?:\.\d+)?)/.exec(message)?.[1];
  const number = said.replace(/"/g, '');
  if (scale === undefined || number.includes('/') || NumberForm.of(number) === null) return [];
  return [{ title: `Write "${number}/${scale}"`, edit: { ...at, text: `"${number}/${scale}"` } }];
}
