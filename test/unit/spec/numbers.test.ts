import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecimalReader, limitOf, readRational } from '../../../src/spec/numbers/decimal';
import { nextDown, nextUp } from '../../../src/spec/numbers/float';
import {
  compare,
  divide,
  fromNumber,
  rational,
  round,
  subtract,
  type Rational,
} from '../../../src/spec/numbers/rational';
import { parseWritten } from '../../../src/spec/numbers/written';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

/** Decimals as people and programs write them: few digits, 17 digits, exponents, trailing zeros, plus binary fractions. */
const decimals = fc.oneof(
  fc
    .tuple(fc.boolean(), fc.bigInt(0n, 10n ** 6n), fc.integer({ min: 0, max: 8 }))
    .map(([negative, m, k]) => decimal(negative, m, k)),
  fc
    .tuple(fc.boolean(), fc.bigInt(0n, 10n ** 19n), fc.integer({ min: 0, max: 25 }))
    .map(([negative, m, k]) => decimal(negative, m, k)),
  fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 100), max: 2 ** 100 }).map(x => String(x)),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 }).map(x => String(x)),
  fc.tuple(fc.integer({ min: -999999, max: 999999 }), fc.integer({ min: -30, max: 30 })).map(([m, e]) => `${m}e${e}`),
);

function decimal(negative: boolean, mantissa: bigint, fraction: number): string {
  const digits = mantissa.toString().padStart(fraction + 1, '0');
  const cut = digits.length - fraction;
  return `${negative ? '-' : ''}${digits.slice(0, cut)}${fraction > 0 ? `.${digits.slice(cut)}` : ''}`;
}

function distance(a: Rational, b: Rational): Rational {
  const d = subtract(a, b);
  return d.n < 0n ? rational(-d.n, d.d) : d;
}

/** The float32 numbers next to a float32. */
function neighbours32(x: number): number[] {
  const bits = new Int32Array(Float32Array.of(x).buffer)[0];
  const at = (offset: number): number => new Float32Array(Int32Array.of(bits + offset).buffer)[0];
  return x === 0 ? [2 ** -149, -(2 ** -149)] : [at(1), at(-1)];
}

describe('neighbours of float64 numbers', () => {
  it('are the next ones: nothing lies between', () => {
    fc.assert(
      fc.property(finite, x => {
        fc.pre(x !== Number.MAX_VALUE);
        const up = nextUp(x);
        expect(up).toBeGreaterThan(x);
        expect(nextDown(up)).toBe(x === 0 ? 0 : x);
        const middle = x + (up - x) / 2;
        expect(middle === x || middle === up).toBe(true);
      }),
    );
  });

  it('cross zero and stop at infinity', () => {
    expect(nextUp(0)).toBe(Number.MIN_VALUE);
    expect(nextUp(-Number.MIN_VALUE)).toBe(-0);
    expect(nextDown(0)).toBe(-Number.MIN_VALUE);
    expect(nextUp(Number.MAX_VALUE)).toBe(Infinity);
    expect(nextUp(Infinity)).toBe(Infinity);
    expect(nextUp(2 ** 32)).toBe(2 ** 32 + 2 ** -20);
    expect(nextDown(1)).toBe(1 - 2 ** -53);
  });
});

describe('rational numbers', () => {
  it('give back every float64 they came from', () => {
    fc.assert(
      fc.property(finite, x => {
        for (const rounding of ['nearest', 'down', 'up'] as const) expect(round(fromNumber(x), rounding)).toBe(x + 0);
      }),
    );
  });

  it('round in the direction asked for, to neighbours', () => {
    const parts = fc.tuple(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.bigInt(1n, 10n ** 30n));
    fc.assert(
      fc.property(parts, ([n, d]) => {
        const exact = rational(n, d);
        const [down, nearest, up] = [round(exact, 'down'), round(exact), round(exact, 'up')];
        expect(compare(fromNumber(down), exact)).toBeLessThanOrEqual(0);
        expect(compare(fromNumber(up), exact)).toBeGreaterThanOrEqual(0);
        expect(up === down || up === nextUp(down)).toBe(true);
        const other = nearest === down ? up : down;
        expect(compare(distance(fromNumber(nearest), exact), distance(fromNumber(other), exact))).toBeLessThanOrEqual(
          0,
        );
      }),
    );
  });

  it('round subnormal and huge numbers as the formats do', () => {
    expect(round(rational(1n, 2n ** 1075n))).toBe(0);
    expect(round(rational(1n, 2n ** 1075n), 'up')).toBe(Number.MIN_VALUE);
    expect(round(rational(3n, 2n ** 1075n))).toBe(2 * Number.MIN_VALUE);
    expect(round(rational(10n ** 309n))).toBe(Infinity);
    expect(round(rational(10n ** 309n), 'down')).toBe(Number.MAX_VALUE);
    expect(round(rational(-(10n ** 309n)), 'up')).toBe(-Number.MAX_VALUE);
    expect(round(rational(1n, 2n ** 149n), 'nearest', 'float32')).toBe(2 ** -149);
    expect(round(rational(2n ** 128n - 2n ** 103n), 'nearest', 'float32')).toBe(Infinity);
  });
});

