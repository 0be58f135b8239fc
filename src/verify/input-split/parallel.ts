import { existsSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createBounder } from '../../bounds/create-bounder';
import type { Network } from '../../network/network';
import type { ProofLeaf } from '../../report/verdict';
import type { Budget } from '../progress';
import type { PreActivationBounds, ProofEnd, Prover, Standing } from '../prover';
import { HUNGRY, STOP, type FromWorker, type WorkerStart } from './messages';
import type { OpenBox } from './open-box';
import { addCounts, SearchQueue, type SearchCounts } from './queue';
import { InputSearch, type BoxProblem, type Candidate } from './search';

export interface SearchOptions {
  readonly seed: number;
  readonly threads: number;
  readonly budget: Budget;
  /** Replays a point in ONNX Runtime; true when it is a counterexample. */
  tryCandidate(candidate: Candidate): Promise<boolean>;
  onProgress(counts: SearchCounts): void;
}

/** Milliseconds this thread works before it looks at messages, the clock and the replay. */
const SLICE = 12;
/** Starting a thread costs about 50 ms of a core; easy questions are done before. */
const WORKERS_AFTER = 60;
/** Points that ONNX Runtime did not confirm, after which only better ones are replayed at once. */
const PATIENCE = 25;

/** Counts of a thread that has done nothing yet. */
const NOTHING: SearchCounts = {
  subproblems: 0,
  leaves: 0,
  depth: 0,
  closedFraction: 0,
  leafBound: Infinity,
  stuck: 0,
  stuckBound: Infinity,
  open: 0,
  openBound: Infinity,
  bestAttack: Infinity,
};

interface Helper {
  readonly worker: Worker;
  idle: boolean;
  counts: SearchCounts | null;
}

/** A search over one box problem that can be continued: a first call with a small budget, later ones with more. */
export class ParallelSearch implements Prover {
  private readonly queue: SearchQueue;
  private readonly flags = new Int32Array(new SharedArrayBuffer(8));
  private readonly helpers: Helper[] = [];
  private readonly offered: Candidate[] = [];
  private rejected = 0;
  private worked = 0;
  private failure: Error | null = null;
  /** A run has thrown: the box that was in work may be lost, so that nothing follows from there being none. */
  private broken = false;

  constructor(
    private readonly network: Network,
    private readonly problem: BoxProblem,
    private readonly options: Omit<SearchOptions, 'budget'>,
  ) {
    const search = new InputSearch(problem, createBounder(network, problem.constraints), candidate =>
      this.queue.offer(candidate),
    );
    this.queue = new SearchQueue(search);
    this.queue.push([search.root(options.seed)]);
  }

  counts(): SearchCounts {
    return addCounts([this.queue.counts(), ...this.helpers.flatMap(helper => helper.counts ?? [])]);
  }

  proof(): readonly ProofLeaf[] | null {
    return this.queue.record.take();
  }

  /** Boxes are bounded for all disjuncts together: until every box is closed nothing is known of a single one. */
  standings(): readonly Standing[] {
    const { leafBound, openBound, stuckBound, open, stuck, subproblems } = this.counts();
    const bound = this.broken ? -Infinity : Math.min(leafBound, openBound, stuckBound);
    const proved = !this.broken && open === 0 && stuck === 0;
    return this.problem.disjuncts.map(() => ({ bound, proved, subproblems }));
  }

  preActivations(): readonly PreActivationBounds[] | null {
    return null;
  }

  /** Works until decided or until the budget is used up; then (`stopped`) it may be called again. */
  async run(budget: Budget): Promise<ProofEnd> {
    if (this.broken) return { kind: 'exhausted', reason: 'An earlier run on this region has failed' };
    try {
      return await this.work(budget);
    } catch (error) {
      this.broken = true;
      throw error;
    }
  }

  private async work(budget: Budget): Promise<ProofEnd> {
    for (;;) {
      const begin = performance.now();
      if (budget.cancelled() || begin >= budget.deadline) return { kind: 'stopped' };
      if (this.failure) throw this.failure;
      if (this.queue.length > 0) {
        this.queue.run(Math.min(begin + SLICE, budget.deadline), () => false);
        this.worked += performance.now() - begin;
        const candidate = this.queue.takeCandidate();
        if (candidate) this.offered.push(candidate);
        await nextTurn();
      } else if (this.helpers.some(helper => !helper.idle)) await delay(2);
      else break;
      if (await this.tryOffered()) return { kind: 'falsified' };
      this.balance();
      this.options.onProgress(this.counts());
    }
    if (await this.tryOffered()) return { kind: 'falsified' };
    const { stuck } = this.counts();
    if (stuck === 0) return { kind: 'verified' };
    return {
      kind: 'exhausted',
      reason: `${stuck} boxes are too small for float32 to tell their points apart, and not proved`,
    };
  }

  /** Ends the workers. The search cannot be run again. */
  async close(): Promise<void> {
    Atomics.store(this.flags, STOP, 1);
    await Promise.all(this.helpers.map(helper => helper.worker.terminate()));
  }

  private async tryOffered(): Promise<boolean> {
    while (this.offered.length > 0) {
      const candidate = this.offered.shift()!;
      if (this.rejected > PATIENCE && candidate.margin > -1e-5) continue;
      if (await this.options.tryCandidate(candidate)) return true;
      this.rejected++;
    }
    return false;
  }

  /** Starts threads once it pays, and moves boxes to where there are none. */
  private balance(): void {
    if (this.helpers.length === 0 && this.worked > WORKERS_AFTER && this.queue.length > 1) this.startWorkers();
    const idle = this.helpers.filter(helper => helper.idle);
    for (const helper of idle) {
      if (this.queue.length < 2) break;
      this.give(helper, this.queue.share());
    }
    const hungry = this.helpers.filter(helper => helper.idle).length + (this.queue.length === 0 ? 1 : 0);
    Atomics.store(this.flags, HUNGRY, this.helpers.length === 0 ? 0 : hungry);
  }

  private give(helper: Helper, boxes: readonly OpenBox[]): void {
    helper.idle = false;
    // Until the thread tells how far it is, what it was given is open: nobody else counts it.
    const openBound = boxes.reduce((least, { bound }) => Math.min(least, bound), Infinity);
    helper.counts = { ...(helper.counts ?? NOTHING), open: boxes.length, openBound };
    helper.worker.postMessage({ kind: 'boxes', boxes });
  }

  private startWorkers(): void {
    const file = path.join(__dirname, 'search-worker.js');
    if (this.options.threads <= 1 || !existsSync(file)) return;
    const start: WorkerStart = {
      network: this.network,
      problem: this.problem,
      shared: this.flags.buffer as SharedArrayBuffer,
    };
    for (let k = 1; k < this.options.threads; k++) {
      const helper: Helper = { worker: new Worker(file, { workerData: start }), idle: false, counts: null };
      helper.worker.on('message', (message: FromWorker) => this.receive(helper, message));
      helper.worker.on('error', error => (this.failure = error));
      this.helpers.push(helper);
    }
  }

  private receive(helper: Helper, message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        helper.idle = true;
        break;
      case 'idle':
        helper.idle = true;
        helper.counts = message.counts;
        this.queue.record.addAll(message.leaves);
        break;
      case 'progress':
        helper.counts = message.counts;
        break;
      case 'share':
        // Straight on to whoever has nothing; this thread first, since it is the one that knows.
        this.queue.push(message.boxes);
        break;
      case 'candidate':
        this.offered.push(message.candidate);
        break;
    }
  }
}
