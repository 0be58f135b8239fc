/** m·2^e exactly: what sums and products of float64 numbers are. Far cheaper than fractions, which never need to be reduced here. */
export class Dyadic {
  private constructor(
    private readonly m: bigint,
    private readonly e: number,
  ) {}

  static readonly zero = new Dyadic(0n, 0);

  static of(value: number): Dyadic {
    if (!Number.isFinite(value)) throw new Error(`no number: ${value}`);
    if (value === 0) return Dyadic.zero;
    // With |scaled| in [2^52, 2^53) the number is whole; subnormal ones are whole earlier.
    const e = Math.max(-1074, Math.floor(Math.log2(Math.abs(value))) - 54);
    const scaled = e < -1000 ? value * 2 ** 1000 * 2 ** (-e - 1000) : value * 2 ** -e;
    return new Dyadic(BigInt(scaled), e);
  }

  plus(other: Dyadic): Dyadic {
    if (this.e < other.e) return other.plus(this);
    return new Dyadic((this.m << BigInt(this.e - other.e)) + other.m, other.e);
  }

  times(other: Dyadic): Dyadic {
    return new Dyadic(this.m * other.m, this.e + other.e);
  }

  get negative(): boolean {
    return this.m < 0n;
  }

  atMost(other: Dyadic): boolean {
    return this.plus(new Dyadic(-other.m, other.e)).m <= 0n;
  }
}