describe('decimal literals', () => {
  const reader = new DecimalReader();

  it('agree with exact arithmetic: value, exactness, both sides, nearest float32', () => {
    fc.assert(
      fc.property(decimals, text => {
        if (reader.read(text, 0, text.length) !== 'ok') return;
        const exact = readRational(text);
        expect(reader.value).toBe(Number(text) + 0);
        expect(reader.exact).toBe(compare(fromNumber(reader.value), exact) === 0);
        expect(compare(fromNumber(reader.down), exact)).toBeLessThanOrEqual(0);
        expect(compare(fromNumber(reader.up), exact)).toBeGreaterThanOrEqual(0);
        expect(reader.exact ? reader.up : nextDown(nextDown(reader.up))).toBe(reader.down);
        for (const neighbour of neighbours32(reader.single)) {
          expect(
            compare(distance(fromNumber(reader.single), exact), distance(fromNumber(neighbour), exact)),
          ).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('round to float32 once, not by way of float64', () => {
    // 1 + 2^-24 is the middle between two float32 numbers; a little more must go up although its float64 is the middle itself.
    const text = '1.000000059604644775390625000000000000000000001';
    expect(reader.read(text, 0, text.length)).toBe('ok');
    expect(Math.fround(reader.value)).toBe(1);
    expect(reader.single).toBe(1 + 2 ** -23);
    expect(limitOf(readRational(text)).single).toBe(1 + 2 ** -23);
  });

  it('are recognised, and nothing else is', () => {
    const read = (text: string): string => reader.read(text, 0, text.length);
    for (const text of ['0', '-0', '.5', '5.', '+1', '1e5', '1E-5', '-1.5e+3', '0.0000'])
      expect(read(text), text).toBe('ok');
    for (const text of [
      '',
      '-',
      '.',
      'e5',
      '1e',
      '1e+',
      '1.2.3',
      '0x10',
      '1_000',
      'Infinity',
      'NaN',
      '1,5',
      '60261.0x0',
      '--1',
    ]) {
      expect(read(text), text).toBe('malformed');
    }
    for (const text of ['1e400', '1e-400', '-1e39', `0.${'0'.repeat(2000)}1`]) expect(read(text), text).toBe('range');
    expect(read('-0.0')).toBe('ok');
    expect(Object.is(reader.value, 0)).toBe(true);
  });

  it('know large integers that are exact', () => {
    for (const [text, exact] of [
      ['9007199254740993', false],
      ['9007199254740992', true],
      ['1e22', true],
      ['1e23', false],
      ['36893488147419103232', true],
    ] as const) {
      reader.read(text, 0, text.length);
      expect(reader.exact, text).toBe(exact);
    }
  });
});

describe('written numbers', () => {
  it('may be fractions', () => {
    const written = parseWritten(' 8 / 255 ');
    if ('error' in written) throw new Error(written.error);
    expect(compare(written.exact, divide(rational(8n), rational(255n)))).toBe(0);
    expect(written.value).toBe(8 / 255);
    expect(written.text).toBe('8/255');
  });

  it('say what is wrong with them', () => {
    expect(parseWritten('1/0')).toEqual({ error: 'divides by zero' });
    expect(parseWritten('1/2/3')).toEqual({ error: 'has more than one fraction bar' });
    expect(parseWritten('one')).toEqual({ error: 'is not a number' });
    expect(parseWritten('1e999')).toEqual({ error: 'is too large or too small' });
  });
});
