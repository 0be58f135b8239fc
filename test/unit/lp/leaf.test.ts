import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { solveLeaf, type LeafOutcome, type NeuronPhase } from '../../../src/lp/leaf';
import type { NodeRanges } from '../../../src/lp/relu-program';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import type { Box, Constraint } from '../../../src/spec/question';
import { randomChain, randomConstraints } from '../bounds/chains';
import { randomNetwork } from '../tensor/random-network';
import { fewFreeInputs, margins, plainRanges, truth } from '../verify/oracle';
import { LIES } from './lying-solver';

const UNLIMITED = { deadline: Infinity, cancelled: () => false };

interface Case {
  readonly network: Network;
  readonly box: Box;
  readonly ranges: NodeRanges;
  readonly constraints: readonly Constraint[];
}

function caseOf(seed: number): Case {
  const random = new Random(seed);
  const network = randomChain(seed, [2, 3, 3, 2], seed % 3 === 0 ? 0.2 : 0);
  const box = fewFreeInputs(random, 2, 2, [1, 0.5][seed % 2]);
  const constraints = randomConstraints(random, 1 + (seed % 3), 2, 2);
  return { network, box, ranges: plainRanges(network, box), constraints };
}

/** All activations whose sign the ranges leave open. */
function openNeurons(network: Network, ranges: NodeRanges): { node: number; neuron: number }[] {
  return network.nodes.flatMap(node => {
    if (node.kind !== 'relu' && node.kind !== 'leakyRelu') return [];
    const [lower, upper] = [ranges.lower[node.inputs[0]], ranges.upper[node.inputs[0]]];
    return [...lower.keys()].filter(i => lower[i] < 0 && upper[i] > 0).map(neuron => ({ node: node.id, neuron }));
  });
}

/** Every way to fix the neurons. */
function patterns(neurons: readonly { node: number; neuron: number }[]): NeuronPhase[][] {
  return Array.from({ length: 2 ** neurons.length }, (_, bits) =>
    neurons.map((neuron, k) => ({ ...neuron, sign: (bits >> k) & 1 ? 1 : -1 })),
  );
}

function pointOf(random: Random, box: Box): Float64Array {
  return box.lower.map((l, i) => Math.min(box.upper[i], l + (box.upper[i] - l) * random.uniform()));
}

const holds = (network: Network, phases: readonly NeuronPhase[], x: Float64Array) => {
  const values = evaluate(network, x);
  return phases.every(({ node, neuron, sign }) => sign * values[network.nodes[node].inputs[0]][neuron] >= -1e-6);
};

const least = (outcomes: readonly LeafOutcome[]) => Math.min(...outcomes.map(outcome => outcome.bound));

