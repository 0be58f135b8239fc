import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { denseChain } from '../../../src/bounds/chain';
import { ChainRegion } from '../../../src/bounds/chain-region';
import { GraphBounder } from '../../../src/bounds/graph/graph-bounder';
import { GraphRegion } from '../../../src/bounds/graph/graph-region';
import { withoutPools } from '../../../src/bounds/graph/pool-tree';
import type { NeuronBounds, Split, SplitBounds } from '../../../src/bounds/split-bounds';
import { solveLeaf, type NeuronPhase } from '../../../src/lp/leaf';
import { evaluate } from '../../../src/network/evaluate';
import type { Network, NetworkNode } from '../../../src/network/network';
import { marginAt } from '../../../src/verify/input-split/search';
import { boundNeurons } from '../../../src/verify/neuron-split/neuron-trees';
import { randomNetwork, stackedActivations, type Kinds } from '../tensor/random-network';
import { randomBox, randomChain, randomConstraints } from './chains';

/** Sampled points may differ from exact arithmetic by their own rounding. */
const SLACK = 1e-10;
const FORMS = 3;
const ROWS = [0, 1, 2];
const RECTIFIERS: Kinds = ['relu', 'leakyRelu'];
const ALL: Kinds = ['relu', 'leakyRelu', 'sigmoid', 'tanh'];

/** A region of a small network with every node kind. */
function regionOf(seed: number, radius: number, kinds: Kinds = seed % 2 === 0 ? RECTIFIERS : ALL) {
  const random = new Random(seed + 300);
  const network = randomNetwork(seed, kinds);
  const constraints = randomConstraints(random, FORMS, network.outputSize, network.inputSize);
  const { lower, upper } = randomBox(random, network.inputSize, radius);
  const region = new GraphRegion(network, constraints);
  region.setBox(lower, upper, null);
  return { random, network, constraints, lower, upper, region };
}

