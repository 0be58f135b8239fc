import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { attack } from '../attack/pgd';
import { Replayer } from '../attack/replay';
import { assert } from '../base/assert';
import { ok, type Result } from '../base/result';
import { denseChain, ladderFits } from '../bounds/chain';
import type { LoadedModel } from '../network/load';
import type { Counterexample, ProofLeaf, Statistics, Verdict } from '../report/verdict';
import type { Question } from '../spec/question';
import { ParallelSearch } from './input-split/parallel';
import { addCounts, type SearchCounts } from './input-split/queue';
import type { BoxProblem, Candidate } from './input-split/search';
import { NeuronSplitProver } from './neuron-split/prover';
import type { SolverOptions } from './options';
import { boxProblems, freeInputs } from './problems';
import { strengthened } from './runtime-soundness';
import type { Budget, Progress } from './progress';
import type { ProofEnd, Prover } from './prover';
import { RootProver } from './root-prover';

/** Splitting inputs decides in reasonable time only where few of them vary. */
const MOST_SPLIT_INPUTS = 24;
/** Milliseconds of bounds and splitting before ONNX Runtime is loaded for an attack: most questions end here. */
const FIRST_LOOK = 150;
/** Milliseconds of the first attack, and its share of the time after that. */
const FIRST_ATTACK = 1000;
const ATTACK_SHARE = 0.15;
/** Attacks on a question that no prover can decide. */
const LAST_ATTACKS = 3;
const PROGRESS_EVERY = 250;

/** Decides questions about one model. What costs time to set up (ONNX Runtime's session) is set up once, when first needed. */
export class Solver {
  private replayer: Promise<Result<Replayer>> | null = null;

  constructor(readonly model: LoadedModel) {}

  /**
   * Decides one question: bounds first (most questions end there), then attacks and branch and bound in turn, until an answer is proved or
   * replayed or the budget is spent. Nothing that the model or the question can do makes it throw.
   */
  async decide(
    question: Question,
    options: SolverOptions,
    budget: Budget,
    onProgress: (progress: Progress) => void = () => {},
  ): Promise<Verdict> {
    assert(question.disjuncts.length > 0, () => 'a question without an unsafe set');
    const started = performance.now();
    const toProve: Result<Question> =
      options.soundness === 'runtime' ? strengthened(question, this.model) : ok(question);
    if (!toProve.ok) {
      const seconds = (performance.now() - started) / 1000;
      const advice = 'Ask for "soundness": "real".';
      return { kind: 'unknown', reason: toProve.error.message, advice, seconds, lowerBound: null };
    }
    const decision = new Decision(this, question, toProve.value, options, budget, onProgress);
    try {
      return await decision.run();
    } finally {
      await decision.close();
    }
  }

  /** The original file in ONNX Runtime. */
  openReplayer(): Promise<Result<Replayer>> {
    const { externalData, path, bytes, network } = this.model;
    this.replayer ??= Replayer.open(
      {
        bytes,
        externalData: externalData.map(file => ({ path: file.location, data: readFileSync(file.path) })),
        name: path,
      },
      network,
    );
    return this.replayer;
  }

  async close(): Promise<void> {
    const opened = await this.replayer;
    if (opened?.ok) await opened.value.close();
    this.replayer = null;
  }
}

class Decision {
  private readonly started = performance.now();
  private readonly provers: Prover[];
  private readonly ends: (ProofEnd | null)[];
  private replayProblem: string | null = null;
  private counterexample: Counterexample | null = null;
  /** The smallest float64 margin among points that ONNX Runtime did not confirm. */
  private unconfirmed: number | null = null;
  private bestAttack = Infinity;
  private phase: Progress['phase'] = 'bounds';
  private reported = 0;
  private attacks = 0;

