import type { Entry, Norm, PageState } from './protocol';

/** The norms a gallery can be ordered and filtered by. */
export const NORMS: readonly { readonly value: Norm; readonly label: string }[] = [
  { value: 'values', label: 'changed values' },
  { value: 'pixels', label: 'changed pixels' },
  { value: 'inf', label: 'L∞' },
  { value: 'two', label: 'L2' },
  { value: 'one', label: 'L1' },
];

/** The entries that a person wants to see; those that were found by the norm, the smallest first, the others in the order of the data. */
export function filtered(entries: readonly Entry[], state: PageState): readonly Entry[] {
  const most = state.most.trim() === '' ? Infinity : Number(state.most);
  const wanted = entries.filter(entry => {
    if (state.shown !== 'all' && entry.kind !== state.shown) return false;
    if (state.from !== '' && String(entry.from) !== state.from) return false;
    if (entry.kind !== 'found') return state.to === '' && most === Infinity;
    return (state.to === '' || String(entry.to) === state.to) && !(entry.norms[state.norm] > most);
  });
  const size = (entry: Entry): number => (entry.kind === 'found' ? entry.norms[state.norm] : Infinity);
  return [...wanted].sort((a, b) => (size(a) === size(b) ? a.sample - b.sample : size(a) - size(b)));
}

/** The classes that occur on one side, in order. */
export function classesOf(entries: readonly Entry[], side: 'from' | 'to'): readonly number[] {
  const found = entries.flatMap(entry => {
    const value = side === 'from' ? entry.from : entry.kind === 'found' ? entry.to : null;
    return value === null ? [] : [value];
  });
  return [...new Set(found)].sort((a, b) => a - b);
}
