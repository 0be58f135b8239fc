import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberForm } from '../../../src/spec/numbers/number-form';
import {
  add,
  compare,
  divide,
  multiply,
  rational,
  subtract,
  ZERO,
  type Rational,
} from '../../../src/spec/numbers/rational';
import { parseWritten } from '../../../src/spec/numbers/written';

function form(text: string): NumberForm {
  const made = NumberForm.of(text);
  if (!made) throw new Error(`${text} is a number above 0`);
  return made;
}

function value(text: string): Rational {
  const percent = text.trimEnd().endsWith('%');
  const written = parseWritten(percent ? text.trimEnd().slice(0, -1) : text);
  if ('error' in written) throw new Error(`${text} ${written.error}`);
  return percent ? divide(written.exact, rational(100n)) : written.exact;
}

function there(text: string | null): string {
  if (text === null) throw new Error('there is no such number');
  return text;
}

/** Numbers as people write them, and what follows the literal. */
const written = fc
  .record({
    whole: fc.integer({ min: 0, max: 9999 }),
    decimals: fc.integer({ min: 0, max: 6 }),
    fraction: fc.integer({ min: 0, max: 999_999 }),
    exponent: fc.constantFrom('', '', '', 'e-3', 'E2', 'e+1'),
    rest: fc.constantFrom('', '', '/255', ' / 255', '/2.55e2', '%', ' % '),
    plus: fc.constantFrom('', '', '+', ' '),
  })
  .map(({ whole, decimals, fraction, exponent, rest, plus }) => {
    const digits = decimals === 0 ? '' : `.${String(fraction).padStart(6, '0').slice(0, decimals)}`;
    return { text: `${plus}${whole}${digits}${exponent}${rest}`, after: `${exponent}${rest}` };
  })
  .filter(({ text }) => NumberForm.of(text) !== null);

describe('a number written as a person wrote another', () => {
  it.each([
    ['2/255', '3/255', '1/255', '4/255', '1/255'],
    ['5/255', '6/255', '4/255', '10/255', '2.5/255'],
    ['1/255', '2/255', '0.9/255', '2/255', '0.5/255'],
    ['9/255', '10/255', '8/255', '18/255', '4.5/255'],
    ['0.03', '0.04', '0.02', '0.06', '0.015'],
    ['0.1', '0.2', '0.09', '0.2', '0.05'],
    ['.5', '0.6', '0.4', '1', '0.25'],
    ['3e-4', '4e-4', '2e-4', '6e-4', '1.5e-4'],
    ['0.5%', '0.6%', '0.4%', '1%', '0.25%'],
    ['8 / 255', '9 / 255', '7 / 255', '16 / 255', '4 / 255'],
    ['0.10', '0.11', '0.09', '0.2', '0.05'],
  ])('%s goes up to %s, down to %s, doubles to %s and halves to %s', (text, up, down, doubled, halved) => {
    const made = form(text);
    expect([made.up(), made.down(), made.doubled(), made.halved()]).toEqual([up, down, doubled, halved]);
  });

  it.each(['', '0', '0/255', '-1/255', '1/0', 'abc', '1/2/3', '%', '1e999'])('%j is no number above 0', text => {
    expect(NumberForm.of(text)).toBeNull();
  });

  it('keeps everything but the first literal, and means what it says', () => {
    fc.assert(
      fc.property(written, ({ text, after }) => {
        const made = form(text);
        expect(compare(made.value, value(text))).toBe(0);
        const up = made.up();
        const down = there(made.down());
        for (const other of [up, down, made.doubled(), there(made.halved())]) expect(other.endsWith(after)).toBe(true);
        expect(compare(value(up), value(text))).toBe(1);
        expect(compare(value(down), value(text))).toBe(-1);
        expect(compare(value(down), ZERO)).toBe(1);
        expect(compare(value(made.doubled()), add(value(text), value(text)))).toBe(0);
        expect(compare(value(there(made.halved())), divide(value(text), rational(2n)))).toBe(0);
        // Up and down again is where it began.
        expect(compare(value(there(form(up).down())), value(text))).toBe(0);
        expect(compare(value(form(down).up()), value(text))).toBe(0);
      }),
    );
  });

  it('has a grid of numbers written the same way, on which it stands itself', () => {
    fc.assert(
      fc.property(
        written,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 100_000 }),
        (one, digits, place) => {
          const made = form(one.text);
          const grid = made.grid(digits);
          expect(grid.start).toBeGreaterThanOrEqual(10 ** (digits - 1));
          expect(compare(value(grid.text(grid.start)), value(one.text))).toBe(0);
          const text = grid.text(place);
          expect(text.endsWith(one.after)).toBe(true);
          expect(compare(value(text), multiply(rational(BigInt(place)), grid.step))).toBe(0);
          expect(compare(subtract(value(grid.text(place + 1)), value(text)), grid.step)).toBe(0);
        },
      ),
    );
  });

  it.each([
    ['2/255', 3, 200, 237, '2.37/255'],
    ['16/255', 3, 160, 155, '15.5/255'],
    ['0.03', 2, 30, 28, '0.028'],
    ['0.03', 2, 30, 30, '0.03'],
    ['5e-3', 2, 50, 44, '4.4e-3'],
    ['10%', 3, 100, 99, '9.9%'],
  ])('%s to %i digits starts at %i; the number at %i is %s', (text, digits, start, place, other) => {
    const grid = form(text).grid(digits);
    expect([grid.start, grid.text(place)]).toEqual([start, other]);
  });
});
