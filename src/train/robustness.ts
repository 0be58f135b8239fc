import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../base/assert';
import { Random } from '../base/random';
import { ok, type Result } from '../base/result';
import { Program } from '../tensor/compile';
import { input } from '../tensor/expression';
import { gradient } from '../tensor/gradient';
import { add, mul, reduceMax, reduceSum, sign, sub } from '../tensor/operators';
import type { Parameter } from './architecture';
import { answers, parametersOf, variablesOf, type GraftedNetwork } from './grafted-network';
import { perturbationExpressions, type Perturbation } from './perturbation';
import { fill, type Dataset } from './trainer';

/** Standard and robust accuracy of a network on many samples at once, by projected gradient descent. It proves nothing. */

export interface PgdOptions {
  /** Steps from one start; PGD-100 takes 100. */
  readonly steps: number;
  readonly restarts: number;
  readonly seed: number;
  /** Polled between runs of some tens of milliseconds; what is not attacked by then counts as not fooled. */
  readonly cancelled?: () => boolean;
}

export interface Robustness {
  /** 1 where the network's answer is the label. */
  readonly correct: Uint8Array;
  /** For the samples that were attacked successfully: a point within the perturbation that is not of the label's class (a tie counts). */
  readonly adversarial: ReadonlyMap<number, Float32Array>;
}

/** Samples that are attacked at once, unless told otherwise. */
const BATCH = 256;
/** First step in units of the radius, and its factor from step to step. */
const FIRST_STEP = 0.25;
const DECAY = 0.98;
/** Larger than any difference of answers. */
const FAR = 1e30;

/** A network ready to be attacked; its parameters are given anew for every evaluation. */
export class RobustnessProgram {
  private constructor(
    private readonly program: Program<'float32', 'scores' | 'next'>,
    private readonly own: Readonly<Record<string, Float32Array>>,
    private readonly size: number,
    private readonly classes: number,
    private readonly perturbation: Perturbation,
    private readonly batch: number,
  ) {}

  /** `batch`: how many samples are attacked at once; more than there are would be work for nothing. Errors: those of `Session.open`. */
  static async compile(
    model: GraftedNetwork,
    perturbation: Perturbation,
    { threads = 1, batch = BATCH }: { readonly threads?: number; readonly batch?: number } = {},
  ): Promise<Result<RobustnessProgram>> {
    const { inputSize, outputSize } = model.network;
    const { weights, grafts } = parametersOf(model);
    const parameters = [...weights, ...grafts];
    const x = input('x', [batch, inputSize]);
    const targets = input('targets', [batch, outputSize]);
    const scores = answers(model, x, variablesOf(parameters));
    // How far the best other class is ahead of the label's.
    const lead = sub(reduceMax(sub(scores, mul(targets, FAR)), [1]), reduceSum(mul(scores, targets), [1]));
    const { radius, project } = perturbationExpressions(perturbation);
    const moved = add(x, mul(sign(gradient(lead, [x])[0]), mul(radius, input('rate', [1, 1]))));
    const next = project(moved, input('centre', [batch, inputSize]));
    const program = await Program.compile('float32', { scores, next }, { threads });
    if (!program.ok) return program;
    const own = Object.fromEntries(parameters.map(({ name, data }) => [name, data]));
    return ok(new RobustnessProgram(program.value, own, inputSize, outputSize, perturbation, batch));
  }

  /** Attacks every sample that the network gets right, until it is fooled or the restarts are used up. `steps` 0: accuracy alone. */
  async evaluate(
    data: Dataset,
    options: PgdOptions,
    parameters: readonly Parameter[] = [],
  ): Promise<Result<Robustness>> {
    const { size } = this;
    assert(data.inputs.length === data.count * size, () => `inputs of another size than ${size}`);
    const feeds = { ...this.own, ...Object.fromEntries(parameters.map(({ name, data: values }) => [name, values])) };
    const correct = new Uint8Array(data.count);
    const adversarial = new Map<number, Float32Array>();
    const random = new Random(options.seed, 0x9d6);
    const all = Int32Array.from({ length: data.count }, (_, k) => k);
    // The first pass has no noise and one run: it tells which samples there are to attack.
    for (let pass = 0; pass <= (options.steps > 0 ? options.restarts : 0); pass++) {
      const open = pass === 0 ? all : all.filter(k => correct[k] === 1 && !adversarial.has(k));
      for (let from = 0; from < open.length; from += this.batch) {
        const chosen = open.subarray(from, from + this.batch);
        const batch = this.load(data, chosen, pass === 0 ? null : random);
        for (let step = 0; step <= (pass === 0 ? 0 : options.steps); step++) {
          if (options.cancelled?.()) return ok({ correct, adversarial });
          const rate = Float32Array.of(FIRST_STEP * DECAY ** step);
          const result = await this.program.run({ ...feeds, ...batch, rate });
          if (!result.ok) return result;
          let left = 0;
          chosen.forEach((sample, row) => {
            const wrong = this.isWrong(result.value.scores, row, data.labels[sample]);
            if (pass === 0) correct[sample] = wrong ? 0 : 1;
            else if (!adversarial.has(sample)) {
              if (wrong) adversarial.set(sample, batch.x.slice(row * size, (row + 1) * size));
              else left++;
            }
          });
          batch.x = result.value.next;
          await nextTurn();
          if (left === 0) break;
        }
      }
    }
    return ok({ correct, adversarial });
  }

  private isWrong(scores: Float32Array, row: number, label: number): boolean {
    const at = row * this.classes;
    for (let j = 0; j < this.classes; j++) if (j !== label && !(scores[at + j] < scores[at + label])) return true;
    return false;
  }

  private load(
    data: Dataset,
    chosen: Int32Array,
    random: Random | null,
  ): { x: Float32Array; centre: Float32Array; targets: Float32Array } {
    const { size, perturbation } = this;
    const centre = new Float32Array(this.batch * size);
    const targets = new Float32Array(this.batch * this.classes);
    fill(centre, targets, data, chosen, size, this.classes);
    const x = centre.slice();
    if (random)
      for (let k = 0; k < chosen.length * size; k++) {
        const i = k % size;
        const value = Math.fround(centre[k] + perturbation.radius[i] * (2 * random.uniform() - 1));
        x[k] = Math.min(perturbation.upper[i], Math.max(perturbation.lower[i], value));
      }
    return { x, centre, targets };
  }

  async close(): Promise<void> {
    await this.program.close();
  }
}
