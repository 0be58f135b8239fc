import { ok, problem, type Result } from '../base/result';
import type { Ranking } from './kinds';
import {
  describeLayers,
  layerOffsets,
  neuronCount,
  ofLayer,
  sameLayers,
  type Mask,
  type NeuronLayer,
  type NeuronValues,
} from './neurons';
import { scores } from './ranking';

/** Which neurons to graft: those with the largest γ·instability − significance, in stages of falling γ (Chen et al. 2022; Brandis 2023, 3.4). */

export interface MaskOptions {
  /** Part of the neurons to graft, 0..1. */
  readonly ratio: number;
  /** γ of every stage; all stages take the same number of neurons. Infinity: by instability alone. */
  readonly schedule: readonly number[];
  readonly instabilityRanking: Ranking;
  readonly significanceRanking: Ranking;
  /** `layer`: the ratio of each layer, ranked within it; `global`: of all neurons together. */
  readonly scope: 'global' | 'layer';
}

export const DEFAULT_MASK_OPTIONS: MaskOptions = {
  ratio: 0.5,
  schedule: [2, 1.5, 1, 0],
  instabilityRanking: 'none',
  significanceRanking: 'min',
  scope: 'global',
};

/** Every neuron's place on the plane of instability and significance, each in [0, 1]; kept, so that only the selection follows γ and ratio. */
export interface ScorePlane {
  readonly layers: readonly NeuronLayer[];
  readonly instability: Float64Array;
  readonly significance: Float64Array;
}

/** Error `graft/architecture` when the two indicators are of different networks. */
export function scorePlane(
  instability: NeuronValues,
  significance: NeuronValues,
  options: Pick<MaskOptions, 'instabilityRanking' | 'significanceRanking' | 'scope'>,
): Result<ScorePlane> {
  const { layers } = instability;
  if (!sameLayers(layers, significance.layers)) {
    return problem(
      'graft/architecture',
      `The instability is of layers of ${describeLayers(layers)} neurons, the significance of ${describeLayers(significance.layers)}. Both have to be measured on one network.`,
    );
  }
  const scored = ({ values }: NeuronValues, ranking: Ranking): Float64Array => {
    if (options.scope === 'global') return scores(values, ranking);
    const result = new Float64Array(values.length);
    layers.forEach((_, k) => ofLayer(layers, result, k).set(scores(ofLayer(layers, values, k), ranking)));
    return result;
  };
  return ok({
    layers,
    instability: scored(instability, options.instabilityRanking),
    significance: scored(significance, options.significanceRanking),
  });
}

/** γ·instability − significance of every neuron. */
export function graftScores({ instability, significance }: ScorePlane, gamma: number): Float64Array {
  if (gamma === Infinity) return instability.slice();
  return instability.map((unstable, i) => gamma * unstable - significance[i]);
}

export interface Selection {
  readonly mask: Mask;
  /** The stage (from 1) in which each neuron was chosen; 0 for those that stay rectified. */
  readonly stage: Uint8Array;
}

/** Errors: `graft/ratio` and `graft/schedule`, with what would be right. */
export function selectNeurons(
  plane: ScorePlane,
  { ratio, schedule, scope }: Pick<MaskOptions, 'ratio' | 'schedule' | 'scope'>,
): Result<Selection> {
  const wrong = optionProblem(ratio, schedule);
  if (wrong) return wrong;
  const stage = new Uint8Array(neuronCount(plane.layers));
  const offsets = layerOffsets(plane.layers);
  const parts: (readonly [number, number])[] =
    scope === 'global' ? [[0, stage.length]] : plane.layers.map((_, k) => [offsets[k], offsets[k + 1]]);
  schedule.forEach((gamma, k) => {
    const score = graftScores(plane, gamma);
    for (const [from, to] of parts) {
      const wanted = (done: number): number => Math.round(((to - from) * ratio * done) / schedule.length);
      choose(score.subarray(from, to), stage.subarray(from, to), k + 1, wanted(k + 1) - wanted(k));
    }
  });
  return ok({ mask: { layers: plane.layers, grafted: stage.map(each => (each > 0 ? 1 : 0)) }, stage });
}

function optionProblem(
  ratio: number,
  schedule: readonly number[],
): { ok: false; error: { code: string; message: string } } | null {
  if (!(ratio >= 0 && ratio <= 1))
    return problem('graft/ratio', `The ratio is ${ratio}; it is the part of the neurons to graft, between 0 and 1.`);
  if (schedule.length === 0 || schedule.length > 255)
    return problem(
      'graft/schedule',
      `The schedule has ${schedule.length} stages; between 1 and 255 values of γ are needed.`,
    );
  const bad = schedule.find(gamma => !(gamma >= 0));
  if (bad !== undefined)
    return problem(
      'graft/schedule',
      `The schedule holds ${bad}; every γ is a number from 0 up (Infinity: instability alone).`,
    );
  return null;
}

/** Marks the `count` neurons with the largest scores among those without a stage; of equal ones the first. */
function choose(score: Float64Array, stage: Uint8Array, mark: number, count: number): void {
  if (count <= 0) return;
  const free = new Float64Array(score.length);
  let size = 0;
  for (let i = 0; i < score.length; i++) if (stage[i] === 0) free[size++] = score[i];
  const threshold = smallest(free.subarray(0, size), size - count);
  let left = count;
  for (let i = 0; i < score.length; i++)
    if (stage[i] === 0 && score[i] > threshold) {
      stage[i] = mark;
      left--;
    }
  for (let i = 0; i < score.length && left > 0; i++)
    if (stage[i] === 0 && score[i] === threshold) {
      stage[i] = mark;
      left--;
    }
}

/** The value that has `rank` smaller or equal ones before it when sorted; the array is put in another order (quickselect: a mask follows a slider). */
function smallest(values: Float64Array, rank: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let [i, j] = [low, high];
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i > j) break;
      const held = values[i];
      values[i++] = values[j];
      values[j--] = held;
    }
    if (rank <= j) high = j;
    else if (rank >= i) low = i;
    else return values[rank];
  }
  return values[rank];
}

/** From indicators to a mask in one step. Errors: those of `scorePlane` and `selectNeurons`. */
export function createMask(
  instability: NeuronValues,
  significance: NeuronValues,
  options: MaskOptions = DEFAULT_MASK_OPTIONS,
): Result<Mask> {
  const wrong = optionProblem(options.ratio, options.schedule);
  if (wrong) return wrong;
  const plane = scorePlane(instability, significance, options);
  if (!plane.ok) return plane;
  const selection = selectNeurons(plane.value, options);
  return selection.ok ? ok(selection.value.mask) : selection;
}
