import type { Node } from 'jsonc-parser';
import { compare, rational, ZERO } from '../numbers/rational';
import { parseWritten, type Written } from '../numbers/written';
import type { JsonSchema } from './json-schema';
import { mismatch, type Context, type Shape } from './shape';

/** Any text but the empty one. */
export function text(name = 'a text in quotes'): Shape<string> {
  return {
    name,
    accepts: node => node.type === 'string',
    read(node, context) {
      if (node.type !== 'string' || node.value === '') return mismatch(node, context, name);
      return String(node.value);
    },
    schema: () => ({ type: 'string', minLength: 1 }),
  };
}

/** True or false. */
export function flag(): Shape<boolean> {
  const name = 'true or false';
  return {
    name,
    accepts: node => node.type === 'boolean',
    read: (node, context) => (node.type === 'boolean' ? Boolean(node.value) : mismatch(node, context, name)),
    schema: () => ({ type: 'boolean' }),
  };
}

/** A whole number from `minimum` up. */
export function integer(minimum = 0): Shape<number> {
  const name = `a whole number from ${minimum} up`;
  return {
    name,
    accepts: node => node.type === 'number',
    read(node, context) {
      if (node.type !== 'number') return mismatch(node, context, name);
      const value = Number(node.value);
      if (Number.isSafeInteger(value) && value >= minimum) return value;
      context.report('spec/value', `Expected ${name}, found ${sourceOf(node, context)}.`, node);
      return undefined;
    },
    schema: () => ({ type: 'integer', minimum }),
  };
}

const FRACTION =
  '^\\s*[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?\\s*(/\\s*[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?\\s*)?$';

/** A number, or a fraction in quotes. `positive`: above zero; `nonNegative`: not below it. */
export function number(sign: 'any' | 'positive' | 'nonNegative' = 'any'): Shape<Written> {
  const limit = sign === 'positive' ? ' above 0' : sign === 'nonNegative' ? ' not below 0' : '';
  const name = `a number${limit} (fractions in quotes: "1/255")`;
  return {
    name,
    accepts: node => node.type === 'number' || node.type === 'string',
    read(node, context) {
      const written = readWritten(node, context, name);
      if (written === undefined) return undefined;
      const order = compare(written.exact, ZERO);
      if ((sign === 'positive' && order <= 0) || (sign === 'nonNegative' && order < 0)) {
        context.report('spec/value', `Expected a number${limit}, found ${written.text}.`, node);
        return undefined;
      }
      return written;
    },
    schema: () => ({
      anyOf: [
        {
          type: 'number',
          ...(sign === 'positive' ? { exclusiveMinimum: 0 } : sign === 'nonNegative' ? { minimum: 0 } : {}),
        },
        { type: 'string', pattern: FRACTION },
      ],
    }),
  };
}

/** How much each weight may change: a number, or a percentage of what `of` names. */
export interface Magnitude {
  /** The number as written; of a percentage, the part of one ("0.03%" is 3/10000). */
  readonly amount: Written;
  /** The lower end where both are given; null where a weight may move as far down as up. */
  readonly lower: Written | null;
  readonly relative: boolean;
}

/** One size either way, or the lower and the upper end of every change. */
export function magnitude(): Shape<Magnitude> {
  const size = 'a number above 0 or a percentage such as "0.03%"';
  const name = `${size}, or a lower and an upper end such as ["-1%", "2%"]`;
  const end: JsonSchema = { anyOf: [{ type: 'number' }, { type: 'string', pattern: '%?\\s*$' }] };
  return {
    name,
    accepts: node => node.type === 'number' || node.type === 'string' || node.type === 'array',
    read(node, context) {
      if (node.type === 'array') return readEnds(node, context);
      const read = readEnd(node, context, size);
      if (read === undefined) return undefined;
      if (compare(read.amount.exact, ZERO) > 0) return { ...read, lower: null };
      context.report('spec/value', `Expected ${size}, found ${sourceOf(node, context)}.`, node);
      return undefined;
    },
    schema: () => ({
      anyOf: [
        { type: 'number', exclusiveMinimum: 0 },
        { type: 'string', pattern: '%?\\s*$' },
        { type: 'array', items: end, minItems: 2, maxItems: 2 },
      ],
    }),
  };
}

/** The lower and the upper end of a magnitude. */
function readEnds(node: Node, context: Context): Magnitude | undefined {
  const ends = (node.children ?? []).map(child => readEnd(child, context, 'a number or a percentage such as "2%"'));
  if (ends.includes(undefined)) return undefined;
  const [lower, upper] = ends;
  const refuse = (message: string): undefined => {
    context.report('spec/value', message, node);
    return undefined;
  };
  if (lower === undefined || upper === undefined || ends.length !== 2)
    return refuse('Expected two ends: the lower and the upper one, such as ["-1%", "2%"].');
  if (lower.relative !== upper.relative) return refuse('Give both ends as percentages, or both as numbers.');
  if (compare(lower.amount.exact, upper.amount.exact) > 0)
    return refuse(`The lower end ${lower.amount.text} lies above the upper end ${upper.amount.text}; exchange them.`);
  if (compare(lower.amount.exact, ZERO) === 0 && compare(upper.amount.exact, ZERO) === 0)
    return refuse('Both ends are 0: nothing is perturbed.');
  return { ...upper, lower: lower.amount };
}

/** One end of a magnitude, of any sign. */
function readEnd(node: Node, context: Context, name: string): Pick<Magnitude, 'amount' | 'relative'> | undefined {
  const source = node.type === 'string' ? String(node.value).trim() : '';
  if (!source.endsWith('%')) {
    const amount = readWritten(node, context, name);
    return amount && { amount, relative: false };
  }
  const percent = parseWritten(source.slice(0, -1));
  if ('error' in percent) {
    context.report('spec/value', `Expected ${name}, found "${source}".`, node);
    return undefined;
  }
  const exact = rational(percent.exact.n, percent.exact.d * 100n);
  return { amount: { exact, value: percent.value / 100, text: source }, relative: true };
}

function readWritten(node: Node, context: Context, name: string): Written | undefined {
  if (node.type !== 'number' && node.type !== 'string') return mismatch(node, context, name);
  const source = node.type === 'number' ? sourceOf(node, context) : String(node.value);
  const written = parseWritten(source);
  if (!('error' in written)) return written;
  context.report('spec/number', `"${source}" ${written.error}. Expected ${name}.`, node);
  return undefined;
}

/** A value exactly as the file writes it. */
function sourceOf(node: Node, context: Context): string {
  return context.text.slice(node.offset, node.offset + node.length);
}
