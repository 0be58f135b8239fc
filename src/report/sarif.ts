import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Problem, Range } from '../base/result';
import type { ResultRecord, RunRecord } from './record';
import { explain, isError, resultName } from './summary';
import type { VerdictKind } from './verdict';

interface Rule {
  readonly id: string;
  readonly name: string;
  readonly text: string;
  readonly help: string;
}

const RULES = {
  falsified: {
    id: 'CS001',
    name: 'PropertyFalsified',
    text: 'The network violates the property on an input of the region, or with weights within their bounds.',
    help: 'The failure was replayed in ONNX Runtime: on the original file, or with the changed weights in it. Retrain, or shrink the region.',
  },
  undecided: {
    id: 'CS002',
    name: 'PropertyUndecided',
    text: 'Neither a proof nor a counterexample was found.',
    help: 'The message says what bound was reached and what to try next.',
  },
  misclassified: {
    id: 'CS003',
    name: 'SampleMisclassified',
    text: 'The network answers another class than the label, before any perturbation.',
    help: 'Check the preprocessing (scale, mean, std, channel order) and the labels.',
  },
  error: {
    id: 'CS004',
    name: 'VerificationFailed',
    text: 'The question could not be decided because something went wrong.',
    help: 'The message says what happened and what to do.',
  },
  problem: {
    id: 'CS005',
    name: 'InvalidInput',
    text: 'The model or the specification cannot be used as it is.',
    help: 'The message names the place and what to change.',
  },
  verified: {
    id: 'CS006',
    name: 'PropertyVerified',
    text: 'The property holds for every input of the region and every change of weights that was asked about.',
    help: 'The statement is about the network in exact arithmetic, unless the soundness is "runtime".',
  },
} as const satisfies Record<string, Rule>;

type RuleName = keyof typeof RULES;

const RULE_OF: Readonly<Record<VerdictKind, RuleName>> = {
  verified: 'verified',
  falsified: 'falsified',
  misclassified: 'misclassified',
  unknown: 'undecided',
  timeout: 'undecided',
  error: 'error',
};

/** SARIF asks for level `none` wherever the kind is not `fail`. */
const KIND_OF: Readonly<Record<VerdictKind, { readonly kind: string; readonly level: string }>> = {
  verified: { kind: 'pass', level: 'none' },
  falsified: { kind: 'fail', level: 'error' },
  misclassified: { kind: 'fail', level: 'warning' },
  unknown: { kind: 'open', level: 'none' },
  timeout: { kind: 'open', level: 'none' },
  error: { kind: 'fail', level: 'error' },
};

/** The run as a SARIF 2.1.0 log. Files inside the folder `base` are named relative to it (`%SRCROOT%`), others by absolute URI. */
export function toSarif(run: RunRecord, base: string): string {
  const problems = run.problems ?? [];
  const failed = problems.some(isError) || run.results.some(result => result.verdict.kind === 'error');
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Certiscope',
            semanticVersion: run.version,
            version: run.version,
            rules: Object.values(RULES).map(rule => ({
              id: rule.id,
              name: rule.name,
              shortDescription: { text: rule.text },
              fullDescription: { text: rule.text },
              help: { text: rule.help },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: { '%SRCROOT%': { uri: pathToFileURL(path.join(path.resolve(base), path.sep)).href } },
        invocations: [
          {
            executionSuccessful: !failed,
            toolExecutionNotifications: run.results
              .filter(result => result.verdict.kind === 'error')
              .map(result => ({
                level: 'error',
                message: { text: `${resultName(result)}: ${explain(result.verdict)}` },
              })),
          },
        ],
        results: [
          ...problems.map(problem => problemResult(problem, run, base)),
          ...run.results.map(result => verdictResult(result, run, base)),
        ],
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function verdictResult(result: ResultRecord, run: RunRecord, base: string): object {
  const { verdict } = result;
  const why = explain(verdict);
  return {
    ...ruleReference(RULE_OF[verdict.kind]),
    ...KIND_OF[verdict.kind],
    message: { text: `${resultName(result)}: ${verdict.kind}. Claim: ${result.claim}.${why === '' ? '' : ` ${why}`}` },
    locations: [location(run.specification, result.range, base)],
    relatedLocations: [{ ...location(run.model, undefined, base), message: { text: 'the model' } }],
    partialFingerprints: { 'certiscopeKey/v1': result.key },
    properties: {
      check: result.check,
      sample: result.sample,
      seconds: verdict.seconds,
      lowerBound: verdict.lowerBound !== null && Number.isFinite(verdict.lowerBound) ? verdict.lowerBound : null,
      ...(result.epsilon === undefined ? {} : { epsilon: result.epsilon }),
    },
  };
}

function problemResult(problem: Problem, run: RunRecord, base: string): object {
  const level = isError(problem) ? 'error' : problem.severity === 'warning' ? 'warning' : 'note';
  return {
    ...ruleReference('problem'),
    kind: 'fail',
    level,
    message: { text: problem.message },
    locations: [location(problem.file ?? run.specification, problem.range, base)],
    partialFingerprints: { 'certiscopeProblem/v1': `${problem.code}:${problem.message}` },
    properties: { code: problem.code },
  };
}

function ruleReference(name: RuleName): object {
  return { ruleId: RULES[name].id, ruleIndex: Object.keys(RULES).indexOf(name) };
}

function location(file: string, range: Range | undefined, base: string): object {
  const relative = path.relative(path.resolve(base), path.resolve(base, file));
  const inside = relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
  const artifactLocation = inside
    ? { uri: relative.split(path.sep).map(encodeURIComponent).join('/'), uriBaseId: '%SRCROOT%' }
    : { uri: pathToFileURL(path.resolve(base, file)).href };
  return { physicalLocation: { artifactLocation, ...(range === undefined ? {} : { region: region(range) }) } };
}

/** SARIF counts lines and columns from 1; the end column is the one after the last character. */
function region(range: Range): object {
  return {
    startLine: range.start.line + 1,
    startColumn: range.start.character + 1,
    endLine: range.end.line + 1,
    endColumn: range.end.character + 1,
  };
}
