import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { sourceOf } from '../../../../src/attack/attacked-model';
import { Replayer } from '../../../../src/attack/replay';
import { studyPatchModel } from '../../../../src/engine/studies/patch-model/study';
import type {
  LayerPatch,
  PatchBegun,
  PatchModelParams,
  PatchModelPart,
} from '../../../../src/engine/study-protocols/patch-model';
import { inlineTensor } from '../../../../src/engine/tensor-reference';
import { model as proto, node, tensor, valueInfo } from '../../../../src/network/authoring';
import { encodeModel } from '../../../../src/network/codec';
import type { DenseNode } from '../../../../src/network/network';
import { loadModel } from '../../../../src/network/load';
import { must } from '../../must';
import { samples, watched } from './environment';

const DIGITS = path.join(samples, 'digits.certiscope.jsonc');

async function run(params: Partial<PatchModelParams>, file = DIGITS, stopAfter?: number) {
  const world = watched<PatchModelPart>(stopAfter);
  const answer = await studyPatchModel(
    { mode: 'each', ...params, subject: { specification: { path: file }, ...params.subject } },
    world.environment,
  );
  const begun = world.parts.find((part): part is PatchBegun => part.kind === 'run');
  const layers = world.parts.filter((part): part is LayerPatch => part.kind === 'layer');
  const problem = answer.ok ? '' : `${answer.problems[0]?.code}: ${answer.problems[0]?.message}`;
  return { answer, begun, layers, problem };
}

/** A picture of the project's samples, as the model takes it. */
function digit(index: number): Float32Array {
  const bytes = readFileSync(path.join(samples, 'digits-images.idx'));
  return Float32Array.from(bytes.subarray(16 + 256 * index, 16 + 256 * (index + 1)), grey => grey / 255);
}

/** Two inputs, two hidden neurons, two outputs; as it is, it answers class 0 on (1, 0) and class 1 on (0, 1). */
function small(changes: Readonly<Record<string, unknown>> = {}): string {
  const { folder } = watched();
  const identity = Float32Array.of(1, 0, 0, 1);
  const gemm = (input: string, weight: string, output: string, name: string) =>
    node('Gemm', [input, weight], [output], { transB: { int: 1 } }, name);
  const bytes = encodeModel(
    proto({
      nodes: [gemm('x', 'w1', 'h', 'first'), node('Relu', ['h'], ['z']), gemm('z', 'w2', 'y', 'last')],
      initializers: [tensor('w1', [2, 2], identity), tensor('w2', [2, 2], identity)],
      inputs: [valueInfo('x', 'float32', [1, 2])],
      outputs: [valueInfo('y', 'float32', [1, 2])],
    }),
  );
  writeFileSync(path.join(folder, 'model.onnx'), bytes);
  const file = path.join(folder, 'spec.certiscope.jsonc');
  const content = {
    model: 'model.onnx',
    inputs: {
      data: [
        [1, 0],
        [0, 1],
        [0.6, 0.5],
      ],
      labels: [0, 1, 1],
    },
    property: { kind: 'label' },
    checks: [{ name: 'noise', perturb: 'input', epsilon: 0.05 }],
    ...changes,
  };
  writeFileSync(file, JSON.stringify(content));
  return file;
}

const wrongInput = (title: string, values: readonly number[], wanted: number) => ({
  title,
  input: inlineTensor(Float32Array.from(values), [1, 2]),
  wanted,
});

