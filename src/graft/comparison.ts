import { assert } from '../base/assert';
import type { Random } from '../base/random';
import { neuronCount, sameLayers, type Mask, type NeuronLayer } from './neurons';

/** How alike masks are, and how scores are distributed (Brandis 2023, section 4.1). */

/** Sizes of intersection and union of the grafted neurons. */
function overlap(a: Mask, b: Mask): { both: number; either: number } {
  assert(sameLayers(a.layers, b.layers), () => 'masks of different networks are compared');
  let [both, either] = [0, 0];
  a.grafted.forEach((mine, i) => {
    both += mine & b.grafted[i];
    either += mine | b.grafted[i];
  });
  return { both, either };
}

/** |A ∩ B| / |A ∪ B| (eq. 4.2); 1 for two empty masks. */
export function jaccardSimilarity(a: Mask, b: Mask): number {
  const { both, either } = overlap(a, b);
  return either === 0 ? 1 : both / either;
}

export function jaccardDistance(a: Mask, b: Mask): number {
  return 1 - jaccardSimilarity(a, b);
}

/** Mean Jaccard distance of all pairs (eq. 4.1); 0 for fewer than two masks. */
export function averagePairwiseDistance(masks: readonly Mask[]): number {
  let [sum, pairs] = [0, 0];
  for (let j = 1; j < masks.length; j++)
    for (let i = 0; i < j; i++, pairs++) sum += jaccardDistance(masks[i], masks[j]);
  return pairs === 0 ? 0 : sum / pairs;
}

/**
 * How many neurons lie in exactly the masks of each combination: the regions of a Venn diagram. Entry c counts the neurons that are in
 * mask k exactly for the bits k of c; entry 0 those in none. For up to 8 masks.
 */
export function vennRegions(masks: readonly Mask[]): number[] {
  assert(masks.length <= 8, () => `${masks.length} masks in one diagram`);
  const regions = new Array<number>(2 ** masks.length).fill(0);
  const count = masks[0]?.grafted.length ?? 0;
  for (let i = 0; i < count; i++) regions[masks.reduce((code, mask, k) => code | (mask.grafted[i] << k), 0)]++;
  return regions;
}

export interface Histogram {
  /** Edges of the bins, one more than there are bins. */
  readonly edges: Float64Array;
  readonly counts: Int32Array;
}

/** Bins of equal width over [low, high]; the last one includes its upper edge, what lies outside is counted at the nearer end. */
export function histogram(values: Float64Array, bins: number, low = 0, high = 1): Histogram {
  assert(bins > 0 && high > low, () => `${bins} bins over [${low}, ${high}]`);
  const counts = new Int32Array(bins);
  const width = (high - low) / bins;
  for (const value of values) counts[Math.min(bins - 1, Math.max(0, Math.floor((value - low) / width)))]++;
  return { edges: Float64Array.from({ length: bins + 1 }, (_, k) => low + k * width), counts };
}

/** A control: as many neurons as `ratio` asks for, drawn at random over all layers. */
export function randomMask(layers: readonly NeuronLayer[], ratio: number, random: Random): Mask {
  const order = Int32Array.from({ length: neuronCount(layers) }, (_, i) => i);
  random.shuffle(order);
  const grafted = new Uint8Array(order.length);
  for (const i of order.subarray(0, Math.round(order.length * ratio))) grafted[i] = 1;
  return { layers, grafted };
}
