import type { ResultRecord, RunRecord } from './record';
import type { WeightMove } from '../spec/perturbation/weights-claim';
import type { Statistics, WeightChanges } from './verdict';
import { explain, runVerdict } from './summary';

/** Tensors with more values than this are written as `.npy` beside the JSON (design, section 5). */
export const LARGEST_INLINE_TENSOR = 4096;

/** A file that belongs beside the JSON. `name` has no folder. */
export interface SideFile {
  readonly name: string;
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

export interface JsonReport {
  readonly text: string;
  readonly files: readonly SideFile[];
}

/**
 * The run as one JSON object, schema 1 of the design. `stem` begins the names of the files beside it. Numbers are the exact values; what JSON
 * cannot say (infinities, NaN) is null.
 */
export function toJson(run: RunRecord, stem: string): JsonReport {
  const files: SideFile[] = [];
  const report = {
    schema: 1,
    verdict: runVerdict(run),
    seconds: run.seconds,
    model: run.model,
    specification: run.specification,
    version: run.version,
    ...(run.accuracy === undefined ? {} : { accuracy: run.accuracy }),
    ...(run.problems === undefined || run.problems.length === 0 ? {} : { problems: run.problems }),
    results: run.results.map(result => jsonResult(result, stem, files)),
  };
  return { text: `${JSON.stringify(report, undefined, 2)}\n`, files };
}

function jsonResult(result: ResultRecord, stem: string, files: SideFile[]): object {
  const { verdict } = result;
  const tensor = (
    values: Float32Array,
    role: string,
    shape: readonly number[],
  ): readonly (number | null)[] | string => {
    if (values.length <= LARGEST_INLINE_TENSOR) return Array.from(values, finite);
    const name = `${stem}.${result.index}.${role}.npy`;
    files.push({ name, values, shape: product(shape) === values.length ? shape : [values.length] });
    return name;
  };
  return {
    check: result.check,
    sample: result.sample,
    verdict: verdict.kind,
    lowerBound: verdict.lowerBound === null ? null : finite(verdict.lowerBound),
    ...(verdict.kind === 'falsified'
      ? {
          counterexample: {
            input: tensor(verdict.counterexample.input, 'input', result.inputShape),
            output: tensor(verdict.counterexample.output, 'output', result.outputShape),
            margin: finite(verdict.counterexample.margin),
            outsideWritten: verdict.counterexample.outsideWritten,
            foundBy: verdict.counterexample.foundBy,
          },
        }
      : {}),
    ...(verdict.kind === 'falsified' && verdict.weights !== undefined ? { changes: jsonChanges(verdict.weights) } : {}),
    ...(result.weights === undefined ? {} : { weights: result.weights.map(jsonMove) }),
    seconds: verdict.seconds,
    claim: result.claim,
    ...(explain(verdict) === '' ? {} : { reason: explain(verdict) }),
    ...(verdict.kind === 'verified'
      ? {
          soundness: verdict.soundness,
          ...(verdict.proof && { proof: { leaves: verdict.proof.leaves, depth: verdict.proof.depth } }),
        }
      : {}),
    ...(result.label === undefined ? {} : { label: result.label }),
    ...(result.predicted === undefined ? {} : { predicted: result.predicted }),
    ...(result.epsilon === undefined ? {} : { epsilon: result.epsilon }),
    ...(result.range === undefined ? {} : { line: result.range.start.line + 1 }),
    ...(verdict.statistics === undefined ? {} : jsonStatistics(verdict.statistics)),
    key: result.key,
  };
}

/** The changed weights, and the file that holds the changed model where one was written. */
function jsonChanges({ changed, largest, layers, changes, patched }: WeightChanges): object {
  return { changed, largest, layers, model: patched?.kind === 'file' ? patched.path : null, changes };
}

/** What may happen to a layer, absolute and in percent of the range of its weights. */
function jsonMove({ layer, number, lower, upper, range, moved, weights }: WeightMove): object {
  const percent = range > 0 ? { lowerPercent: (100 * lower) / range, upperPercent: (100 * upper) / range } : {};
  return { layer, number, lower, upper, ...percent, moved, weights };
}

/** What the run took, and what became of every label. The history and the bounds of the neurons are for the editor. */
function jsonStatistics({ subproblems, backend, sortSeconds, labels, neurons }: Statistics): object {
  return {
    subproblems,
    ...(backend === undefined ? {} : { backend }),
    ...(sortSeconds === undefined ? {} : { sortSeconds }),
    ...(labels === undefined ? {} : { labels }),
    ...(neurons === undefined
      ? {}
      : { neurons: neurons.map(({ node, unstable, size }) => ({ node, unstable, size })) }),
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, extent) => size * extent, 1);
}