function finish(steps: Generator<void, number>): number {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

function samplesOf(random: Random, network: Network, lower: Float64Array, upper: Float64Array, count: number) {
  return Array.from({ length: count }, () => {
    const input = lower.map((l, i) => Math.min(upper[i], l + random.uniform() * (upper[i] - l)));
    return { input, values: evaluate(network, input) };
  });
}

function activationsOf(network: Network): NetworkNode[] {
  return network.nodes.filter(({ kind }) => ['relu', 'leakyRelu', 'sigmoid', 'tanh'].includes(kind));
}

/** What each activation of the network reads, in the order that places count them. */
function preActivations(network: Network): number[] {
  return activationsOf(network).map(node => node.inputs[0]);
}

/** Rectifiers are split at 0, curves where they bend or, where they only bend one way, in the middle. */
function splitPoint(network: Network, known: readonly NeuronBounds[], layer: number, neuron: number): number {
  const [l, u] = [known[layer].lower[neuron], known[layer].upper[neuron]];
  const { kind } = activationsOf(network)[layer];
  return (kind === 'sigmoid' || kind === 'tanh') && (l >= 0 || u <= 0) ? l + (u - l) / 2 : 0;
}

/** Multipliers in their range or, where `wild`, any numbers at all. */
function someMultipliers(random: Random, splits: SplitBounds, count: number, wild: boolean) {
  const draw = (plain: () => number) => (wild ? (random.integer(5) === 0 ? NaN : 3 * random.normal()) : plain());
  // Points of curves below 0 and above come after one another; slopes of rectifiers are numbers up to 1.
  return {
    alpha: Float32Array.from({ length: splits.width }, () => draw(() => random.uniform())),
    beta: Float32Array.from({ length: count }, () => draw(() => 2 * random.uniform())),
  };
}

/** A region's bounds as the ladder keeps them: layers padded to whole vectors, the outputs' (which are not known here) among them. */
function withPadding(region: GraphRegion, outputs: number): Float64Array {
  const side = (of: 'lower' | 'upper', unknown: number) => {
    const layers = Array.from({ length: region.layers }, (_, layer) => Array.from(region.neuronBounds(layer)[of]));
    layers.push(Array.from({ length: outputs }, () => unknown));
    return layers.flatMap(values => [...values, ...Array.from({ length: -values.length & 3 }, () => 0)]);
  };
  return Float64Array.from([...side('lower', -1e6), ...side('upper', 1e6)]);
}

describe('a region of a general graph', () => {
  it.each(Array.from({ length: 25 }, (_, seed) => seed))('is bounded as by plain backward passes, seed %i', seed => {
    const { network, constraints, lower, upper, region } = regionOf(seed, 0.4);
    // Lines of curves begin at float32 points.
    const curves = network.nodes.some(({ kind }) => kind === 'sigmoid' || kind === 'tanh');
    const bounder = new GraphBounder(withoutPools(network), constraints);
    bounder.setBox(lower, upper, null);
    expect(region.zonotope(ROWS)).toEqual(bounder.zonotope(ROWS));
    const same = (a: Float64Array, b: Float64Array) =>
      a.forEach((x, r) => expect(Math.abs(x - b[r])).toBeLessThan((curves ? 1e-6 : 1e-11) * (1 + Math.abs(x))));
    same(region.backward(ROWS), bounder.backward(ROWS));
    const before = region.bounds();
    finish(region.tightening());
    const tightened = region.bounds();
    const half = before.length / 2;
    tightened.forEach((bound, i) => expect(i < half ? bound >= before[i] : bound <= before[i]).toBe(true));
    bounder.setBox(lower, upper, tightened);
    expect(bounder.interval()).toBe(true);
    same(region.backward(ROWS), bounder.backward(ROWS));
  });

  it('takes activations of the input and of one another', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed);
      const network = stackedActivations(seed);
      const constraints = randomConstraints(random, FORMS, network.outputSize, network.inputSize);
      const { lower, upper } = randomBox(random, network.inputSize, 0.8);
      const region = new GraphRegion(network, constraints);
      region.setBox(lower, upper, null);
      region.zonotope(ROWS);
      finish(region.tightening());
      finish(region.refining({ iterations: 10, alpha: 0.25 }));
      const bounds = region.backward(ROWS);
      for (const { input, values } of samplesOf(random, network, lower, upper, 100))
        constraints.forEach((constraint, row) => {
          const { margin } = marginAt(constraint, input, values[values.length - 1]);
          expect(margin).toBeGreaterThanOrEqual(bounds[row] - SLACK);
        });
    }
  });

  it('has exactly the bounds that it is given, so that threads number places alike', () => {
    for (let seed = 0; seed < 120; seed++) {
      const { network, constraints, lower, upper, region } = regionOf(seed, 0.4);
      if (region.zonotope(ROWS) === null) continue;
      finish(region.tightening());
      finish(region.refining({ iterations: 10, alpha: 0.25 }));
      const bounds = region.bounds();
      const other = new GraphRegion(network, constraints);
      other.setBox(lower, upper, bounds);
      expect(other.bounds(), `seed ${seed}`).toEqual(bounds);
      expect(other.splits(2).width).toBe(region.splits(2).width);
    }
  });

  it.each(Array.from({ length: 25 }, (_, seed) => seed))('keeps what its neurons can be, seed %i', seed => {
    const { random, network, lower, upper, region } = regionOf(seed, 0.6);
    region.zonotope(ROWS);
    const samples = samplesOf(random, network, lower, upper, 60);
    const holds = () => {
      const known = region.preActivations()!;
      const activations = activationsOf(network);
      expect(known.map(({ node }) => node)).toEqual(activations.map(node => node.name));
      activations.forEach((node, k) => {
        for (const { values } of samples)
          values[node.inputs[0]].forEach((y, i) => {
            if (!(y >= known[k].lower[i] - SLACK && y <= known[k].upper[i] + SLACK))
              throw new Error(`${node.name}[${i}]: ${y} outside [${known[k].lower[i]}, ${known[k].upper[i]}]`);
          });
      });
      return known.reduce((sum, { lower: l, upper: u }) => sum + u.reduce((s, x, i) => s + x - l[i], 0), 0);
    };
    const wide = holds();
    finish(region.tightening());
    const tight = holds();
    finish(region.refining({ iterations: 10, alpha: 0.1 }));
    const refined = holds();
    expect(tight).toBeLessThanOrEqual(wide);
    expect(refined).toBeLessThanOrEqual(tight);
  });

  it('starts from the bounds of another instance', () => {
    const { network, constraints, lower, upper, region } = regionOf(5, 0.5);
    region.zonotope(ROWS);
    finish(region.tightening());
    const other = new GraphRegion(network, constraints);
    other.setBox(lower, upper, region.bounds());
    const bounds = other.backward(ROWS);
    region.backward(ROWS).forEach((bound, r) => expect(Math.abs(bounds[r] - bound)).toBeLessThan(1e-9));
  });
});

