import { availableParallelism } from 'node:os';
import { attack } from '../attack/pgd';
import type { Replayer } from '../attack/replay';
import { satisfaction } from '../attack/violation';
import type { Result } from '../base/result';
import type { OpenModel } from '../lp/highs';
import type { LoadedModel } from '../network/load';
import { EMPTY_TRACE, extended, isDue, pointsOf } from '../report/trace';
import type { Counterexample, LabelResult, ProofLeaf, Statistics, Verdict } from '../report/verdict';
import type { Question } from '../spec/question';
import { BoxProof } from './box-proof';
import { conclude } from './conclude';
import { proverMakers } from './create-prover';
import { addCounts, type SearchCounts } from './input-split/queue';
import type { Candidate } from './input-split/search';
import { targetLabel } from './labels/target-label';
import { neuronBounds } from './neurons';
import type { SolverOptions } from './options';
import { boxProblems } from './problems';
import type { Budget, Progress } from './progress';

/** Milliseconds of bounds and splitting before ONNX Runtime is loaded for an attack: most questions end here. */
const FIRST_LOOK = 150;
/** Milliseconds of the first attack, and its share of the time after that. */
const FIRST_ATTACK = 1000;
const ATTACK_SHARE = 0.15;
/** Restarts of the first attack; every further one has twice as many, as far as its time goes. */
const FIRST_ROUNDS = 3;
/** Attacks on a question that no prover can decide. */
const LAST_ATTACKS = 3;
const PROGRESS_EVERY = 250;
/** Regions of a question whose neurons are still told of. */
const MOST_NEURON_REGIONS = 16;

/** Where a decision gets ONNX Runtime from. */
export interface DecisionTools {
  readonly model: LoadedModel;
  openReplayer(): Promise<Result<Replayer>>;
  /** The solver of programs; HiGHS unless a test gives another. */
  readonly openProgram?: OpenModel;
}

/** One question being decided. */
export class Decision {
  private readonly started = performance.now();
  private readonly proofs: readonly BoxProof[];
  private trace = EMPTY_TRACE;
  private replayProblem: string | null = null;
  private counterexample: Counterexample | null = null;
  /** The smallest float64 margin among points that ONNX Runtime did not confirm. */
  private unconfirmed: number | null = null;
  private bestAttack = Infinity;
  private phase: Progress['phase'] = 'bounds';
  private working: BoxProof | null = null;
  /** What decided, or was tried last. */
  private backend = '';
  private reported = 0;
  private attacks = 0;

  constructor(
    private readonly tools: DecisionTools,
    /** What was asked: a counterexample is one of this. */
    private readonly question: Question,
    /** What is proved: the same, or stronger. */
    toProve: Question,
    private readonly options: SolverOptions,
    private readonly budget: Budget,
    private readonly onProgress: (progress: Progress) => void,
  ) {
    const context = {
      seed: options.seed,
      threads: options.threads > 0 ? options.threads : availableParallelism(),
      tryCandidate: (candidate: Candidate) => this.tryCandidate(candidate),
      onProgress: () => this.report(),
      open: tools.openProgram,
    };
    const { network } = tools.model;
    this.proofs = boxProblems(toProve).map(
      problem => new BoxProof(network, problem, options, proverMakers(options.backend, network, problem, context)),
    );
  }

  async run(): Promise<Verdict> {
    const { backend, attackOnly } = this.options;
    if (attackOnly) await this.attackAlone();
    else if (backend === 'auto' || backend === 'crown') await this.alternate();
    else await this.proveFirst();
    return this.verdict();
  }

  async close(): Promise<void> {
    await Promise.all(this.proofs.map(proof => proof.close()));
  }

  /** Proof and attack in turns, each given more time the longer it takes. */
  private async alternate(): Promise<void> {
    await this.prove(FIRST_LOOK);
    let slice = FIRST_ATTACK;
    while (!this.settled) {
      await this.attack(slice);
      if (this.settled || (this.stuck && this.attacks >= LAST_ATTACKS)) return;
      const before = performance.now();
      await this.prove(slice / ATTACK_SHARE);
      slice = Math.max(FIRST_ATTACK, (performance.now() - before) * ATTACK_SHARE * 2);
    }
  }

