import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/base/assert';
import { BoxProof } from '../../../src/verify/box-proof';
import type { MadeProver } from '../../../src/verify/create-prover';
import type { SolverOptions } from '../../../src/verify/options';
import { boxProblems } from '../../../src/verify/problems';
import type { Budget } from '../../../src/verify/progress';
import type { ProofEnd, Prover, Standing } from '../../../src/verify/prover';
import { randomChain } from '../bounds/chains';
import { otherLabels } from './deciding';

const network = randomChain(1, [2, 4, 4]);
const box = {
  lower: Float64Array.of(-1, -1),
  upper: Float64Array.of(1, 1),
  lowerPoint: Float32Array.of(-1, -1),
  upperPoint: Float32Array.of(1, 1),
};
const [problem] = boxProblems({ disjuncts: otherLabels(box, 4, 0), inputSize: 2, outputSize: 4 });

/** What a label needs: so many milliseconds of work until this end. */
interface Script {
  readonly milliseconds: number;
  readonly end: ProofEnd;
}

const VERIFIED: ProofEnd = { kind: 'verified' };
const GIVEN_UP: ProofEnd = { kind: 'exhausted', reason: 'Too hard' };

/** A prover that only waits, and notes what it was asked. */
class ScriptedProver implements Prover {
  readonly asked: (readonly number[] | undefined)[] = [];
  private readonly spent: number[];
  private readonly done = new Set<number>();

  constructor(private readonly scripts: readonly Script[]) {
    this.spent = scripts.map(() => 0);
  }

  run(budget: Budget, disjuncts?: readonly number[]): Promise<ProofEnd> {
    this.asked.push(disjuncts);
    let end = VERIFIED;
    for (const disjunct of disjuncts ?? this.scripts.keys()) {
      const { milliseconds, end: own } = this.scripts[disjunct];
      const started = performance.now();
      while (this.spent[disjunct] + performance.now() - started < milliseconds)
        if (performance.now() >= budget.deadline) {
          this.spent[disjunct] += performance.now() - started;
          return Promise.resolve({ kind: 'stopped' });
        }
      this.spent[disjunct] = milliseconds;
      if (own.kind === 'verified') this.done.add(disjunct);
      else end = own;
      if (own.kind === 'falsified') return Promise.resolve(own);
    }
    return Promise.resolve(end);
  }

  counts() {
    const { subproblems } = this;
    return {
      subproblems,
      leaves: this.done.size,
      depth: 0,
      closedFraction: 0,
      leafBound: 0.5,
      stuck: 0,
      stuckBound: Infinity,
      open: 0,
      openBound: Infinity,
      bestAttack: Infinity,
    };
  }

  get subproblems(): number {
    return this.asked.length;
  }

  standings(): readonly Standing[] {
    return this.scripts.map((_, k) => {
      const proved = this.done.has(k);
      return { bound: proved ? 0.5 : -k - 1, proved, subproblems: 2 };
    });
  }

  preActivations() {
    return null;
  }

