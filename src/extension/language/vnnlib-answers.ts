import {
  commandBefore,
  inComment,
  mentionAt,
  occurrences,
  type Declaration,
  type Mention,
  type Span,
  type VnnlibIndex,
} from './vnnlib-index';

const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?`;
/** A variable of a huge file is mentioned at most this many times before looking on is not worth the wait. */
const MOST_LOOKED_AT = 64;

/** The variable as the file writes it, e.g. `X_3` or `X[0,3]`. */
export function mentionText(text: string, { start, end }: Span): string {
  return text.slice(start, end).replace(/\s+/g, '');
}

/** Position of a mention in the flat input or output vector; null where the indices do not fit the declaration. */
export function flatIndex(index: VnnlibIndex, mention: Mention): number | null {
  const declaration = index.byName.get(mention.name);
  if (!declaration) return null;
  if (index.version === 1) return Number(mention.name.slice(2));
  const before = index.declarations.filter(each => each.side === declaration.side && each.start < declaration.start);
  const offset = before.reduce((sum, each) => sum + sizeOf(each), 0);
  if (declaration.shape.length === 0) return offset;
  if (mention.indices?.length !== declaration.shape.length) return null;
  let flat = 0;
  for (const [axis, extent] of declaration.shape.entries()) {
    const at = mention.indices[axis];
    if (!(at >= 0 && at < extent)) return null;
    flat = flat * extent + at;
  }
  return offset + flat;
}

export function sizeOf({ shape }: Declaration): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** What the model says about its tensors, for explanations; absent where it has not been read. */
export interface ModelShapes {
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** What a variable is, in a few lines of text: where it stands in the tensor (and in an image), and its bounds. */
export function explain(text: string, index: VnnlibIndex, mention: Mention, model: ModelShapes | null): string[] {
  const declaration = index.byName.get(mention.name)!;
  const written = mentionText(text, mention);
  const flat = flatIndex(index, mention);
  if (flat === null) {
    if (mention.indices === null && declaration.shape.length > 0)
      return [
        `${declaration.name}: ${declaration.side} tensor of ${sizeOf(declaration)} ${declaration.elementType} elements, shape ${shapeText(declaration.shape)}.`,
      ];
    return [`${written} is outside ${declaration.name}, whose shape is ${shapeText(declaration.shape)}.`];
  }
  const lines = [
    `${written}: element ${flat} of the network's ${declaration.side}s${place(flat, declaration, model)}.`,
  ];
  const bounds = boundsOf(text, written);
  if (bounds !== null) lines.push(bounds);
  return lines;
}

