import type { Node } from 'jsonc-parser';
import type { JsonSchema } from './json-schema';

/**
 * What a part of the specification looks like. One description reads it, reports what is wrong at the exact characters, and gives the JSON
 * schema from which the editor completes: so they cannot drift apart.
 */
export interface Shape<T> {
  /** As it goes into a message: "a number above 0". */
  readonly name: string;
  /** Whether a value of this JSON type was meant to be this shape, however wrong it is inside. */
  accepts(node: Node): boolean;
  /** The value, or undefined after reporting what is wrong with it. */
  read(node: Node, context: Context): T | undefined;
  schema(): JsonSchema;
}

/** Where readers put what they find, and the text they read. */
export interface Context {
  readonly text: string;
  report(code: string, message: string, node: Node, severity?: 'error' | 'warning'): void;
}

/** A key of an object. */
export interface Field<T> {
  readonly shape: Shape<unknown>;
  readonly required: boolean;
  readonly description: string;
  /** What leaving it out means, as JSON; for the schema only. */
  readonly default?: unknown;
  /** Never set: carries the type of the value. */
  readonly type?: T;
}

export function required<T>(shape: Shape<T>, description: string): Field<T> {
  return { shape, required: true, description };
}

export function optional<T>(shape: Shape<T>, description: string, byDefault?: unknown): Field<T | undefined> {
  return { shape, required: false, description, default: byDefault };
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type ValuesOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** An object with these keys and no others. */
export function object<F extends Fields>(fields: F): Shape<ValuesOf<F>> {
  return {
    name: 'an object',
    accepts: node => node.type === 'object',
    read(node, context) {
      if (node.type !== 'object') return mismatch(node, context, 'an object');
      const values: Record<string, unknown> = {};
      const seen = new Set<string>();
      let complete = true;
      for (const { key, value } of propertiesOf(node)) {
        const name: string = key.value;
        const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
        if (seen.has(name)) {
          context.report('spec/duplicate-key', `"${name}" is given twice.`, key);
          complete = false;
        } else if (!field) {
          reportUnknownKey(name, Object.keys(fields), key, context);
          complete = false;
        } else {
          values[name] = field.shape.read(value, context);
          complete &&= values[name] !== undefined;
        }
        seen.add(name);
      }
      for (const [name, field] of Object.entries(fields)) {
        if (!field.required || seen.has(name)) continue;
        context.report('spec/missing-key', `"${name}" is missing. ${field.description}`, openingOf(node));
        complete = false;
      }
      return complete ? (values as ValuesOf<F>) : undefined;
    },
    schema: () => ({
      type: 'object',
      additionalProperties: false,
      required: Object.keys(fields).filter(name => fields[name].required),
      properties: Object.fromEntries(
        Object.entries(fields).map(([name, field]) => [
          name,
          {
            ...field.shape.schema(),
            description: field.description,
            ...(field.default === undefined ? {} : { default: field.default }),
          },
        ]),
      ),
    }),
  };
}

type VariantsOf<Tag extends string, V extends Readonly<Record<string, Fields>>> = {
  [K in keyof V & string]: ValuesOf<V[K]> & { readonly [T in Tag]: K };
}[keyof V & string];

/** Objects told apart by the text under `tag`. */
export function variants<Tag extends string, V extends Readonly<Record<string, Fields>>>(
  tag: Tag,
  description: string,
  byTag: V,
  explain: Readonly<Record<keyof V & string, string>>,
): Shape<VariantsOf<Tag, V>> {
  const names = Object.keys(byTag);
  const tagShape = choice(explain);
  const variant = (name: string): Shape<unknown> => object({ [tag]: required(tagShape, description), ...byTag[name] });
  return {
    name: 'an object',
    accepts: node => node.type === 'object',
    read(node, context) {
      if (node.type !== 'object') return mismatch(node, context, 'an object');
      const tagged = propertiesOf(node).find(({ key }) => key.value === tag);
      if (!tagged) {
        context.report(
          'spec/missing-key',
          `"${tag}" is missing: ${listed(names.map(name => `"${name}"`))}.`,
          openingOf(node),
        );
        return undefined;
      }
      const name = tagShape.read(tagged.value, context);
      if (name === undefined) return undefined;
      return variant(name).read(node, context) as VariantsOf<Tag, V> | undefined;
    },
    schema: () => ({
      oneOf: names.map(name => {
        const schema = variant(name).schema();
        const tagSchema: JsonSchema = { const: name, description: explain[name] };
        return { ...schema, description: explain[name], properties: { ...schema.properties, [tag]: tagSchema } };
      }),
    }),
  };
}

/** One of a few texts. */
export function choice<K extends string>(explain: Readonly<Record<K, string>>): Shape<K> {
  const values = Object.keys(explain) as K[];
  const name = listed(values.map(value => `"${value}"`));
  return {
    name,
    accepts: node => node.type === 'string',
    read(node, context) {
      if (node.type !== 'string') return mismatch(node, context, name);
      const found = values.find(value => value === node.value);
      if (found !== undefined) return found;
      const close = nearest(String(node.value), values);
      const hint = close === undefined ? '' : ` Did you mean "${close}"?`;
      context.report('spec/value', `"${node.value}" is none of ${name}.${hint}`, node);
      return undefined;
    },
    schema: () => ({ enum: values, markdownEnumDescriptions: values.map(value => explain[value]) }),
  };
}

/** Zero or more (or `minimum` or more) values of one shape. */
export function list<T>(item: Shape<T>, minimum = 0): Shape<readonly T[]> {
  const name = `a list (each ${item.name})`;
  return {
    name,
    accepts: node => node.type === 'array',
    read(node, context) {
      if (node.type !== 'array') return mismatch(node, context, name);
      const children = node.children ?? [];
      if (children.length < minimum) {
        context.report(
          'spec/length',
          minimum === 1 ? 'This list is empty.' : `This list needs at least ${minimum} entries.`,
          node,
        );
        return undefined;
      }
      const values = children.map(child => item.read(child, context));
      return values.includes(undefined) ? undefined : (values as T[]);
    },
    schema: () => ({ type: 'array', items: item.schema(), ...(minimum > 0 ? { minItems: minimum } : {}) }),
  };
}

/** The first shape whose JSON type fits; reports in its words. */
export function either<A, B>(first: Shape<A>, second: Shape<B>): Shape<A | B> {
  const name = `${first.name} or ${second.name}`;
  return {
    name,
    accepts: node => first.accepts(node) || second.accepts(node),
    read(node, context) {
      if (first.accepts(node)) return first.read(node, context);
      if (second.accepts(node)) return second.read(node, context);
      return mismatch(node, context, name);
    },
    schema: () => {
      const [a, b] = [first.schema(), second.schema()];
      return { anyOf: [...(a.anyOf ?? [a]), ...(b.anyOf ?? [b])] };
    },
  };
}

/** `shape` read into something else; `convert` returns the sentence to report when it cannot. */
export function map<A, B>(
  shape: Shape<A>,
  code: string,
  convert: (value: A) => { value: B } | { error: string },
): Shape<B> {
  return {
    ...shape,
    read(node, context) {
      const value = shape.read(node, context);
      if (value === undefined) return undefined;
      const converted = convert(value);
      if ('value' in converted) return converted.value;
      context.report(code, converted.error, node);
      return undefined;
    },
  };
}

/** Reports that a value has the wrong JSON type. */
export function mismatch(node: Node, context: Context, expected: string): undefined {
  context.report('spec/type', `Expected ${expected}, found ${foundName(node)}.`, node);
  return undefined;
}

function foundName(node: Node): string {
  if (node.type === 'array') return 'a list';
  if (node.type === 'object') return 'an object';
  if (node.type === 'string') return node.value === '' ? 'an empty text' : `the text "${node.value}"`;
  return String(node.value);
}

function propertiesOf(node: Node): { key: Node; value: Node }[] {
  const properties: { key: Node; value: Node }[] = [];
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (key && value) properties.push({ key, value });
  }
  return properties;
}

/** The opening brace: where something missing from an object is reported. */
function openingOf(node: Node): Node {
  return { ...node, length: 1 };
}

function reportUnknownKey(name: string, known: readonly string[], key: Node, context: Context): void {
  const close = nearest(name, known);
  const hint = close === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean "${close}"?`;
  context.report('spec/unknown-key', `"${name}" is unknown here. ${hint}`, key);
}

/** The known word that a slip of the fingers turned into `word`, if there is one. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.min(2, Math.floor(word.length / 2)) + 1;
  for (const candidate of known) {
    const prefix =
      lower.length >= 3 && (candidate.toLowerCase().startsWith(lower) || lower.startsWith(candidate.toLowerCase()));
    const distance = prefix ? 1 : editDistance(lower, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(substitution, previous[j] + 1, current[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        current[j] = Math.min(current[j], before[j - 2] + 1);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length];
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}
