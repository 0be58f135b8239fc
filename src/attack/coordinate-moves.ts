import type { Subject } from './adversarial';
import type { Objectives } from './attacked-model';

/** Moves of single values to an end of their range. */

export interface Move {
  readonly index: number;
  readonly value: number;
}

/** The `count` moves of values that still are as in the original which the gradient promises most of; only moves it promises something of. */
export function promisingMoves(subject: Subject, point: Float32Array, slope: Float32Array, count: number): Move[] {
  const { original, lower, upper } = subject;
  let moves: (Move & { gain: number })[] = [];
  let least = 0;
  const prune = (): void => {
    moves = moves.sort((a, b) => b.gain - a.gain).slice(0, count);
    if (moves.length === count) least = moves[count - 1].gain;
  };
  for (let i = 0; i < slope.length; i++) {
    const value = slope[i] > 0 ? upper[i] : lower[i];
    const gain = slope[i] * (value - point[i]);
    if (!(gain > least) || point[i] !== original[i]) continue;
    moves.push({ index: i, value, gain });
    if (moves.length >= 4 * count) prune();
  }
  prune();
  return moves;
}

/** Objectives that lift, in each row, the logit of class `aim` above that of `label`. */
export function liftAbove(
  classes: number,
  rows: readonly { readonly label: number; readonly aim: number }[],
): Objectives {
  const direction = new Float32Array(rows.length * classes);
  rows.forEach(({ label, aim }, row) => {
    direction[row * classes + aim] = 1;
    direction[row * classes + label] = -1;
  });
  const none = new Float32Array(rows.length);
  return { classes: new Float32Array(rows.length * classes), crossEntropy: none, ratio: none, direction };
}

/** Rows one after the other. */
export function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}
