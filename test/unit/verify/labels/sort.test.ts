import { describe, expect, it } from 'vitest';
import { Random } from '../../../../src/base/random';
import { evaluate } from '../../../../src/network/evaluate';
import type { Network } from '../../../../src/network/network';
import { differenceConstraint, outputRef } from '../../../../src/spec/linear-term';
import type { Box, Constraint, Disjunct } from '../../../../src/spec/question';
import { mostDangerousFirst, sortLabels } from '../../../../src/verify/labels/sort';
import { targetLabel } from '../../../../src/verify/labels/target-label';
import { LABEL_ORDERS } from '../../../../src/verify/options';
import { boxProblems } from '../../../../src/verify/problems';
import { randomChain, randomConstraints } from '../../bounds/chains';
import { randomNetwork } from '../../tensor/random-network';
import { fewFreeInputs, margins } from '../oracle';

const atLeast = (label: number, reference: number): Constraint =>
  differenceConstraint(outputRef(reference), outputRef(label), false);

const problemOf = (network: Network, disjuncts: Disjunct[]) =>
  boxProblems({ disjuncts, inputSize: network.inputSize, outputSize: network.outputSize })[0];

/** y = weight·x + bias over one input. */
function affine(weight: readonly number[], bias: readonly number[]): Network {
  const network = randomChain(1, [1, weight.length]);
  const nodes = network.nodes.map(node =>
    node.kind === 'dense' ? { ...node, weight: Float64Array.from(weight), bias: Float64Array.from(bias) } : node,
  );
  return { ...network, nodes };
}

const unit: Box = {
  lower: Float64Array.of(-1),
  upper: Float64Array.of(1),
  lowerPoint: Float32Array.of(-1),
  upperPoint: Float32Array.of(1),
};

describe('which label wins', () => {
  it('a comparison of two outputs is a label, whichever comes first', () => {
    expect(targetLabel([atLeast(3, 7)])).toEqual({ label: 3, references: [7] });
    expect(targetLabel([atLeast(7, 3)])).toEqual({ label: 7, references: [3] });
  });

  it('so are comparisons of one output with several others', () => {
    expect(targetLabel([atLeast(2, 0), atLeast(2, 1), atLeast(2, 3)])).toEqual({ label: 2, references: [0, 1, 3] });
  });

  it('nothing else is', () => {
    const other = atLeast(1, 0);
    expect(targetLabel([])).toBeNull();
    expect(targetLabel([atLeast(1, 0), atLeast(2, 0)])).toBeNull();
    expect(targetLabel([{ ...other, bound: 0.1 }])).toBeNull();
    expect(targetLabel([{ ...other, inputs: other.outputs }])).toBeNull();
    expect(
      targetLabel([{ ...other, outputs: { index: Int32Array.of(0, 1), value: Float64Array.of(1, -2) } }]),
    ).toBeNull();
    expect(
      targetLabel([{ ...other, outputs: { index: Int32Array.of(0, 1), value: Float64Array.of(1, 1) } }]),
    ).toBeNull();
    expect(targetLabel([{ ...other, outputs: { index: Int32Array.of(0), value: Float64Array.of(1) } }])).toBeNull();
  });
});

describe('sorting labels on a network computed by hand', () => {
  // Over −1 ≤ x ≤ 1, the true label being 0:
  //                    y0 = 10x   y1 = 10x−1   y2 = −20   y3 = 5x    y4 = 10.5x−0.1
  // upper bound           10          9           −20        5          10.4
  // y0 − y_j ≥                        1            10       −5          −0.4
  // at the centre          0         −1           −20        0          −0.1
  const network = affine([10, 10, 0, 5, 10.5], [0, -1, -20, 0, -0.1]);
  const labels = [1, 2, 3, 4];
  const problem = problemOf(
    network,
    labels.map(label => ({ box: unit, constraints: [atLeast(label, 0)] })),
  );
  const named = (indices: readonly number[]) => indices.map(index => labels[index]);

  it('by the difference: what the true label is ahead of everywhere is discarded', () => {
    const sorted = sortLabels(network, problem, 'margin', 1);
    expect(named(sorted.order)).toEqual([3, 4]);
    expect(named(sorted.discarded.map(({ disjunct }) => disjunct))).toEqual([1, 2]);
    [1, 10, -5, -0.4].forEach((bound, k) => {
      expect(sorted.bounds[k]).toBeLessThanOrEqual(bound);
      expect(sorted.bounds[k]).toBeCloseTo(bound, 10);
    });
    expect(sorted.discarded[0].reason).toBe('It stays at least 0.999 below output 0.');
    expect(sorted.discarded[0].leaf).toMatchObject({ kind: 'box', disjuncts: [0], method: 'crown' });
  });

  it('as in the paper: by each label’s own output', () => {
    const sorted = sortLabels(network, problem, 'paper', 1);
    expect(named(sorted.order)).toEqual([4, 1, 3]);
    expect(named(sorted.discarded.map(({ disjunct }) => disjunct))).toEqual([2]);
    expect(sorted.discarded[0].bound).toBeCloseTo(10, 10);
    expect(sorted.discarded[0].bound).toBeLessThanOrEqual(10);
    expect(sorted.discarded[0].reason).toMatch(/^It is at most -(20|19\.9), and output 0 at least -10(\.1)?\.$/);
    expect(sorted.discarded[0].leaf).toMatchObject({ kind: 'box', disjuncts: [1], method: 'outputs' });
  });

  it('by the outputs at the centre, nothing discarded', () => {
    const sorted = sortLabels(network, problem, 'naive', 1);
    expect(named(sorted.order)).toEqual([3, 4, 1, 2]);
    expect(sorted.discarded).toEqual([]);
  });

  it('in a random order, the same for the same seed', () => {
    const order = (seed: number) => sortLabels(network, problem, 'random', seed).order;
    expect(order(5)).toEqual(order(5));
    expect([...order(5)].sort()).toEqual([0, 1, 2, 3]);
    const orders = new Set(Array.from({ length: 40 }, (_, seed) => order(seed).join()));
    expect(orders.size).toBeGreaterThan(10);
  });

  it('equal bounds keep their order', () => {
    expect(mostDangerousFirst([1, -Infinity, 1, -Infinity, 0])).toEqual([1, 3, 4, 0, 2]);
  });

  it('a region without usable bounds is sorted by its centre and discards nothing', () => {
    const huge = { ...unit, lower: Float64Array.of(-1e70), upper: Float64Array.of(1e70) };
    const wide = problemOf(
      network,
      labels.map(label => ({ box: huge, constraints: [atLeast(label, 0)] })),
    );
    for (const by of ['margin', 'paper'] as const) {
      const sorted = sortLabels(network, wide, by, 1);
      expect(named(sorted.order)).toEqual([3, 4, 1, 2]);
      expect(sorted.discarded).toEqual([]);
    }
  });
});

