import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import type { Cut } from '../../../src/bounds/cut';
import { GraphRegion } from '../../../src/bounds/graph/graph-region';
import type { GraphSplits } from '../../../src/bounds/graph/graph-splits';
import { withoutPools } from '../../../src/bounds/graph/pool-tree';
import type { Multipliers, Split } from '../../../src/bounds/split-bounds';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import type { Constraint } from '../../../src/spec/question';
import { marginAt } from '../../../src/verify/input-split/search';
import { randomNetwork } from '../tensor/random-network';
import { randomBox, randomChain, randomConstraints } from './chains';

/** Sampled points may differ from exact arithmetic by their own rounding. */
const SLACK = 1e-10;
const FORMS = 3;
const ROWS = [0, 1, 2];
const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);

function finish(steps: Generator<void, number>): void {
  while (!steps.next().done);
}

function boundedRegion(network: Network, constraints: readonly Constraint[], lower: Float64Array, upper: Float64Array) {
  const region = new GraphRegion(network, constraints);
  region.setBox(lower, upper, null);
  region.zonotope(constraints.map((_, row) => row));
  finish(region.tightening());
  region.backward(constraints.map((_, row) => row));
  return region;
}

/** Any subsets of what neurons read, several for one neuron; some of neurons that have no facets, of which nothing may become. */
function someCuts(random: Random, network: Network, count: number): Cut[] {
  const activations = network.nodes.filter(({ kind }) =>
    ['relu', 'leakyRelu', 'sigmoid', 'tanh', 'maxPool'].includes(kind),
  );
  return Array.from({ length: count }, () => {
    const layer = random.integer(activations.length);
    const [read] = activations[layer].inputs;
    const source = network.nodes[read].inputs[0] ?? 0;
    const inputs = [...Array(network.nodes[source].size).keys()].filter(() => random.integer(2) === 0);
    return { layer, neuron: random.integer(activations[layer].size), inputs: Int32Array.from(inputs) };
  });
}

/** One ReLU over three inputs: −relu(w·x + b) + c·x is above the bound. */
function singleNeuron(random: Random) {
  const hidden = randomChain(random.integer(1e6), [3, 1, 1]);
  const drawn = Array.from({ length: 3 }, () => random.normal());
  const constraint: Constraint = {
    ...randomConstraints(random, 1, 1, 3)[0],
    inputs: { index: Int32Array.of(0, 1, 2), value: Float64Array.from(drawn) },
    bound: 0,
  };
  return { network: hidden, constraint };
}

