import type { TOOLS, ToolName } from './table';

type InputSchema = (typeof TOOLS)[ToolName]['inputSchema'];

/** One argument, as far as the tools' schemas say something of it. */
interface ArgumentSchema {
  readonly type: string;
  readonly items?: ArgumentSchema;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
}

const TYPES: Readonly<Record<string, { readonly word: string; readonly is: (value: unknown) => boolean }>> = {
  string: { word: 'a text that is not empty', is: value => typeof value === 'string' && value !== '' },
  number: { word: 'a number', is: value => typeof value === 'number' && Number.isFinite(value) },
  integer: { word: 'a whole number', is: Number.isSafeInteger },
  array: { word: 'a list', is: Array.isArray },
};

/** What is wrong with the arguments of a call, as a sentence; null where nothing is. What is not understood is never left out: it would be another question. */
export function mistakeIn(words: Readonly<Record<string, unknown>>, schema: InputSchema): string | null {
  const { properties, required } = schema as unknown as {
    readonly properties: Readonly<Record<string, ArgumentSchema>>;
    readonly required: readonly string[];
  };
  const missing = required.find(name => words[name] === undefined);
  if (missing !== undefined) return `Give “${missing}”. ${listOf(properties)}`;
  for (const [name, value] of Object.entries(words)) {
    const argument = properties[name];
    if (argument === undefined) return `There is no argument “${name}”. ${listOf(properties)}`;
    if (value === undefined) continue;
    const mistake = mistakeOf(value, argument);
    if (mistake !== null) return `“${name}” is ${JSON.stringify(value)}: ${mistake}.`;
  }
  return null;
}

function mistakeOf(value: unknown, { type, items, minimum, exclusiveMinimum }: ArgumentSchema): string | null {
  const { word, is } = TYPES[type]!;
  if (!is(value)) return `give ${word}`;
  if (typeof value === 'number' && minimum !== undefined && value < minimum) return `give ${minimum} or more`;
  if (typeof value === 'number' && exclusiveMinimum !== undefined && value <= exclusiveMinimum)
    return `give more than ${exclusiveMinimum}`;
  if (items === undefined) return null;
  const wrong = (value as readonly unknown[]).map(item => mistakeOf(item, items)).find(mistake => mistake !== null);
  return wrong === undefined ? null : `of every item, ${wrong}`;
}

function listOf(properties: object): string {
  return `It takes ${Object.keys(properties).join(', ')}.`;
}
