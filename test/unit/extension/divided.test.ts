import { describe, expect, it } from 'vitest';
import { divided } from '../../../src/extension/grafting/divided';

describe('a part of an ε', () => {
  it.each([
    ['8/255', 2, '4/255'],
    ['5/255', 2, '2.5/255'],
    ['0.1', 4, '0.025'],
    [' 1 / 255 ', 2, '0.5/255'],
    ['1e-3', 2, '0.0005'],
  ])('%s by %d is %s', (epsilon, by, part) => expect(divided(epsilon, by)).toBe(part));

  it.each(['784 radii', '', '0', '-1', 'a/b'])('of “%s” there is none', epsilon =>
    expect(divided(epsilon, 2)).toBeNull(),
  );
});