  constructor(
    private readonly solver: Solver,
    /** What was asked: a counterexample is one of this. */
    private readonly question: Question,
    /** What is proved: the same, or stronger. */
    toProve: Question,
    private readonly options: SolverOptions,
    private readonly budget: Budget,
    private readonly onProgress: (progress: Progress) => void,
  ) {
    const problems = boxProblems(toProve);
    const threads = options.threads > 0 ? options.threads : availableParallelism();
    this.provers = problems.map(problem => this.prover(problem, threads));
    this.ends = problems.map(() => null);
  }

  /** Few free inputs: split them. A dense chain: split its neurons. Else the bounds of the whole region. */
  private prover(problem: BoxProblem, threads: number): Prover {
    const { network } = this.solver.model;
    const tryCandidate = (candidate: Candidate) => this.tryCandidate(candidate);
    const onProgress = () => this.report();
    if (freeInputs(problem.box) <= MOST_SPLIT_INPUTS)
      return new ParallelSearch(network, problem, { seed: this.options.seed, threads, tryCandidate, onProgress });
    const chain = denseChain(network);
    if (chain && ladderFits(chain)) return new NeuronSplitProver(chain, problem, { tryCandidate, onProgress });
    return new RootProver(network, problem, threads);
  }

  async run(): Promise<Verdict> {
    await this.prove(FIRST_LOOK);
    let slice = FIRST_ATTACK;
    while (!this.settled()) {
      await this.attack(slice);
      if (this.settled() || (this.stuck() && this.attacks >= LAST_ATTACKS)) break;
      const before = performance.now();
      await this.prove(slice / ATTACK_SHARE);
      slice = Math.max(FIRST_ATTACK, (performance.now() - before) * ATTACK_SHARE * 2);
    }
    return this.verdict();
  }

  async close(): Promise<void> {
    await Promise.all(this.provers.map(search => search.close()));
  }

  private get over(): boolean {
    return this.budget.cancelled() || performance.now() >= this.budget.deadline;
  }

  private settled(): boolean {
    return this.over || this.counterexample !== null || this.ends.every(end => end?.kind === 'verified');
  }

  /** No prover can do more. */
  private stuck(): boolean {
    return this.ends.every(end => end?.kind === 'verified' || end?.kind === 'exhausted');
  }

  /** Goes on with every proof that is still open, one after the other, for `milliseconds` in all. */
  private async prove(milliseconds: number): Promise<void> {
    const until = Math.min(performance.now() + milliseconds, this.budget.deadline);
    for (const [index, prover] of this.provers.entries()) {
      const end = this.ends[index];
      if (end !== null && end.kind !== 'stopped') continue;
      this.phase = prover instanceof RootProver ? 'bounds' : 'branching';
      const now = performance.now();
      // The last ones get what the first ones left over.
      const deadline = now + (until - now) / (this.provers.length - index);
      this.ends[index] = await prover.run({
        deadline: Math.max(deadline, now + 1),
        cancelled: () => this.budget.cancelled(),
      });
      if (this.counterexample !== null) return;
    }
  }

  private async attack(milliseconds: number): Promise<void> {
    this.phase = 'attack';
    this.report(true);
    const replayer = await this.openReplayer();
    if (!replayer) return;
    const outcome = await attack(
      this.solver.model.network,
      this.question,
      replayer,
      { seed: this.options.seed + this.attacks, onProgress: margin => this.noteAttack(margin) },
      {
        deadline: Math.min(performance.now() + milliseconds, this.budget.deadline),
        cancelled: () => this.budget.cancelled(),
      },
    );
    this.attacks++;
    this.noteAttack(outcome.bestMargin);
    this.counterexample = outcome.counterexample;
  }

  /** The leaves of all proofs, when none was too large to keep. */
  private leaves(): { kept?: ProofLeaf[] } {
    const parts = this.provers.map(prover => prover.proof());
    return parts.includes(null) ? {} : { kept: parts.flatMap(part => part ?? []) };
  }

  private noteAttack(margin: number): void {
    this.bestAttack = Math.min(this.bestAttack, margin);
    this.report();
  }

