import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../../src/base/random';
import { changedValues, confirm, marginOf, prepare } from '../../../../src/attack/adversarial';
import { AttackedModel } from '../../../../src/attack/attacked-model';
import { patchAttack } from '../../../../src/attack/patch/algorithm';
import { closestInput, distanceOf } from '../../../../src/attack/patch/closest';
import { fitLines } from '../../../../src/attack/patch/fit-lines';
import { linesAt, LocalMap } from '../../../../src/attack/patch/local-map';
import { findAdversarial } from '../../../../src/attack/patch/pipeline';
import { closestInRegion } from '../../../../src/attack/patch/regional';
import { evaluate } from '../../../../src/network/evaluate';
import { loadModel, loadModelBytes, type LoadedModel } from '../../../../src/network/load';
import { initialParameters } from '../../../../src/train/architecture';
import { exportClassifier } from '../../../../src/train/export';
import { sharedData } from '../../shared-data';
import { mnistTraining } from '../../../../bench/image-sets';
import { denseModel, must } from './models';

function randomModel(seed: number, sizes: readonly number[]): LoadedModel {
  const random = new Random(seed);
  const layers = sizes.slice(1).map((outputs, k) => {
    const row = (): number[] =>
      Array.from({ length: sizes[k] }, () => Math.fround(random.normal() / Math.sqrt(sizes[k])));
    return {
      weight: Array.from({ length: outputs }, row),
      bias: Array.from({ length: outputs }, () => Math.fround(0.1 * random.normal())),
    };
  });
  return denseModel(layers);
}

function convolutionalModel(): LoadedModel {
  const architecture = {
    inputShape: [1, 8, 8],
    layers: [
      { kind: 'conv', channels: 4, kernel: 3, stride: 2, pad: 1 },
      { kind: 'relu' },
      { kind: 'dense', size: 12 },
      { kind: 'relu' },
      { kind: 'dense', size: 3 },
    ],
  } as const;
  const model = loadModelBytes(exportClassifier(architecture, initialParameters(architecture, 4)), 'conv.onnx');
  return must(model);
}

const range = { lower: 0, upper: 1 };
const someInput = (size: number, seed: number): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length: size }, () => random.uniform());
};

describe('affine maps of a network', () => {
  it.each([
    ['of fully connected layers', randomModel(3, [6, 8, 8, 4])],
    ['with a convolution', convolutionalModel()],
  ])('are exact in the linear region of the point, %s', (_, { network }) => {
    const at = Float64Array.from(someInput(network.inputSize, 5));
    const values = evaluate(network, at);
    const map = new LocalMap(network, 0, null, values, linesAt(network, values));
    const step = at.map((_value, i) => 1e-6 * Math.sin(i));
    const after = evaluate(
      network,
      at.map((x, i) => x + step[i]),
    );
    for (let class_ = 0; class_ < network.outputSize; class_++) {
      const { column, value, constant } = map.combination(network.nodes.length - 1, [class_], [1]);
      const predicted = column.reduce((sum, i, k) => sum + value[k] * step[i], constant);
      expect(Math.abs(predicted - after.at(-1)![class_])).toBeLessThan(1e-12);
    }
    const walls = [...map.phases()];
    expect(walls.length).toBe(
      network.nodes.filter(node => node.kind === 'relu').reduce((sum, node) => sum + node.size, 0),
    );
    for (const wall of walls) expect(wall.constant).toBeGreaterThanOrEqual(0);
  });
});

describe('lines fitted to a class', () => {
  it('are the phases where every sample of the class has them, and cut through the kink where not', () => {
    const { network } = denseModel([{ weight: [[1], [-1], [1]], bias: [0, 0, -2] }, { weight: [[1, 1, 1]] }]);
    const lines = fitLines(network, [[1], [2], [3]], [0, 0, 0]).get(0)!;
    const line = [...lines.values()][0];
    if (line.kind !== 'line') throw new Error(line.kind);
    expect(line.slope[0]).toBeCloseTo(1, 9);
    expect(line.slope[1]).toBeCloseTo(0, 9);
    // (−1, 0), (0, 0), (1, 1): slope 1/2, mean 1/3 at 0.
    expect(line.slope[2]).toBeCloseTo(0.5, 9);
    expect(line.intercept[2]).toBeCloseTo(1 / 3, 9);
  });
});

