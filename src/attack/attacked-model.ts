import { readFileSync } from 'node:fs';
import { ok, problem, type Result } from '../base/result';
import type { LoadedModel } from '../network/load';
import type { Network } from '../network/network';
import { Program } from '../tensor/compile';
import { input, type Expression } from '../tensor/expression';
import { forward, forwardOperations } from '../tensor/forward';
import { gradient } from '../tensor/gradient';
import {
  add,
  div,
  equal,
  greater,
  logSumExp,
  mul,
  reduceMax,
  reduceSum,
  reshape,
  stopGradient,
  sub,
  where,
} from '../tensor/operators';
import type { ModelSource } from '../tensor/session';
import { Replayer } from './replay';

/** What an attack ascends on, one row a point; o is the number of classes. */
export interface Objectives {
  /** [rows, o]: 1 at the class that the two losses below are about. */
  readonly classes: Float32Array;
  /** [rows]: weight of the cross entropy with that class: 1 drives away from it, −1 towards it. */
  readonly crossEntropy: Float32Array;
  /** [rows]: weight of the difference of logits ratio with that class (Croce and Hein 2020): 1 drives away from it. */
  readonly ratio: Float32Array;
  /** [rows, o]: weights of the logits themselves. */
  readonly direction: Float32Array;
}

export interface Gradients {
  /** [rows, o] */
  readonly logits: Float32Array;
  /** [rows]: the objective. */
  readonly objective: Float32Array;
  /** [rows, n]: its gradient. */
  readonly slope: Float32Array;
}

/** What ONNX Runtime says of one input on the original file. */
export interface Judgement {
  /** What the model was really given. */
  readonly input: Float32Array;
  readonly logits: Float64Array;
  /** The class of the largest logit; the lowest of equal ones. */
  readonly prediction: number;
}

/** A graph run is to stay below the time in which a person notices a delay. */
const OPERATIONS_PER_RUN = 1e8;
const MOST_GRADIENTS = 16;
const MOST_LOGITS = 256;
/** Keeps the quotient of the logits ratio finite where three logits are equal. */
const SMALLEST_SPREAD = 1e-12;

/**
 * A classifier under attack: the original file in ONNX Runtime, which judges, and graphs of our own for batches of logits and gradients,
 * which search. Sessions are made when first needed and kept: open a model once.
 */
export class AttackedModel {
  /** Points of one gradient run, and of one run for logits alone. */
  readonly gradientRows: number;
  readonly logitRows: number;
  private gradients: Promise<Result<Program<'float32', 'logits' | 'objective' | 'slope'>>> | undefined;
  private forwards: Promise<Result<Program<'float32', 'logits'>>> | undefined;

  private constructor(
    readonly network: Network,
    readonly replayer: Replayer,
    private readonly threads: number,
  ) {
    const rows = (most: number, passes: number): number =>
      Math.max(1, Math.min(most, Math.floor(OPERATIONS_PER_RUN / (passes * forwardOperations(network)))));
    this.gradientRows = rows(MOST_GRADIENTS, 3);
    this.logitRows = rows(MOST_LOGITS, 1);
  }

  /** Errors: those of `Replayer.open`, and `attack/one-class` where the model has a single output and so no classes to confuse. */
  static async open(model: LoadedModel, options: { readonly threads?: number } = {}): Promise<Result<AttackedModel>> {
    const { network } = model;
    if (network.outputSize < 2)
      return problem(
        'attack/one-class',
        `${model.path} has a single output. Adversarial inputs are about classifiers, which have one output a class.`,
        { file: model.path },
      );
    const replayer = await Replayer.open(sourceOf(model), network);
    return replayer.ok ? ok(new AttackedModel(network, replayer.value, options.threads ?? 1)) : replayer;
  }

  /** Runs the original file on one input. */
  async judge(point: Float32Array): Promise<Result<Judgement>> {
    const answer = await this.replayer.forward(point);
    if (!answer.ok) return answer;
    const { input: given, output } = answer.value;
    return ok({ input: given, logits: output, prediction: largest(output) });
  }

  /** Objectives and gradients of any number of points, [rows, n] in one array. */
  async ascend(points: Float32Array, objectives: Objectives): Promise<Result<Gradients>> {
    this.gradients ??= compileGradients(this.network, this.gradientRows, this.threads);
    const program = await this.gradients;
    if (!program.ok) return program;
    const feeds = { x: points, ...objectives };
    return inBatches(feeds, points.length / this.network.inputSize, this.gradientRows, each => program.value.run(each));
  }

