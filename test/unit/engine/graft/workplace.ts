import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Answer } from '../../../../src/engine/protocol';
import { loadStudy } from '../../../../src/engine/studies/registry';
import type { ParamsOf, PartOf, ResultOf, StudyKind } from '../../../../src/engine/study-protocols/kinds';
import { referTensor } from '../../../../src/engine/tensor-reference';
import { initialParameters } from '../../../../src/train/architecture';
import { exportClassifier } from '../../../../src/train/export';
import { train } from '../../../../src/train/trainer';
import { must } from '../../must';
import { bars, CONVOLUTIONAL } from '../../train/shapes';

/** A folder with a small trained model, data with labels, and a specification of both; and a way to have studies done there. */
export interface Workplace {
  readonly folder: string;
  readonly specification: string;
  readonly model: string;
  /** Writes the specification with other entries. */
  change(changes: Readonly<Record<string, unknown>>): string;
  /** Writes it with the two classes exchanged. */
  relabel(): string;
  study<K extends StudyKind>(
    kind: K,
    params: ParamsOf<K>,
    options?: { readonly cancelled?: () => boolean; readonly folder?: string; readonly program?: string },
  ): Promise<{ readonly answer: Answer<ResultOf<K>>; readonly parts: PartOf<K>[] }>;
  remove(): void;
}

const SAMPLES = 400;

export async function makeWorkplace(): Promise<Workplace> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-graft-'));
  const model = path.join(folder, 'bars.onnx');
  const data = bars(SAMPLES, 1);
  const options = { epochs: 6, batch: 32, optimizer: { kind: 'sgd', momentum: 0.9 }, weightDecay: 0, seed: 1 } as const;
  const begin = initialParameters(CONVOLUTIONAL, 1);
  const parameters = must(await train(CONVOLUTIONAL, begin, data, { ...options, rate: () => 0.05 }));
  writeFileSync(model, exportClassifier(CONVOLUTIONAL, parameters));
  const specification = path.join(folder, 'bars.certiscope.jsonc');
  const rows = Array.from({ length: SAMPLES }, (_, k) => Array.from(data.inputs.subarray(36 * k, 36 * (k + 1))));
  const content = {
    model: 'bars.onnx',
    inputs: { data: rows, labels: Array.from(data.labels), select: '0..7' },
    property: { kind: 'label' },
    checks: [
      { name: 'noise', perturb: 'input', norm: 'inf', epsilon: '0.05' },
      { name: 'less noise', perturb: 'input', norm: 'inf', epsilon: '1/100' },
    ],
  };
  const change = (changes: Readonly<Record<string, unknown>>): string => {
    writeFileSync(specification, JSON.stringify({ ...content, ...changes }));
    return specification;
  };
  const inputs = { ...content.inputs, labels: Array.from(data.labels, label => 1 - label) };
  change({});
  return {
    folder,
    specification,
    model,
    change,
    relabel: () => change({ inputs }),
    async study(kind, params, options = {}) {
      const study = await loadStudy(kind);
      const parts: PartOf<typeof kind>[] = [];
      const own = path.join(options.folder ?? folder, 'studies', kind);
      mkdirSync(own, { recursive: true });
      const answer = await study(params, {
        cancelled: options.cancelled ?? (() => false),
        program: options.program ?? 'tested',
        memoryLimit: 2 ** 30,
        folder: own,
        onProgress: () => undefined,
        onPart: part => void parts.push(part),
        tensor: (name, values, shape) => referTensor(values, shape, path.join(own, `${name}.npy`), () => undefined),
      });
      return { answer, parts };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