describe('sorting on random networks', () => {
  /** Labels of a classifier, or conjunctions of any constraints. */
  function randomDisjuncts(random: Random, network: Network, box: Box, seed: number): Disjunct[] {
    if (seed % 3 > 0)
      return Array.from({ length: network.outputSize - 1 }, (_, k) => ({ box, constraints: [atLeast(k + 1, 0)] }));
    return Array.from({ length: 4 }, () => ({
      box,
      constraints: randomConstraints(random, 1 + random.integer(2), network.outputSize, network.inputSize),
    }));
  }

  it('no point of the region makes a discarded label win, and no bound is above a margin', () => {
    const discarded = { margin: 0, paper: 0 };
    for (let seed = 0; seed < 150; seed++) {
      const random = new Random(seed);
      const network = seed % 2 === 0 ? randomChain(seed, [4, 6, 6, 5]) : randomNetwork(seed, ['relu', 'tanh']);
      const box = fewFreeInputs(random, network.inputSize, network.inputSize, 0.3);
      const disjuncts = randomDisjuncts(random, network, box, seed);
      const problem = problemOf(network, disjuncts);
      const sorted = {
        margin: sortLabels(network, problem, 'margin', seed),
        paper: sortLabels(network, problem, 'paper', seed),
      };
      discarded.margin += sorted.margin.discarded.length;
      discarded.paper += sorted.paper.discarded.length;
      for (const { order, discarded: gone } of Object.values(sorted))
        expect([...order, ...gone.map(({ disjunct }) => disjunct)].sort()).toEqual(disjuncts.map((_, k) => k));
      for (let k = 0; k < 30; k++) {
        const x = box.lower.map(
          (low, i) => low + (box.upper[i] - low) * (k < 8 ? random.integer(2) : random.uniform()),
        );
        disjuncts.forEach(({ constraints }, index) => {
          const margin = Math.max(...margins(network, constraints, x));
          for (const { bounds, discarded: gone } of Object.values(sorted)) {
            expect(bounds[index]).toBeLessThanOrEqual(margin + 1e-12 * (1 + Math.abs(margin)));
            if (gone.some(({ disjunct }) => disjunct === index)) expect(margin).toBeGreaterThan(0);
          }
        });
      }
    }
    expect(discarded.paper).toBeGreaterThan(50);
    expect(discarded.margin).toBeGreaterThan(discarded.paper);
  });

  it('the order by each output and the order by the centre are those of a plain computation', () => {
    for (let seed = 0; seed < 40; seed++) {
      const network = randomChain(seed, [3, 5, 6]);
      const box = fewFreeInputs(new Random(seed), 3, 3, 0.4);
      const labels = [0, 1, 2, 4, 5];
      const problem = problemOf(
        network,
        labels.map(label => ({ box, constraints: [atLeast(label, 3)] })),
      );
      const centre = box.lower.map((low, i) => low + (box.upper[i] - low) / 2);
      const logits = evaluate(network, centre)[network.nodes.length - 1];
      const naive = sortLabels(network, problem, 'naive', 1).order.map(index => labels[index]);
      expect(naive).toEqual([...labels].sort((a, b) => logits[b] - logits[a]));
    }
  });

  it('every order takes every label once', () => {
    const network = randomChain(3, [3, 5, 6]);
    const box = fewFreeInputs(new Random(3), 3, 3, 2);
    const problem = problemOf(
      network,
      [1, 2, 3, 4, 5].map(label => ({ box, constraints: [atLeast(label, 0)] })),
    );
    for (const by of LABEL_ORDERS) {
      const { order, discarded, seconds } = sortLabels(network, problem, by, 1);
      expect([...order, ...discarded.map(({ disjunct }) => disjunct)].sort()).toEqual([0, 1, 2, 3, 4]);
      expect(seconds).toBeGreaterThanOrEqual(0);
    }
  });
});
