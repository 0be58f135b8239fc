import { ok, type Result } from '../base/result';
import type { Budget } from '../verify/progress';
import { attackBox, DEFAULT_ATTACK } from './attack';
import { gradientAt, evaluateSet } from './gradient';
import { Opening, type WeightInput } from './open-network';
import type { LayerReference, Selection } from './perturbation';
import { perturbedLayer, outputChannels, weightRange } from './perturbed-layer';
import { replayChange } from './replay-change';
import { preparedGraph, starReach, type Unsafe } from './star';
import { changeBehind } from './weight-change';
import type { WeightModel } from './weight-model';

/** How far the weights of a layer may move, as parts of the range of its weights (0.01 is one percent). */
export interface Tolerance {
  /** The largest magnitude that was proved; 0 when none was. */
  readonly certified: number;
  /** The smallest magnitude with a failure that ONNX Runtime confirmed; null when none was found. */
  readonly failing: number | null;
  readonly programs: number;
  readonly seconds: number;
  /** The budget ended before the two were close. */
  readonly stopped: boolean;
}

export interface ToleranceQuestion {
  readonly layer: LayerReference;
  readonly input: Extract<WeightInput, { kind: 'point' }>;
  readonly unsafe: readonly Unsafe[];
  /** Which weights move; all unless given. */
  readonly select?: Selection;
  /** `star` solves linear programs; `bounds` does not, and is quick. */
  readonly method: 'star' | 'bounds';
  /** The search ends when the proved magnitude is at least this part of the failing or unproved one; 0.95 unless given. */
  readonly precision?: number;
}

/** Where the search for a first unproved magnitude begins, and where it gives up: weights that move by ten times their range. */
const FIRST = 1e-3;
const LARGEST = 10;
const SMALLEST = 1e-7;

/**
 * The largest certified magnitude, by bisection: proofs raise the lower end, magnitudes without a proof lower the upper one, and a confirmed failure says that no
 * proof can exist above it. Fails as `perturbedLayer` does.
 */
export async function weightTolerance(
  model: WeightModel,
  question: ToleranceQuestion,
  budget: Budget,
): Promise<Result<Tolerance>> {
  const started = performance.now();
  const { input, unsafe, precision = 0.95 } = question;
  const x = Float32Array.from(input.values);
  let certified = 0;
  let unproved = Infinity;
  let failing: number | null = null;
  let programs = 0;
  const isOver = () => budget.cancelled() || performance.now() >= budget.deadline;
  let magnitude = FIRST;
  while (!isOver() && magnitude <= LARGEST && magnitude >= SMALLEST && certified < precision * unproved) {
    const layer = perturbedLayer(model, {
      layer: question.layer,
      maps: [
        {
          tensor: 'weights',
          select: question.select ?? { kind: 'all' },
          amount: { kind: 'interval', lower: -magnitude, upper: magnitude, of: 'range' },
        },
      ],
    });
    if (!layer.ok) return layer;
    const opened = new Opening(model, [layer.value]).at(input);
    // A failure settles a magnitude at once; only without one is a proof worth trying.
    let fails = false;
    if (failing === null || magnitude < failing) {
      const [best] = attackBox(preparedGraph(opened.network), opened.box, unsafe, DEFAULT_ATTACK);
      const change = best && best.margin <= 0 ? changeBehind(opened.sources, best.input) : null;
      if (change) {
        const replayed = await replayChange(model, change, x, unsafe, 'gradient corner');
        if (!replayed.ok) return replayed;
        fails = replayed.value !== null;
      }
    }
    if (fails) failing = magnitude;
    const star = fails
      ? null
      : await starReach(opened, unsafe, { programs: question.method === 'star' ? 'all' : 'none' }, budget);
    programs += star?.programs ?? 0;
    if (star?.verified) certified = Math.max(certified, magnitude);
    else unproved = Math.min(unproved, magnitude);
    magnitude =
      unproved === Infinity ? magnitude * 4 : certified === 0 ? unproved / 4 : Math.sqrt(certified * unproved);
  }
  return ok({ certified, failing, programs, seconds: (performance.now() - started) / 1000, stopped: isOver() });
}

/** How much each output of a layer matters at one input. */
export interface LayerSensitivity {
  readonly layer: string;
  /**
   * Per neuron (or channel): by how much the nearest unsafe set comes closer, to first order, when all weights that lead to it move by one percent of the
   * layer's range in the worst direction. An estimate that orders neurons, no bound.
   */
  readonly neurons: Float64Array;
  /** The same for all weights of the layer together. */
  readonly total: number;
}

/** First-order sensitivities of every layer with weights, in the file's order; layers whose weights cannot be perturbed are left out. */
export function weightSensitivity(
  model: WeightModel,
  input: Extract<WeightInput, { kind: 'point' }>,
  unsafe: readonly Unsafe[],
): LayerSensitivity[] {
  const { network, place } = model.writtenWith([]);
  const graph = preparedGraph(network);
  const x = Float64Array.from(input.values);
  const evaluations = unsafe.filter(set => set.length > 0).map(set => evaluateSet(graph, set, x));
  if (evaluations.length === 0) return [];
  const nearest = evaluations.reduce((a, b) => (b.margin < a.margin ? b : a));
  return model.layers.flatMap(layer => {
    const terms = model.terms(layer);
    const range = weightRange(layer);
    if (!terms.ok || !range.ok || !layer.weight) return [];
    const { rowStart, column, parameter, factor, outputSize, reads, gives } = terms.value;
    const gradient = gradientAt(graph, nearest.values, nearest.worst, place(gives));
    const u = nearest.values[place(reads)];
    // Parameters that several outputs share are moved once: their effects add up before their size is taken.
    const effects = new Float64Array(layer.parameters);
    const channelOf = new Int32Array(layer.parameters);
    const channels = outputChannels(layer, terms.value);
    for (let row = 0; row < outputSize; row++)
      for (let t = rowStart[row]; t < rowStart[row + 1]; t++) {
        if (column[t] < 0) continue;
        effects[parameter[t]] += gradient[row] * factor[t] * u[column[t]];
        channelOf[parameter[t]] = Math.floor(row / (outputSize / channels));
      }
    const neurons = new Float64Array(channels);
    effects.forEach((effect, p) => (neurons[channelOf[p]] += Math.abs(effect) * 0.01 * range.value));
    return [{ layer: layer.name, neurons, total: neurons.reduce((a, b) => a + b, 0) }];
  });
}
