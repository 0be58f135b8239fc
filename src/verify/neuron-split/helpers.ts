import { existsSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { assert } from '../../base/assert';
import type { FromWorker, ToWorker, WorkerStart } from './messages';
import type { TreeBounds, TreeEffort } from './neuron-trees';
import type { Settled, SubProblem } from './sub-problem';

/** A worker thread that answers one request at a time. */
export class Helper {
  private answer: { resolve(message: FromWorker): void; reject(error: Error): void } | null = null;
  private failure: Error | null = null;
  private readonly worker: Worker;

  constructor(file: string, start: WorkerStart) {
    this.worker = new Worker(file, { workerData: start });
    this.worker.on('message', (message: FromWorker) => {
      const { answer } = this;
      this.answer = null;
      answer?.resolve(message);
    });
    this.worker.on('error', error => {
      this.failure = error;
      this.answer?.reject(error);
      this.answer = null;
    });
  }

  get busy(): boolean {
    return this.answer !== null;
  }

  /** For messages that are not answered. */
  post(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  async boundNeurons(layer: number, neurons: readonly number[], effort: TreeEffort): Promise<TreeBounds> {
    const answer = await this.request({ kind: 'neurons', layer, neurons, effort });
    assert(answer.kind === 'neurons', () => `"${answer.kind}" in answer to "neurons"`);
    return answer.bounds;
  }

  async expand(subs: readonly SubProblem[], milliseconds: number): Promise<Settled> {
    const answer = await this.request({ kind: 'expand', subs, milliseconds });
    assert(answer.kind === 'expanded', () => `"${answer.kind}" in answer to "expand"`);
    return answer.settled;
  }

  private request(message: ToWorker): Promise<FromWorker> {
    assert(!this.busy, () => 'a second request to a busy thread');
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      this.answer = { resolve, reject };
      this.worker.postMessage(message);
    });
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }
}

/** `count` threads; none where the worker's bundle is not beside this one (in tests). */
export function startHelpers(start: WorkerStart, count: number): Helper[] {
  if (count <= 0) return [];
  const file = path.join(__dirname, 'neuron-worker.js');
  return existsSync(file) ? Array.from({ length: count }, () => new Helper(file, start)) : [];
}
