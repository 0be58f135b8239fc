import { writeFileSync } from 'node:fs';
import type { LargestEpsilonParams, LargestEpsilonResult } from '../engine/study-protocols/largest-epsilon';
import { readTensor } from '../engine/tensor-reference';
import type { LargestEpsilonArguments } from './largest-epsilon-arguments';
import type { World } from './execute';
import { problemLine, unwritten } from './problems';
import { studyHere } from './study';
import { Style, wantsColour } from './terminal';

/** Inputs with more values than this are named by their file in JSON. */
const LARGEST_INLINE = 4096;

/** `certiscope largest-epsilon`: 0 when some ε is certified for every sample, 2 when none is, 3 when something is wrong with the files. */
export async function largestEpsilon(words: LargestEpsilonArguments, world: World): Promise<number> {
  const { stdout, stderr } = world;
  const { timeout, seed, threads, check, digits, samples, model } = words;
  const params: LargestEpsilonParams = {
    subject: {
      specification: { path: words.specification },
      ...(model === undefined ? {} : { model }),
      ...(samples === undefined ? {} : { samples }),
    },
    ...(check === undefined ? {} : { check }),
    ...(digits === undefined ? {} : { digits }),
    options: {
      ...(timeout === undefined ? {} : { timeout }),
      ...(seed === undefined ? {} : { seed }),
      ...(threads === undefined ? {} : { threads }),
    },
  };
  const answer = await studyHere('largest-epsilon', params, { progress: !words.quiet }, world);
  if (!answer.ok) return 3;
  const result = answer.value;
  const text = words.json === '-' ? stderr : stdout;
  if (!words.quiet) text.write(described(result, new Style(wantsColour(text))));
  if (words.json !== undefined) {
    const json = `${JSON.stringify(await asJson(result), null, 2)}\n`;
    if (words.json === '-') stdout.write(json);
    else
      try {
        writeFileSync(words.json, json);
      } catch (error) {
        stderr.write(`certiscope: ${problemLine(unwritten(words.json, error))}\n`);
        return 3;
      }
  }
  return result.certified === null ? 2 : 0;
}

function described(result: LargestEpsilonResult, style: Style): string {
  const { check, certified, attacked, limiting, samples, misclassified, soFar } = result;
  const several = samples.length > 1;
  const lines = [
    `${style.bold(check)}, ${several ? `the worst of ${samples.length} samples` : `sample ${samples[0] ?? '(none)'}`}`,
  ];
  if (certified !== null)
    lines.push(
      `  certified  ${style.verdict('verified', certified)}${several ? `  (sample ${limiting} holds no more)` : ''}`,
    );
  else if (samples.length === 0 && !result.stopped)
    lines.push('  every sample is misclassified without any perturbation');
  else lines.push('  certified  nothing');
  if (soFar) lines.push(`             ${soFar.certified} for the first ${soFar.samples} samples, when it was stopped`);
  lines.push(
    attacked
      ? `  falsified  ${style.verdict('falsified', attacked.epsilon)}${several ? `  (sample ${attacked.sample})` : ''}`
      : '  falsified  nothing',
  );
  if (misclassified.length > 0)
    lines.push(`  left out   ${misclassified.length} misclassified: ${shortened(misclassified)}`);
  const open = result.open === 0 ? '' : `, ${result.open} of them open at their time limit`;
  lines.push(`  ${result.questions} questions${open}, ${result.seconds.toFixed(1)} s`);
  return `${lines.join('\n')}\n`;
}

function shortened(samples: readonly number[]): string {
  const shown = samples.slice(0, 8).join(', ');
  return samples.length > 8 ? `${shown}, …` : shown;
}

/** The result as one object; the input that fails is in it, or named where it is large. */
async function asJson(result: LargestEpsilonResult): Promise<unknown> {
  const { attacked, checkIndex: _, ...rest } = result;
  if (!attacked) return { schema: 1, ...rest, attacked };
  const values = async (tensor: typeof attacked.input): Promise<unknown> => {
    if (tensor.kind === 'file') return tensor.path;
    const read = await readTensor(tensor);
    return read.ok && read.value.length <= LARGEST_INLINE ? Array.from(read.value) : null;
  };
  const counterexample = { input: await values(attacked.input), output: await values(attacked.output) };
  return { schema: 1, ...rest, attacked: { epsilon: attacked.epsilon, sample: attacked.sample, counterexample } };
}
