import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Question } from '../../../src/spec/question';
import { readTextFile } from '../../../src/spec/text-file';
import { compile } from '../../../src/spec/vnnlib/compile';
import type { VnnlibDocument } from '../../../src/spec/vnnlib/document';
import { parseVnnlib } from '../../../src/spec/vnnlib/parse';
import { sharedData } from '../shared-data';

/** Inputs, outputs, disjuncts, constraints of the first disjunct, different boxes: how many files of a set have them. Counted by another program. */
const EXPECTED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  acasxu: { '5 5 1 1 1': 1, '5 5 1 4 1': 3, '5 5 2 3 1': 1, '5 5 3 2 1': 1, '5 5 4 1 1': 3, '5 5 8 1 2': 1 },
  collins_rul_cnn: { '400 1 1 2 1': 22, '800 1 1 2 1': 19 },
  eran: { '784 10 9 1 1': 72 },
  mnist_fc: { '784 10 9 1 1': 30 },
  oval21: { '3072 10 9 1 1': 30 },
  reach_prob_density: { '3 3 1 5 1': 12, '5 5 1 5 1': 12, '14 14 1 2 1': 12 },
  rl_benchmarks: { '4 2 1 1 1': 100, '8 4 1 1 1': 100, '8 8 1 6 1': 91, '8 8 13 6 1': 1, '8 8 15 6 1': 4 },
  sri_resnet_a: { '3072 10 9 1 1': 72 },
  test: { '1 1 1 1 1': 3, '5 5 1 4 1': 1 },
  verivital: { '784 10 9 1 1': 60 },
};

function shapeOf({ inputSize, outputSize, disjuncts }: Question): string {
  return [
    inputSize,
    outputSize,
    disjuncts.length,
    disjuncts[0].constraints.length,
    new Set(disjuncts.map(({ box }) => box)).size,
  ].join(' ');
}

interface Reference {
  readonly models: Readonly<Record<string, { readonly input_shape: readonly number[]; readonly y: readonly number[] }>>;
}

describe.skipIf(!sharedData)('competition benchmarks', () => {
  const root = path.join(sharedData ?? '', 'vnncomp');

  const documents = new Map<string, VnnlibDocument>();

  /** The document of a file, gzipped or not, whose name may lack the .gz; parsed once. */
  async function documentOf(file: string): Promise<VnnlibDocument> {
    const known = documents.get(file) ?? documents.get(`${file}.gz`);
    if (known) return known;
    const text = await readTextFile(file);
    const result = parseVnnlib(text.ok ? text.value : '', file);
    if (!result.ok) throw new Error(`${file}: ${JSON.stringify(result.error)}`);
    documents.set(file, result.value);
    return result.value;
  }

  it.each(Object.keys(EXPECTED))('%s: every file says what it says', async set => {
    const counts: Record<string, number> = {};
    const files = readdirSync(path.join(root, set), { recursive: true, encoding: 'utf8' });
    for (const name of files.filter(file => /\.vnnlib(\.gz)?$/.test(file))) {
      const shape = shapeOf((await documentOf(path.join(root, set, name))).question);
      counts[shape] = (counts[shape] ?? 0) + 1;
    }
    expect(counts).toEqual(EXPECTED[set]);
  });

  it('every instance fits its model, and no other size', async () => {
    const { models } = JSON.parse(readFileSync(path.join(root, 'reference_forward.json'), 'utf8')) as Reference;
    const checked = new Set<string>();
    for (const set of Object.keys(EXPECTED)) {
      for (const line of readFileSync(path.join(root, set, 'instances.csv'), 'utf8')
        .trim()
        .split('\n')) {
        const [model, specification] = line.split(',').map(cell => cell.trim().replace(/^\.\//, ''));
        const reference = models[`${set}/${model}`] ?? models[`${set}/${model}.gz`];
        if (!reference) continue;
        const shape = [...reference.input_shape];
        const [inputSize, outputSize] = [shape.reduce((a, b) => a * b, 1), reference.y.length];
        const key = `${specification} ${inputSize} ${outputSize}`;
        if (checked.has(key)) continue;
        checked.add(key);
        const document = await documentOf(path.join(root, set, specification));
        const info = { name: 't', type: 'float32', offset: 0 };
        const fitting = {
          inputSize,
          outputSize,
          inputs: [{ ...info, shape, size: inputSize }],
          outputs: [{ ...info, shape: [1, outputSize], size: outputSize }],
        };
        expect(compile(document, fitting).ok, key).toBe(true);
        expect(compile(document, { ...fitting, inputSize: inputSize + 1 })).toMatchObject({
          ok: false,
          error: [{ code: 'vnnlib/input-count' }],
        });
      }
    }
    expect(checked.size).toBeGreaterThan(600);
  });
});
