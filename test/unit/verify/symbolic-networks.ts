import { Random } from '../../../src/base/random';
import type { Network } from '../../../src/network/network';
import type { Box, Constraint } from '../../../src/spec/question';
import type { BoxProblem, Candidate } from '../../../src/verify/input-split/search';
import type { Budget } from '../../../src/verify/progress';
import type { Prover } from '../../../src/verify/prover';
import { randomChain, randomConstraints } from '../bounds/chains';
import { randomNetwork } from '../tensor/random-network';
import { fewFreeInputs, lowered, margins, truth, type Truth } from './oracle';

/** A box problem together with what the mixed-integer program says of each of its disjuncts. */
export interface Judged {
  readonly network: Network;
  readonly problem: BoxProblem;
  readonly truths: readonly Truth[];
}

export const ENDLESS: Budget = { deadline: Infinity, cancelled: () => false };

/** How far from a tie the disjuncts are. */
const DISTANCES = [1, 0.3, -0.3, 0.1, 0.03, -0.03, 0.01, 1e-3];

/** Three disjuncts over one box, of up to `most` constraints each; the first one is at a distance from a tie that the seed decides, the others are safe. */
export async function judged(network: Network, free: number, seed: number, most: number): Promise<Judged> {
  const random = new Random(seed + 4242);
  const box = fewFreeInputs(random, network.inputSize, free, [1, 0.5, 0.2][seed % 3]);
  const constraints: Constraint[] = [];
  const disjuncts: number[][] = [];
  const truths: Truth[] = [];
  for (let k = 0; k < 3; k++) {
    const drawn = randomConstraints(random, 1 + random.integer(most), network.outputSize, network.inputSize);
    const { bound, reached } = await truth(network, box, drawn);
    const distance = DISTANCES[(seed + k) % DISTANCES.length];
    const shift = bound - (k === 0 ? distance : Math.abs(distance));
    disjuncts.push(drawn.map((_, row) => constraints.length + row));
    constraints.push(...lowered(drawn, shift));
    truths.push({ bound: bound - shift, reached: reached - shift });
  }
  return { network, problem: { box, constraints, disjuncts }, truths };
}

export function chain(seed: number): Network {
  const random = new Random(seed);
  const hidden = Array.from({ length: 1 + random.integer(2) }, () => 3 + random.integer(5));
  return randomChain(seed, [3, ...hidden, 3], seed % 4 === 0 ? 0.25 : 0);
}

/** Four inputs, two wide layers, three labels that no sample refutes: much has to be refined. */
export function hard(seed: number): { network: Network; problem: BoxProblem } {
  const network = randomChain(seed, [4, 16, 16, 3]);
  const random = new Random(seed + 77);
  const box = fewFreeInputs(random, 4, 4, 1);
  const drawn = Array.from({ length: 3 }, () => randomConstraints(random, 1, 3, 4)[0]);
  const samples = Array.from({ length: 400 }, () => margins(network, drawn, pointIn(random, box)));
  const constraints = drawn.flatMap((constraint, k) =>
    lowered([constraint], Math.min(...samples.map(each => each[k])) - 0.6),
  );
  return { network, problem: { box, constraints, disjuncts: [[0], [1], [2]] } };
}

/** Residual, convolutional and other graphs of rectifiers. */
export function graph(seed: number): Network {
  return randomNetwork(seed, seed % 2 === 0 ? ['relu'] : ['relu', 'leakyRelu']);
}

/** Accepts a point when float64 says that it violates. */
export function hooks(): { tryCandidate(candidate: Candidate): Promise<boolean>; onProgress(): void } {
  return { tryCandidate: candidate => Promise.resolve(candidate.margin <= 0), onProgress: () => {} };
}

/** One label after the other: `verified` when all are. */
export async function guided(prover: Prover, problem: BoxProblem): Promise<string> {
  const kinds: string[] = [];
  for (const disjunct of problem.disjuncts.keys()) {
    const { kind } = await prover.run(ENDLESS, [disjunct]);
    if (kind === 'falsified') return kind;
    kinds.push(kind);
  }
  return kinds.find(kind => kind !== 'verified') ?? 'verified';
}

export function pointIn(random: Random, { lower, upper }: Box): Float64Array {
  return lower.map((l, i) => l + random.uniform() * (upper[i] - l));
}
