import path from 'node:path';
import type { UnstableNeuronsResult } from '../engine/study-protocols/unstable-neurons';
import { readTensor } from '../engine/tensor-reference';
import type { World } from './execute';
import type { UnstableArguments } from './graft-arguments';
import { columns, defined, subjectOf, writeJson } from './study-output';
import { studyHere } from './study';
import { Style, wantsColour } from './terminal';

/** `certiscope unstable`: 0 when it came to its end, 3 when something is wrong with the files. */
export async function unstable(words: UnstableArguments, world: World): Promise<number> {
  const { check, epsilons, importance, method } = words;
  const answer = await studyHere(
    'unstable-neurons',
    { subject: subjectOf(words), method, ...defined({ check, epsilons, importance }) },
    { progress: !words.quiet },
    world,
  );
  if (!answer.ok) return 3;
  const text = words.json === '-' ? world.stderr : world.stdout;
  if (!words.quiet) for (const line of described(answer.value, new Style(wantsColour(text)))) text.write(`${line}\n`);
  if (words.json === undefined) return 0;
  const report = await reportOf(answer.value);
  return writeJson(words.json, report, world) ? 0 : 3;
}

function described({ model, check, layers, runs, method, importance }: UnstableNeuronsResult, style: Style): string[] {
  const sizes = layers.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  const rows = [
    ['layer', 'neurons', ...runs.map(({ epsilon }) => `ε = ${epsilon}`)],
    ...layers.map(({ name, shape }, k) => [
      name,
      shape.join('×'),
      ...runs.map(({ perLayer }) => `${perLayer[k].toFixed(1)} (${percent(perLayer[k] / sizes[k])})`),
    ]),
    ['all', String(sizes.reduce((a, b) => a + b, 0)), ...runs.map(({ ratio }) => percent(ratio))],
  ];
  return [
    style.bold(`Unstable neurons of ${path.basename(model)}, a mean sample of "${check}", bounds by ${method}`),
    ...columns(rows),
    ...runs.map(({ epsilon, statement }) => style.dim(`ε = ${epsilon}: ${statement}`)),
    ...(importance ? [style.dim(`${importance.kind.toUpperCase()} measured on ${importance.samples}`)] : []),
  ];
}

/** The result with its tensors as lists, a layer each. */
async function reportOf(result: UnstableNeuronsResult): Promise<unknown> {
  const byLayer = async (reference: Parameters<typeof readTensor>[0]): Promise<number[][]> => {
    const read = await readTensor(reference);
    if (!read.ok) return [];
    let from = 0;
    return result.layers.map(({ shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return Array.from(read.value.subarray(from, (from += size)));
    });
  };
  const { model, check, method, layers, importance } = result;
  const runs = [];
  for (const { epsilon, samples, counts, perLayer, ratio, statement, seconds } of result.runs)
    runs.push({ epsilon, samples, ratio, statement, seconds, perLayer, counts: await byLayer(counts) });
  const measured = importance && { ...importance, values: await byLayer(importance.values) };
  return { schema: 1, model, check, method, layers, runs, importance: measured };
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}