  /** A method by itself, as it was asked for; an attack only on what it leaves open. */
  private async proveFirst(): Promise<void> {
    while (!this.settled && !this.stuck) await this.prove(Infinity);
    while (!this.settled && this.attacks < LAST_ATTACKS) await this.attack(FIRST_ATTACK);
  }

  /** Attacks with other seeds, each given more time than the one before; no bounds. */
  private async attackAlone(): Promise<void> {
    for (let slice = FIRST_ATTACK; !this.settled && this.attacks < LAST_ATTACKS; slice *= 2) await this.attack(slice);
  }

  private get over(): boolean {
    return this.budget.cancelled() || performance.now() >= this.budget.deadline;
  }

  private get settled(): boolean {
    return this.over || this.counterexample !== null || this.proofs.every(proof => proof.settled);
  }

  /** No prover can do more. */
  private get stuck(): boolean {
    return this.proofs.every(proof => proof.settled || proof.exhausted);
  }

  /** Goes on with every proof that is still open, one after the other, for `milliseconds` in all. */
  private async prove(milliseconds: number): Promise<void> {
    const until = Math.min(performance.now() + milliseconds, this.budget.deadline);
    for (const [index, proof] of this.proofs.entries()) {
      if (this.over) return;
      if (proof.settled || proof.exhausted) continue;
      this.phase = proof.method === 'bounds' || proof.method === 'zonotope' ? 'bounds' : 'branching';
      this.backend = proof.method;
      this.working = proof;
      const now = performance.now();
      // The last ones get what the first ones left over.
      const deadline = now + (until - now) / (this.proofs.length - index);
      await proof.run({ deadline: Math.max(deadline, now + 1), cancelled: () => this.budget.cancelled() });
      if (this.counterexample !== null) return;
    }
  }

  private async attack(milliseconds: number): Promise<void> {
    this.phase = 'attack';
    this.working = null;
    this.report(true);
    const replayer = await this.openReplayer();
    if (!replayer) return;
    const outcome = await attack(
      this.tools.model.network,
      this.openQuestion(),
      replayer,
      {
        seed: this.options.seed + this.attacks,
        rounds: FIRST_ROUNDS << Math.min(this.attacks, 16),
        onProgress: margin => this.noteAttack(margin),
      },
      {
        deadline: Math.min(performance.now() + milliseconds, this.budget.deadline),
        cancelled: () => this.budget.cancelled(),
      },
    );
    this.attacks++;
    this.noteAttack(outcome.bestMargin);
    this.counterexample = outcome.counterexample;
    if (this.counterexample) this.backend = 'attack';
  }

  /** What is left of the question: a label that cannot win needs no attack. */
  private openQuestion(): Question {
    const open = new Set(this.proofs.flatMap(proof => proof.openPlaces()));
    return { ...this.question, disjuncts: this.question.disjuncts.filter((_, place) => open.has(place)) };
  }

  private noteAttack(margin: number): void {
    this.bestAttack = Math.min(this.bestAttack, margin);
    this.report();
  }

  private async openReplayer(): Promise<Replayer | null> {
    const opened = await this.tools.openReplayer();
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
    return addCounts(this.proofs.map(proof => proof.counts()));
  }

  private lowerBound(): number | null {
    return finite(this.proofs.reduce((least, proof) => Math.min(least, proof.lowerBound()), Infinity));
  }

