import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { ok, problem, type Result } from '../../../base/result';
import { decodeNpy, encodeNpy } from '../../../report/npy';
import { atomicWrite } from '../../atomic-write';
import { referTensor } from '../../tensor-reference';
import type { TensorReference } from '../../protocol';
import type {
  AdversarialOutcome,
  AdversarialRun,
  AdversarialRunFile,
  AdversarialSummary,
} from '../../study-protocols/adversarial-inputs';

/** Milliseconds between two writes of `run.json` while a run goes on: what a run that is killed leaves behind is that old. */
const WRITE_INTERVAL = 2000;

/** The folder of a run: `run.json`, and a `.npy` file for every input that was found. */
export class RunFolder {
  private readonly outcomes: AdversarialOutcome[] = [];
  private written = -Infinity;

  private constructor(private readonly run: AdversarialRun) {}

  /** Errors: `attack/folder` where nothing can be written. */
  static async open(run: AdversarialRun): Promise<Result<RunFolder>> {
    const folder = new RunFolder(run);
    try {
      await mkdir(run.folder, { recursive: true });
      await folder.write(null);
      return ok(folder);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return problem('attack/folder', `${run.folder}: nothing can be written there (${reason}). Name another folder.`);
    }
  }

  /** An unperturbed input: a file when it is large. */
  original(sample: number, input: Float32Array): Promise<TensorReference> {
    const file = path.join(this.run.folder, `original-${sample}.npy`);
    return referTensor(input, this.run.inputShape, file, message => process.stderr.write(`${message}\n`));
  }

  /** Writes an input as `.npy` and reads it back: what is in the file is what is replayed. */
  async exported(
    sample: number,
    input: Float32Array,
  ): Promise<{ reference: TensorReference & { kind: 'file' }; readBack: Float32Array }> {
    const file = path.join(this.run.folder, `sample-${sample}.npy`);
    const shape = this.run.inputShape;
    await atomicWrite(file, encodeNpy(input, shape));
    const readBack = decodeNpy(await readFile(file))?.values ?? new Float32Array(input.length);
    return { reference: { kind: 'file', path: file, shape }, readBack };
  }

  async add(outcome: AdversarialOutcome): Promise<void> {
    this.outcomes.push(outcome);
    if (performance.now() - this.written > WRITE_INTERVAL) await this.write(null);
  }

  async write(summary: AdversarialSummary | null): Promise<void> {
    const content: AdversarialRunFile = { schema: 1, run: this.run, outcomes: this.outcomes, summary };
    await atomicWrite(path.join(this.run.folder, 'run.json'), JSON.stringify(content));
    this.written = performance.now();
  }
}
