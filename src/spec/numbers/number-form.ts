import { add, compare, divide, multiply, rational, subtract, ZERO, type Rational } from './rational';
import { readRational } from './decimal';
import { parseWritten } from './written';

/** The first literal of a written number: sign, digits and exponent; what stands around it is kept as it is. */
const LITERAL = /^(\s*\+?)(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?/;
/** Digits after the point beyond which halving and refining stop: nobody reads further. */
const MOST_DECIMALS = 12;
const TEN = rational(10n);
const TWO = rational(2n);

/**
 * The way a person wrote a positive number, so that another number can be written the same way: `2/255` stays a fraction over 255, `0.03` a decimal,
 * `3e-4` keeps its exponent and `0.5%` its sign. Only the first literal ever changes.
 */
export class NumberForm {
  private constructor(
    private readonly before: string,
    /** The number that the first literal is worth, without its exponent. */
    private readonly mantissa: Rational,
    /** Digits after the point of the first literal. */
    readonly decimals: number,
    private readonly after: string,
    /** What one of the first literal is worth. */
    private readonly unit: Rational,
  ) {}

  /** Null for a text that is no number above 0. */
  static of(text: string): NumberForm | null {
    const percent = /%\s*$/.exec(text);
    const written = parseWritten(percent ? text.slice(0, percent.index) : text);
    const match = LITERAL.exec(text);
    if ('error' in written || !match || compare(written.exact, ZERO) <= 0) return null;
    const [whole, before, digits] = match;
    const mantissa = readRational(digits);
    const exact = percent ? divide(written.exact, rational(100n)) : written.exact;
    const point = digits.indexOf('.');
    const decimals = point < 0 ? 0 : digits.length - point - 1;
    // The exponent belongs to what follows: it is kept, like a denominator.
    const after = text.slice(before.length + digits.length);
    return whole === '' ? null : new NumberForm(before, mantissa, decimals, after, divide(exact, mantissa));
  }

  /** The exact value of the text it was made from. */
  get value(): Rational {
    return multiply(this.mantissa, this.unit);
  }

  get text(): string {
    return this.written(this.mantissa, this.decimals);
  }

  /** One more in the last digit that was written: `5/255` becomes `6/255`, `0.030` becomes `0.031`. */
  up(): string {
    return this.written(add(this.mantissa, this.place(this.decimals)), this.decimals);
  }

  /** One less in the last digit that was written; where nothing would be left, in the digit after it: `1/255` becomes `0.9/255`. Null at the end of digits. */
  down(): string | null {
    for (let { decimals } = this; decimals <= MOST_DECIMALS; decimals++) {
      const less = subtract(this.mantissa, this.place(decimals));
      if (compare(less, ZERO) > 0) return this.written(less, decimals);
    }
    return null;
  }

  doubled(): string {
    return this.shortest(multiply(this.mantissa, TWO));
  }

  /** Null at the end of digits. */
  halved(): string | null {
    return this.decimals >= MOST_DECIMALS ? null : this.shortest(divide(this.mantissa, TWO));
  }

  /**
   * The numbers that can be written this way with so many significant digits near this one: whole multiples of a step.
   * @param digits significant digits of a number of this size, at least 1; never fewer digits after the point than were written
   */
  grid(digits: number): NumberGrid {
    let size = 0;
    for (let m = this.mantissa; compare(m, rational(1n)) < 0; m = multiply(m, TEN)) size--;
    for (let m = this.mantissa; compare(m, TEN) >= 0; m = divide(m, TEN)) size++;
    const decimals = Math.min(MOST_DECIMALS, Math.max(this.decimals, digits - 1 - size, 0));
    const step = this.place(decimals);
    const places = divide(this.mantissa, step);
    return {
      // Exactly, unless someone wrote more digits than a grid has.
      start: Number(places.n / places.d),
      step: multiply(step, this.unit),
      text: place => this.shortest(multiply(rational(BigInt(place)), step)),
    };
  }

  /** The value of one in the digit so far after the point. */
  private place(decimals: number): Rational {
    return rational(1n, 10n ** BigInt(decimals));
  }

  private shortest(mantissa: Rational): string {
    for (let decimals = 0; ; decimals++)
      if ((mantissa.n * 10n ** BigInt(decimals)) % mantissa.d === 0n) return this.written(mantissa, decimals);
  }

  /** `mantissa` has no more digits after the point than `decimals`. */
  private written(mantissa: Rational, decimals: number): string {
    const digits = ((mantissa.n * 10n ** BigInt(decimals)) / mantissa.d).toString().padStart(decimals + 1, '0');
    const cut = digits.length - decimals;
    const literal = decimals === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`;
    return `${this.before}${literal}${this.after}`;
  }
}

/** Numbers that are written the same way, counted from 0. */
export interface NumberGrid {
  /** Where the number stands that the grid was made from. */
  readonly start: number;
  /** The distance of neighbours. */
  readonly step: Rational;
  /** The number at a place above 0, as it is written; exactly `place · step`. */
  text(place: number): string;
}