describe('patches of a model', () => {
  it('put misclassified samples right in the file that was written; sizes, answers and accuracy are that file’s', async () => {
    const { answer, begun, layers } = await run({});
    expect(begun).toMatchObject({
      layers: ['fc_1', 'fc_2', 'fc_3'],
      inputs: [{ title: 'sample 3', before: 2, wanted: 3 }],
    });
    expect(begun?.accuracy).toEqual({ correct: 191, total: 200 });
    expect(layers.map(({ layer, holds }) => [layer, holds])).toEqual([
      ['fc_1', true],
      ['fc_2', true],
      ['fc_3', true],
    ]);
    const original = must(loadModel(path.join(samples, 'digits.onnx')));
    const weights = (loaded: typeof original, name: string): Float64Array =>
      (loaded.written.nodes.find(each => each.name === name) as DenseNode).weight;
    for (const { layer, file, sizes, answers, lowerBound, changes } of layers) {
      const patched = must(loadModel(file!));
      const differences = weights(patched, layer).map((w, k) => Math.abs(w - weights(original, layer)[k]));
      expect(Math.max(...differences)).toBe(sizes!.inf);
      expect(differences.filter(change => change > 0)).toHaveLength(sizes!.count);
      expect(Math.abs(changes[0].after - changes[0].before)).toBe(sizes!.inf);
      // Float32 rounds the weights of the smallest patch.
      expect(sizes!.inf).toBeGreaterThan(lowerBound! * (1 - 1e-4));
      const replayer = must(await Replayer.open(sourceOf(patched), patched.network));
      const { output } = must(await replayer.forward(digit(3)));
      expect(output.indexOf(Math.max(...output))).toBe(3);
      expect(answers).toEqual([3]);
      await replayer.close();
    }
    expect(answer).toMatchObject({ ok: true, value: { best: 'fc_1' } });
  });

  it('of several layers in turn end with the layer that does it', async () => {
    const { answer, layers } = await run({ mode: 'in turn' }, small());
    expect(layers).toMatchObject([{ layer: 'last', holds: true, answers: [1] }]);
    expect(answer).toMatchObject({ ok: true, value: { best: 'last' } });
  });

  it('keep what was right where that is asked for', async () => {
    const { begun, layers } = await run({ keep: 2, layers: ['last'] }, small());
    expect(begun?.kept).toBe(2);
    expect(layers[0]).toMatchObject({ holds: true, accuracy: { correct: 3, total: 3 } });
  });

  it('that were found before a stop do not pass for all there are', async () => {
    const { answer, layers } = await run({}, small(), 2);
    expect(layers).toHaveLength(1);
    expect(answer).toMatchObject({
      value: { statement: expect.stringMatching(/Stopped: 1 of 2 layers were not tried\.$/) as string },
    });
    expect((await run({}, small(), 1)).answer).toMatchObject({
      value: { statement: 'Stopped before the first layer was settled.' },
    });
  });

  it('of inputs that contradict each other there is none, with a checked certificate and the two inputs', async () => {
    const inputs = [wrongInput('one', [1, 0.5], 0), wrongInput('other', [1, 0.5], 1)];
    const { answer, layers } = await run({ inputs, layers: ['last'] }, small());
    expect(layers[0]).toMatchObject({ outcome: 'infeasible', isCertified: true, file: null, sizes: null });
    expect(layers[0].statement).toMatch(/inputs 0, 1 together.*the same to this layer but ask for different outputs/);
    expect(answer).toMatchObject({ ok: true, value: { best: null } });
  });
});

describe('bad input gets a sentence', () => {
  it.each<[string, Partial<PatchModelParams>, string, RegExp]>([
    ['an unknown layer', { layers: ['middle'] }, small(), /^patch\/layer-unknown: .*It has first, last/],
    [
      'nothing that is wrong',
      { subject: { specification: { path: '' }, samples: [0, 1] } },
      small(),
      /^patch\/nothing-wrong: .*nothing to put right/,
    ],
    ['data without labels', {}, small({ inputs: { data: [[1, 0]] } }), /^patch\/no-labels: /],
    ['an input of another size', { inputs: [wrongInput('one', [1], 0)] }, small(), /^patch\/size: one has 1 values/],
    ['a class that there is not', { inputs: [wrongInput('one', [1, 0], 5)] }, small(), /^patch\/class: .*no class 5/],
  ])('%s', async (_, params, file, sentence) => {
    const subject = { ...params.subject, specification: { path: file } };
    expect((await run({ ...params, subject }, file)).problem).toMatch(sentence);
  });
});