describe('sub-problems of a general graph', () => {
  it.each(Array.from({ length: 25 }, (_, seed) => seed))(
    'hold where their splits hold, for any multipliers, seed %i',
    seed => {
      const { random, network, constraints, lower, upper, region } = regionOf(seed, 0.7);
      region.zonotope(ROWS);
      finish(region.tightening());
      const splits = region.splits(20);
      if (splits.places === 0) return;
      const rewritten = withoutPools(network);
      const samples = samplesOf(random, rewritten, lower, upper, 250);
      const reads = preActivations(rewritten);
      const known = reads.map((_, layer) => region.neuronBounds(layer));
      let checked = 0;
      for (let trial = 0; trial < 3; trial++) {
        const chosen: Split[][] = [];
        for (let r = 0; r < splits.rows; r++) {
          const places = new Set(Array.from({ length: random.integer(4) }, () => random.integer(splits.places)));
          chosen.push([...places].map(place => ({ place, sign: random.integer(2) === 0 ? 1 : -1 })));
          const given = r % 4 === 0 ? null : someMultipliers(random, splits, chosen[r].length, r % 4 === 1);
          splits.set(r, r % FORMS, chosen[r], given);
        }
        const bounds = [splits.estimate(splits.rows)];
        bounds.push(splits.optimise(splits.rows, { iterations: 4, alpha: 0.1, beta: 0.1, enough: Infinity }));
        bounds.push(splits.certify(chosen.map((_, r) => r)));
        // What is searched keeps the best it had.
        bounds[1].forEach((bound, r) => expect(bound).toBeGreaterThanOrEqual(bounds[0][r]));
        for (let r = 0; r < splits.rows; r++)
          for (const { input, values } of samples) {
            const inside = chosen[r].every(({ place, sign }) => {
              const { layer, neuron } = splits.neuron(place);
              const y = values[reads[layer]][neuron];
              return (y - splitPoint(rewritten, known, layer, neuron)) * sign >= 0;
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
    },
  );

  it('give back multipliers that reproduce their bounds, and points inside the region', () => {
    const { random, lower, upper, region } = regionOf(11, 0.7);
    region.zonotope(ROWS);
    finish(region.tightening());
    const splits = region.splits(4);
    const chosen = splits.places > 0 ? [{ place: random.integer(splits.places), sign: -1 as const }] : [];
    splits.set(0, 1, chosen, null);
    const [bound] = splits.optimise(1, { iterations: 12, alpha: 0.1, beta: 0.1, enough: Infinity });
    splits.set(3, 1, chosen, splits.multipliers(0));
    expect(splits.certify([3])[0]).toBeCloseTo(bound, 10);
    const points = splits.points([3, 0]);
    const { length } = lower;
    for (let k = 0; k < 2; k++)
      for (let i = 0; i < length; i++) {
        expect(points[k * length + i]).toBeGreaterThanOrEqual(lower[i]);
        expect(points[k * length + i]).toBeLessThanOrEqual(upper[i]);
      }
  });

  it.each([0, 1, 2, 3])('agree with those of a dense chain, seed %i', seed => {
    const random = new Random(seed + 70);
    const network = randomChain(seed, [4, 9, 8, 7, 2], seed % 2 === 0 ? 0 : 0.2);
    const constraints = randomConstraints(random, FORMS, 2, 4);
    const { lower, upper } = randomBox(random, 4, 1.2);
    const region = new GraphRegion(network, constraints);
    region.setBox(lower, upper, null);
    region.zonotope(ROWS);
    finish(region.tightening());
    const ladder = new ChainRegion(denseChain(network)!, constraints, 8);
    ladder.setBox(lower, upper, withPadding(region, 2));
    const [chain, graph] = [ladder.splits(), region.splits(8)];
    const placeOf = new Map(
      Array.from({ length: chain.width }, (_, place) => {
        const { layer, neuron } = chain.neuron(place);
        return [`${layer}:${neuron}`, place] as const;
      }),
    );
    for (let r = 0; r < 8; r++) {
      const places = [...new Set([random.integer(graph.places), random.integer(graph.places)])];
      const own = places.map(place => ({ place, sign: r % 2 === 0 ? (1 as const) : (-1 as const) }));
      const theirs = own.map(({ place, sign }) => {
        const { layer, neuron } = graph.neuron(place);
        return { place: placeOf.get(`${layer}:${neuron}`)!, sign };
      });
      graph.set(r, r % FORMS, own, null);
      chain.set(r, r % FORMS, theirs, null);
    }
    const rows = [0, 1, 2, 3, 4, 5, 6, 7];
    const bounds = graph.certify(rows);
    chain.certify(rows).forEach((bound, r) => expect(bounds[r]).toBeCloseTo(bound, 5));
  });
});

describe('bounds found in float32', () => {
  // The nearest float32 of 0.01 is below it, that of 0.1 above: neither may take the place of the slope.
  it.each([0.01, 0.1])('know the slope of a LeakyReLU in float64: %f', slope => {
    const chain = randomChain(1, [1, 1, 1], slope);
    const nodes = chain.nodes.map(node =>
      node.kind === 'dense'
        ? { ...node, weight: Float64Array.of(node.name === 'fc_1' ? 1 : 1000), bias: Float64Array.of(0) }
        : node,
    );
    const network: Network = { ...chain, nodes };
    const constraints = [1, -1].map(sign => ({
      outputs: { index: Int32Array.of(0), value: Float64Array.of(sign) },
      inputs: { index: new Int32Array(0), value: new Float64Array(0) },
      bound: 0,
      strict: false,
      coefficientError: 0,
    }));
    const region = new GraphRegion(network, constraints);
    region.setBox(Float64Array.of(-1), Float64Array.of(1), null);
    region.zonotope([0, 1]);
    const splits = region.splits(4);
    const multipliers = { alpha: Float32Array.of(slope), beta: Float32Array.of(1000 * slope) };
    const below: Split[] = [{ place: 0, sign: -1 }];
    splits.set(0, 0, [], multipliers);
    splits.set(1, 0, below, { ...multipliers, beta: new Float32Array(1) });
    splits.set(2, 1, below, multipliers);
    splits.set(3, 0, [], null);
    const least = -1000 * slope;
    for (let steps = 0; steps < 3; steps++) {
      const bounds = splits.certify([0, 1, 2, 3]);
      // The form of y is least at −1, that of −y where y is 0.
      for (const r of [0, 1, 3]) expect(bounds[r]).toBeLessThanOrEqual(least);
      expect(bounds[2]).toBeLessThanOrEqual(0);
      if (steps === 0) {
        expect(bounds[1]).toBeGreaterThan(least - 1e-9);
        expect(bounds[2]).toBeGreaterThan(-1e-9);
      }
      splits.optimise(4, { iterations: 4, alpha: 0.1, beta: 0.1, enough: Infinity });
    }
  });

  it('are certified whatever estimates say', () => {
    for (let seed = 0; seed < 30; seed++) {
      const { random, network, constraints, lower, upper, region } = regionOf(seed, 0.5, RECTIFIERS);
      if (region.zonotope(ROWS) === null) continue;
      const splits = region.splits(40);
      if (splits.places === 0) continue;
      // More rows than a tile in float64 has, and than one in float32.
      const rows = Array.from({ length: 40 }, (_, r) => r);
      for (const r of rows) splits.set(r, r % FORMS, [], someMultipliers(random, splits, 0, r % 2 === 0));
      const estimates = splits.optimise(40, { iterations: 3, alpha: 0.1, beta: 0.1, enough: Infinity });
      const bounds = splits.certify(rows);
      for (const r of rows) expect(Math.abs(estimates[r] - bounds[r])).toBeLessThan(1e-3 * (1 + Math.abs(bounds[r])));
      for (const { input, values } of samplesOf(random, network, lower, upper, 50))
        for (const r of rows) {
          const { margin } = marginAt(constraints[r % FORMS], input, values[values.length - 1]);
          expect(margin).toBeGreaterThanOrEqual(bounds[r] - SLACK * (1 + Math.abs(margin)));
        }
    }
  });
});

describe('the best multipliers', () => {
  it.each(Array.from({ length: 16 }, (_, seed) => seed))(
    'give the optimum of the linear program, seed %i',
    async seed => {
      const { random, network, constraints, lower, upper, region } = regionOf(seed, 0.5, ['relu']);
      region.zonotope(ROWS);
      finish(region.tightening());
      const bounder = new GraphBounder(withoutPools(network), constraints);
      bounder.setBox(lower, upper, region.bounds());
      bounder.interval();
      const splits = region.splits(FORMS);
      if (splits.places === 0) return;
      const places = [...new Set(Array.from({ length: 3 }, () => random.integer(splits.places)))];
      const chosen: Split[] = places.map(place => ({ place, sign: random.integer(2) === 0 ? 1 : -1 }));
      const rewritten = withoutPools(network);
      const activations = rewritten.nodes.filter(node => node.kind === 'relu');
      const phases: NeuronPhase[] = chosen.map(({ place, sign }) => {
        const { layer, neuron } = splits.neuron(place);
        return { node: activations[layer].id, neuron, sign };
      });
      ROWS.forEach(row => splits.set(row, row, chosen, null));
      splits.optimise(FORMS, { iterations: 600, alpha: 0.05, beta: 0.1, enough: Infinity });
      const found = splits.certify(ROWS);
      for (const row of ROWS) {
        const limits = { deadline: Infinity, cancelled: () => false };
        const leaf = await solveLeaf(rewritten, bounder.nodeBounds(), phases, [constraints[row]], limits);
        expect(leaf.kind).not.toBe('failed');
        if (leaf.kind !== 'point') {
          expect(found[row]).toBeLessThanOrEqual(leaf.bound);
          continue;
        }
        expect(found[row]).toBeLessThanOrEqual(leaf.bound + 1e-6 * (1 + Math.abs(leaf.bound)));
        expect(found[row]).toBeGreaterThan(leaf.bound - 0.02 * (1 + Math.abs(leaf.bound)));
      }
    },
  );
});

describe('trees of inner neurons', () => {
  it.each(Array.from({ length: 10 }, (_, seed) => seed))('contain every value, seed %i', seed => {
    const { random, network, lower, upper, region } = regionOf(seed, 0.8);
    region.zonotope(ROWS);
    finish(region.tightening());
    const rewritten = withoutPools(network);
    const reads = preActivations(rewritten);
    const samples = Array.from({ length: 300 }, () =>
      evaluate(
        rewritten,
        lower.map((l, i) => l + random.uniform() * (upper[i] - l)),
      ),
    );
    for (let layer = 0; layer < region.layers; layer++) {
      const neurons = region.unstable(layer).slice(0, 8);
      const slopes = region.boundNeurons(layer, neurons, { iterations: 20, alpha: 0.25 });
      const trees = boundNeurons(region, layer, neurons, { splits: 12 });
      neurons.forEach((neuron, n) => {
        for (const values of samples) {
          const y = values[reads[layer]][neuron];
          expect(y).toBeGreaterThanOrEqual(trees.lower[n] - SLACK * (1 + Math.abs(y)));
          expect(y).toBeLessThanOrEqual(trees.upper[n] + SLACK * (1 + Math.abs(y)));
        }
      });
      region.tighten(layer, neurons, slopes);
      region.tighten(layer, neurons, trees);
      expect(region.relax(layer)).toBe(true);
    }
  });

  it('of small layers settle signs that slopes leave open', () => {
    const count = (splits: number) => {
      let open = 0;
      for (let seed = 0; seed < 8; seed++) {
        const { region } = regionOf(2 * seed, 0.8, ['relu']);
        region.zonotope(ROWS);
        finish(region.tightening());
        for (let layer = 0; layer < region.layers; layer++) {
          const neurons = region.unstable(layer);
          region.tighten(layer, neurons, boundNeurons(region, layer, neurons, { splits }));
          region.relax(layer);
          open += region.unstable(layer).length;
        }
      }
      return open;
    };
    expect(count(64)).toBeLessThan(count(0));
  });
});

describe('the best lines of a curve', () => {
  /** σ(x) − c·x over one input: the lines below are those of its convex envelope, whose least value is the function's own. */
  function curveNetwork(kind: 'sigmoid' | 'tanh'): Network {
    const dense = (id: number, input: number, name: string): NetworkNode => {
      const parameters = { weight: Float64Array.of(1), bias: Float64Array.of(0), relativeError: 0, biasError: null };
      return { kind: 'dense', id, inputs: [input], size: 1, shape: [1], name, ...parameters };
    };
    const tensor = (name: string) => ({ name, shape: [1, 1], type: 'float32' as const, offset: 0, size: 1 });
    return {
      nodes: [
        { kind: 'input', id: 0, inputs: [], size: 1, shape: [1], name: 'input' },
        dense(1, 0, 'fc_1'),
        { kind, id: 2, inputs: [1], size: 1, shape: [1], name: 'curve', slope: 0 },
        dense(3, 2, 'fc_2'),
      ],
      inputs: [tensor('x')],
      outputs: [tensor('y')],
      inputSize: 1,
      outputSize: 1,
      trailing: 'none',
    };
  }

  const RANGES = [
    [-4, 3],
    [-0.5, 6],
    [-6, 0.25],
    [0.5, 4],
    [-3, -1],
    [-0.3, 0.2],
  ] as const;

  it.each(['sigmoid', 'tanh'] as const)('reach the exact minimum, %s', kind => {
    const network = curveNetwork(kind);
    const random = new Random(7);
    for (const [l, u] of RANGES)
      for (let draw = 0; draw < 6; draw++) {
        const sign = draw % 2 === 0 ? 1 : -1;
        const slope = sign * random.uniform() * (kind === 'tanh' ? 1 : 0.25);
        const constraint = {
          outputs: { index: Int32Array.of(0), value: Float64Array.of(sign) },
          inputs: { index: Int32Array.of(0), value: Float64Array.of(-slope) },
          bound: 0,
          coefficientError: 0,
          strict: false,
        };
        const region = new GraphRegion(network, [constraint]);
        region.setBox(Float64Array.of(l), Float64Array.of(u), null);
        region.zonotope([0]);
        const splits = region.splits(1);
        splits.set(0, 0, [], null);
        splits.optimise(1, { iterations: 60, alpha: 0.25, beta: 0, enough: Infinity });
        const [bound] = splits.certify([0]);
        let least = Infinity;
        for (let k = 0; k <= 2000; k++) {
          const x = l + ((u - l) * k) / 2000;
          least = Math.min(
            least,
            marginAt(constraint, Float64Array.of(x), evaluate(network, Float64Array.of(x))[3]).margin,
          );
        }
        expect(bound).toBeLessThanOrEqual(least + SLACK);
        expect(bound, `${kind} on [${l}, ${u}], slope ${slope}`).toBeGreaterThan(least - 1e-2);
      }
  });
});
