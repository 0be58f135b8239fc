import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { PairBounder } from '../../../src/graft/paired/bounder';
import type { Network, NetworkNode } from '../../../src/network/network';
import type { GraftedNetwork } from '../../../src/train/grafted-network';
import { must } from '../must';
import { evaluate, randomNetwork as anyNetwork } from '../tensor/random-network';
import { CONVOLUTIONAL, FLAT, randomGrafts, randomNetwork } from '../train/shapes';
import { evaluateGrafted } from './evaluate-grafted';

/** The same network with weights a little off, as retraining leaves them. */
function retrained(network: Network, seed: number, scale: number): Network {
  const random = new Random(seed, 9);
  const moved = (values: Float64Array): Float64Array =>
    values.map(value => Math.fround(value + scale * random.normal()));
  const nodes = network.nodes.map((node): NetworkNode =>
    node.kind === 'dense' || node.kind === 'conv'
      ? { ...node, weight: moved(node.weight), bias: node.bias && moved(node.bias) }
      : node,
  );
  return { ...network, nodes };
}

/** Without max pooling, which pairs do not take. */
function withoutPool(network: Network): Network {
  const nodes = network.nodes.map((node): NetworkNode =>
    node.kind === 'maxPool'
      ? {
          ...node,
          kind: 'sparse',
          rowStart: Int32Array.from({ length: node.size + 1 }, (_, i) => i),
          column: node.column.filter((_, at) => node.rowStart.includes(at)).slice(0, node.size),
          value: null,
          bias: null,
          relativeError: 0,
          biasError: null,
        }
      : node,
  );
  return { ...network, nodes };
}

function boxAround(size: number, radius: number, seed: number): { lower: Float64Array; upper: Float64Array } {
  const random = new Random(seed, 3);
  const centre = Float64Array.from({ length: size }, () => random.normal());
  return { lower: centre.map(v => v - radius), upper: centre.map(v => v + radius) };
}

/** Points of a box: corners, edges and inner points. */
function* points(lower: Float64Array, upper: Float64Array, count: number, seed: number): Generator<Float64Array> {
  const random = new Random(seed, 4);
  for (let k = 0; k < count; k++)
    yield lower.map((low, i) => low + (random.integer(3) ? random.integer(2) : random.uniform()) * (upper[i] - low));
}

function bounded(base: Network, model: GraftedNetwork, lower: Float64Array, upper: Float64Array): PairBounder {
  const bounder = must(PairBounder.create(base, model));
  expect(bounder.setBox(lower, upper)).toBe(true);
  for (const _ of bounder.tightening());
  return bounder;
}

/** What sampled points show to be outside of the bounds of values, differences, outputs and margins. */
function contradictions(base: Network, model: GraftedNetwork, radius: number, seed: number, count: number): string[] {
  const { lower, upper } = boxAround(base.inputSize, radius, seed);
  const bounder = bounded(base, model, lower, upper);
  const bounds = bounder.nodeBounds();
  const outputs = bounder.outputDifferences();
  const margins = bounder.margins(0);
  const found: string[] = [];
  const check = (what: string, value: number, low: number, high: number): void => {
    const slack = 1e-9 * (1 + Math.abs(value));
    if (!(value >= low - slack && value <= high + slack)) found.push(`${what}: ${value} outside of [${low}, ${high}]`);
  };
  for (const x of points(lower, upper, count, seed)) {
    const f = evaluate(base, x);
    const g = evaluateGrafted(model, x);
    base.nodes.forEach((node, id) => {
      for (let i = 0; i < node.size; i++) {
        check(`f ${node.name}[${i}]`, f[id][i], bounds.base.lower[id][i], bounds.base.upper[id][i]);
        check(`g ${node.name}[${i}]`, g[id][i], bounds.grafted.lower[id][i], bounds.grafted.upper[id][i]);
        check(
          `g − f ${node.name}[${i}]`,
          g[id][i] - f[id][i],
          bounds.difference.lower[id][i],
          bounds.difference.upper[id][i],
        );
      }
    });
    const [y, z] = [f.at(-1)!, g.at(-1)!];
    outputs.forEach((range, j) => check(`output ${j}`, z[j] - y[j], range.lower, range.upper));
    for (const { other, base: ofF, grafted, difference } of margins) {
      check(`margin of f over ${other}`, y[0] - y[other], ofF.lower, ofF.upper);
      check(`margin of g over ${other}`, z[0] - z[other], grafted.lower, grafted.upper);
      check(`their difference`, y[0] - y[other] - z[0] + z[other], difference.lower, difference.upper);
    }
  }
  return found;
}