describe('the pipeline', () => {
  it.each([
    ['fully connected', randomModel(7, [20, 16, 16, 5])],
    ['convolutional', convolutionalModel()],
  ])('finds confirmed inputs of a %s network, inside the range, and says by which stage', async (_, loaded) => {
    const model = must(await AttackedModel.open(loaded));
    for (let seed = 1; seed <= 5; seed++) {
      const subject = must(await prepare(model, { original: someInput(loaded.network.inputSize, seed), range }));
      const alone = must(await findAdversarial(model, subject, { stages: ['patch', 'other phases'], reduce: false }));
      if (alone.adversarial) {
        expect(['patch', 'other phases']).toContain(alone.stage);
        expect(alone.steps.length).toBeGreaterThan(0);
      }
      const whole = must(await findAdversarial(model, subject));
      const found = whole.adversarial;
      if (!found) {
        expect(whole.reason).toMatch(/No adversarial input was found/);
        continue;
      }
      expect(found.to).not.toBe(subject.label);
      expect(marginOf(subject, must(await model.judge(found.input)).logits)).toBeGreaterThan(0);
      expect(found.input.every(value => value >= 0 && value <= 1)).toBe(true);
      if (alone.adversarial)
        expect(changedValues(found.input, found.original)).toBeLessThanOrEqual(
          changedValues(alone.adversarial.input, found.original),
        );
      expect(whole.found[whole.stage!]).toBe(changedValues(found.input, found.original));
    }
    await model.close();
  });

  it('goes for the class that is named', async () => {
    const loaded = randomModel(7, [20, 16, 16, 5]);
    const model = must(await AttackedModel.open(loaded));
    let reached = 0;
    for (let target = 0; target < 5; target++) {
      const original = someInput(20, 2);
      const prepared = await prepare(model, { original, range, target });
      if (!prepared.ok) continue;
      const outcome = must(await findAdversarial(model, prepared.value));
      if (!outcome.adversarial) continue;
      reached++;
      expect(outcome.adversarial.to).toBe(target);
    }
    expect(reached).toBeGreaterThan(1);
    await model.close();
  });

  it('tells a model without a fully connected layer, when only patches are asked for', async () => {
    const architecture = {
      inputShape: [1, 4, 4],
      layers: [{ kind: 'conv', channels: 3, kernel: 4, stride: 1, pad: 0 }],
    } as const;
    const loaded = must(
      loadModelBytes(exportClassifier(architecture, initialParameters(architecture, 1)), 'conv-only.onnx'),
    );
    const model = must(await AttackedModel.open(loaded));
    const subject = must(await prepare(model, { original: someInput(16, 1), range }));
    const result = await findAdversarial(model, subject, { stages: ['patch'] });
    expect(result.ok ? '' : result.error.code).toBe('attack/no-dense-layer');
    await model.close();
  });
});

describe('the closest input', () => {
  const loaded = randomModel(9, [8, 10, 6, 3]);

  it.each(['count', 'inf', 'two'] as const)('is confirmed and no farther, by %s', async measure => {
    const model = must(await AttackedModel.open(loaded));
    for (let seed = 1; seed <= 6; seed++) {
      const subject = must(await prepare(model, { original: someInput(8, seed), range }));
      const start = must(await findAdversarial(model, subject, { reduce: false })).adversarial;
      if (!start) continue;
      const { adversarial, distance, region, scope } = must(
        await closestInput(model, subject, start, { measure, regional: true }),
      );
      expect(must(await confirm(model, subject, adversarial.input, 'test'))).not.toBeNull();
      expect(distance).toBeLessThanOrEqual(distanceOf(start, measure));
      expect(distance).toBeCloseTo(distanceOf(adversarial, measure), 9);
      expect(scope).toMatch(measure === 'two' ? /verifier/ : /linear region/);
      if (region?.isSettled && measure === 'inf') expect(distance).toBeGreaterThan(region.bound - 1e-6);
    }
    await model.close();
  });

  it('in a region is no farther than any adversarial point drawn from the region', async () => {
    const model = must(await AttackedModel.open(loaded));
    const random = new Random(2);
    let compared = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const subject = must(await prepare(model, { original: someInput(8, seed), range }));
      const start = must(await findAdversarial(model, subject, { reduce: false })).adversarial;
      if (!start) continue;
      const { bound } = await closestInRegion(loaded.network, subject, start.input, { measure: 'inf' });
      const phases = (x: Float64Array) =>
        evaluate(loaded.network, x)
          .filter((_, id) => loaded.network.nodes[id].kind === 'relu')
          .map(z => Array.from(z, each => each > 0).join())
          .join();
      const own = phases(Float64Array.from(start.input));
      const margin = marginOf(subject, evaluate(loaded.network, Float64Array.from(start.input)).at(-1)!);
      for (let k = 0; k < 400; k++) {
        const point = Float64Array.from(start.input, x =>
          Math.min(1, Math.max(0, x + 0.2 * random.normal() * random.uniform())),
        );
        if (phases(point) !== own || marginOf(subject, evaluate(loaded.network, point).at(-1)!) < margin) continue;
        compared++;
        expect(Math.max(...point.map((x, i) => Math.abs(x - subject.original[i])))).toBeGreaterThan(bound - 1e-6);
      }
    }
    expect(compared).toBeGreaterThan(20);
    await model.close();
  });
});

describe.skipIf(!sharedData)('the MNIST network of the paper', () => {
  it('is fooled on 9 of 10 images by Algorithm 1 alone, on all by the pipeline, with few pixels', async () => {
    const model = must(
      await AttackedModel.open(must(loadModel(path.join(sharedData!, 'aigent/AttackMNIST_mnist_1.onnx')))),
    );
    const { images } = mnistTraining(sharedData!, 10);
    const [alone, whole]: [number[], number[]] = [[], []];
    for (const original of images) {
      const subject = must(await prepare(model, { original, range }));
      const patch = await patchAttack(model.network, subject);
      if (patch && must(await confirm(model, subject, patch.point, patch.stage)))
        alone.push(changedValues(patch.point, original));
      const { adversarial } = must(await findAdversarial(model, subject));
      whole.push(adversarial ? changedValues(adversarial.input, original) : Infinity);
      expect(adversarial!.input.every(value => value >= 0 && value <= 1)).toBe(true);
    }
    const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];
    expect(alone.length).toBeGreaterThanOrEqual(9);
    expect(median(alone)).toBeLessThanOrEqual(16);
    expect(median(whole)).toBeLessThanOrEqual(6);
    expect(whole.reduce((a, b) => a + b, 0) / whole.length).toBeLessThanOrEqual(8);
  }, 180_000);
});
