import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import type { Verdict } from '../report/verdict';
import { atomicWrite, DRAFT_ENDING } from './atomic-write';
import type { TensorReference } from './protocol';
import { mapVerdict, readTensor, referTensor } from './tensor-reference';

/** Raised when the form of an entry changes; entries of other versions are never read. */
const FORMAT = 'v1';
/** Writes between two looks at the size of the store. */
const WRITES_PER_TRIM = 64;
/** Leftovers of a write that was cut short are removed after this. */
const ABANDONED_MILLISECONDS = 3_600_000;

export interface Shapes {
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
}

/**
 * Finished verdicts on disk, by content key: what was once decided is not decided again, and a killed engine loses nothing that it had
 * answered. One file an entry (large tensors beside it), made complete under another name and then renamed, so that readers and other
 * engines on the same folder see all of an entry or nothing. Whatever cannot be read is as if it were not there; a disk that refuses a write
 * is told to `warn` once and the work goes on without.
 */
export class VerdictStore {
  private readonly folder: string;
  private writes = 0;
  private warned = false;

  constructor(
    folder: string,
    private readonly limitMegabytes: number,
    private readonly warn: (message: string) => void,
  ) {
    this.folder = path.join(folder, FORMAT);
  }

  /** Where studies keep files that trimming leaves alone. */
  get filesFolder(): string {
    return path.join(path.dirname(this.folder), 'studies');
  }

  /** The verdict that was stored under `key`, if it is there and whole. */
  async read(key: string): Promise<Verdict<TensorReference> | undefined> {
    const file = this.entryPath(key);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch {
      return undefined;
    }
    const verdict = parseEntry(text);
    if (verdict === undefined || !(await hasItsTensors(verdict))) return undefined;
    const now = new Date();
    // Trimming drops what was used longest ago. A read-only store is no reason to fail.
    await utimes(file, now, now).catch(() => undefined);
    return verdict;
  }

  /** Gives the form in which a verdict can be sent and, when asked, keeps it. Never fails. */
  async write(key: string, verdict: Verdict, shapes: Shapes, keep = true): Promise<Verdict<TensorReference>> {
    const stored = await this.withModel(
      key,
      await mapVerdict(withoutLeaves(verdict), (values, role) =>
        this.tensor(`${key}.${role}`, values, role === 'input' ? shapes.inputShape : shapes.outputShape),
      ),
    );
    if (!keep) return stored;
    const payload = JSON.stringify(stored);
    await this.attempt(async () => {
      await atomicWrite(this.entryPath(key), `${digest(payload)}\n${payload}`);
      if (++this.writes % WRITES_PER_TRIM === 0) await this.trim();
    });
    return stored;
  }

  /** The verdict with its changed model as a file of the store. */
  private async withModel(key: string, verdict: Verdict<TensorReference>): Promise<Verdict<TensorReference>> {
    if (verdict.kind !== 'falsified' || verdict.weights?.patched?.kind !== 'bytes') return verdict;
    const { bytes } = verdict.weights.patched;
    const file = path.join(this.folder, key.slice(0, 2), `${key}.patched.onnx`);
    let written = false;
    await this.attempt(async () => {
      await atomicWrite(file, bytes);
      written = true;
    });
    return { ...verdict, weights: { ...verdict.weights, patched: written ? { kind: 'file', path: file } : null } };
  }

  /** A tensor for a message; large ones become a file of the store. */
  async tensor(name: string, values: Float32Array, shape: readonly number[]): Promise<TensorReference> {
    const file = path.join(this.folder, name.slice(0, 2), `${name}.npy`);
    return referTensor(values, shape, file, message => this.warnOnce(message));
  }

  /** Deletes what was used longest ago until the store is under its limit, and what an interrupted write left. */
  async trim(): Promise<void> {
    const files: { readonly file: string; readonly bytes: number; readonly used: number }[] = [];
    for (const folder of await readdir(this.folder).catch(() => []))
      for (const name of await readdir(path.join(this.folder, folder)).catch(() => [])) {
        const file = path.join(this.folder, folder, name);
        const status = await stat(file).catch(() => undefined);
        if (status === undefined) continue;
        if (name.endsWith(DRAFT_ENDING) && Date.now() - status.mtimeMs > ABANDONED_MILLISECONDS)
          await rm(file, { force: true });
        else files.push({ file, bytes: status.size, used: status.mtimeMs });
      }
    let total = files.reduce((sum, entry) => sum + entry.bytes, 0);
    for (const entry of files.sort((a, b) => a.used - b.used)) {
      if (total <= this.limitMegabytes * 2 ** 20) return;
      await rm(entry.file, { force: true }).catch(() => undefined);
      total -= entry.bytes;
    }
  }

  private entryPath(key: string): string {
    return path.join(this.folder, key.slice(0, 2), `${key}.json`);
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.warnOnce(
        `${this.folder}: finished results cannot be kept there (${reason}). They are shown, and will be decided again after a restart; free some disk space or set another folder.`,
      );
    }
  }

  private warnOnce(message: string): void {
    if (this.warned) return;
    this.warned = true;
    this.warn(message);
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The verdict in a file's text; undefined when its checksum does not match. The checksum also vouches for the form: only this class writes it. */
function parseEntry(text: string): Verdict<TensorReference> | undefined {
  const end = text.indexOf('\n');
  const payload = text.slice(end + 1);
  if (end < 0 || text.slice(0, end) !== digest(payload)) return undefined;
  return JSON.parse(payload) as Verdict<TensorReference>;
}

async function hasItsTensors(verdict: Verdict<TensorReference>): Promise<boolean> {
  if (verdict.kind !== 'falsified') return true;
  const patched = verdict.weights?.patched;
  if (patched?.kind === 'file' && (await stat(patched.path).catch(() => undefined)) === undefined) return false;
  for (const tensor of [verdict.counterexample.input, verdict.counterexample.output])
    if (tensor.kind === 'file' && !(await readTensor(tensor)).ok) return false;
  return true;
}

/** Certificates are files of their own; the store keeps the counts of a proof, and JSON has no infinities. */
function withoutLeaves(verdict: Verdict): Verdict {
  const lowerBound = verdict.lowerBound !== null && Number.isFinite(verdict.lowerBound) ? verdict.lowerBound : null;
  if (verdict.kind !== 'verified') return { ...verdict, lowerBound };
  const { proof } = verdict;
  return { ...verdict, lowerBound, ...(proof && { proof: { leaves: proof.leaves, depth: proof.depth } }) };
}
