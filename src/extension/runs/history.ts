import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { atomicWrite } from '../../base/atomic-write';
import { countsOf, decidedOf, type KeptResult, type RunHead, type RunStart } from './kept-run';
import { HEAD_FILE, RESULTS_FILE, TEXT_FILE } from './files';
import { RunWriter } from './run-writer';

/** Raised when the form of what is kept changes; runs of other forms are left alone and not shown. */
const FORMAT = 'v1';
/** A folder without a head is what a crash left of a run that had hardly begun. */
const ABANDONED_MILLISECONDS = 3_600_000;

export interface HistoryLimits {
  readonly runs: number;
  readonly megabytes: number;
}

/**
 * Every run of a workspace, on disk: one folder a run. Its head is replaced as a whole, its results are lines that are only ever added, so that a crash loses
 * at most the line in work. Whatever cannot be read is as if it were not there. A disk that refuses a write is told to `warn` once.
 */
export class History {
  readonly #folder: string;
  readonly #heads = new Map<string, RunHead>();
  readonly #writers = new Map<string, RunWriter>();
  readonly #listeners = new Set<() => void>();
  #opened: Promise<void> | null = null;
  #lastStarted = 0;
  #warned = false;

  constructor(
    folder: string,
    private readonly limits: () => HistoryLimits,
    private readonly warn: (message: string) => void,
  ) {
    this.#folder = path.join(folder, FORMAT);
  }

  /** Called when a run was added, went, or has new numbers. */
  onChange(listener: () => void): { dispose(): void } {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  }

  /** Reads what earlier sessions left, once. */
  open(): Promise<void> {
    this.#opened ??= this.#readHeads();
    return this.#opened;
  }

