import path from 'node:path';
import type { Problem } from '../../base/result';
import type { TensorReference } from '../../engine/protocol';
import type { Engine } from '../../engine/run';
import { readTensor } from '../../engine/tensor-reference';
import type { ResultRecord } from '../../report/record';
import { explain, resultName } from '../../report/summary';
import { worst } from '../../report/verdict';
import { problemLine } from '../problems';
import type { McpAnswer, McpCall, McpTool } from './server';

/** The engine's questions as tools of a language model. What `verify` has decided is remembered, so that `counterexample` after it is quick. */
export function mcpTools(engine: () => Promise<Engine>): readonly McpTool[] {
  return [infoTool(engine), verifyTool(engine), counterexampleTool(engine)];
}

const FILE = 'Absolute path, or one from the folder in which the server runs.';
const QUESTION = {
  specification: {
    type: 'string',
    description: `A perturbation specification (NAME.certiscope.jsonc) or a VNN-LIB property (.vnnlib, .vnnlib.gz). ${FILE}`,
  },
  model: {
    type: 'string',
    description: `The ONNX model. Needed for VNN-LIB; a perturbation specification names its own. ${FILE}`,
  },
  checks: { type: 'array', items: { type: 'string' }, description: 'Only the checks with these names.' },
  samples: {
    type: 'array',
    items: { type: 'integer', minimum: 0 },
    description: 'Only these samples (indices in the data).',
  },
  timeout: { type: 'number', exclusiveMinimum: 0, description: 'Seconds for one question; 60 unless given.' },
} as const;

function infoTool(engine: () => Promise<Engine>): McpTool {
  return {
    name: 'info',
    title: 'What is in a model',
    description:
      'Reads an ONNX file without its weights: inputs, outputs, operators and whether Certiscope supports each of them (with the reason where not), parameters. Use it before verifying a model that is new to you.',
    inputSchema: schema({ model: { type: 'string', description: FILE } }, ['model']),
    async call(words) {
      const model = text(words, 'model');
      if (model === null) return misused('model');
      const answer = await (await engine()).info({ model: path.resolve(model) });
      if (!answer.ok) return refused(answer.problems);
      const { nodes, ...facts } = answer.value;
      return told({ ...facts, nodeCount: nodes.length });
    },
  };
}

function verifyTool(engine: () => Promise<Engine>): McpTool {
  return {
    name: 'verify',
    title: 'Verify a property of a model',
    description:
      'Decides whether each check of a specification holds for every input (or change of weights) of its region. It may take up to `timeout` seconds for every check and sample: narrow it with `checks` and `samples`. It changes no files.',
    inputSchema: schema(QUESTION, ['specification']),
    call: (words, environment) =>
      run(engine, words, environment, results => {
        const verdict = worst(results.map(result => result.verdict.kind));
        return Promise.resolve(told({ verdict, results: results.map(summary) }));
      }),
  };
}

/** Values of a counterexample that are given as numbers; more lie in a file. */
const MOST_VALUES = 4096;

function counterexampleTool(engine: () => Promise<Engine>): McpTool {
  return {
    name: 'counterexample',
    title: 'The input that breaks a model',
    description:
      'The inputs with which checks of a specification fail, with what ONNX Runtime answers on them. Verifies first where that has not been done. Narrow it with `checks` and `samples`.',
    inputSchema: schema(QUESTION, ['specification']),
    call: (words, environment) =>
      run(engine, words, environment, async results => {
        const found = results.filter(({ verdict }) => verdict.kind === 'falsified');
        if (found.length === 0) return told({ counterexamples: [], results: results.map(summary) });
        return told({ counterexamples: await Promise.all(found.map(evidence)) });
      }),
  };
}

type Result = ResultRecord<TensorReference>;

async function run(
  engine: () => Promise<Engine>,
  words: Readonly<Record<string, unknown>>,
  { onProgress, onCancel }: McpCall,
  answer: (results: readonly Result[]) => Promise<McpAnswer>,
): Promise<McpAnswer> {
  const specification = text(words, 'specification');
  if (specification === null) return misused('specification');
  const model = text(words, 'model');
  const results: Result[] = [];
  let planned = 0;
  const timeout = typeof words.timeout === 'number' && words.timeout > 0 ? { timeout: words.timeout } : {};
  const running = (await engine()).verify(
    {
      specification: { path: path.resolve(specification) },
      ...(model === null ? {} : { model: path.resolve(model) }),
      ...(Array.isArray(words.checks) ? { checks: words.checks.map(String) } : {}),
      ...(Array.isArray(words.samples) ? { samples: words.samples.map(Number) } : {}),
      options: timeout,
    },
    {
      onPlan: plan => (planned = plan.tasks.length),
      onResult: result => {
        results.push(result);
        onProgress(results.length / planned, `${resultName(result)}: ${result.verdict.kind}`);
      },
    },
  );
  onCancel(() => void running.stop());
  const [plan, finished] = [await running.plan, await running.stopped];
  if (!plan.ok) return refused(plan.problems);
  if (finished.outcome === 'failed' && finished.problem) return refused([finished.problem]);
  return answer(results);
}

function summary(result: Result): object {
  const { check, sample, claim, verdict } = result;
  const why = explain(verdict);
  return {
    check,
    sample,
    claim,
    verdict: verdict.kind,
    ...(verdict.lowerBound === null ? {} : { certifiedLowerBound: verdict.lowerBound }),
    seconds: verdict.seconds,
    ...(why === '' ? {} : { why }),
  };
}

async function evidence(result: Result): Promise<object> {
  const { verdict } = result;
  if (verdict.kind !== 'falsified') return summary(result);
  const { input, output, margin } = verdict.counterexample;
  return {
    ...summary(result),
    input: await numbers(input),
    inputShape: result.inputShape,
    output: await numbers(output),
    margin,
    ...(verdict.weights ? { changedWeights: verdict.weights.changed } : {}),
  };
}

/** The numbers of a tensor, or the file with them. */
async function numbers(reference: TensorReference): Promise<readonly number[] | string> {
  const read = await readTensor(reference);
  if (!read.ok) return read.error.message;
  if (read.value.length <= MOST_VALUES) return [...read.value];
  return reference.kind === 'file' ? reference.path : `${read.value.length} values`;
}

function schema(properties: object, required: readonly string[]): Readonly<Record<string, unknown>> {
  return { type: 'object', properties, required, additionalProperties: false };
}

function text(words: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = words[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

function told(content: Readonly<Record<string, unknown>>): McpAnswer {
  return { text: JSON.stringify(content, null, 1), content };
}

function misused(name: string): McpAnswer {
  return { text: `Give “${name}” as a path.`, failed: true };
}

function refused(problems: readonly Problem[]): McpAnswer {
  return { text: problems.map(problemLine).join('\n'), failed: true };
}
