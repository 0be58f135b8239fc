import type { Problem } from '../../base/result';
import { problemLine } from '../../report/problem-line';
import type { ResultRecord } from '../../report/record';
import { countVerdicts, explain, resultName } from '../../report/summary';
import { WORST_FIRST, worst } from '../../report/verdict';
import type { TensorReference } from '../protocol';
import type { Engine } from '../run';
import { readTensor } from '../tensor-reference';
import { mistakeIn } from './arguments';
import { TOOLS, type ToolDescription, type ToolName } from './table';

/** A tool that can be called. */
export interface Tool extends ToolDescription {
  readonly name: string;
  call(words: Readonly<Record<string, unknown>>, environment: ToolCall): Promise<ToolAnswer>;
}

export interface ToolCall {
  onProgress(fraction: number | null, text: string): void;
  /** Called when the client takes the call back. */
  onCancel(act: () => void): void;
}

/** `failed`: the tool was used wrongly, or the files are no good; the text says what to do. */
export interface ToolAnswer {
  readonly text: string;
  readonly content?: Readonly<Record<string, unknown>>;
  readonly failed?: boolean;
}

/** Where the tools are called. */
export interface ToolGround {
  engine(): Promise<Engine>;
  /** The file that is meant by a path as it was given. */
  resolve(file: string): string;
  /** What an open editor holds of a specification; undefined where the file counts. */
  textOf?(file: string): string | undefined;
}

/** The engine's questions as tools of a language model. What `verify` has decided is remembered, so that `counterexample` after it is quick. */
export function engineTools(ground: ToolGround): readonly Tool[] {
  const calls: Readonly<Record<ToolName, Tool['call']>> = {
    info: words => info(ground, words),
    verify: (words, environment) => run(ground, words, environment, verdicts),
    counterexample: (words, environment) => run(ground, words, environment, counterexamples),
  };
  return (Object.keys(calls) as ToolName[]).map(name => ({
    name,
    ...TOOLS[name],
    call: (words, environment) => {
      const mistake = mistakeIn(words, TOOLS[name].inputSchema);
      return mistake === null ? calls[name](words, environment) : Promise.resolve({ text: mistake, failed: true });
    },
  }));
}

async function info({ engine, resolve }: ToolGround, words: Readonly<Record<string, unknown>>): Promise<ToolAnswer> {
  const answer = await (await engine()).info({ model: resolve(String(words['model'])) });
  if (!answer.ok) return refused(answer.problems);
  const { nodes, ...facts } = answer.value;
  return told({ ...facts, nodeCount: nodes.length });
}

/** Results that are told one by one, the worst first; of the others only how many there are. */
const MOST_RESULTS = 100;
/** Values of a counterexample that are given as numbers; more lie in a file. */
const MOST_VALUES = 4096;
/** Counterexamples that are given with their inputs. */
const MOST_COUNTEREXAMPLES = 10;

function verdicts(results: readonly Result[]): Promise<ToolAnswer> {
  const verdict = worst(results.map(result => result.verdict.kind));
  return Promise.resolve(told({ verdict, ...summaries(results) }));
}

async function counterexamples(results: readonly Result[]): Promise<ToolAnswer> {
  const found = results.filter(({ verdict }) => verdict.kind === 'falsified');
  if (found.length === 0) return told({ counterexamples: [], ...summaries(results) });
  const shown = found.slice(0, MOST_COUNTEREXAMPLES);
  const leftOut = found.length - shown.length;
  return told({
    counterexamples: await Promise.all(shown.map(evidence)),
    ...(leftOut > 0 ? { leftOut: `${leftOut} more; ask about them with samples.` } : {}),
  });
}

function summaries(results: readonly Result[]): Readonly<Record<string, unknown>> {
  const ordered = WORST_FIRST.flatMap(kind => results.filter(({ verdict }) => verdict.kind === kind));
  const leftOut = ordered.length - MOST_RESULTS;
  return {
    counts: Object.fromEntries(countVerdicts(results).map(({ kind, count }) => [kind, count])),
    results: ordered.slice(0, MOST_RESULTS).map(summary),
    ...(leftOut > 0 ? { leftOut: `${leftOut} more, none of them worse; ask about them with samples.` } : {}),
  };
}

type Result = ResultRecord<TensorReference>;

async function run(
  { engine, resolve, textOf }: ToolGround,
  words: Readonly<Record<string, unknown>>,
  { onProgress, onCancel }: ToolCall,
  answer: (results: readonly Result[]) => Promise<ToolAnswer>,
): Promise<ToolAnswer> {
  const file = resolve(String(words['specification']));
  const model = typeof words['model'] === 'string' ? words['model'] : null;
  const unsaved = textOf?.(file);
  const results: Result[] = [];
  let planned = 0;
  const timeout = typeof words['timeout'] === 'number' ? { timeout: words['timeout'] } : {};
  const running = (await engine()).verify(
    {
      specification: { path: file, ...(unsaved === undefined ? {} : { text: unsaved }) },
      ...(model === null ? {} : { model: resolve(model) }),
      ...(Array.isArray(words['checks']) ? { checks: words['checks'].map(String) } : {}),
      ...(Array.isArray(words['samples']) ? { samples: words['samples'].map(Number) } : {}),
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
  if (finished.outcome === 'cancelled') return refused([{ code: 'cancelled', message: 'The run was stopped.' }]);
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

function told(content: Readonly<Record<string, unknown>>): ToolAnswer {
  return { text: JSON.stringify(content, null, 1), content };
}

function refused(problems: readonly Problem[]): ToolAnswer {
  return { text: problems.map(problemLine).join('\n'), failed: true };
}