describe('the linear program of a leaf', () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))(
    'over all patterns of phases gives the least margin, seed %i',
    async seed => {
      const { network, box, ranges, constraints } = caseOf(seed);
      const all = patterns(openNeurons(network, ranges));
      const outcomes: LeafOutcome[] = [];
      for (const phases of all) outcomes.push(await solveLeaf(network, ranges, phases, constraints, UNLIMITED));
      for (const [k, outcome] of outcomes.entries()) {
        expect(outcome.kind).not.toBe('failed');
        if (outcome.kind !== 'point') continue;
        // The optimum is attained, with these phases.
        expect(holds(network, all[k], outcome.input)).toBe(true);
        expect(Math.max(...margins(network, constraints, outcome.input))).toBeCloseTo(outcome.bound, 5);
      }
      const whole = await truth(network, box, constraints);
      expect(least(outcomes)).toBeLessThan(whole.reached + 1e-9);
      expect(least(outcomes)).toBeGreaterThan(whole.bound - 1e-5);
      const random = new Random(seed);
      for (let sample = 0; sample < 100; sample++) {
        const x = pointOf(random, box);
        const margin = Math.max(...margins(network, constraints, x));
        outcomes.forEach((outcome, k) => {
          if (margin < outcome.bound - 1e-9) expect(holds(network, all[k], x)).toBe(false);
        });
      }
    },
  );

  it('is proved for phases that exclude each other', async () => {
    let excluded = 0;
    for (let seed = 0; seed < 10; seed++) {
      const { network, box, ranges, constraints } = caseOf(seed);
      for (const phases of patterns(openNeurons(network, ranges))) {
        const outcome = await solveLeaf(network, ranges, phases, constraints, UNLIMITED);
        if (outcome.bound !== Infinity) continue;
        excluded++;
        const random = new Random(seed);
        for (let sample = 0; sample < 50; sample++) expect(holds(network, phases, pointOf(random, box))).toBe(false);
      }
    }
    expect(excluded).toBeGreaterThan(10);
  });

  it('is a relaxation where neurons are left open', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const { network, box, ranges, constraints } = caseOf(seed);
      const neurons = openNeurons(network, ranges);
      const [exact] = [(await truth(network, box, constraints)).reached];
      const { bound } = await solveLeaf(network, ranges, [], constraints, UNLIMITED);
      expect(bound).toBeGreaterThan(-Infinity);
      expect(bound).toBeLessThan(exact + 1e-9);
      const half: LeafOutcome[] = [];
      for (const phases of patterns(neurons.slice(0, 2)))
        half.push(await solveLeaf(network, ranges, phases, constraints, UNLIMITED));
      expect(least(half)).toBeGreaterThan(bound - 1e-6);
      expect(least(half)).toBeLessThan(exact + 1e-9);
    }
  });

  it('takes any network of straight pieces, and says which node is not', async () => {
    const random = new Random(3);
    const network = randomNetwork(3, ['relu', 'leakyRelu']);
    const box = fewFreeInputs(random, network.inputSize, 4, 0.3);
    const constraints = randomConstraints(random, 1, network.outputSize, network.inputSize);
    const outcome = await solveLeaf(network, plainRanges(network, box), [], constraints, UNLIMITED);
    expect(outcome.bound).toBeLessThan((await truth(network, box, constraints)).reached + 1e-9);
    const curved = randomNetwork(3, ['tanh']);
    const nothing = curved.nodes.map(node => new Float64Array(node.size));
    const refused = await solveLeaf(curved, { lower: nothing, upper: nothing }, [], constraints, UNLIMITED);
    expect(refused).toMatchObject({ kind: 'failed', bound: -Infinity });
    expect(refused.kind === 'failed' && refused.reason).toContain('Tanh');
  });

  it('stops when it is told to', async () => {
    const { network, ranges, constraints } = caseOf(1);
    const late = await solveLeaf(network, ranges, [], constraints, { ...UNLIMITED, deadline: 0 });
    const cancelled = await solveLeaf(network, ranges, [], constraints, { ...UNLIMITED, cancelled: () => true });
    for (const outcome of [late, cancelled])
      expect(outcome).toEqual({ kind: 'failed', reason: 'A linear program was not solved in time.', bound: -Infinity });
  });

  it.each(Object.entries(LIES))('believes no solver that %s', async (_, open) => {
    for (let seed = 0; seed < 6; seed++) {
      const { network, ranges, constraints } = caseOf(seed);
      const honest = await solveLeaf(network, ranges, [], constraints, UNLIMITED);
      // A margin that is negative somewhere must not be proved positive.
      const violated = constraints.map(constraint => ({ ...constraint, bound: constraint.bound + honest.bound + 10 }));
      const outcome = await solveLeaf(network, ranges, [], violated, UNLIMITED, open);
      expect(outcome.kind).not.toBe('proved');
      expect(outcome.bound).toBeLessThan(0);
      if (outcome.kind === 'failed') expect(outcome.reason).toMatch(/^(HiGHS|A linear program) .*\.$/);
      if (outcome.kind === 'point')
        outcome.input.forEach((x, i) => expect(x >= ranges.lower[0][i] && x <= ranges.upper[0][i]).toBe(true));
    }
  });
});
