import { ok, type Result } from '../base/result';
import type { Budget } from '../verify/progress';
import { NOTHING_KNOWN, searchBracket, type Bracket, type Decided } from '../verify/tuning/bracket';
import { WeightDecision, type WeightOptions } from './decide';
import { gradientAt, evaluateSet } from './gradient';
import { Opening, type WeightInput } from './open-network';
import type { LayerPerturbation, LayerReference, Selection } from './perturbation';
import { perturbedLayer, outputChannels, weightRange } from './perturbed-layer';
import type { Unsafe } from './question';
import type { WeightFailure } from './replay-change';
import { preparedGraph } from './star';
import type { Layer, WeightModel } from './weight-model';

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
  /** Where to begin: a magnitude near the one that is sought. */
  readonly start: number;
  /** Places between 0 and the start: the finer, the nearer the two ends come; 64 unless given. */
  readonly places?: number;
  readonly options: WeightOptions;
  /** Seconds for one magnitude. */
  readonly timeout: number;
}

/** Weights that move by ten times their range: nothing beyond is asked. */
const LARGEST = 10;
const SMALLEST = 1e-8;
/** A bracket whose lower end has fewer places than this below it is searched again on a finer grid, so many times finer. */
const FEW_PLACES = 12;
const FINER = 16;
/** Magnitudes without an answer that are spent on bringing a failure nearer. */
const MOST_OPEN = { star: 4, complete: 1 } as const;

/** The layer with the weights that a selection chooses moved by ± `magnitude` of the range. */
function movedBy(layer: LayerReference, magnitude: number, select: Selection = { kind: 'all' }): LayerPerturbation {
  const amount = { kind: 'interval', lower: -magnitude, upper: magnitude, of: 'range' } as const;
  return { layer, maps: [{ tensor: 'weights', select, amount }] };
}

/**
 * The largest certified magnitude, by bisection: proofs raise the lower end, magnitudes without a proof lower the upper one, and a confirmed failure says that no
 * proof can exist above it. Fails as `perturbedLayer` does.
 * @param onFailure is given every failure, the smallest last
 */
export async function weightTolerance(
  model: WeightModel,
  question: ToleranceQuestion,
  budget: Budget,
  onFailure: (failure: WeightFailure, magnitude: number) => void = () => {},
): Promise<Result<Tolerance>> {
  const started = performance.now();
  const { input, unsafe, options, places = 64 } = question;
  const possible = perturbedLayer(model, movedBy(question.layer, SMALLEST, question.select));
  if (!possible.ok) return possible;
  let programs = 0;
  const isOver = () => budget.cancelled() || performance.now() >= budget.deadline;

  const decide = async (magnitude: number): Promise<Decided> => {
    if (isOver()) return 'stopped';
    const layer = perturbedLayer(model, movedBy(question.layer, magnitude, question.select));
    if (!layer.ok) return 'open';
    const deadline = Math.min(budget.deadline, performance.now() + 1000 * question.timeout);
    const asked = { perturbations: [], input, unsafe };
    const own = { deadline, cancelled: () => budget.cancelled() };
    const verdict = await new WeightDecision(model, new Opening(model, [layer.value]), asked, options, own).run();
    programs += verdict.programs;
    switch (verdict.kind) {
      case 'verified':
        return 'verified';
      case 'falsified':
        onFailure(verdict.failure, magnitude);
        return 'falsified';
      case 'misclassified':
        return 'falsified';
      default:
        return isOver() ? 'stopped' : 'open';
    }
  };

  let unit = Math.min(LARGEST, Math.max(SMALLEST * places, question.start)) / places;
  let bracket: Bracket = NOTHING_KNOWN;
  for (;;) {
    const size = unit;
    const limits = { start: places, most: Math.floor(LARGEST / size), mostOpen: MOST_OPEN[options.method] };
    const found = await searchBracket(limits, bracket, place => decide(place * size));
    ({ bracket } = found);
    const { certified, attacked } = bracket;
    if (found.stopped || certified >= FEW_PLACES || certified === limits.most || unit / FINER < SMALLEST) break;
    bracket = { certified: certified * FINER, attacked: attacked === null ? null : attacked * FINER };
    unit /= FINER;
  }
  return ok({
    certified: bracket.certified * unit,
    failing: bracket.attacked === null ? null : bracket.attacked * unit,
    programs,
    seconds: (performance.now() - started) / 1000,
    stopped: isOver(),
  });
}

/** How much each output of a layer matters at one input. */
export interface LayerSensitivity {
  readonly layer: Layer;
  /**
   * Per neuron (or channel): by how much the nearest unsafe set comes closer, to first order, when all weights that lead to it move by one percent of the
   * layer's range in the worst direction. An estimate that orders neurons, no bound.
   */
  readonly neurons: Float64Array;
  /** The same for all weights of the layer together. */
  readonly total: number;
  /** The magnitude at which that reaches the set: where to begin to look for the tolerance. */
  readonly reach: number;
}

const PERCENT = 0.01;

/** First-order sensitivities of layers, in the order given; those whose weights cannot be perturbed are left out. */
export function weightSensitivity(
  model: WeightModel,
  input: Extract<WeightInput, { kind: 'point' }>,
  unsafe: readonly Unsafe[],
  layers: readonly Layer[] = model.layers,
): LayerSensitivity[] {
  const { network, place } = model.nominal;
  const graph = preparedGraph(network);
  const x = Float64Array.from(input.values);
  const evaluations = unsafe.filter(set => set.length > 0).map(set => evaluateSet(graph, set, x));
  if (evaluations.length === 0) return [];
  const nearest = evaluations.reduce((a, b) => (b.margin < a.margin ? b : a));
  return layers.flatMap(layer => {
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
    effects.forEach((effect, p) => (neurons[channelOf[p]] += Math.abs(effect) * PERCENT * range.value));
    const total = neurons.reduce((a, b) => a + b, 0);
    return [{ layer, neurons, total, reach: (PERCENT * Math.max(0, nearest.margin)) / total }];
  });
}
