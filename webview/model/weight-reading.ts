import type { StoredTensor, TensorStatistics, WeightStatistics } from '../../src/engine/protocol';
import type { Vertex } from './graph';

/** Tensors that are asked for at a time when all are read: many small ones, or a few large ones. */
const BATCH = { tensors: 64, bytes: 64 << 20 } as const;

/** What is known of the weights, what is being read, and what is to be read after that. */
export class WeightReading {
  readonly known = new Map<string, TensorStatistics>();
  readonly reading = new Set<string>();
  #waiting: StoredTensor[] = [];

  /** Asks the engine for these tensors. */
  constructor(private readonly ask: (tensors: readonly string[]) => void) {}

  /** The file is another one now. */
  forget(): void {
    this.known.clear();
    this.reading.clear();
    this.#waiting = [];
  }

  /** False where all of them are known or on their way. */
  read(names: readonly string[]): boolean {
    const tensors = names.filter(name => !this.known.has(name) && !this.reading.has(name));
    if (tensors.length === 0) return false;
    for (const name of tensors) this.reading.add(name);
    this.ask(tensors);
    return true;
  }

  /** Reads these, some at a time: what a person asks for in between does not wait for all of them. */
  readAll(tensors: readonly StoredTensor[]): void {
    this.#waiting = [...tensors];
    this.#next();
  }

  answered(asked: readonly string[], answers: readonly TensorStatistics[], failed: boolean): void {
    for (const name of asked) this.reading.delete(name);
    for (const answer of answers) this.known.set(answer.name, answer);
    if (failed) this.#waiting = [];
    this.#next();
  }

  /** Statistics by the tensor's name; tensors that could not be read have none. */
  get statistics(): ReadonlyMap<string, WeightStatistics> {
    return new Map(
      [...this.known].flatMap(([name, { statistics }]) => (statistics ? [[name, statistics] as const] : [])),
    );
  }

  /** Weights of these nodes that have not been read. */
  unread(vertices: readonly Vertex[]): readonly StoredTensor[] {
    const weights = new Set(vertices.flatMap(({ tensors }) => tensors.filter(isWeight)));
    return [...weights].filter(({ name }) => !this.known.has(name));
  }

  #next(): void {
    if (this.reading.size > 0) return;
    const batch: string[] = [];
    for (let bytes = 0; this.#waiting.length > 0 && batch.length < BATCH.tensors && bytes < BATCH.bytes;) {
      const tensor = this.#waiting.shift()!;
      bytes += tensor.bytes;
      batch.push(tensor.name);
    }
    this.read(batch);
  }
}

/** A tensor of one number, or of integers (shapes, axes), is no weight. */
function isWeight({ type, shape }: StoredTensor): boolean {
  return type.includes('float') && shape.some(size => size > 1);
}