describe('cuts', () => {
  it.each(SEEDS)('hold at every point, for any facets, splits and multipliers, seed %i', seed => {
    const random = new Random(seed + 900);
    const network = withoutPools(randomNetwork(seed, ['relu']));
    const constraints = randomConstraints(random, FORMS, network.outputSize, network.inputSize);
    const { lower, upper } = randomBox(random, network.inputSize, 0.7);
    const region = boundedRegion(network, constraints, lower, upper);
    const splits = region.splits(40, someCuts(random, network, 60));
    if (splits.places === 0) return;
    const known = splits.multipliers(0).cuts?.length ?? 0;
    const samples = Array.from({ length: 300 }, () => {
      // Corners are where facets are attained.
      const input = lower.map((l, i) => {
        const part = random.uniform();
        return random.integer(2) === 0 ? (part < 0.5 ? l : upper[i]) : Math.min(upper[i], l + part * (upper[i] - l));
      });
      return { input, values: evaluate(network, input) };
    });
    const reads = network.nodes.filter(({ kind }) => kind === 'relu').map(node => node.inputs[0]);
    let checked = 0;
    for (let trial = 0; trial < 3; trial++) {
      const chosen: Split[][] = [];
      for (let r = 0; r < splits.rows; r++) {
        const places = new Set(Array.from({ length: random.integer(4) }, () => random.integer(splits.places)));
        chosen.push([...places].map(place => ({ place, sign: random.integer(2) === 0 ? 1 : -1 })));
        const wild = r % 4 === 1;
        const draw = (plain: number) => (wild ? (random.integer(5) === 0 ? NaN : 3 * random.normal()) : plain);
        splits.set(r, r % FORMS, chosen[r], {
          alpha: Float32Array.from({ length: splits.width }, () => draw(random.uniform())),
          beta: Float32Array.from(chosen[r], () => draw(random.uniform())),
          cuts: Float32Array.from({ length: known }, () => draw(random.integer(3) === 0 ? random.uniform() : 0)),
        });
      }
      const all = chosen.map((_, r) => r);
      splits.estimate(splits.rows);
      const bounds = [splits.certify(all)];
      splits.optimise(splits.rows, { iterations: 6, alpha: 0.1, beta: 0.1, cut: 0.1, enough: Infinity });
      bounds.push(splits.certify(all));
      for (const r of all)
        for (const { input, values } of samples) {
          const inside = chosen[r].every(({ place, sign }) => {
            const { layer, neuron } = splits.neuron(place);
            return values[reads[layer]][neuron] * sign >= 0;
          });
          if (!inside) continue;
          const { margin } = marginAt(constraints[r % FORMS], input, values[values.length - 1]);
          for (const bound of bounds)
            if (!(margin - bound[r] > -SLACK * (1 + Math.abs(margin))))
              throw new Error(`row ${r}: ${bound[r]} above ${margin}`);
          checked++;
        }
    }
    expect(checked).toBeGreaterThan(100);
  });

  it('describe the hull of a single neuron, where the triangle does not', () => {
    let wider = 0;
    for (let seed = 0; seed < 60; seed++) {
      const random = new Random(seed + 40);
      const { network, constraint } = singleNeuron(random);
      const lower = Float64Array.of(-1, -1, -1);
      const upper = Float64Array.of(1, 1, 1);
      const region = boundedRegion(network, [constraint], lower, upper);
      // Concave or convex pieces: whether the least value is at a corner is what the test can tell without a solver.
      let least = Infinity;
      for (let corner = 0; corner < 8; corner++) {
        const input = Float64Array.from([0, 1, 2], i => ((corner >> i) & 1 ? 1 : -1));
        const values = evaluate(network, input);
        least = Math.min(least, marginAt(constraint, input, values[values.length - 1]).margin);
      }
      // Steps become smaller and smaller: again from where they led to.
      const search = (splits: GraphSplits) => {
        let found: Multipliers | null = null;
        for (const rate of [0.3, 0.1, 0.1, 0.03, 0.03, 0.01]) {
          splits.set(0, 0, [], found);
          splits.optimise(1, { iterations: 200, alpha: rate, beta: 0, cut: rate, enough: Infinity });
          found = splits.multipliers(0);
        }
        return splits.certify([0])[0];
      };
      const plain = region.splits(1);
      if (plain.places === 0) continue;
      const before = search(plain);
      const facets = Array.from({ length: 8 }, (_, mask) => ({
        layer: 0,
        neuron: 0,
        inputs: Int32Array.from([0, 1, 2].filter(i => ((mask >> i) & 1) === 1)),
      }));
      const after = search(region.splits(1, facets));
      expect(after).toBeLessThanOrEqual(least + SLACK);
      expect(after).toBeGreaterThanOrEqual(before - 1e-4);
      const output = network.nodes[network.nodes.length - 1];
      const convex = output.kind === 'dense' && output.weight[0] * constraint.outputs.value[0] >= 0;
      if (convex) continue;
      // A concave function over a box is least at a corner, and its hull says so.
      expect(after).toBeGreaterThan(least - 2e-3);
      if (before < least - 1e-2) wider++;
    }
    expect(wider).toBeGreaterThan(5);
  });

  it('are found where they raise a bound, and are the same for another instance of the region', () => {
    let found = 0;
    for (let seed = 0; seed < 12; seed++) {
      const random = new Random(seed + 7);
      const network = randomChain(seed, [5, 12, 12, 10, 2]);
      const constraints = randomConstraints(random, FORMS, 2, 5);
      const { lower, upper } = randomBox(random, 5, 1);
      const region = boundedRegion(network, constraints, lower, upper);
      const splits = region.splits(1);
      splits.set(0, 0, [], null);
      const effort = { iterations: 60, alpha: 0.1, beta: 0, cut: 0.1, enough: Infinity };
      splits.optimise(1, effort);
      const [before] = splits.certify([0]);
      if (before > 0) continue;
      const start = splits.multipliers(0);
      const cuts = region.findCuts(0, start, () => false);
      if (cuts.length === 0) continue;
      found++;
      const cut = region.splits(1, cuts);
      cut.set(0, 0, [], start);
      cut.optimise(1, effort);
      const [after] = cut.certify([0]);
      expect(after).toBeGreaterThan(before + 0.05 * Math.abs(before));
      const other = new GraphRegion(network, constraints);
      other.setBox(lower, upper, region.bounds());
      const again = other.splits(1, cuts);
      again.set(0, 0, [], cut.multipliers(0));
      expect(Math.abs(again.certify([0])[0] - after)).toBeLessThan(1e-9);
      expect(ROWS.length).toBe(constraints.length);
    }
    expect(found).toBeGreaterThan(3);
  });

  it('leave a neuron alone whose phase is fixed', () => {
    const random = new Random(3);
    const network = randomChain(3, [4, 8, 8, 2]);
    const constraints = randomConstraints(random, 1, 2, 4);
    const { lower, upper } = randomBox(random, 4, 1);
    const region = boundedRegion(network, constraints, lower, upper);
    const cuts = someCuts(random, network, 30);
    const splits = region.splits(2, cuts);
    const ones = new Float32Array(splits.multipliers(0).cuts!.length).fill(1);
    expect(ones.length).toBeGreaterThan(0);
    const all = Array.from({ length: splits.places }, (_, place) => ({ place, sign: 1 as const }));
    const alpha = new Float32Array(splits.width).fill(1);
    const beta = new Float32Array(splits.places).fill(0.1);
    splits.set(0, 0, all, { alpha, beta, cuts: ones });
    splits.set(1, 0, all, { alpha, beta });
    const [withCuts, without] = splits.certify([0, 1]);
    expect(withCuts).toBeCloseTo(without, 9);
  });
});
