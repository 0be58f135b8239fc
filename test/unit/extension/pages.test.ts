import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PAGE_SIZE, pagesOf, pageTitle, type Page } from '../../../src/extension/core/pages';

it('a list of any length comes in pages of pages, nothing twice and nothing lost', () => {
  const leaves = (page: Page): Page[] => {
    const parts = pagesOf(page);
    expect(parts.length).toBeLessThanOrEqual(PAGE_SIZE);
    return parts.length === 0 ? [page] : parts.flatMap(leaves);
  };
  fc.assert(
    fc.property(fc.nat(200_000), end => {
      let next = 0;
      for (const { first, end: last } of leaves({ first: 0, end })) {
        expect(first).toBe(next);
        expect(last - first).toBeLessThanOrEqual(PAGE_SIZE);
        next = last;
      }
      expect(next).toBe(end);
    }),
    { numRuns: 40 },
  );
});

it('what fits is not divided, and pages are counted from 1', () => {
  expect(pagesOf({ first: 0, end: PAGE_SIZE })).toEqual([]);
  expect(pageTitle({ first: 200, end: 400 })).toBe('201 – 400');
});