  /** Logits of any number of points, [rows, o]. */
  async logits(points: Float32Array): Promise<Result<Float32Array>> {
    this.forwards ??= compileLogits(this.network, this.logitRows, this.threads);
    const program = await this.forwards;
    if (!program.ok) return program;
    const run = (feeds: { x: Float32Array }): Promise<Result<{ logits: Float32Array }>> => program.value.run(feeds);
    const result = await inBatches({ x: points }, points.length / this.network.inputSize, this.logitRows, run);
    return result.ok ? ok(result.value.logits) : result;
  }

  async close(): Promise<void> {
    await this.replayer.close();
    for (const each of [this.gradients, this.forwards]) {
      const program = await each;
      if (program?.ok) await program.value.close();
    }
  }
}

/** A loaded model as ONNX Runtime takes it, with what it keeps in other files. */
export function sourceOf({ bytes, externalData, path }: LoadedModel): ModelSource {
  const read = externalData.map(file => ({ path: file.location, data: readFileSync(file.path) }));
  return { bytes, externalData: read, name: path };
}

/** Index of the largest value; the lowest of equal ones. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}

async function compileLogits(
  network: Network,
  rows: number,
  threads: number,
): ReturnType<typeof Program.compile<'float32', 'logits'>> {
  return Program.compile('float32', { logits: forward(network, input('x', [rows, network.inputSize])) }, { threads });
}

async function compileGradients(
  network: Network,
  rows: number,
  threads: number,
): ReturnType<typeof Program.compile<'float32', 'logits' | 'objective' | 'slope'>> {
  const x = input('x', [rows, network.inputSize]);
  const perClass = (label: string): Expression => input(label, [rows, network.outputSize]);
  const perRow = (label: string): Expression => input(label, [rows, 1]);
  const logits = forward(network, x);
  const classes = perClass('classes');
  const own = reduceSum(mul(logits, classes), [1]);
  const crossEntropy = sub(logSumExp(logits, 1), own);
  const terms = [
    mul(perRow('crossEntropy'), crossEntropy),
    mul(perRow('ratio'), logitsRatio(logits, classes, own)),
    reduceSum(mul(logits, perClass('direction')), [1]),
  ];
  const objective = terms.reduce((sum, term) => add(sum, term));
  const [slope] = gradient(objective, [x]);
  return Program.compile('float32', { logits, objective: reshape(objective, [rows]), slope }, { threads });
}

/** −(z_c − max of the others) / (largest − third largest): it does not change with the logits' scale. */
function logitsRatio(logits: Expression, classes: Expression, own: Expression): Expression {
  const without = (z: Expression, top: Expression): Expression => where(equal(z, top), -1e30, z);
  const first = reduceMax(logits, [1]);
  const second = reduceMax(without(logits, first), [1]);
  const below = without(without(logits, first), second);
  // With two classes there is no third: the second stands in.
  const third = logits.shape[1] > 2 ? reduceMax(below, [1]) : second;
  const others = reduceMax(where(greater(classes, 0.5), -1e30, logits), [1]);
  const spread = add(where(greater(third, -1e29), sub(first, third), sub(first, second)), SMALLEST_SPREAD);
  return div(sub(others, own), stopGradient(spread));
}

/** Runs a program of fixed rows on any number of rows; the last run repeats what it has. */
async function inBatches<Feeds extends Readonly<Record<keyof Feeds, Float32Array>>, Output extends string>(
  feeds: Feeds,
  rows: number,
  perRun: number,
  run: (feeds: Feeds) => Promise<Result<Record<Output, Float32Array>>>,
): Promise<Result<Record<Output, Float32Array>>> {
  const entries = Object.entries<Float32Array>(feeds);
  let collected: Record<Output, Float32Array> | null = null;
  for (let first = 0; first < rows; first += perRun) {
    const count = Math.min(perRun, rows - first);
    const part = entries.map(([name, data]) => {
      const width = data.length / rows;
      const own = data.subarray(first * width, (first + count) * width);
      if (count === perRun) return [name, own];
      const padded = new Float32Array(perRun * width);
      padded.set(own);
      return [name, padded];
    });
    const result = await run(Object.fromEntries(part) as Feeds);
    if (!result.ok) return result;
    if (rows === perRun) return result;
    const outputs = Object.entries<Float32Array>(result.value) as [Output, Float32Array][];
    collected ??= Object.fromEntries(
      outputs.map(([name, data]) => [name, new Float32Array((data.length / perRun) * rows)]),
    ) as Record<Output, Float32Array>;
    for (const [name, data] of outputs) {
      const width = data.length / perRun;
      collected[name].set(data.subarray(0, count * width), first * width);
    }
  }
  return ok(collected ?? ({} as Record<Output, Float32Array>));
}
