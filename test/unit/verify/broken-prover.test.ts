import { expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { ParallelSearch } from '../../../src/verify/input-split/parallel';
import type { BoxProblem } from '../../../src/verify/input-split/search';
import { NeuronSplitProver } from '../../../src/verify/neuron-split/prover';
import type { Prover } from '../../../src/verify/prover';
import type { OpenPart } from '../../../src/verify/symbolic/examine';
import { RefinementTree } from '../../../src/verify/symbolic/tree';
import { randomChain, randomConstraints } from '../bounds/chains';
import { fewFreeInputs, lowered, truth } from './oracle';

const within = (seconds: number) => ({ deadline: performance.now() + 1000 * seconds, cancelled: () => false });
const trap = () => {
  throw new Error('unreachable');
};

/** One disjunct that is violated somewhere by so little that bounds of the whole region do not tell. */
async function unsafe() {
  const random = new Random(5003);
  const network = randomChain(3, [4, 9, 9, 7, 3]);
  const box = fewFreeInputs(random, 4, 4, 0.7);
  const drawn = randomConstraints(random, 1, 3, 4);
  const { bound } = await truth(network, box, drawn);
  const problem: BoxProblem = { box, constraints: lowered(drawn, bound + 1e-3), disjuncts: [[0]] };
  return { network, problem };
}

const hooks = (onProgress: () => void) => ({ threads: 1, tryCandidate: () => Promise.resolve(false), onProgress });

/** Runs a prover until it throws: what it had taken up is lost. */
async function breaks(prover: Prover): Promise<void> {
  await expect(prover.run(within(10))).rejects.toThrow('unreachable');
  expect(prover.standings().map(({ proved }) => proved)).toEqual([false]);
  expect(prover.standings()[0].bound).toBeLessThan(0);
  expect((await prover.run(within(10))).kind).toBe('exhausted');
  await prover.close();
}

it('sub-problems that were lost in a failure are not proved', async () => {
  const { network, problem } = await unsafe();
  const prover: NeuronSplitProver = new NeuronSplitProver(
    network,
    problem,
    hooks(() => Object.assign((prover as unknown as { readonly search: object }).search, { expand: trap })),
  );
  await breaks(prover);
});

it('nor are disjuncts whose trees were given up for new ones when it failed', async () => {
  const { network, problem } = await unsafe();
  const prover: NeuronSplitProver = new NeuronSplitProver(
    network,
    problem,
    hooks(() => {
      const { plan } = prover as unknown as { readonly plan: object };
      Object.assign(plan, { goOn: () => false });
      Object.assign(prover, { boundWhole: trap });
    }),
  );
  await breaks(prover);
});

it('boxes that were lost in a failure are not proved', async () => {
  const { network, problem } = await unsafe();
  const search = new ParallelSearch(network, problem, { seed: 0, ...hooks(() => {}) });
  const { queue } = search as unknown as { readonly queue: { readonly search: object } };
  Object.assign(queue.search, { step: trap });
  await breaks(search);
});

it('nor are parts that were lost while they were refined', () => {
  const tree = new RefinementTree(new Set([0]));
  const bounds = { lower: [], upper: [] };
  const part: OpenPart = { phases: [], bounds, open: new Map([[0, -1]]), next: { node: 1, neuron: 0 } };
  tree.add([{ part, outcome: { closed: [], part, empty: false, points: [], failure: null } }]);
  expect(tree.next()).toBe(part);
  expect(tree.next()).toBe(part);
  expect(tree.open).toEqual([part]);
});
