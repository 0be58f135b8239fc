import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { BranchTree, type ClosedLeaf } from '../../../src/lp/branch-tree';
import { dualBound, provesInfeasible } from '../../../src/lp/certified';
import { inputOf } from '../../../src/lp/leaf';
import { costOf, type LinearProgram } from '../../../src/lp/linear-program';
import { PseudoCosts } from '../../../src/lp/pseudo-costs';
import { RegionModel } from '../../../src/lp/region-model';
import { regionProgram, unionProgram, type NodeRanges, type ReluProgram } from '../../../src/lp/relu-program';
import { HighsModel } from '../../../src/lp/highs';
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
  /** One constraint or several a disjunct. */
  readonly disjuncts: readonly (readonly Constraint[])[];
}

function caseOf(seed: number): Case {
  const random = new Random(seed);
  const network =
    seed % 2 === 0
      ? randomChain(seed, [3, 6, 6, 3], seed % 3 === 0 ? 0.2 : 0)
      : randomNetwork(seed, ['relu', 'leakyRelu']);
  const box = fewFreeInputs(random, network.inputSize, 3, [1, 0.3][seed % 2]);
  const disjuncts = [1, 2, 1].map(count => randomConstraints(random, count, network.outputSize, network.inputSize));
  return { network, box, ranges: plainRanges(network, box), disjuncts };
}

const options = (threshold: number) => ({ threshold, order: 'depth' as const, costs: new PseudoCosts() });

/** The program with the sides of a leaf, made again from what the leaf says. */
function programOf({ program, branchings, objectives }: ReluProgram, leaf: ClosedLeaf): LinearProgram {
  const [columnLower, columnUpper] = [program.columnLower.slice(), program.columnUpper.slice()];
  const [rowLower, rowUpper] = [program.rowLower.slice(), program.rowUpper.slice()];
  for (const { branching, side } of leaf.sides)
    for (const { of, index, lower, upper } of branchings[branching].sides[side]) {
      const [l, u] = of === 'column' ? [columnLower, columnUpper] : [rowLower, rowUpper];
      l[index] = Math.max(l[index], lower);
      u[index] = Math.min(u[index], upper);
    }
  const { offset } = objectives[leaf.objective];
  const cost = costOf(objectives[leaf.objective], program.cost.length);
  return { ...program, cost, offset, columnLower, columnUpper, rowLower, rowUpper };
}