  private get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** Keeps the history, and tells the outside when enough time has passed, or `always`. */
  private report(always = false): void {
    const now = performance.now();
    const tells = always || now - this.reported >= PROGRESS_EVERY;
    if (!tells && !isDue(this.trace, this.seconds)) return;
    const { seconds } = this;
    const lowerBound = this.lowerBound();
    const counts = this.counts();
    const { open, depth, subproblems } = counts;
    this.trace = extended(this.trace, { seconds, lowerBound, open, depth, subproblems });
    if (!tells) return;
    this.reported = now;
    this.onProgress({
      phase: this.phase,
      lowerBound,
      bestAttack: finite(Math.min(this.bestAttack, counts.bestAttack)),
      openSubproblems: open,
      subproblems,
      depth,
      ...this.labelInWork(),
      workFraction: Math.min(1, counts.closedFraction / this.proofs.length),
      elapsedSeconds: seconds,
    });
  }

  private labelInWork(): Pick<Progress, 'disjunct' | 'label'> {
    const disjunct = this.working?.working ?? null;
    const label = disjunct === null ? null : this.labelOf(disjunct);
    return { disjunct, ...(label === null ? {} : { label }) };
  }

  private labelOf(place: number): number | null {
    return targetLabel(this.question.disjuncts[place].constraints)?.label ?? null;
  }

  private verdict(): Verdict {
    const { seconds } = this;
    const lowerBound = this.lowerBound();
    const counts = this.counts();
    const { open, depth, subproblems } = counts;
    this.trace = extended(this.trace, { seconds, lowerBound, open, depth, subproblems });
    const stuck = this.proofs.find(proof => proof.exhausted)?.end;
    const failures = [...new Set(this.proofs.flatMap(({ failure }) => failure ?? []))];
    const labels = this.labels();
    return conclude({
      counterexample: this.counterexample,
      verified: this.proofs.every(proof => proof.settled),
      soundness: this.options.soundness,
      proof: { leaves: counts.leaves, depth, ...this.leaves() },
      labels,
      replayProblem: this.replayProblem,
      unconfirmed: this.unconfirmed,
      stopped: this.budget.cancelled() ? 'cancelled' : this.over ? 'timeout' : null,
      timeout: this.options.timeout,
      stuckReason: stuck?.kind === 'exhausted' ? stuck.reason : null,
      failures,
      attackOnly: this.options.attackOnly,
      bestAttack: finite(Math.min(this.bestAttack, counts.bestAttack)),
      seconds,
      lowerBound,
      statistics: this.statistics(subproblems, labels),
    });
  }

  private statistics(subproblems: number, labels: readonly LabelResult[]): Statistics {
    const sortSeconds = this.proofs.flatMap(proof => proof.sortSeconds ?? []);
    const neurons =
      this.proofs.length > MOST_NEURON_REGIONS ? null : neuronBounds(this.proofs.map(proof => proof.preActivations()));
    return {
      subproblems,
      backend: this.backend,
      trace: pointsOf(this.trace),
      ...(labels.length > 1 ? { labels } : {}),
      ...(sortSeconds.length > 0 ? { sortSeconds: sortSeconds.reduce((sum, part) => sum + part, 0) } : {}),
      ...(neurons && neurons.length > 0 ? { neurons } : {}),
    };
  }

  private labels(): LabelResult[] {
    const falsified = this.falsifiedPlace();
    return this.proofs.flatMap(proof => proof.ledger.results(place => this.labelOf(place), falsified));
  }

  /** The disjunct that the counterexample is one of; of several the one that was open and is violated most. */
  private falsifiedPlace(): number | null {
    const { counterexample } = this;
    if (!counterexample) return null;
    const open = new Set(this.proofs.flatMap(proof => proof.openPlaces()));
    const ranked = this.question.disjuncts.map((disjunct, place) => {
      const { holds, margin } = satisfaction(disjunct, counterexample.input, counterexample.output);
      return { place, rank: (holds ? 2 : 0) + (open.has(place) ? 1 : 0), margin };
    });
    return ranked.reduce((a, b) => (b.rank > a.rank || (b.rank === a.rank && b.margin > a.margin) ? b : a)).place;
  }

  /** The leaves of all proofs, when none was too large to keep. */
  private leaves(): { kept?: ProofLeaf[] } {
    const parts = this.proofs.map(proof => proof.leaves());
    return parts.includes(null) ? {} : { kept: parts.flatMap(part => part ?? []) };
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
