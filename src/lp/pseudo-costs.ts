/** What splitting a branching has gained so far, per unit of its violation, by side: estimates for choosing, nothing more. */
export class PseudoCosts {
  private readonly gains = new Map<number, { sum: [number, number]; count: [number, number] }>();

  /** Whether both sides have been seen. */
  known(branching: number): boolean {
    const entry = this.gains.get(branching);
    return entry !== undefined && entry.count[0] > 0 && entry.count[1] > 0;
  }

  note({ branching, violation }: { branching: number; violation: number }, side: 0 | 1, gain: number): void {
    if (!Number.isFinite(gain)) return;
    let entry = this.gains.get(branching);
    if (!entry) this.gains.set(branching, (entry = { sum: [0, 0], count: [0, 0] }));
    entry.sum[side] += Math.max(0, gain) / violation;
    entry.count[side]++;
  }

  /** How much a split promises: the product of what the two sides may gain, each no more than is needed. */
  score(candidate: { branching: number; violation: number; guess: number }, need: number): number {
    const entry = this.gains.get(candidate.branching);
    const gain = (side: 0 | 1) => {
      const own =
        entry && entry.count[side] > 0 ? (entry.sum[side] / entry.count[side]) * candidate.violation : candidate.guess;
      return Math.max(1e-9, Math.min(own, need));
    };
    return gain(0) * gain(1);
  }
}