describe('bounds of a pair', () => {
  const cases = fc.record({
    seed: fc.integer({ min: 1, max: 1e6 }),
    kind: fc.constantFrom('dense', 'convolutional', 'any', 'any kinds'),
    radius: fc.constantFrom(0.01, 0.2, 1, 4),
    change: fc.constantFrom(0, 0.01, 0.3),
    part: fc.constantFrom(0, 0.3, 1),
  });

  it('are never contradicted by points', () => {
    fc.assert(
      fc.property(cases, ({ seed, kind, radius, change, part }) => {
        const base =
          kind === 'dense'
            ? randomNetwork(FLAT, seed)
            : kind === 'convolutional'
              ? randomNetwork(CONVOLUTIONAL, seed)
              : withoutPool(kind === 'any' ? anyNetwork(seed, ['relu']) : anyNetwork(seed));
        const network = change === 0 ? base : retrained(base, seed, change);
        expect(contradictions(base, randomGrafts(network, seed, part), radius, seed, 40)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('say 0 for a network and itself, whatever the box', () => {
    const base = randomNetwork(CONVOLUTIONAL, 1);
    const { lower, upper } = boxAround(36, 3, 1);
    const bounder = bounded(base, { network: base, grafts: new Map() }, lower, upper);
    for (const { lower: low, upper: high } of bounder.outputDifferences()) {
      expect(low).toBeGreaterThan(-1e-9);
      expect(high).toBeLessThan(1e-9);
    }
  });

  it('are as tight as a single point allows on a point', () => {
    const base = randomNetwork(CONVOLUTIONAL, 2);
    const model = randomGrafts(retrained(base, 2, 0.1), 2);
    const { lower } = boxAround(36, 0, 2);
    const bounder = bounded(base, model, lower, lower);
    const [f, g] = [evaluate(base, lower).at(-1)!, evaluateGrafted(model, lower).at(-1)!];
    bounder.outputDifferences().forEach(({ lower: low, upper: high }, j) => {
      expect(low).toBeCloseTo(g[j] - f[j], 9);
      expect(high).toBeCloseTo(g[j] - f[j], 9);
    });
  });

  it('beat what the two networks bounded apart can say', () => {
    let [paired, apart] = [0, 0];
    for (let seed = 1; seed <= 10; seed++) {
      const base = randomNetwork(CONVOLUTIONAL, seed);
      const model = randomGrafts(retrained(base, seed, 0.01), seed, 0.1);
      const { lower, upper } = boxAround(36, 0.3, seed);
      for (const { difference, base: f, grafted } of bounded(base, model, lower, upper).margins(0)) {
        paired += difference.upper - difference.lower;
        apart += f.upper - grafted.lower - (f.lower - grafted.upper);
      }
    }
    expect(paired).toBeLessThan(0.7 * apart);
  });

  it('need one network and its graft', () => {
    const base = randomNetwork(CONVOLUTIONAL, 1);
    const other = { network: randomNetwork(FLAT, 1), grafts: new Map() };
    expect(PairBounder.create(base, other)).toMatchObject({ error: { code: 'graft/pair' } });
    expect(PairBounder.create(anyNetwork(1), { network: anyNetwork(1), grafts: new Map() })).toMatchObject({
      error: { code: 'graft/pair-unsupported' },
    });
  });
});
