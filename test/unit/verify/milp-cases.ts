import { expect } from 'vitest';
import { Random } from '../../../src/base/random';
import type { OpenModel } from '../../../src/lp/highs';
import { solveLeaf, type NeuronPhase } from '../../../src/lp/leaf';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import type { Box, Constraint } from '../../../src/spec/question';
import { marginAt, type BoxProblem, type Candidate } from '../../../src/verify/input-split/search';
import { MilpProver } from '../../../src/verify/milp/prover';
import type { ProofEnd, Prover } from '../../../src/verify/prover';
import { randomChain, randomConstraints } from '../bounds/chains';
import { randomNetwork } from '../tensor/random-network';
import { fewFreeInputs, lowered, plainRanges } from './oracle';

export const UNLIMITED = { deadline: Infinity, cancelled: () => false };

export interface Case {
  readonly network: Network;
  readonly problem: BoxProblem;
  readonly disjuncts: readonly (readonly Constraint[])[];
}

function boxProblem(box: Box, disjuncts: readonly (readonly Constraint[])[]): BoxProblem {
  const constraints = disjuncts.flat();
  let next = 0;
  return { box, constraints, disjuncts: disjuncts.map(own => own.map(() => next++)) };
}

/** A network with few neurons, and three disjuncts of one or two constraints. */
export function caseOf(seed: number): Case {
  const random = new Random(seed);
  const network =
    seed % 4 === 3
      ? randomNetwork(seed, ['relu', 'leakyRelu'])
      : randomChain(seed, [3, 4, 4, 3], seed % 4 === 1 ? 0.2 : 0);
  const box = fewFreeInputs(random, network.inputSize, 3, [1, 0.5, 0.2][seed % 3]);
  const disjuncts = [1, 1, 1 + (seed % 2)].map(count =>
    randomConstraints(random, count, network.outputSize, network.inputSize),
  );
  return { network, problem: boxProblem(box, disjuncts), disjuncts };
}

/** A replay in float64: what counts as a counterexample here is a point with a margin of at most 0. */
export function judge({ network, problem }: Case): {
  tried: Candidate[];
  tryCandidate(candidate: Candidate): Promise<boolean>;
} {
  const tried: Candidate[] = [];
  return {
    tried,
    tryCandidate: candidate => {
      tried.push(candidate);
      const values = evaluate(network, Float64Array.from(candidate.input));
      const output = values[values.length - 1];
      const least = problem.disjuncts.map(own =>
        Math.max(...own.map(row => marginAt(problem.constraints[row], candidate.input, output).margin)),
      );
      return Promise.resolve(Math.min(...least) <= 0);
    },
  };
}

export function proverOf(of: Case, open?: OpenModel): MilpProver {
  return new MilpProver(of.network, of.problem, { ...judge(of), onProgress: () => {}, ...(open ? { open } : {}) });
}

/** One label after the other, until one is falsified. */
export async function guided(prover: Prover, disjuncts: number): Promise<ProofEnd> {
  let end: ProofEnd = { kind: 'verified' };
  for (let disjunct = 0; disjunct < disjuncts; disjunct++) {
    const one = await prover.run(UNLIMITED, [disjunct]);
    if (one.kind === 'falsified') return one;
    if (one.kind !== 'verified') end = one;
  }
  return end;
}

/** The least margin of a disjunct over all patterns of phases of all neurons whose sign is open, each an exact linear program. */
async function bruteForce({ network, problem }: Case, constraints: readonly Constraint[]): Promise<number> {
  const ranges = plainRanges(network, problem.box);
  const open = network.nodes.flatMap(node => {
    if (node.kind !== 'relu' && node.kind !== 'leakyRelu') return [];
    const [lower, upper] = [ranges.lower[node.inputs[0]], ranges.upper[node.inputs[0]]];
    return [...lower.keys()].filter(i => lower[i] < 0 && upper[i] > 0).map(neuron => ({ node: node.id, neuron }));
  });
  let least = Infinity;
  for (let bits = 0; bits < 2 ** open.length; bits++) {
    const phases: NeuronPhase[] = open.map((neuron, k) => ({ ...neuron, sign: (bits >> k) & 1 ? 1 : -1 }));
    const outcome = await solveLeaf(network, ranges, phases, constraints, UNLIMITED);
    expect(outcome.kind).not.toBe('failed');
    least = Math.min(least, outcome.bound);
  }
  return least;
}

/** Every disjunct moved so that the least margin of the first is `distance`, and of the others at least as far on the safe side. */
export function moved(of: Case, least: readonly number[], distance: number): Case {
  const disjuncts = of.disjuncts.map((own, k) =>
    lowered(own, least[k] - (k === 0 ? distance : Math.abs(distance) + k)),
  );
  return { ...of, disjuncts, problem: boxProblem(of.problem.box, disjuncts) };
}

/** The least margin of every disjunct; null for networks with so many patterns, or with max pools, whose entries are no phases. */
export async function leastMargins(of: Case): Promise<number[] | null> {
  const { lower, upper } = plainRanges(of.network, of.problem.box);
  if (of.network.nodes.some(node => node.kind === 'maxPool')) return null;
  const open = of.network.nodes
    .filter(node => node.kind === 'relu' || node.kind === 'leakyRelu')
    .reduce((sum, { inputs: [id] }) => sum + lower[id].filter((l, i) => l < 0 && upper[id][i] > 0).length, 0);
  if (open > MOST_OPEN) return null;
  const least: number[] = [];
  for (const constraints of of.disjuncts) least.push(await bruteForce(of, constraints));
  return least;
}

const MOST_OPEN = 5;

/** How far from a tie questions are asked, either way. */
export const DISTANCES = [0.5, -0.5, 0.02, -0.02, 1e-4, -1e-4];
