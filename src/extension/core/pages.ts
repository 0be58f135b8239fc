/** Items under one node of a tree: what a person scrolls through, and what a tree shows at once without being slow. */
export const PAGE_SIZE = 200;

/** A part of a long list, from `first` to before `end`. */
export interface Page {
  readonly first: number;
  readonly end: number;
}

/**
 * Parts of a list that has more than a page of items, at most a page of them: parts of parts where there are more than that. Empty where the items fit as they are.
 */
export function pagesOf({ first, end }: Page): readonly Page[] {
  const count = end - first;
  if (count <= PAGE_SIZE) return [];
  let size = PAGE_SIZE;
  while (Math.ceil(count / size) > PAGE_SIZE) size *= PAGE_SIZE;
  return Array.from({ length: Math.ceil(count / size) }, (_, k) => ({
    first: first + k * size,
    end: Math.min(end, first + (k + 1) * size),
  }));
}

/** "201 – 400", counted from 1 as people do. */
export function pageTitle({ first, end }: Page): string {
  return `${(first + 1).toLocaleString('en')} – ${end.toLocaleString('en')}`;
}
