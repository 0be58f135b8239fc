import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { GraphBounder } from '../../../src/bounds/graph/graph-bounder';
import { graftNetwork, maskOf } from '../../../src/graft/graft';
import { graftedCount, maskFor, neuronLayers } from '../../../src/graft/neurons';
import { readGraftedBytes } from '../../../src/graft/read-model';
import { writeGraftedModel } from '../../../src/graft/write-model';
import { evaluate } from '../../../src/network/evaluate';
import { loadModelBytes } from '../../../src/network/load';
import type { Network } from '../../../src/network/network';
import type { Constraint } from '../../../src/spec/question';
import { Program } from '../../../src/tensor/compile';
import { input } from '../../../src/tensor/expression';
import { Session } from '../../../src/tensor/session';
import { answers, type GraftedNetwork } from '../../../src/train/grafted-network';
import { must } from '../must';
import { randomNetwork as anyNetwork, type Kinds } from '../tensor/random-network';
import { CONVOLUTIONAL, FLAT, randomGrafts, randomNetwork } from '../train/shapes';
import { evaluateGrafted } from './evaluate-grafted';

/** A network of every node kind, as the importer reads it: nothing is left to fold. */
function anyImported(seed: number, kinds?: Kinds): Network {
  const bytes = must(writeGraftedModel({ network: anyNetwork(seed, kinds), grafts: new Map() }));
  return must(loadModelBytes(bytes, 'any.onnx')).network;
}

const models: [string, GraftedNetwork][] = [
  ['dense', randomGrafts(randomNetwork(FLAT, 1), 1)],
  ['convolutional', randomGrafts(randomNetwork(CONVOLUTIONAL, 2), 2)],
  ['convolutional, all linear', randomGrafts(randomNetwork(CONVOLUTIONAL, 3), 3, 1)],
  ['convolutional, nothing linear', { network: randomNetwork(CONVOLUTIONAL, 4), grafts: new Map() }],
  ...[5, 6, 7].map((seed): [string, GraftedNetwork] => [
    `any (${seed})`,
    randomGrafts(anyImported(seed, ['relu']), seed),
  ]),
  ['of other activations too', randomGrafts(anyImported(9), 9)],
];

function point(size: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: size }, () => random.normal());
}

describe.each(models)('a grafted model in a file (%s)', (_, model) => {
  const bytes = must(writeGraftedModel(model));
  const { network } = model;

  it('answers the same in ONNX Runtime, through the importer, and in training', async () => {
    const session = must(await Session.open({ bytes }));
    const loaded = must(loadModelBytes(bytes, 'grafted.onnx'));
    const program = must(await Program.compile('float32', { y: answers(model, input('x', [1, network.inputSize])) }));
    for (let seed = 0; seed < 5; seed++) {
      const x = point(network.inputSize, seed);
      const expected = evaluateGrafted(model, x).at(-1)!;
      const feed = { type: 'float32' as const, data: x, shape: network.inputs[0].shape };
      const answer = must(await session.run({ [network.inputs[0].name]: feed }));
      const trained = must(await program.run({ x })).y;
      const imported = evaluate(loaded.network, Float64Array.from(x)).at(-1)!;
      const served = Object.values(answer)[0].data as Float32Array;
      expected.forEach((value, k) => {
        expect(served[k]).toBeCloseTo(value, 4);
        expect(trained[k]).toBeCloseTo(value, 4);
        expect(imported[k]).toBeCloseTo(value, 9);
      });
    }
    await Promise.all([session.close(), program.close()]);
  });

  it('has no Relu on linear neurons for the importer', () => {
    const rectified = must(loadModelBytes(bytes, 'grafted.onnx')).network.nodes.filter(node => node.kind === 'relu');
    const neurons = neuronLayers(network).reduce((sum, layer) => sum + layer.size, 0);
    expect(rectified.reduce((sum, node) => sum + node.size, 0)).toBe(neurons - graftedCount(maskOf(model)));
  });

  it('is read back as the network and its linear neurons, number for number', () => {
    // As a file gives them: somewhere in a larger buffer.
    const read = must(readGraftedBytes(Buffer.concat([Buffer.from('x'), bytes]).subarray(1), 'grafted.onnx'));
    expect([...maskOf(read).grafted]).toEqual([...maskOf(model).grafted]);
    expect(read.network.nodes.map(({ kind, size }) => [kind, size])).toEqual(
      network.nodes.map(({ kind, size }) => [kind, size]),
    );
    const wanted = [...model.grafts.values()].filter(({ mask }) => mask.includes(1));
    expect([...read.grafts.values()]).toEqual(wanted);
    const x = point(network.inputSize, 9);
    evaluateGrafted(read, x)
      .at(-1)!
      .forEach((value, k) => expect(value).toBeCloseTo(evaluateGrafted(model, x).at(-1)![k], 12));
  });
});

describe('a network with all neurons linear', () => {
  it('is bounded exactly by one backward pass', () => {
    const model = randomGrafts(randomNetwork(CONVOLUTIONAL, 10), 10, 1);
    const { network } = must(loadModelBytes(must(writeGraftedModel(model)), 'linear.onnx'));
    expect(network.nodes.some(node => node.kind === 'relu')).toBe(false);
    const margin: Constraint = {
      outputs: { index: Int32Array.of(0, 1), value: Float64Array.of(1, -1) },
      inputs: { index: new Int32Array(0), value: new Float64Array(0) },
      bound: 0,
      coefficientError: 0,
      strict: false,
    };
    const x = Float64Array.from(point(36, 1));
    const radius = 0.3;
    const at = (changed: Float64Array): number => {
      const y = evaluateGrafted(model, changed).at(-1)!;
      return y[0] - y[1];
    };
    // An affine map: its slope along each input is a difference, its minimum over the box follows.
    const zero = at(new Float64Array(36));
    let minimum = at(x);
    for (let i = 0; i < 36; i++)
      minimum -= radius * Math.abs(at(Float64Array.from({ length: 36 }, (_, k) => (k === i ? 1 : 0))) - zero);
    const bounder = new GraphBounder(network, [margin]);
    bounder.setBox(
      x.map(v => v - radius),
      x.map(v => v + radius),
      null,
    );
    bounder.zonotope([]);
    const [bound] = bounder.backward([0]);
    expect(bound).toBeLessThanOrEqual(minimum + 1e-12);
    expect(bound).toBeCloseTo(minimum, 10);
  });
});

describe('what does not fit', () => {
  it('is said: a mask of another architecture, a network without neurons', () => {
    const network = randomNetwork(CONVOLUTIONAL, 1);
    const other = { layers: neuronLayers(randomNetwork(FLAT, 1)), grafted: new Uint8Array(24) };
    expect(graftNetwork(network, other)).toMatchObject({ error: { code: 'graft/architecture' } });
    expect(maskFor(network, other)).toMatchObject({
      error: { message: expect.stringContaining('4×3×3, 8') as string },
    });
    const linear = randomNetwork({ inputShape: [1, 1, 2], layers: [{ kind: 'dense', size: 2 }] }, 1);
    expect(graftNetwork(linear, { layers: [], grafted: new Uint8Array(0) })).toMatchObject({
      error: { code: 'graft/no-neurons' },
    });
  });

  it('is said: a file whose parts do not fit together', () => {
    const bytes = must(writeGraftedModel(randomGrafts(randomNetwork(FLAT, 1), 1)));
    const text = Buffer.from(bytes).toString('latin1').replaceAll('relu_1/take_order', 'relu_1/take_ordex');
    expect(readGraftedBytes(Buffer.from(text, 'latin1'), 'broken.onnx').ok).toBe(false);
  });
});