  private async openReplayer(): Promise<Replayer | null> {
    const opened = await this.solver.openReplayer();
    if (opened.ok) return opened.value;
    this.replayProblem = opened.error.message;
    return null;
  }

  private async tryCandidate(candidate: Candidate): Promise<boolean> {
    const replayer = await this.openReplayer();
    if (!replayer) return false;
    const checked = await replayer.check(this.question, candidate.input, candidate.foundBy);
    if (!checked.ok) this.replayProblem = checked.error.message;
    else this.counterexample = checked.value;
    if (this.counterexample === null && candidate.margin <= 0)
      this.unconfirmed = Math.min(this.unconfirmed ?? 0, candidate.margin);
    return this.counterexample !== null;
  }

  private counts(): SearchCounts {
    return addCounts(this.provers.map(search => search.counts()));
  }

  private report(always = false): void {
    const now = performance.now();
    if (!always && now - this.reported < PROGRESS_EVERY) return;
    this.reported = now;
    const counts = this.counts();
    this.onProgress({
      phase: this.phase,
      lowerBound: finite(Math.min(counts.leafBound, counts.openBound, counts.stuckBound)),
      bestAttack: finite(Math.min(this.bestAttack, counts.bestAttack)),
      openSubproblems: counts.open,
      subproblems: counts.subproblems,
      depth: counts.depth,
      disjunct: null,
      workFraction: Math.min(1, counts.closedFraction / this.provers.length),
      elapsedSeconds: (now - this.started) / 1000,
    });
  }

  private verdict(): Verdict {
    const counts = this.counts();
    const statistics: Statistics = { subproblems: counts.subproblems };
    const seconds = (performance.now() - this.started) / 1000;
    const lowerBound = finite(Math.min(counts.leafBound, counts.openBound, counts.stuckBound));
    if (this.counterexample)
      return { kind: 'falsified', counterexample: this.counterexample, seconds, lowerBound, statistics };
    if (this.ends.every(end => end?.kind === 'verified'))
      return {
        kind: 'verified',
        soundness: this.options.soundness,
        proof: { leaves: counts.leaves, depth: counts.depth, ...this.leaves() },
        seconds,
        lowerBound,
        statistics,
      };
    const reached = `The certified lower bound reached ${format(lowerBound)}; the closest attack came to ${format(finite(Math.min(this.bestAttack, counts.bestAttack)))}.`;
    const common = { seconds, lowerBound, statistics };
    if (this.replayProblem !== null)
      return {
        kind: 'error',
        reason: `The answer could not be checked in ONNX Runtime. ${this.replayProblem}`,
        advice: 'Check that the model runs in ONNX Runtime.',
        ...common,
      };
    if (this.unconfirmed !== null)
      return {
        kind: 'unknown',
        reason: `The margin is below rounding: a point violates the property by ${(-this.unconfirmed).toExponential(2)} in float64, and ONNX Runtime does not confirm it in float32. ${reached}`,
        advice: 'Ask for a slightly smaller region or a slightly weaker property.',
        ...common,
      };
    if (this.budget.cancelled())
      return { kind: 'unknown', reason: `Stopped on request. ${reached}`, advice: 'Run it again to go on.', ...common };
    if (this.over)
      return {
        kind: 'timeout',
        reason: `Not decided within ${this.options.timeout} s. ${reached}`,
        advice: 'Give it more time, or ask about a smaller region.',
        ...common,
      };
    const stuck = this.ends.find(end => end?.kind === 'exhausted');
    return {
      kind: 'unknown',
      reason: `${stuck?.kind === 'exhausted' ? stuck.reason : 'The bounds do not settle it'}, and no attack succeeded. ${reached}`,
      advice: 'Ask about a smaller region.',
      ...common,
    };
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function format(value: number | null): string {
  return value === null ? 'nothing' : value.toPrecision(4);
}
