import { baselineMargins } from '../src/weights/baselines';
import { DEFAULT_WEIGHT_OPTIONS, WeightDecision } from '../src/weights/decide';
import { Opening } from '../src/weights/open-network';
import type { LayerPerturbation } from '../src/weights/perturbation';
import { perturbedLayer, type PerturbedLayer } from '../src/weights/perturbed-layer';
import type { WeightFailure } from '../src/weights/replay-change';
import { starReach } from '../src/weights/star';
import type { WeightModel } from '../src/weights/weight-model';
import { must } from './instances';
import type { Image } from './weights-images';
import type { Answer, AnswerState } from './weights-state';

/** One perturbation of one model: asks what each method says of an image, unless that is known. */
export class Asker {
  private layers: readonly PerturbedLayer[] | undefined;
  private absorbed: Opening | undefined;
  private plain: Opening | undefined;

  constructor(
    private readonly state: AnswerState,
    private readonly question: string,
    private readonly model: WeightModel,
    private readonly perturbations: readonly LayerPerturbation[],
  ) {}

  /** `full`: every linear program there is, instead of those near the threshold. */
  async star(image: Image, method: 'star' | 'full'): Promise<void> {
    await this.ask(image, method, Infinity, async () => {
      const opened = this.opening.at({ kind: 'point', values: image.values });
      const budget = { deadline: Infinity, cancelled: () => false };
      const options = { programs: method === 'full' ? 'all' : 'near' } as const;
      const { verified, programs } = await starReach(opened, image.unsafe, options, budget);
      return { kind: verified ? 'verified' : 'unknown', programs };
    });
  }

  /** What the star has verified is verified; the rest is decided within so many seconds. */
  async complete(image: Image, timeout: number): Promise<void> {
    const { star } = this.state.of(this.question, image.index);
    if (star?.kind === 'verified') this.infer(image, 'complete', 'verified');
    await this.ask(image, 'complete', timeout, async () => {
      const question = {
        perturbations: [],
        input: { kind: 'point', values: image.values } as const,
        unsafe: image.unsafe,
      };
      const budget = { deadline: performance.now() + 1000 * timeout, cancelled: () => false };
      const decision = new WeightDecision(this.model, this.opening, question, DEFAULT_WEIGHT_OPTIONS, budget);
      const verdict = await decision.run();
      const { kind, programs } = verdict;
      if (kind === 'misclassified') throw new Error(`Image ${image.index} is misclassified`);
      return { kind, programs, ...(kind === 'falsified' && { failure: verdict.failure }) };
    });
  }

  /** The three from one pass; the time is that of all of them together. */
  async baselines(image: Image): Promise<void> {
    const known = this.state.of(this.question, image.index);
    if (known.tsai) return;
    this.plain ??= new Opening(this.model, this.perturbed, { absorb: false });
    const clock = new Clock();
    const { wengRanges, wengMargins, tsai } = must(
      baselineMargins(this.plain.at({ kind: 'point', values: image.values }), image.unsafe),
    );
    const spent = clock.spent();
    for (const [method, margins] of [
      ['wengRange', wengRanges],
      ['wengMargin', wengMargins],
      ['tsai', tsai],
    ] as const)
      this.state.put(this.question, image.index, method, {
        kind: margins.every(margin => margin > 0) ? 'verified' : 'unknown',
        ...spent,
      });
  }

  /** An answer that follows from another one. */
  infer(image: Image, method: 'star' | 'complete', kind: Answer['kind']): void {
    if (!this.state.of(this.question, image.index)[method])
      this.state.put(this.question, image.index, method, { kind, seconds: 0, processor: 0, inferred: true });
  }

  private async ask(
    image: Image,
    method: 'star' | 'full' | 'complete',
    timeout: number,
    run: () => Promise<Pick<Answer, 'kind' | 'programs'> & { readonly failure?: WeightFailure }>,
  ): Promise<void> {
    const known = this.state.of(this.question, image.index)[method];
    // A question that was given less time before is asked again.
    if (known && !(known.kind === 'timeout' && known.seconds < 0.9 * timeout)) return;
    // What all images share is made before the clock starts.
    void this.opening;
    const clock = new Clock();
    const { failure, ...answer } = await run();
    const spent = clock.spent();
    const memory = Math.round(process.resourceUsage().maxRSS / 1024);
    const replayed = failure && { replayed: await failsAgain(failure, image.label, this.perturbed) };
    this.state.put(this.question, image.index, method, { ...answer, ...spent, memory, ...replayed });
  }

  private get opening(): Opening {
    return (this.absorbed ??= new Opening(this.model, this.perturbed));
  }

  private get perturbed(): readonly PerturbedLayer[] {
    return (this.layers ??= this.perturbations.map(each => must(perturbedLayer(this.model, each))));
  }
}

/** Whether the changed file, opened anew, fails in ONNX Runtime, and every changed weight is a float32 number within its bounds. */
async function failsAgain(
  { patched, input }: WeightFailure,
  label: number,
  layers: readonly PerturbedLayer[],
): Promise<boolean> {
  const isWithin = patched.changes.every(({ layer: name, tensor, index, before, after }) => {
    const { layer, lower, upper } = layers.find(each => each.layer.name === name)!;
    const own = [layer.weight, layer.bias].find(each => each?.name === tensor)!;
    const place = own.offset + index.reduce((at, i, axis) => at * own.shape[axis] + i, 0);
    return Math.fround(after) === after && after - before >= lower[place] && after - before <= upper[place];
  });
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(patched.bytes, { logSeverityLevel: 3 });
  const [name] = session.inputNames;
  const { shape } = session.inputMetadata[0] as { shape: readonly (number | string)[] };
  const dims = shape.map(Number);
  const { [session.outputNames[0]]: output } = await session.run({ [name]: new Tensor('float32', input, dims) });
  const values = output.data as Float32Array;
  await session.release();
  return isWithin && values.some((value, k) => k !== label && value >= values[label]);
}

class Clock {
  private readonly begin = performance.now();
  private readonly before = process.cpuUsage();

  spent(): Pick<Answer, 'seconds' | 'processor'> {
    const { user, system } = process.cpuUsage(this.before);
    const rounded = (value: number) => Number(value.toPrecision(4));
    return { seconds: rounded((performance.now() - this.begin) / 1000), processor: rounded((user + system) / 1e6) };
  }
}