  proof() {
    return [];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const OPTIONS: Pick<SolverOptions, 'backend' | 'labelOrder' | 'guided' | 'seed'> = {
  backend: 'milp',
  labelOrder: 'naive',
  guided: true,
  seed: 1,
};

function proofBy(scripts: readonly Script[], options: Partial<typeof OPTIONS> = {}, more: readonly Script[][] = []) {
  const provers = [scripts, ...more].map(each => new ScriptedProver(each));
  const make = (prover: Prover) => (): MadeProver => ({ prover, method: 'milp', oneByOne: true });
  const [first, ...rest] = provers.map(make);
  const proof = new BoxProof(network, problem, { ...OPTIONS, ...options }, [first, ...rest]);
  const outcomes = () => {
    const results = proof.ledger.results(() => null, null);
    return [0, 1, 2].map(place => results.find(({ disjunct }) => disjunct === place)!.outcome);
  };
  return { proof, provers, outcomes };
}

const within = (milliseconds: number): Budget => ({
  deadline: performance.now() + milliseconds,
  cancelled: () => false,
});

describe('the proof of one box, label by label', () => {
  it('takes every label once, in the order of the sort', async () => {
    const { proof, provers, outcomes } = proofBy(Array.from({ length: 3 }, () => ({ milliseconds: 0, end: VERIFIED })));
    await proof.run(within(1000));
    expect(proof.end).toEqual({ kind: 'verified' });
    expect(provers[0].asked.map(asked => asked?.length)).toEqual([1, 1, 1]);
    expect(provers[0].asked.flat()).toEqual(proof.ledger.results(() => null, null).map(({ disjunct }) => disjunct));
    expect(outcomes()).toEqual(['verified', 'verified', 'verified']);
    expect(proof.sortSeconds).toBeGreaterThanOrEqual(0);
  });

  it('a label that eats the clock leaves the others their turns, and gets what they left over', async () => {
    const scripts: Script[] = [0, 1, 2].map(() => ({ milliseconds: 5, end: VERIFIED }));
    const { proof, outcomes } = proofBy(scripts.with(0, { milliseconds: 1e6, end: VERIFIED }));
    for (let round = 0; round < 10 && proof.openPlaces().length > 1; round++) await proof.run(within(200));
    expect(outcomes()).toEqual(['open', 'verified', 'verified']);
    expect(proof.end).toEqual({ kind: 'stopped' });
    await proof.run(within(50));
    expect(outcomes()[0]).toBe('open');
  });

  it('a turn that takes longer than its share does not come again before the others had theirs', async () => {
    const scripts: Script[] = [0, 1, 2].map(() => ({ milliseconds: 1e6, end: VERIFIED }));
    const { proof, provers } = proofBy(scripts);
    const { run } = provers[0];
    provers[0].run = (budget, disjuncts) =>
      run.call(provers[0], { ...budget, deadline: performance.now() + 20 }, disjuncts);
    for (let round = 0; round < 3; round++) await proof.run(within(1));
    expect(new Set(provers[0].asked.flat()).size).toBe(3);
  });

  it('what one label leaves unknown is kept and told of, and the others are tried', async () => {
    const scripts: Script[] = [0, 1, 2].map(() => ({ milliseconds: 1, end: VERIFIED }));
    const { proof, provers, outcomes } = proofBy(scripts.with(1, { milliseconds: 1, end: GIVEN_UP }));
    await proof.run(within(1000));
    expect(outcomes()).toEqual(['verified', 'unknown', 'verified']);
    expect(proof.end).toEqual({ kind: 'exhausted', reason: 'Too hard' });
    expect(proof.openPlaces()).toEqual([1]);
    const [unknown] = proof.ledger.results(() => null, null).filter(({ outcome }) => outcome === 'unknown');
    expect(unknown.reason).toBe('Too hard.');
    expect(provers[0].asked).toHaveLength(3);
  });

  it('a counterexample ends it', async () => {
    const scripts = Array.from({ length: 3 }, () => ({ milliseconds: 1, end: { kind: 'falsified' } as const }));
    const { proof, provers, outcomes } = proofBy(scripts);
    await proof.run(within(1000));
    expect(proof.end).toEqual({ kind: 'falsified' });
    expect(provers[0].asked).toHaveLength(1);
    expect(outcomes().filter(outcome => outcome === 'not tried')).toHaveLength(2);
  });

  it('unguided, all are asked for at once', async () => {
    const scripts: Script[] = [0, 1, 2].map(() => ({ milliseconds: 1, end: VERIFIED }));
    const { proof, provers } = proofBy(scripts, { guided: false });
    await proof.run(within(1000));
    expect(provers[0].asked).toEqual([undefined]);
    expect(proof.end).toEqual({ kind: 'verified' });
    expect(proof.sortSeconds).toBeNull();
  });

  it('what one prover gives up on goes to the next, and only that', async () => {
    const scripts: Script[] = [0, 1, 2].map(() => ({ milliseconds: 1, end: VERIFIED }));
    const { proof, provers, outcomes } = proofBy(scripts.with(2, { milliseconds: 1, end: GIVEN_UP }), {}, [scripts]);
    await proof.run(within(1000));
    expect(proof.end).toEqual({ kind: 'stopped' });
    await proof.run(within(1000));
    expect(provers[1].asked).toEqual([[2]]);
    expect(outcomes()).toEqual(['verified', 'verified', 'verified']);
    const result = proof.ledger.results(() => null, null).find(({ disjunct }) => disjunct === 2)!;
    expect([result.subproblems, result.reason]).toEqual([4, null]);
  });

  it.each(['milp', 'auto'] as const)('a method that fails has given up: the next one goes on (%s)', async backend => {
    const scripts: Script[] = [0, 1, 2].map(() => ({ milliseconds: 1, end: VERIFIED }));
    const { proof, provers, outcomes } = proofBy(scripts, { backend, labelOrder: 'margin' }, [scripts]);
    provers[0].run = () => Promise.reject(new Error('no memory left'));
    for (let round = 0; round < 3; round++) await proof.run(within(1000));
    expect(outcomes()).toEqual(['verified', 'verified', 'verified']);
    expect(proof.end).toEqual({ kind: 'verified' });
    expect(proof.failure).toBe('The method "a mixed-integer program" failed (no memory left)');
  });

  it('with none to go on, says that it failed, and keeps the bound; a fault of this program is none of it', async () => {
    const scripts: Script[] = [0, 1, 2].map(() => ({ milliseconds: 1, end: VERIFIED }));
    const { proof, provers } = proofBy(scripts);
    const { run } = provers[0];
    provers[0].run = (budget, disjuncts) =>
      disjuncts?.includes(0) ? run.call(provers[0], budget, disjuncts) : Promise.reject(new RangeError('no memory'));
    await proof.run(within(1000));
    const reason = 'The method "a mixed-integer program" failed (no memory)';
    expect(proof.end).toEqual({ kind: 'exhausted', reason });
    // Of the labels, one was proved (0.5), and the others have what was known of them.
    expect(proof.lowerBound()).toBe(-3);
    expect(proof.ledger.results(() => null, null).map(({ reason: own }) => own)).toContain(`${reason}.`);
    const fault = proofBy(scripts);
    fault.provers[0].run = () => Promise.reject(new AssertionError('impossible'));
    await expect(fault.proof.run(within(1000))).rejects.toThrow('impossible');
  });

  it('with the back end’s own bounds for an order, the first run is on all, and the lowest bound comes next', async () => {
    const scripts: Script[] = [0, 1, 2].map(() => ({ milliseconds: 1e6, end: VERIFIED }));
    const { proof, provers } = proofBy(scripts, { backend: 'auto', labelOrder: 'margin' });
    await proof.run(within(5));
    // Where the machine is busy a run may end before the last turn; the next goes on with it.
    while (provers[0].asked.length < 4) await proof.run(within(30));
    // Its standings are −1, −2 and −3.
    expect(provers[0].asked.slice(0, 4)).toEqual([undefined, [2], [1], [0]]);
  });
});