function place(flat: number, { side, shape }: Declaration, model: ModelShapes | null): string {
  const tensors = model?.[side === 'input' ? 'inputs' : 'outputs'];
  const of = tensors?.length === 1 ? tensors[0] : null;
  const own = of?.shape ?? shape;
  const extents = own.filter((extent, axis) => !(axis === 0 && extent <= 1));
  const size = extents.reduce((product, extent) => product * extent, 1);
  const where = of ? `, tensor ${of.name}` : '';
  if (size <= flat || extents.length < 2) return where;
  const indices: number[] = [];
  let rest = flat;
  for (const extent of [...extents].reverse()) {
    indices.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  if (extents.length === 3 && side === 'input' && extents[0] <= 4)
    return `${where}: pixel in row ${indices[1]}, column ${indices[2]}${extents[0] > 1 ? `, channel ${indices[0]}` : ''}`;
  return `${where}, index [${indices.join(', ')}]`;
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** The plain bounds that the text gives a variable, as a sentence; null where there are none. */
export function boundsOf(text: string, written: string): string | null {
  const name = written.replace(/[[\]]/g, '\\$&').replace(/,/g, '\\s*,\\s*');
  const pattern = new RegExp(
    String.raw`\(\s*(<=|>=|<|>|==?)\s+(?:(${name})\s+(${NUMBER})|(${NUMBER})\s+(${name}))\s*\)`,
    'g',
  );
  let low: string | null = null;
  let high: string | null = null;
  let seen = 0;
  for (let match = pattern.exec(text); match && seen < MOST_LOOKED_AT; match = pattern.exec(text), seen++) {
    const [, relation, left, right, number] = match;
    const value = left === undefined ? number : right;
    const below = (relation.startsWith('<') && left !== undefined) || (relation.startsWith('>') && left === undefined);
    if (relation.startsWith('=')) low = high = value;
    else if (below) high ??= value;
    else low ??= value;
  }
  if (low === null && high === null) return null;
  if (low === high) return `Fixed at ${low}.`;
  if (low === null) return `At most ${high}; no lower bound is written as one number.`;
  if (high === null) return `At least ${low}; no upper bound is written as one number.`;
  const width = Number(high) - Number(low);
  return `Between ${low} and ${high} (${Number(width.toPrecision(6))} wide).`;
}

/** A node of the outline. */
export interface OutlineItem {
  readonly name: string;
  readonly detail: string;
  readonly kind: 'group' | 'input' | 'output' | 'assertion';
  readonly whole: Span;
  readonly selection: Span;
  readonly children: readonly OutlineItem[];
}

/** A group lists its members up to this many. */
const MOST_MEMBERS = 500;

/** Inputs, outputs and assertions as a tree. */
export function outlineItems(text: string, index: VnnlibIndex): OutlineItem[] {
  const items: OutlineItem[] = [];
  for (const side of ['input', 'output'] as const) {
    const own = index.declarations.filter(each => each.side === side);
    if (own.length === 0) continue;
    const members = own.map((each): OutlineItem => ({
      name: each.name,
      detail: each.shape.length > 0 ? `${each.elementType} ${shapeText(each.shape)}` : each.elementType,
      kind: side,
      whole: each.whole,
      selection: each,
      children: [],
    }));
    items.push(
      ...grouped(
        side === 'input' ? 'Inputs' : 'Outputs',
        own.reduce((sum, each) => sum + sizeOf(each), 0),
        members,
      ),
    );
  }
  const assertions = index.commands.filter(command => command.name === 'assert');
  const members = assertions.slice(0, MOST_MEMBERS).map((command): OutlineItem => ({
    name: firstWords(text, command),
    detail: '',
    kind: 'assertion',
    whole: command,
    selection: { start: command.start, end: Math.min(command.end, command.start + '(assert'.length) },
    children: [],
  }));
  if (members.length > 0) items.push(...grouped('Assertions', assertions.length, members));
  return items;
}

function grouped(name: string, count: number, members: readonly OutlineItem[]): OutlineItem[] {
  const whole = {
    start: members.reduce((least, each) => Math.min(least, each.whole.start), Infinity),
    end: members.reduce((most, each) => Math.max(most, each.whole.end), 0),
  };
  const selection = members[0].selection;
  return [{ name, detail: String(count), kind: 'group', whole, selection, children: members.slice(0, MOST_MEMBERS) }];
}

const LONGEST_NAME = 60;

function firstWords(text: string, { start, end }: Span): string {
  const words = text
    .slice(start, Math.min(end, start + 4 * LONGEST_NAME))
    .replace(/;[^\n]*/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^\(assert ?/, '')
    .replace(/\)$/, '');
  return words.length > LONGEST_NAME ? `${words.slice(0, LONGEST_NAME - 1)}…` : words;
}

/** Where renaming is possible, the word; else why it is not. */
export function renamable(
  text: string,
  index: VnnlibIndex,
  offset: number,
): { readonly kind: 'name'; readonly mention: Mention } | { readonly kind: 'refused'; readonly reason: string } {
  const mention = mentionAt(text, index, offset);
  if (!mention) return { kind: 'refused', reason: 'There is no variable here.' };
  if (index.version === 1)
    return {
      kind: 'refused',
      reason: `Version 1.0 fixes the names of its variables: ${mention.name} stands for ${mention.name.startsWith('X') ? 'an input' : 'an output'} by its number.`,
    };
  return { kind: 'name', mention };
}

/** The places to replace for a rename; a sentence where the new name cannot be taken. */
export function renamePlaces(
  text: string,
  index: VnnlibIndex,
  name: string,
  newName: string,
):
  | { readonly kind: 'places'; readonly places: readonly Span[] }
  | { readonly kind: 'refused'; readonly reason: string } {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(newName))
    return { kind: 'refused', reason: 'A name begins with a letter and goes on with letters, digits and _.' };
  if (newName !== name && index.byName.has(newName))
    return { kind: 'refused', reason: `${newName} is another variable of this file.` };
  return { kind: 'places', places: occurrences(text, name) };
}

/** One suggestion while typing. */
export interface Suggestion {
  readonly label: string;
  /** With `$1`, `$2` … where the person goes on. */
  readonly snippet: string;
  readonly detail: string;
  readonly kind: 'command' | 'operator' | 'variable' | 'type';
}

const COMMANDS_1: readonly Suggestion[] = [
  {
    label: 'declare-const',
    snippet: 'declare-const ${1|X,Y|}_${2:0} Real',
    detail: 'Declares one input or output',
    kind: 'command',
  },
  {
    label: 'assert',
    snippet: 'assert (${1|<=,>=,and,or|} $2)',
    detail: 'What an unsafe point satisfies',
    kind: 'command',
  },
];
const COMMANDS_2: readonly Suggestion[] = [
  { label: 'vnnlib-version', snippet: 'vnnlib-version <2.0>', detail: 'First command of a 2.0 file', kind: 'command' },
  {
    label: 'declare-network',
    snippet:
      'declare-network ${1:f}\n  (declare-input ${2:X} float32 [${3:1,784}])\n  (declare-output ${4:Y} float32 [${5:1,10}])\n',
    detail: 'The network and its tensors',
    kind: 'command',
  },
  COMMANDS_1[1],
];
const INSIDE_NETWORK: readonly Suggestion[] = [
  {
    label: 'declare-input',
    snippet: 'declare-input ${1:X} float32 [${2:1}]',
    detail: 'An input tensor',
    kind: 'command',
  },
  {
    label: 'declare-output',
    snippet: 'declare-output ${1:Y} float32 [${2:1}]',
    detail: 'An output tensor',
    kind: 'command',
  },
];
const OPERATORS: readonly Suggestion[] = [
  { label: 'and', snippet: 'and $0', detail: 'All of them', kind: 'operator' },
  { label: 'or', snippet: 'or $0', detail: 'At least one of them', kind: 'operator' },
  { label: '<=', snippet: '<= $1 $2', detail: 'At most', kind: 'operator' },
  { label: '>=', snippet: '>= $1 $2', detail: 'At least', kind: 'operator' },
  { label: '<', snippet: '< $1 $2', detail: 'Less than', kind: 'operator' },
  { label: '>', snippet: '> $1 $2', detail: 'More than', kind: 'operator' },
  { label: '==', snippet: '== $1 $2', detail: 'Equal', kind: 'operator' },
];
/** Variables beyond this many are reached by typing their names. */
const MOST_VARIABLES = 200;

/** What can stand at an offset, by what stands before it. */
export function suggestions(text: string, index: VnnlibIndex, offset: number): Suggestion[] {
  if (inComment(text, offset)) return [];
  const command = commandBefore(index, offset);
  const inside = command !== undefined && (offset < command.end || text[command.end - 1] !== ')');
  const opened = /\(\s*[A-Za-z<>=!-]*$/.test(text.slice(Math.max(0, offset - 40), offset));
  if (!inside || (command.name === '' && opened)) return [...(index.version === 1 ? COMMANDS_1 : COMMANDS_2)];
  if (/^\(\s*[a-z-]*$/.test(text.slice(command.start, offset)))
    return [...(index.version === 1 ? COMMANDS_1 : COMMANDS_2)];
  if (command.name === 'declare-network') return opened ? [...INSIDE_NETWORK] : [];
  if (command.name !== 'assert') return [];
  if (opened) return [...OPERATORS];
  return index.declarations.slice(-MOST_VARIABLES).map(each => ({
    label: each.name,
    snippet:
      each.shape.length === 0 ? each.name : `${each.name}[${each.shape.map((_, k) => `\${${k + 1}:0}`).join(',')}]`,
    detail: `${each.side}${each.shape.length > 0 ? ` ${shapeText(each.shape)}` : ''}`,
    kind: 'variable',
  }));
}
