/** A reproducible source of randomness: the same seed gives the same numbers on every machine (sfc32 by Chris Doty-Humphrey, 128 bits of state). */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** `stream` tells sources with the same seed apart, e.g. one per question. */
  constructor(seed: number, stream = 0) {
    this.a = seed | 0;
    this.b = Math.trunc(seed / 2 ** 32) ^ 0x9e3779b9;
    this.c = stream | 0;
    for (let k = 0; k < 15; k++) this.bits();
  }

  /** 32 random bits, as a number 0 .. 2^32 − 1. */
  bits(): number {
    const result = (this.a + this.b + this.counter++) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.bits() / 2 ** 32;
  }

  /** Uniform in 0 .. below − 1. */
  integer(below: number): number {
    return Math.floor(this.uniform() * below);
  }

  /** Standard normal (Box and Muller's polar form without the spare value). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Puts an array in random order, in place. */
  shuffle(values: Int32Array | unknown[]): void {
    for (let k = values.length - 1; k > 0; k--) {
      const other = this.integer(k + 1);
      [values[k], values[other]] = [values[other], values[k]];
    }
  }
}