describe('branch and bound over a region’s program', () => {
  it.each(Array.from({ length: 16 }, (_, seed) => seed))('finds the least margin, seed %i', async seed => {
    const { network, box, ranges, disjuncts } = caseOf(seed);
    const written = regionProgram(network, ranges, disjuncts, 'triangle');
    const region = await RegionModel.open(written);
    for (const [objective, constraints] of disjuncts.entries()) {
      const { bound, reached } = await truth(network, box, constraints);
      const leaves: ClosedLeaf[] = [];
      const below = new BranchTree(region, [objective], {
        ...options(bound - 1e-3),
        closed: leaf => leaves.push(leaf),
      });
      expect(await below.run(UNLIMITED)).toEqual({ kind: 'closed' });
      expect(below.bound(objective)).toBeGreaterThan(bound - 1e-3);
      expect(below.bound(objective)).toBeLessThan(reached + 1e-9);
      // The leaves cover the region: every pattern of sides is in one of them; and each is proved by its own multipliers.
      const covered = leaves.reduce((sum, leaf) => sum + 2 ** -leaf.sides.length, 0);
      expect(covered).toBe(1);
      for (const leaf of leaves) {
        const own = programOf(written, leaf);
        if (leaf.bound === Infinity) expect(provesInfeasible(own, leaf.multipliers)).toBe(true);
        else expect(dualBound(own, leaf.multipliers)).toBe(leaf.bound);
      }
      // A threshold above the least margin cannot be proved.
      let best = Infinity;
      const above = new BranchTree(region, [objective], {
        ...options(reached + 1e-3),
        point: point => {
          const x = inputOf(ranges, written.columns[0], point);
          best = Math.min(best, Math.max(...margins(network, constraints, x)));
          return Promise.resolve(false);
        },
      });
      expect((await above.run(UNLIMITED)).kind).toBe('exhausted');
      expect(above.stuck).toBeGreaterThan(0);
      expect(above.bound(objective)).toBeLessThan(reached + 1e-9);
      expect(best).toBeLessThan(bound + 1e-3);
    }
    region.dispose();
  });

  it('proves several objectives in one tree, each as far as it goes', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const { network, box, ranges, disjuncts } = caseOf(seed);
      const region = await RegionModel.open(regionProgram(network, ranges, disjuncts, 'triangle'));
      const truths = [];
      for (const constraints of disjuncts) truths.push(await truth(network, box, constraints));
      const least = Math.min(...truths.map(({ bound }) => bound));
      const tree = new BranchTree(region, [0, 1, 2], options(least - 1e-3));
      expect(await tree.run(UNLIMITED)).toEqual({ kind: 'closed' });
      truths.forEach(({ reached }, objective) => {
        expect(tree.bound(objective)).toBeGreaterThan(least - 1e-3);
        expect(tree.bound(objective)).toBeLessThan(reached + 1e-9);
      });
      expect(tree.closedFraction).toBeGreaterThan(0);
      const more = new BranchTree(region, [0, 1, 2], options(least + 1e-3));
      expect((await more.run(UNLIMITED)).kind).toBe('exhausted');
      region.dispose();
      // One mixed-integer program for all of them has the least of their optima.
      const union = await HighsModel.open(unionProgram(network, ranges, disjuncts).program);
      const solved = union.solve({ seconds: 20 });
      union.dispose();
      expect(solved.kind === 'optimal' && Math.abs(solved.objective - least)).toBeLessThan(
        1e-5 * (1 + Math.abs(least)),
      );
    }
  });

  it('has a certified bound whenever it is stopped, and goes on', async () => {
    const { network, box, ranges, disjuncts } = caseOf(4);
    const region = await RegionModel.open(regionProgram(network, ranges, disjuncts, 'triangle'));
    const { bound, reached } = await truth(network, box, disjuncts[0]);
    const tree = new BranchTree(region, [0], { ...options(bound - 1e-3), order: 'bound' });
    expect(tree.bound(0)).toBe(-Infinity);
    expect(await tree.run({ ...UNLIMITED, cancelled: () => true })).toEqual({ kind: 'stopped' });
    expect(tree.bound(0)).toBe(-Infinity);
    let last = -Infinity;
    let runs = 0;
    for (;;) {
      const end = await tree.run(UNLIMITED, tree.solved + 1);
      expect(tree.bound(0)).toBeGreaterThanOrEqual(last);
      expect(tree.bound(0)).toBeLessThan(reached + 1e-9);
      last = tree.bound(0);
      runs++;
      if (end.kind === 'closed') break;
    }
    expect(runs).toBeGreaterThan(2);
    region.dispose();
  });

  it('loses nothing to a failure in the middle', async () => {
    const { network, box, ranges, disjuncts } = caseOf(4);
    const region = await RegionModel.open(regionProgram(network, ranges, disjuncts, 'triangle'));
    const { reached } = await truth(network, box, disjuncts[0]);
    let asked = 0;
    // Every point fails now and then, so that every kind of sub-problem is interrupted.
    const point = () => (asked++ % 3 === 2 ? Promise.reject(new Error('out of memory')) : Promise.resolve(false));
    const tree = new BranchTree(region, [0], { ...options(reached + 0.1), point });
    let failures = 0;
    for (;;) {
      const end = await tree.run({ ...UNLIMITED, deadline: performance.now() + 5000 }).catch(() => null);
      expect(tree.bound(0)).toBeLessThan(reached + 1e-9);
      if (end === null) failures++;
      else {
        // Somewhere the margin is less than was asked for.
        expect(end.kind).not.toBe('closed');
        break;
      }
    }
    expect(failures).toBeGreaterThan(2);
    region.dispose();
  });

  it.each(Object.entries(LIES))('proves nothing false with a solver that %s', async (_, open) => {
    for (let seed = 0; seed < 3; seed++) {
      const { network, box, ranges, disjuncts } = caseOf(seed);
      const { reached } = await truth(network, box, disjuncts[0]);
      let region;
      try {
        region = await RegionModel.open(regionProgram(network, ranges, disjuncts, 'triangle'), open);
      } catch {
        continue;
      }
      const tree = new BranchTree(region, [0], options(reached + 0.1));
      const end = await tree.run({ ...UNLIMITED, deadline: performance.now() + 5000 });
      expect(['exhausted', 'stopped']).toContain(end.kind);
      expect(tree.bound(0)).toBeLessThan(reached + 1e-9);
      region.dispose();
    }
  });
});
