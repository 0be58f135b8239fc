import { either, list, map, type Shape } from './shape';
import { integer, text } from './scalar-shapes';

/** Sample indices from `first` to `last`, both included. */
export interface IndexRange {
  readonly first: number;
  readonly last: number;
}

const FORM = /^\s*(\d{1,9})\s*(?:\.\.\s*(\d{1,9})\s*)?$/;

/** `"0..99"`, `"3"`, `3`, `"0..9,20..29"`, or a list of these. */
export function selection(): Shape<readonly IndexRange[]> {
  const ranges: Shape<readonly IndexRange[]> = {
    ...map(text('samples such as "0..99" or "3"'), 'spec/select', parseRanges),
    schema: () => ({ type: 'string', pattern: '^[\\d\\s.,]+$' }),
  };
  const single = map(integer(), 'spec/select', index => ({ value: [{ first: index, last: index }] }));
  const one: Shape<readonly IndexRange[]> = either(ranges, single);
  const many = map(list(one, 1), 'spec/select', parts => ({ value: parts.flat() }));
  const shape = either(one, many);
  return { ...shape, name: 'samples such as "0..99", "3" or "0..9,20..29"' };
}

function parseRanges(source: string): { value: IndexRange[] } | { error: string } {
  const value: IndexRange[] = [];
  for (const part of source.split(',')) {
    const match = FORM.exec(part);
    if (!match) return { error: `"${part.trim()}" selects no samples: write "0..99", "3" or "0..9,20..29".` };
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first) return { error: `"${part.trim()}" runs backwards: the first sample comes first.` };
    value.push({ first, last });
  }
  return { value };
}

/** The selected indices in the order written, each once. */
export function indicesOf(ranges: readonly IndexRange[]): number[] {
  const indices = new Set<number>();
  for (const { first, last } of ranges) for (let index = first; index <= last; index++) indices.add(index);
  return [...indices];
}
