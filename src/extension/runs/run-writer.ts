import { appendFile, copyFile, link, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { atomicWrite } from '../../base/atomic-write';
import { mapVerdict } from '../../engine/tensor-reference';
import type { FinishedParams, TensorReference } from '../../engine/protocol';
import type { Accuracy, ResultRecord } from '../../report/record';
import type { Verdict } from '../../report/verdict';
import { HEAD_FILE, RESULTS_FILE, TEXT_FILE } from './files';
import { thinned, type KeptResult, type KeptTensor, type RunHead, type VerdictCounts } from './kept-run';

/** Results wait this long for others to be written with them. */
const FLUSH_MILLISECONDS = 300;
/** Lines of one write; between two writes the host does other things. */
const LINES_PER_WRITE = 20;
/** Tensors kept of one run; counterexamples after that are kept without their numbers. */
const TENSOR_BYTES = 64 * 2 ** 20;

/** What a writer tells the history. */
export interface WriterListener {
  changed(head: RunHead): void;
  /** The run is on the disk; `kept` is false where it never began. */
  ended(kept: boolean): Promise<void>;
  failed(error: unknown): void;
}

/** Writes one run while it goes on. Nothing here ever throws: a run does not depend on its history. */
export class RunWriter {
  #head: RunHead;
  #waiting: ResultRecord<TensorReference>[] = [];
  #work: Promise<void>;
  #timer: NodeJS.Timeout | null = null;
  #tensorBytes = 0;
  #fileBytes = 0;
  readonly #seen = new Set<number>();

  constructor(
    private readonly folder: string,
    head: RunHead,
    text: Promise<string | null>,
    private readonly listener: WriterListener,
  ) {
    this.#head = head;
    this.#work = this.#attempt(async () => {
      await mkdir(folder, { recursive: true });
      await this.#writeHead();
      const asked = await text;
      if (asked === null) return;
      await writeFile(path.join(folder, TEXT_FILE), asked);
      this.#fileBytes += Buffer.byteLength(asked);
    });
  }

  get id(): string {
    return this.#head.id;
  }

  /** The run was planned: its model, and how many questions it has. */
  planned(model: string, planned: number): void {
    this.#update({ model, planned });
    void this.#then(() => this.#writeHead());
  }

  accuracy(accuracy: Accuracy): void {
    this.#update({ accuracy });
  }

  add(result: ResultRecord<TensorReference>): void {
    if (this.#seen.has(result.index)) return;
    this.#seen.add(result.index);
    this.#waiting.push(result);
    const { kind } = result.verdict;
    const counts: VerdictCounts = { ...this.#head.counts, [kind]: (this.#head.counts[kind] ?? 0) + 1 };
    this.#update({ counts, seconds: (Date.now() - this.#head.started) / 1000 });
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MILLISECONDS);
  }

  change(change: Partial<Pick<RunHead, 'name' | 'pinned'>>): Promise<void> {
    this.#update(change);
    return this.#then(() => this.#writeHead());
  }

  /** The run has ended. One that was stopped before it was planned leaves nothing. */
  async finish({ outcome, problem, seconds }: FinishedParams, problems: readonly string[]): Promise<void> {
    await this.flush();
    const kept = this.#head.planned > 0 || outcome === 'failed' || problems.length > 0;
    const reason = problems[0] ?? problem?.message ?? null;
    this.#update({
      outcome: problems.length > 0 ? 'failed' : outcome,
      problem: reason,
      seconds: seconds > 0 ? seconds : this.#head.seconds,
      bytes: this.#tensorBytes + this.#fileBytes,
    });
    await this.#then(() => this.#writeHead());
    await this.listener.ended(kept);
  }

  /** Resolves when all that was told is on the disk. */
  async flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const lines = this.#waiting;
    this.#waiting = [];
    for (let start = 0; start < lines.length; start += LINES_PER_WRITE) {
      const some = lines.slice(start, start + LINES_PER_WRITE);
      void this.#then(() => this.#append(some));
    }
    await this.#work;
  }

  async #append(results: readonly ResultRecord<TensorReference>[]): Promise<void> {
    let text = '';
    for (const result of results) text += `${JSON.stringify(await this.#kept(result))}\n`;
    this.#fileBytes += text.length;
    await appendFile(path.join(this.folder, RESULTS_FILE), text);
  }

  /** The result without what is too large, and with its files in the run's own folder: the verdict cache may drop its own. */
  async #kept(result: ResultRecord<TensorReference>): Promise<KeptResult> {
    const { verdict, original, originalOutput, ...rest } = result;
    const tensors = {
      ...(original ? { original: await this.#tensor(original) } : {}),
      ...(originalOutput ? { originalOutput: await this.#tensor(originalOutput) } : {}),
    };
    const kept = await mapVerdict<TensorReference, KeptTensor>(thin(verdict), (tensor, role) =>
      // Bounds of neurons are large, and are computed anew when someone looks at them.
      role.startsWith('neurons') ? Promise.resolve(null) : this.#tensor(tensor),
    );
    // Only a counterexample is looked at beside its original.
    return { ...rest, ...(kept.kind === 'falsified' ? tensors : {}), verdict: await this.#withModel(kept) };
  }

  async #withModel(verdict: Verdict<KeptTensor>): Promise<Verdict<KeptTensor>> {
    if (verdict.kind !== 'falsified' || verdict.weights?.patched?.kind !== 'file') return verdict;
    const own = await this.#own(verdict.weights.patched.path).catch(() => null);
    const patched = own === null ? null : { kind: 'file' as const, path: own };
    return { ...verdict, weights: { ...verdict.weights, patched } };
  }

  async #tensor(tensor: TensorReference): Promise<KeptTensor> {
    const bytes = tensor.kind === 'inline' ? tensor.base64.length : 4 * sizeOf(tensor.shape);
    if (this.#tensorBytes + bytes > TENSOR_BYTES) return null;
    if (tensor.kind === 'inline') {
      this.#tensorBytes += bytes;
      return tensor;
    }
    const own = await this.#own(tensor.path).catch(() => null);
    if (own === null) return null;
    this.#tensorBytes += bytes;
    return { ...tensor, path: own };
  }

  /** The name of a file of the run's own that has the same content; no room is taken where the disk can link. */
  async #own(file: string): Promise<string> {
    const name = path.basename(file);
    const target = path.join(this.folder, name);
    await link(file, target).catch((error: NodeJS.ErrnoException) =>
      error.code === 'EEXIST' ? undefined : copyFile(file, target),
    );
    return name;
  }

  #update(change: Partial<RunHead>): void {
    this.#head = { ...this.#head, ...change };
    this.listener.changed(this.#head);
  }

  #writeHead(): Promise<void> {
    return atomicWrite(path.join(this.folder, HEAD_FILE), JSON.stringify(this.#head));
  }

  #then(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(() => this.#attempt(work));
    return this.#work;
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.listener.failed(error);
    }
  }
}

function thin(verdict: Verdict<TensorReference>): Verdict<TensorReference> {
  const { statistics } = verdict;
  return statistics?.trace ? { ...verdict, statistics: { ...statistics, trace: thinned(statistics.trace) } } : verdict;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, extent) => size * extent, 1);
}