  /** The newest first. */
  heads(): readonly RunHead[] {
    return [...this.#heads.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  head(id: string): RunHead | undefined {
    return this.#heads.get(id);
  }

  /** A run begins; `text` is what is asked, as far as it is to be kept. */
  begin(start: RunStart, text: Promise<string | null>): RunWriter {
    // Two runs never begin at one time: their ids say which was first.
    const started = (this.#lastStarted = Math.max(Date.now(), this.#lastStarted + 1));
    const head: RunHead = {
      ...start,
      id: `${new Date(started).toISOString().replace(/\W/g, '')}-${randomUUID().slice(0, 8)}`,
      name: '',
      pinned: false,
      started,
      model: '',
      planned: 0,
      counts: {},
      outcome: 'running',
      problem: null,
      seconds: 0,
      accuracy: null,
      bytes: 0,
    };
    const writer = new RunWriter(path.join(this.#folder, head.id), head, text, {
      changed: now => this.#set(now),
      ended: async kept => {
        this.#writers.delete(head.id);
        if (!kept) await this.remove(head.id);
        await this.#trim();
      },
      failed: error => this.#warnOnce(error),
    });
    this.#writers.set(head.id, writer);
    this.#set(head);
    return writer;
  }

  /** The results of a run in the order of its plan, as they were. */
  async results(id: string): Promise<readonly KeptResult[]> {
    await this.#writers.get(id)?.flush();
    return readResults(path.join(this.#folder, id));
  }

  /** The specification's text as it was run; null where it was too large to be kept. */
  async text(id: string): Promise<string | null> {
    await this.#writers.get(id)?.flush();
    return readFile(path.join(this.#folder, id, TEXT_FILE), 'utf8').catch(() => null);
  }

  /** Gives a run a name, or pins it. */
  async change(id: string, change: Partial<Pick<RunHead, 'name' | 'pinned'>>): Promise<void> {
    const head = this.#heads.get(id);
    if (!head) return;
    const writer = this.#writers.get(id);
    if (writer) return writer.change(change);
    const changed = { ...head, ...change };
    this.#set(changed);
    await this.#attempt(() => atomicWrite(path.join(this.#folder, id, HEAD_FILE), JSON.stringify(changed)));
  }

  async remove(id: string): Promise<void> {
    // Nothing that is being written can be removed.
    if (this.#writers.has(id)) return;
    this.#heads.delete(id);
    this.#tell();
    await this.#attempt(() => rm(path.join(this.#folder, id), { recursive: true, force: true }));
  }

  /** Waits until everything is on the disk: when the editor closes. */
  async flush(): Promise<void> {
    await Promise.all([...this.#writers.values()].map(writer => writer.flush()));
  }

  async #readHeads(): Promise<void> {
    for (const id of await readdir(this.#folder).catch(() => [])) {
      if (this.#heads.has(id)) continue;
      const folder = path.join(this.#folder, id);
      const head = await readHead(folder);
      if (!head) await removeAbandoned(folder);
      else if (head.outcome === 'running') await this.#recover(folder, head);
      else this.#heads.set(id, head);
    }
    this.#tell();
  }

  /** A run whose end was never written: what it had found out counts. */
  async #recover(folder: string, head: RunHead): Promise<void> {
    const results = await readResults(folder);
    const counts = countsOf(results);
    const seconds = results.reduce((sum, { verdict }) => sum + verdict.seconds, 0);
    const planned = Math.max(head.planned, decidedOf(counts));
    const recovered: RunHead = { ...head, counts, planned, outcome: 'interrupted', seconds };
    this.#heads.set(head.id, recovered);
    await this.#attempt(() => atomicWrite(path.join(folder, HEAD_FILE), JSON.stringify(recovered)));
  }

  /** Removes the oldest runs until there are few enough. Pinned ones, those in work and the newest stay. */
  async #trim(): Promise<void> {
    await this.open();
    const { runs, megabytes } = this.limits();
    const heads = this.heads();
    let count = heads.length;
    let bytes = heads.reduce((sum, head) => sum + head.bytes, 0);
    for (const { id, pinned, bytes: own } of [...heads.slice(1)].reverse()) {
      if (count <= runs && bytes <= megabytes * 2 ** 20) return;
      if (pinned || this.#writers.has(id)) continue;
      await this.remove(id);
      count--;
      bytes -= own;
    }
  }

  #set(head: RunHead): void {
    this.#heads.set(head.id, head);
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#warnOnce(error);
    }
  }

  #warnOnce(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.warn(
      `${this.#folder}: the history of runs cannot be written there (${reason}). Free some disk space; verdicts are shown all the same.`,
    );
  }
}

async function readHead(folder: string): Promise<RunHead | null> {
  try {
    const head = JSON.parse(await readFile(path.join(folder, HEAD_FILE), 'utf8')) as RunHead;
    // Replaced as a whole, it is what this class wrote; a folder that was copied to another name is not.
    return head.id === path.basename(folder) ? head : null;
  } catch {
    return null;
  }
}

/** Every line that is whole. A result that was told twice (the engine was started anew) counts once. */
async function readResults(folder: string): Promise<readonly KeptResult[]> {
  const text = await readFile(path.join(folder, RESULTS_FILE), 'utf8').catch(() => '');
  const results = new Map<number, KeptResult>();
  for (const line of text.split('\n')) {
    const result = parseLine(line);
    if (result) results.set(result.index, withFolder(result, folder));
  }
  return [...results.values()].sort((a, b) => a.index - b.index);
}

function parseLine(line: string): KeptResult | null {
  if (line === '') return null;
  try {
    return JSON.parse(line) as KeptResult;
  } catch {
    return null;
  }
}

/** Files of a run are named without their folder, which may have moved. */
function withFolder(result: KeptResult, folder: string): KeptResult {
  const placed = <T>(tensor: T): T =>
    tensor !== null && typeof tensor === 'object' && 'path' in tensor && typeof tensor.path === 'string'
      ? { ...tensor, path: path.join(folder, path.basename(tensor.path)) }
      : tensor;
  const { verdict, original, originalOutput } = result;
  const tensors = {
    ...(original === undefined ? {} : { original: placed(original) }),
    ...(originalOutput === undefined ? {} : { originalOutput: placed(originalOutput) }),
  };
  if (verdict.kind !== 'falsified') return { ...result, ...tensors };
  const { counterexample, weights } = verdict;
  return {
    ...result,
    ...tensors,
    verdict: {
      ...verdict,
      counterexample: {
        ...counterexample,
        input: placed(counterexample.input),
        output: placed(counterexample.output),
      },
      ...(weights ? { weights: { ...weights, patched: placed(weights.patched) } } : {}),
    },
  };
}

async function removeAbandoned(folder: string): Promise<void> {
  const status = await stat(folder).catch(() => null);
  if (status && Date.now() - status.mtimeMs > ABANDONED_MILLISECONDS)
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}
