import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import type { NodeRanges } from '../../../src/lp/relu-program';
import { tighten, type TighteningStep } from '../../../src/lp/tightening';
import type { OpenModel } from '../../../src/lp/highs';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import type { Box } from '../../../src/spec/question';
import { randomChain } from '../bounds/chains';
import { randomNetwork } from '../tensor/random-network';
import { fewFreeInputs, plainRanges } from '../verify/oracle';
import { LIES } from './lying-solver';

const UNLIMITED = { deadline: Infinity, cancelled: () => false };

function caseOf(seed: number): { network: Network; box: Box; ranges: NodeRanges } {
  const random = new Random(seed);
  const network =
    seed % 2 === 0
      ? randomChain(seed, [3, 6, 6, 5, 2], seed % 3 === 0 ? 0.2 : 0)
      : randomNetwork(seed, ['relu', 'leakyRelu']);
  const box = fewFreeInputs(random, network.inputSize, 3, 0.5);
  return { network, box, ranges: plainRanges(network, box) };
}

async function tightened(
  network: Network,
  ranges: NodeRanges,
  branching: number,
  open?: OpenModel,
): Promise<TighteningStep> {
  const run = tighten(network, ranges, { branching, perNeuron: 5000 }, UNLIMITED, open);
  for (;;) {
    const step = await run.next();
    if (step.done) return step.value;
  }
}

/** The least and largest value of every node at sampled points. */
function expectContains({ lower, upper }: NodeRanges, network: Network, box: Box, seed: number): void {
  const random = new Random(seed);
  for (let sample = 0; sample < 200; sample++) {
    // Corners too: extremes are there more often than inside.
    const corner = sample % 2 === 0;
    const x = box.lower.map((l, i) => {
      const part = corner ? random.integer(2) : random.uniform();
      return Math.min(box.upper[i], l + (box.upper[i] - l) * part);
    });
    const outside = evaluate(network, x).flatMap((values, id) =>
      [...values.keys()].filter(i => !(values[i] > lower[id][i] - 1e-9 && values[i] < upper[id][i] + 1e-9)),
    );
    expect(outside).toEqual([]);
  }
}

const crossing = ({ lower, upper }: NodeRanges, network: Network) =>
  network.nodes
    .filter(node => node.kind === 'relu' || node.kind === 'leakyRelu')
    .flatMap(({ inputs: [id] }) => [...lower[id].keys()].filter(i => lower[id][i] < 0 && upper[id][i] > 0)).length;

const widths = ({ lower, upper }: NodeRanges) => upper.map((values, id) => values.map((u, i) => u - lower[id][i]));

describe('progressive tightening', () => {
  it.each(Array.from({ length: 10 }, (_, seed) => seed))(
    'contains what the network computes; every step is at least as tight as the one before, seed %i',
    async seed => {
      const { network, box, ranges } = caseOf(seed);
      const steps = [ranges, (await tightened(network, ranges, 0)).ranges];
      steps.push((await tightened(network, steps[1], 40)).ranges);
      for (const [k, step] of steps.entries()) {
        expectContains(step, network, box, seed);
        if (k === 0) continue;
        const [now, before] = [widths(step), widths(steps[k - 1])];
        now.forEach((values, id) => values.forEach((width, i) => expect(width).toBeLessThanOrEqual(before[id][i])));
        expect(crossing(step, network)).toBeLessThanOrEqual(crossing(steps[k - 1], network));
      }
    },
  );

  it('gets tighter by linear programs, and by branching more', async () => {
    const sum = (ranges: NodeRanges) =>
      widths(ranges).reduce((total, values) => total + values.reduce((a, b) => a + b, 0), 0);
    let [intervals, linear, branched] = [0, 0, 0];
    let settled = 0;
    for (let seed = 0; seed < 8; seed += 2) {
      const { network, ranges } = caseOf(seed);
      intervals += sum(ranges);
      const first = await tightened(network, ranges, 0);
      linear += sum(first.ranges);
      const second = await tightened(network, first.ranges, 40);
      branched += sum(second.ranges);
      settled += first.settled + second.settled;
      expect(crossing(ranges, network) - crossing(second.ranges, network)).toBe(first.settled + second.settled);
    }
    expect(linear).toBeLessThan(0.97 * intervals);
    expect(branched).toBeLessThan(0.99 * linear);
    expect(settled).toBeGreaterThan(0);
  });

  it('leaves what it has no time for', async () => {
    const { network, box, ranges } = caseOf(2);
    const late = tighten(network, ranges, { branching: 0, perNeuron: 5000 }, { ...UNLIMITED, deadline: 0 });
    const step = await late.next();
    expect(step.done).toBe(true);
    expect(step.value).toMatchObject({ settled: 0, solved: 0 });
    expect(crossing(step.value.ranges, network)).toBe(crossing(ranges, network));
    expectContains(step.value.ranges, network, box, 1);
  });

  it.each(Object.entries(LIES))('is not misled by a solver that %s', async (_, open) => {
    for (let seed = 0; seed < 2; seed++) {
      const { network, box, ranges } = caseOf(seed);
      for (const branching of [0, 10])
        try {
          expectContains((await tightened(network, ranges, branching, open)).ranges, network, box, seed);
        } catch (error) {
          expect(String(error)).toContain('memory access');
        }
    }
  });
});
