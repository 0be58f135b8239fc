import type { SubProblem } from './sub-problem';

/** Above so many open sub-problems only depth first, which closes them. */
const LOWEST_AMONG = 4096;

/** The open sub-problems of all disjuncts: a stack each. */
export class Frontier {
  private readonly stacks: SubProblem[][];

  constructor(disjuncts: number) {
    this.stacks = Array.from({ length: disjuncts }, () => []);
  }

  /** The most dangerous of `subs` last. */
  push(subs: readonly SubProblem[]): void {
    for (const sub of subs) this.stacks[sub.disjunct].push(sub);
  }

  clear(): void {
    for (const stack of this.stacks) stack.length = 0;
  }

  count(disjuncts: readonly number[]): number {
    return disjuncts.reduce((sum, disjunct) => sum + this.stacks[disjunct].length, 0);
  }

  /** Smallest certified bound of what is open. */
  bound(disjunct: number): number {
    return this.stacks[disjunct].reduce((least, { bound }) => Math.min(least, bound), Infinity);
  }

  /** Open disjuncts' numbers. */
  open(): number[] {
    return [...this.stacks.keys()].filter(disjunct => this.stacks[disjunct].length > 0);
  }

  /** Takes up to `count`, newest first, of the disjuncts in their order: depth first keeps the stacks small. */
  takeNewest(count: number, disjuncts: readonly number[]): SubProblem[] {
    return this.take(count, disjuncts, (stack, room) => stack.splice(Math.max(0, stack.length - room)));
  }

  /** Takes up to `count`, oldest first: the larger parts. */
  takeOldest(count: number, disjuncts: readonly number[]): SubProblem[] {
    return this.take(count, disjuncts, (stack, room) => stack.splice(0, room));
  }

  /** Takes those with the lowest bounds, where a counterexample is most likely; where there are very many, the newest. */
  takeLowest(count: number, disjuncts: readonly number[]): SubProblem[] {
    return this.take(count, disjuncts, (stack, room) => {
      if (stack.length <= room || stack.length > LOWEST_AMONG) return stack.splice(Math.max(0, stack.length - room));
      const limit = stack.map(({ bound }) => bound).sort((a, b) => a - b)[room - 1];
      const taken: SubProblem[] = [];
      let kept = 0;
      for (const sub of stack)
        if (sub.bound <= limit && taken.length < room) taken.push(sub);
        else stack[kept++] = sub;
      stack.length = kept;
      return taken;
    });
  }

  private take(
    count: number,
    disjuncts: readonly number[],
    from: (stack: SubProblem[], room: number) => SubProblem[],
  ): SubProblem[] {
    const taken: SubProblem[] = [];
    for (const disjunct of disjuncts) {
      if (taken.length === count) break;
      if (this.stacks[disjunct].length > 0) taken.push(...from(this.stacks[disjunct], count - taken.length));
    }
    return taken;
  }
}
