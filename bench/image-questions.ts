import path from 'node:path';
import { Replayer } from '../src/attack/replay';
import type { Result } from '../src/base/result';
import { loadModel, type LoadedModel } from '../src/network/load';
import type { Question } from '../src/spec/question';
import { loadData } from '../src/spec/data/load';
import { parsePerturbationSpec } from '../src/spec/perturbation/parse';
import { planSpec } from '../src/spec/perturbation/plan';

/** What is asked about one image: does the network's own prediction stay? */
export interface ImageQuestion {
  readonly image: number;
  readonly question: Question;
  /** The class that the network answers on the image as it is. */
  readonly predicted: number;
  /** Whether that is the right one. */
  readonly right: boolean;
}

/** A classifier of MNIST with its replayer and its questions by ε. */
export interface ImageQuestions {
  readonly model: LoadedModel;
  readonly replayer: Replayer;
  /** Per ε in grey levels, of 255. */
  readonly byEpsilon: ReadonlyMap<number, readonly ImageQuestion[]>;
}

/** The questions about the first `count` MNIST test images of a folder, pixels clipped to [0, 1]. */
export async function imageQuestions(
  file: string,
  folder: string,
  count: number,
  epsilons: readonly number[],
): Promise<ImageQuestions> {
  const model = value(loadModel(file));
  const source = JSON.stringify({
    model: path.resolve(file),
    inputs: {
      data: path.resolve(folder, 't10k-images-idx3-ubyte.gz'),
      labels: path.resolve(folder, 't10k-labels-idx1-ubyte.gz'),
      select: `0..${count - 1}`,
    },
    preprocess: { scale: '1/255' },
    property: { kind: 'label' },
    checks: epsilons.map(epsilon => ({
      name: String(epsilon),
      perturb: 'input',
      norm: 'inf',
      epsilon: `${epsilon}/255`,
      clip: [0, 1],
    })),
  });
  const spec = value(parsePerturbationSpec(source, 'questions'));
  const data = value(await loadData(spec, '.'));
  const plan = value(planSpec(spec, model.network, data));
  const replayer = value(await Replayer.open({ bytes: model.bytes, externalData: [], name: file }, model.network));
  const byEpsilon = new Map<number, ImageQuestion[]>(epsilons.map(epsilon => [epsilon, []]));
  for (let image = 0; image < count; image++) {
    const sample = value(await data.sample(image));
    const { output } = value(await replayer.forward(value(plan.modelInput(sample))));
    for (const check of spec.checks) {
      if (check.perturb !== 'input') continue;
      // Without its label: what the network answers is to stay, right or wrong.
      const asked = value(plan.question(check, { ...sample, label: null }, Float32Array.from(output)));
      if (asked.kind !== 'question' || asked.predicted === null) throw new Error(`image ${image}: no question`);
      const { question, predicted } = asked;
      byEpsilon.get(Number(check.name))!.push({ image, question, predicted, right: predicted === sample.label });
    }
  }
  return { model, replayer, byEpsilon };
}

function value<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
