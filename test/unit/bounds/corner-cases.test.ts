import { describe, expect, it } from 'vitest';
import { ChainLadder, denseChain } from '../../../src/bounds/chain';
import { instantiateCore } from '../../../src/bounds/core/core';
import { GraphBounder } from '../../../src/bounds/graph/graph-bounder';
import { lineWithSlope } from '../../../src/bounds/graph/relaxation';
import type { ActivationNode, Network } from '../../../src/network/network';
import { randomChain } from './chains';

describe('an output that does not depend on the input', () => {
  const tensor = (name: string) => ({ name, shape: [1, 1], type: 'float32', offset: 0, size: 1 });
  const network: Network = {
    nodes: [
      { kind: 'input', id: 0, inputs: [], size: 1, shape: [1], name: 'x' },
      {
        kind: 'constant',
        id: 1,
        inputs: [],
        size: 1,
        shape: [1],
        name: 'k',
        bias: Float64Array.of(5),
        biasError: null,
        relativeError: 0,
      },
    ],
    inputs: [tensor('x')],
    outputs: [tensor('y')],
    inputSize: 1,
    outputSize: 1,
    trailing: 'none',
  };
  const one = { index: Int32Array.of(0), value: Float64Array.of(1) };

  it('leaves the inputs of a constraint as wide as they are', () => {
    // y + x ≤ 4.5 with y = 5 and x in [−1, 1]: the margin reaches −0.5.
    const constraint = { outputs: one, inputs: one, bound: 4.5, coefficientError: 0, strict: false };
    const bounder = new GraphBounder(network, [constraint]);
    bounder.setBox(Float64Array.of(-1), Float64Array.of(1), null);
    expect(bounder.zonotope([0])![0]).toBeLessThanOrEqual(-0.5);
    expect(bounder.backward([0])[0]).toBeLessThanOrEqual(-0.5);
    expect(bounder.crown([0]).lower[0]).toBeLessThanOrEqual(-0.5);
  });
});

describe('lines around Sigmoid and Tanh of slopes too small for their tangent point to be computed', () => {
  const value = { sigmoid: (y: number) => 1 / (1 + Math.exp(-y)), tanh: Math.tanh };

  it.each(['sigmoid', 'tanh'] as const)('hold for %s', kind => {
    const node: ActivationNode = { kind, slope: 0, id: 1, inputs: [0], size: 1, shape: [1], name: kind };
    for (const slope of [4.3e-18, 1e-17, 2e-17, 1e-16, 4e-16, 2e-15])
      for (const [l, u] of [
        [-1e6, 1e3],
        [-1e12, 50],
        [-50, 1e12],
        [-1e9, 1e9],
      ]) {
        const below = lineWithSlope(node, slope, l, u, true);
        const above = lineWithSlope(node, slope, l, u, false);
        for (let y = -50; y <= 50; y += 0.5) {
          expect(slope * y + below.intercept).toBeLessThanOrEqual(value[kind](y));
          expect(slope * y + above.intercept).toBeGreaterThanOrEqual(value[kind](y));
        }
      }
  });
});

describe('sizes beyond what the core can address', () => {
  it('are refused where they are asked for', () => {
    const core = instantiateCore();
    expect(() => core.allocate(2 ** 32 + 64)).toThrow('more than the float64 core can address');
    expect(() => core.allocate(2 ** 32 - 8)).toThrow();
  });

  it('are refused by the ladder, whose rows would overlap', () => {
    // 65 553 rows of 32 768 doubles: the lower 32 bits of that many bytes are only 4 MB.
    const chain = denseChain(randomChain(1, [2, 32768, 10, 32768, 1]))!;
    expect(() => new ChainLadder(chain, [])).toThrow('unreachable');
  });
});
