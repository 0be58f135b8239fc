import { appendFile, readFile } from 'node:fs/promises';
import type { SampleOutcome } from '../../../graft/outcomes';

/** Outcomes in a file to which a line is added for every sample, so that a study that was ended goes on where it was. */
export class KeptOutcomes {
  private writing = Promise.resolve();

  private constructor(
    private readonly file: string,
    readonly known: ReadonlyMap<number, SampleOutcome>,
  ) {}

  static async open(file: string): Promise<KeptOutcomes> {
    const text = await readFile(file, 'utf8').catch(() => '');
    const known = text.split('\n').flatMap(line => decoded(line) ?? []);
    return new KeptOutcomes(file, new Map(known.map(outcome => [outcome.sample, outcome])));
  }

  /** Adds an outcome. A disk that refuses it costs the next study its shortcut and nothing else. */
  add(outcome: SampleOutcome): void {
    const { counterexample } = outcome;
    const point =
      counterexample &&
      Buffer.from(counterexample.buffer, counterexample.byteOffset, counterexample.byteLength).toString('base64');
    const line = `${JSON.stringify({ ...outcome, counterexample: point })}\n`;
    this.writing = this.writing.then(() => appendFile(this.file, line)).catch(() => undefined);
  }

  /** Everything that was added is on the disk. */
  async close(): Promise<void> {
    await this.writing;
  }
}

/** Undefined for a line that was cut off. */
function decoded(line: string): SampleOutcome | undefined {
  try {
    const read = JSON.parse(line) as Omit<SampleOutcome, 'counterexample'> & { readonly counterexample: string | null };
    const bytes = read.counterexample === null ? null : Uint8Array.from(Buffer.from(read.counterexample, 'base64'));
    return { ...read, counterexample: bytes && new Float32Array(bytes.buffer) };
  } catch {
    return undefined;
  }
}
