import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import type { BoxBounder } from '../../../src/bounds/bounder';
import { ChainLadder, denseChain } from '../../../src/bounds/chain';
import { GraphBounder } from '../../../src/bounds/graph/graph-bounder';
import type { RowChoice, RowChoices } from '../../../src/bounds/graph/crown';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import { marginAt } from '../../../src/verify/input-split/search';
import type { Constraint } from '../../../src/spec/question';
import { randomNetwork } from '../tensor/random-network';
import { randomBox, randomChain, randomConstraints } from './chains';

/** Sampled points may differ from exact arithmetic by their own rounding. */
const SLACK = 1e-11;

function points(random: Random, lower: Float64Array, upper: Float64Array, count: number): Float64Array[] {
  return Array.from({ length: count }, (_, k) =>
    lower.map((l, i) => {
      if (k === 0) return l;
      if (k === 1) return upper[i];
      const t = k % 2 === 0 ? random.integer(2) : random.uniform();
      return Math.min(upper[i], Math.max(l, l + t * (upper[i] - l)));
    }),
  );
}

/** Every bound and plane of every rung holds at sampled points, and so do the neuron bounds that a smaller box inherits. */
function checkLadder(
  network: Network,
  bounder: BoxBounder,
  constraints: readonly Constraint[],
  random: Random,
  radius: number,
): void {
  const { lower, upper } = randomBox(random, network.inputSize, radius);
  const rows = constraints.map((_, row) => row);
  let inherited: Float64Array | null = null;
  for (let level = 0; level < 3; level++) {
    const samples = points(random, lower, upper, 60).map(input => {
      const values = evaluate(network, input);
      return { input, margins: constraints.map(c => marginAt(c, input, values[values.length - 1]).margin) };
    });
    bounder.setBox(lower, upper, inherited);
    const holds = (bounds: Float64Array | null, what: string) => {
      expect(bounds, what).not.toBeNull();
      const worst = Math.min(
        ...rows.flatMap(row =>
          samples.map(({ margins }) => (margins[row] - bounds![row]) / (1 + Math.abs(margins[row]))),
        ),
      );
      expect(worst, what).toBeGreaterThan(-SLACK);
    };
    const planesHold = (what: string) => {
      let worst = Infinity;
      for (const row of rows) {
        const plane = bounder.plane(row);
        for (const { input, margins } of samples) {
          const value = input.reduce((sum, x, i) => sum + x * plane.coefficients[i], plane.constant);
          worst = Math.min(worst, (margins[row] - value) / (1 + Math.abs(value)));
        }
      }
      expect(worst, what).toBeGreaterThan(-SLACK);
    };
    holds(bounder.zonotope(rows), 'zonotope');
    holds(bounder.backward(rows), 'backward');
    planesHold('backward plane');
    if (bounder instanceof GraphBounder) {
      nodeBoundsHold(
        network,
        bounder,
        samples.map(sample => sample.input),
      );
      holds(bounder.chosen(rows, randomChoices(network, rows.length, random)), 'any choice of relaxations');
      planesHold('plane of any choice');
    }
    holds(bounder.crown(rows).lower, 'crown');
    planesHold('crown plane');
    // Halve the box along one axis and go on from the bounds there are.
    inherited = bounder.bounds();
    const axis = random.integer(lower.length);
    if (random.integer(2) === 0) upper[axis] = (lower[axis] + upper[axis]) / 2;
    else lower[axis] = (lower[axis] + upper[axis]) / 2;
  }
}

function nodeBoundsHold(network: Network, bounder: GraphBounder, inputs: readonly Float64Array[]): void {
  const { lower, upper } = bounder.nodeBounds();
  for (const input of inputs)
    evaluate(network, input).forEach((values, id) => {
      const worst = values.reduce(
        (least, value, i) =>
          Math.min(
            least,
            (value - lower[id][i]) / (1 + Math.abs(value)),
            (upper[id][i] - value) / (1 + Math.abs(value)),
          ),
        Infinity,
      );
      expect(worst, network.nodes[id].name).toBeGreaterThan(-SLACK);
    });
}

/** Slopes and tangent points without any sense, some outside their range: sound all the same. */
function randomChoices(network: Network, rows: number, random: Random): RowChoices {
  const draw = (size: number) =>
    Float32Array.from({ length: rows * size }, () => (random.integer(8) === 0 ? NaN : random.normal()));
  const choices = new Map<number, RowChoice>();
  for (const { id, kind, size } of network.nodes)
    if (kind === 'relu' || kind === 'leakyRelu') choices.set(id, { slope: draw(size) });
    else if (kind === 'sigmoid' || kind === 'tanh') choices.set(id, { below: draw(size), above: draw(size) });
  return choices;
}

describe('the ladder of bounds holds at every sampled point', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])('dense chains, seed %i', seed => {
    const random = new Random(seed + 100);
    const sizes = [
      2 + random.integer(5),
      1 + random.integer(20),
      1 + random.integer(20),
      1 + random.integer(20),
      1 + random.integer(4),
    ];
    for (const slope of [0, 0.2]) {
      const network = randomChain(seed, sizes, slope);
      const constraints = randomConstraints(random, 5, network.outputSize, network.inputSize);
      for (const radius of [2, 0.3, 0.01]) {
        checkLadder(network, new ChainLadder(denseChain(network)!, constraints), constraints, random, radius);
        checkLadder(network, new GraphBounder(network, constraints), constraints, random, radius);
      }
    }
  });

  it.each(Array.from({ length: 24 }, (_, seed) => seed))('graphs with every node kind, seed %i', seed => {
    const random = new Random(seed + 500);
    const network = randomNetwork(seed, seed % 2 === 0 ? ['relu'] : ['relu', 'leakyRelu', 'sigmoid', 'tanh']);
    const constraints = randomConstraints(random, 4, network.outputSize, network.inputSize);
    for (const radius of [1, 0.05]) {
      checkLadder(network, new GraphBounder(network, constraints), constraints, random, radius);
      // With next to no room for generators the zonotope folds them into its error: coarser, still sound.
      checkLadder(network, new GraphBounder(network, constraints, { doubles: 3000 }), constraints, random, radius);
    }
  });
});

describe('the two bounders agree', () => {
  it.each([1, 2, 3])('on a dense chain, seed %i', seed => {
    const random = new Random(seed);
    const network = randomChain(seed, [4, 12, 12, 3]);
    const constraints = randomConstraints(random, 3, 3, 4);
    const rows = [0, 1, 2];
    const { lower, upper } = randomBox(random, 4, 0.5);
    const chain = new ChainLadder(denseChain(network)!, constraints);
    const graph = new GraphBounder(network, constraints);
    chain.setBox(lower, upper, null);
    graph.setBox(lower, upper, null);
    const a = [chain.zonotope(rows)!, chain.crown(rows).lower];
    const b = [graph.zonotope(rows)!, graph.crown(rows).lower];
    // The graph intersects with intervals too, so it may only be tighter.
    rows.forEach(row =>
      [0, 1].forEach(k => expect(b[k][row]).toBeGreaterThan(a[k][row] - 1e-9 * (1 + Math.abs(a[k][row])))),
    );
    rows.forEach(row => expect(Math.abs(b[1][row] - a[1][row])).toBeLessThan(0.3 * (1 + Math.abs(a[1][row]))));
  });
});
