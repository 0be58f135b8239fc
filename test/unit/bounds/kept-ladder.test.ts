import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/base/random';
import { ChainLadder, denseChain } from '../../../src/bounds/chain';
import { keptLadder } from '../../../src/bounds/kept-ladder';
import { randomBox, randomChain, randomConstraints } from './chains';

describe('a ladder that is kept with its network', () => {
  test('bounds what it is asked about exactly as a fresh one does, whatever it was asked before', () => {
    const random = new Random(5);
    for (let seed = 0; seed < 20; seed++) {
      const network = randomChain(seed, [5, 8, 7, 4], seed % 2 === 0 ? 0 : 0.1);
      const seen = new Set<ChainLadder>();
      for (const count of [4, 2, 6, 5]) {
        const constraints = randomConstraints(random, count, 4, 5);
        const { lower, upper } = randomBox(random, 5, 0.4);
        const rows = constraints.map((_, row) => row);
        const kept = keptLadder(network, constraints)!;
        const fresh = new ChainLadder(denseChain(network)!, constraints);
        seen.add(kept);
        const [ours, theirs] = [kept, fresh].map(ladder => {
          ladder.setBox(lower, upper, null);
          return { zonotope: ladder.zonotope(rows), crown: ladder.crown(rows), bounds: ladder.bounds() };
        });
        expect(ours).toEqual(theirs);
      }
      // One of four rows, which two fit into, and one of six, which five do.
      expect(seen.size).toBe(2);
    }
  });

  test('there is none for a network that is no dense chain', () => {
    const { nodes, ...rest } = randomChain(1, [3, 4, 2]);
    const pooled = nodes.map(node => (node.kind === 'relu' ? { ...node, kind: 'sigmoid' as const } : node));
    expect(keptLadder({ ...rest, nodes: pooled }, [])).toBeNull();
  });
});
