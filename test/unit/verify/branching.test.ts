import { describe, expect, it } from 'vitest';
import type { Multipliers, Split, SplitBounds } from '../../../src/bounds/split-bounds';
import { candidatesAt, parts, type Splittable } from '../../../src/verify/neuron-split/branching';

const NONE: Multipliers = { alpha: new Float32Array(0), beta: new Float32Array(0) };

/** Sub-problems whose bound, −10 without splits, a split raises by what `gains` says of its place and side. */
class Tried implements SplitBounds {
  readonly width = 0;
  readonly tried = 2;
  readonly learned: (readonly [number, number])[] = [];
  private readonly given: (readonly Split[])[] = [];

  constructor(
    private readonly gains: Readonly<Record<number, { readonly above: number; readonly below: number }>>,
    readonly rows = 8,
  ) {}

  set(r: number, _form: number, splits: readonly Split[]): void {
    this.given[r] = splits;
  }
  estimate(rows: number): Float64Array {
    return Float64Array.from({ length: rows }, (_, r) => {
      const { place, sign } = this.given[r][this.given[r].length - 1];
      return -10 + this.gains[place][sign > 0 ? 'above' : 'below'];
    });
  }
  learn(_form: number, place: number, gain: number): void {
    this.learned.push([place, gain]);
  }
  optimise(rows: number): Float64Array {
    return this.estimate(rows);
  }
  certify(rows: readonly number[]): Float64Array {
    return new Float64Array(rows.length);
  }
  points(): Float64Array {
    return new Float64Array(0);
  }
  multipliers(): Multipliers {
    return NONE;
  }
  candidates(): number[] {
    return [];
  }
  neuron(place: number): { layer: number; neuron: number } {
    return { layer: 0, neuron: place };
  }
}

const open = (candidates: readonly number[]): Splittable => {
  return { row: 0, splits: [], multipliers: NONE, bound: -10, candidates };
};

describe('parts of sub-problems', () => {
  it('come of the split that raises both halves, not of one that closes a half and leaves the other', () => {
    const bounds = new Tried({ 3: { above: 10, below: 0 }, 5: { above: 4, below: 3 } });
    // As many parents as fill the rows: each is split once.
    const children = parts(bounds, [open([3, 5]), open([3, 5]), open([3, 5])]);
    expect(children).toHaveLength(6);
    expect(children.every(({ splits }) => splits.length === 1 && splits[0].place === 5)).toBe(true);
    expect(children.filter(({ splits }) => splits[0].sign === 1)).toHaveLength(3);
  });

  it('come with the easiest first, so that a search of neighbouring rows can end early', () => {
    const bounds = new Tried({ 3: { above: 1, below: 9 }, 5: { above: 0, below: 0 } });
    const children = parts(bounds, [open([3, 5]), open([3, 5]), open([3, 5])]);
    expect(children.map(({ splits }) => splits[0].sign)).toEqual([-1, -1, -1, 1, 1, 1]);
  });

  it('are worth no more than what is left to 0', () => {
    const bounds = new Tried({ 1: { above: 1000, below: 1 }, 2: { above: 5, below: 5 } });
    const [first] = parts(bounds, [open([1, 2]), open([1, 2])]);
    expect(first.splits[0].place).toBe(2);
    expect(bounds.learned[0][1]).toBeCloseTo(Math.sqrt(10 * 1), 12);
    expect(bounds.learned[1][1]).toBeCloseTo(5, 12);
  });

  it('still tell splits apart that gain on one side alone', () => {
    const bounds = new Tried({ 1: { above: 1, below: 0 }, 2: { above: 0, below: 2 } });
    const [first] = parts(bounds, [open([1, 2]), open([1, 2])]);
    expect(first.splits[0].place).toBe(2);
  });
});

describe('candidates', () => {
  it('are more near the root, and never more than the rows hold trials of', () => {
    const bounds = new Tried({});
    expect(candidatesAt(0, bounds)).toBe(4);
    expect(candidatesAt(9, bounds)).toBe(4);
    expect(candidatesAt(10, bounds)).toBe(2);
    expect(candidatesAt(0, new Tried({}, 6))).toBe(3);
  });
});
