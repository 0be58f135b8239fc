/** Exact rational arithmetic for tests: what folding computes is compared with this. */
export class Rational {
  private constructor(
    readonly numerator: bigint,
    /** Positive. */
    readonly denominator: bigint,
  ) {}

  static readonly zero = new Rational(0n, 1n);

  /** The exact value of a float64 number. */
  static of(value: number): Rational {
    if (!Number.isFinite(value)) throw new Error(`no rational: ${value}`);
    let scaled = value;
    let shift = 0n;
    while (!Number.isInteger(scaled)) {
      scaled *= 2;
      shift++;
    }
    return new Rational(BigInt(scaled), 1n << shift);
  }

  plus(other: Rational): Rational {
    return new Rational(
      this.numerator * other.denominator + other.numerator * this.denominator,
      this.denominator * other.denominator,
    );
  }

  minus(other: Rational): Rational {
    return this.plus(new Rational(-other.numerator, other.denominator));
  }

  times(other: Rational): Rational {
    return new Rational(this.numerator * other.numerator, this.denominator * other.denominator);
  }

  over(other: Rational): Rational {
    const sign = other.numerator < 0n ? -1n : 1n;
    return new Rational(this.numerator * other.denominator * sign, this.denominator * other.numerator * sign);
  }

  /** The square root rounded down to 400 binary places: far finer than anything it is compared with. */
  root(): Rational {
    const target = (this.numerator << 800n) / this.denominator;
    let low = 0n;
    let high = 1n << BigInt(target.toString(2).length / 2 + 1 - ((target.toString(2).length / 2) % 1));
    while (high - low > 1n) {
      const middle = (low + high) / 2n;
      if (middle * middle <= target) low = middle;
      else high = middle;
    }
    return new Rational(low, 1n << 400n);
  }

  abs(): Rational {
    return this.numerator < 0n ? new Rational(-this.numerator, this.denominator) : this;
  }

  atMost(other: Rational): boolean {
    return this.numerator * other.denominator <= other.numerator * this.denominator;
  }
}
