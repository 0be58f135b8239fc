import { getNodeValue, parseTree, type Node } from 'jsonc-parser';
import type { Range } from '../../base/result';
import { NumberForm } from '../../spec/numbers/number-form';
import { canonical, member, positions } from './outline';

/** The one number of a check that says how far something may move, and where it stands. */
export interface TuningPlace {
  /** Index of the check in the specification. */
  readonly index: number;
  /** The check's own name, if it has one. */
  readonly name: string | null;
  readonly kind: 'epsilon' | 'magnitude';
  /** As it is written, without quotes. */
  readonly text: string;
  /** How it is written; null for a text that is no number above 0. */
  readonly form: NumberForm | null;
  /** Its characters, without quotes: what an edit replaces. */
  readonly range: Range;
  /** The whole value, with its quotes. */
  readonly value: Range;
  /** The whole check. */
  readonly check: Range;
  /** Equal for two texts that ask the same about every size of this perturbation. */
  readonly meaning: string;
}

/** What does not change whether something holds for a sample: names, which samples are looked at, and how long the search may take. */
const BESIDE_THE_MEANING = ['name', 'epsilon', 'magnitude', 'solver'];

/** The numbers of a perturbation specification that can be tuned, in the order of its checks; of a text in the making what can be read. */
export function tuningPlaces(text: string): TuningPlace[] {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  if (tree?.type !== 'object') return [];
  const position = positions(text);
  const rangeOf = (offset: number, length: number): Range => ({
    start: position(offset),
    end: position(offset + length),
  });
  const inputs = valueOf(member(tree, 'inputs'));
  const shared = [
    ...['model', 'preprocess', 'property'].map(key => valueOf(member(tree, key))),
    isObject(inputs) ? without(inputs, ['select']) : inputs,
  ];
  return (member(tree, 'checks')?.children ?? []).flatMap((check, index): TuningPlace[] => {
    if (check.type !== 'object') return [];
    const kind = member(check, 'perturb')?.value === 'weights' ? 'magnitude' : 'epsilon';
    const given = member(check, kind);
    // A list of one number is that number.
    const node = given?.type === 'array' && given.children?.length === 1 ? given.children[0] : given;
    if (node?.type !== 'string' && node?.type !== 'number') return [];
    const quoted = node.type === 'string';
    const [offset, length] = quoted ? [node.offset + 1, Math.max(0, node.length - 2)] : [node.offset, node.length];
    const written = text.slice(offset, offset + length);
    // Escapes mean something else than they look like; nobody writes a number with them.
    if (quoted && written !== node.value) return [];
    const name = member(check, 'name')?.value as unknown;
    return [
      {
        index,
        name: typeof name === 'string' && name !== '' ? name : null,
        kind,
        text: written,
        form: NumberForm.of(written),
        range: rangeOf(offset, length),
        value: rangeOf(node.offset, node.length),
        check: rangeOf(check.offset, check.length),
        meaning: canonical([
          ...shared,
          without(getNodeValue(check) as object, BESIDE_THE_MEANING),
          soundness(tree, check),
        ]),
      },
    ];
  });
}

function soundness(tree: Node, check: Node): unknown {
  const own = member(check, 'solver');
  const all = member(tree, 'solver');
  return (own && member(own, 'soundness')?.value) ?? (all && member(all, 'soundness')?.value) ?? null;
}

function valueOf(node: Node | undefined): unknown {
  return node ? getNodeValue(node) : null;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function without(value: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}
