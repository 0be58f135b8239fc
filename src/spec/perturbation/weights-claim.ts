import { inputsOf, outcome, spread, type EpsilonUnits } from './claim';
import type { PerturbationSpec, WeightsCheck } from './spec';

/** What a check allows of one layer's weights, in numbers. */
export interface WeightMove {
  readonly layer: string;
  /** The layer's number, from 1. */
  readonly number: number;
  /** The largest change of a weight down (at most 0) and up. */
  readonly lower: number;
  readonly upper: number;
  /** Largest minus smallest weight of the layer; 0 where all are the same. */
  readonly range: number;
  /** Weights that may move, and all there are. */
  readonly moved: number;
  readonly weights: number;
}

/**
 * What is claimed about one sample under changes of weights: "on sample 3, for every change of the weights of fc_1 by at most 0.03% of their range
 * (0.00041), class 7 stays ahead of every other class".
 * @param units of the check's epsilon; null where the inputs are not perturbed
 */
export function weightsClaim(
  spec: PerturbationSpec,
  check: WeightsCheck,
  moves: readonly WeightMove[],
  units: EpsilonUnits | null,
  sample: number,
  reference: number | null,
): string {
  const { epsilon, clip, index } = check;
  const change = changeOf(check, moves);
  const all =
    epsilon && units
      ? `for ${inputsOf({ epsilon, clip, index }, units, sample)} and ${change}`
      : `on sample ${sample}, for ${change}`;
  return `${all}, ${outcome(spec, reference)}`;
}

function changeOf(
  { magnitude, of, quantisation, bitFlips, together, tensor, maps }: WeightsCheck,
  moves: readonly WeightMove[],
): string {
  const moved = moves.reduce((sum, move) => sum + move.moved, 0);
  const all = moves.reduce((sum, move) => sum + move.weights, 0);
  const names = moves.map(({ layer }) => layer);
  const layers =
    names.length > MOST_NAMES
      ? `${names.slice(0, MOST_NAMES).join(', ')} and ${names.length - MOST_NAMES} more layers`
      : names.join(' and ');
  const what = tensor === 'bias' ? 'biases' : 'weights';
  const weights = `${moved === all ? `the ${what}` : `${moved} of the ${all} ${maps ? 'parameters' : what}`} of ${layers}${together ? ' together' : ''}`;
  const most = spread(moves.map(({ lower, upper }) => Math.max(-lower, upper)));
  if (maps)
    return `every change of ${weights} that ${maps.length === 1 ? 'the map allows' : `the ${maps.length} maps allow`} (by at most ${most})`;
  if (quantisation) return `every rounding of ${weights} to ${quantisation.bits} bits (by at most ${most})`;
  if (bitFlips) {
    const stored = bitFlips.format === 'float32' ? 'float32 numbers' : `${bitFlips.bits ?? 8}-bit integers`;
    return `a flip of bit ${bitFlips.flips.join(' or ')} in each of ${weights}, stored as ${stored} (by at most ${most})`;
  }
  if (!magnitude) return `every change of ${weights}`;
  const size = magnitude.lower
    ? `between ${magnitude.lower.text} and ${magnitude.amount.text}`
    : `by at most ${magnitude.amount.text}`;
  if (magnitude.relative)
    return `every change of ${weights} ${size} of ${of === 'range' ? 'their range' : 'their own size'} (${most})`;
  const parts = moves
    .filter(({ range }) => range > 0)
    .map(move => (100 * Math.max(-move.lower, move.upper)) / move.range);
  return `every change of ${weights} ${size}${parts.length === 0 ? '' : ` (${spread(parts)} % of their range)`}`;
}

/** Layers that are named in a claim. */
const MOST_NAMES = 3;
