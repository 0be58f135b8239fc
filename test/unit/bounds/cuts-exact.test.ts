import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { GraphRegion } from '../../../src/bounds/graph/graph-region';
import type { Network, NetworkNode } from '../../../src/network/network';
import type { Constraint } from '../../../src/spec/question';
import { Dyadic } from './dyadic';

/**
 * Cuts against exact arithmetic. −relu(w·x + b) plus the terms of w·x that one facet keeps is least where that facet is attained: with the multiplier 1 the bound is the least value itself less what
 * rounding may have cost, so that one that forgets some rounding lands above it every now and then.
 */
interface Neuron {
  readonly network: Network;
  readonly constraint: Constraint;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** The inputs of the facet, as bits. */
  readonly facet: number;
  /** Exact least values over the box, over what is left of it where the neuron is on, and where it is off; null where nothing is. */
  readonly least: readonly (Dyadic | null)[];
}

const ZERO = Dyadic.of(0);
const MINUS = Dyadic.of(-1);

function larger(a: Dyadic, b: Dyadic): Dyadic {
  return a.atMost(b) ? b : a;
}

function drawNeuron(random: Random, uncertain: boolean): Neuron {
  const size = 2 + random.integer(4);
  const all = [...Array(size).keys()];
  // Sums that cancel where exponents are far apart.
  const spread = random.integer(2) * 20;
  const draw = () => random.normal() * 2 ** (spread * (random.uniform() - 0.5));
  const weight = Float64Array.from(all, draw);
  const bias = draw();
  const [relativeError, biasError] = uncertain ? [1e-9, 1e-10] : [0, 0];
  const facet = random.integer(2 ** size);
  const kept = all.filter(i => ((facet >> i) & 1) === 1);
  const constant = random.normal();
  const dense = { weight, bias: Float64Array.of(bias), relativeError, biasError: Float64Array.of(biasError) };
  const exact = { scale: null, bias: null, relativeError: 0, biasError: null };
  const one = { size: 1, shape: [1] };
  const nodes: NetworkNode[] = [
    { kind: 'input', id: 0, inputs: [], size, shape: [size], name: 'x' },
    { kind: 'dense', id: 1, inputs: [0], ...one, name: 'y', ...dense },
    { kind: 'relu', id: 2, inputs: [1], ...one, name: 'z', slope: 0 },
    { kind: 'scale', id: 3, inputs: [2], ...one, name: 'out', ...exact },
  ];
  const tensor = (name: string, length: number) => ({
    name,
    shape: [1, length],
    type: 'float32',
    offset: 0,
    size: length,
  });
  const network = {
    ...{ nodes, inputSize: size, outputSize: 1, trailing: 'none' },
    ...{ inputs: [tensor('x', size)], outputs: [tensor('out', 1)] },
  } as unknown as Network;
  const lower = Float64Array.from(all, () => random.normal() - 0.5 * random.uniform());
  const upper = lower.map(l => l + random.uniform());
  const constraint = {
    outputs: { index: Int32Array.of(0), value: Float64Array.of(-1) },
    inputs: { index: Int32Array.from(kept), value: Float64Array.from(kept, i => weight[i]) },
    ...{ bound: constant, coefficientError: 0, strict: false },
  };
  const least: (Dyadic | null)[] = [null, null, null];
  const note = (k: number, value: Dyadic) => {
    const known = least[k];
    if (known === null || value.atMost(known)) least[k] = value;
  };
  // Concave where the neuron is left to itself: least at a corner.
  for (let corner = 0; corner < 1 << size; corner++) {
    let [y, rest, moves] = [Dyadic.of(bias), Dyadic.of(-constant), ZERO];
    for (const i of all) {
      const product = Dyadic.of(weight[i]).times(Dyadic.of((corner >> i) & 1 ? upper[i] : lower[i]));
      y = y.plus(product);
      moves = moves.plus(larger(product, product.times(MINUS)));
      if (kept.includes(i)) rest = rest.plus(product);
    }
    const most = y.plus(moves.times(Dyadic.of(relativeError))).plus(Dyadic.of(biasError));
    const value = rest.plus(larger(most, ZERO).times(MINUS));
    note(0, value);
    if (ZERO.atMost(most)) note(1, value);
    if (y.atMost(ZERO)) note(2, rest);
  }
  return { network, constraint, lower, upper, facet, least };
}

describe('cuts of one neuron', () => {
  it('are never above the exact least value, and hardly below it', () => {
    let close = 0;
    for (let seed = 0; seed < 1500; seed++) {
      const random = new Random(seed);
      const { network, constraint, lower, upper, facet, least } = drawNeuron(random, seed % 3 === 0);
      const region = new GraphRegion(network, [constraint]);
      region.setBox(lower, upper, null);
      region.zonotope([0]);
      for (const steps = region.tightening(); !steps.next().done;);
      region.backward([0]);
      const cuts = Array.from({ length: 1 << lower.length }, (_, mask) => ({
        ...{ layer: 0, neuron: 0 },
        inputs: Int32Array.from([...lower.keys()].filter(i => ((mask >> i) & 1) === 1)),
      }));
      const rows = 32;
      const splits = region.splits(rows, cuts);
      if (splits.places === 0) continue;
      const parts = Array.from({ length: rows }, (_, r) => (r % 4 === 3 ? 1 + random.integer(2) : 0));
      parts.forEach((part, r) => {
        const multipliers = new Float32Array(cuts.length);
        multipliers[facet] = r % 2 === 1 ? 1 : random.uniform();
        if (r % 8 > 4)
          for (let c = 0; c < cuts.length; c++)
            if (random.integer(4) === 0) multipliers[c] += random.uniform() * 10 ** (random.integer(20) - 12);
        splits.set(r, 0, part === 0 ? [] : [{ place: 0, sign: part === 1 ? 1 : -1 }], {
          alpha: Float32Array.of(r % 3 === 0 ? random.uniform() : (r % 3) - 1),
          beta: Float32Array.of(r % 5 === 0 ? 0 : random.uniform()),
          cuts: multipliers,
        });
      });
      splits.certify([...Array(rows).keys()]).forEach((bound, r) => {
        const exact = least[parts[r]];
        if (exact === null || !(bound > -Infinity)) return;
        if (!Dyadic.of(bound).atMost(exact))
          throw new Error(`seed ${seed}, row ${r}: ${bound} is above the least value`);
        if (exact.plus(Dyadic.of(-bound)).atMost(Dyadic.of(1e-12))) close++;
      });
    }
    expect(close).toBeGreaterThan(500);
  }, 120_000);
});
