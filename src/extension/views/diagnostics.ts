import * as vscode from 'vscode';
import type { Problem } from '../../base/result';
import type { VerdictKind } from '../../report/verdict';
import { missingSentence, resultSentences } from '../core/wording';
import {
  verdictOf,
  type Answered,
  type QuestionState,
  type SpecificationState,
  type VerdictStore,
} from '../core/verdict-store';
import { textUri, withShortPaths } from '../documents/uris';
import { coalesce, VIEW_INTERVAL_MS } from './coalesce';
import { FIRST_LINE, severityOf, toRange } from './ranges';

const SOURCE = 'Certiscope';
/** Results quoted in one diagnostic; the results panel has them all. */
const MAX_QUOTED = 3;

const SEVERITY: Record<Exclude<VerdictKind, 'verified'>, vscode.DiagnosticSeverity> = {
  falsified: vscode.DiagnosticSeverity.Error,
  error: vscode.DiagnosticSeverity.Error,
  unknown: vscode.DiagnosticSeverity.Warning,
  timeout: vscode.DiagnosticSeverity.Warning,
  misclassified: vscode.DiagnosticSeverity.Information,
};

/** Verdicts, mistakes in the text and warnings as diagnostics, at the lines they are about. A stale verdict fades its property. */
export class Diagnostics implements vscode.Disposable {
  readonly #collection = vscode.languages.createDiagnosticCollection('certiscope');
  readonly #waiting = new Set<string>();
  readonly #update = coalesce(VIEW_INTERVAL_MS, () => this.#draw());
  readonly #subscription: { dispose(): void };

  constructor(private readonly store: VerdictStore) {
    this.#subscription = store.onChange(({ event, specifications, questions, files }) => {
      for (const id of specifications) this.#waiting.add(id);
      for (const id of questions) this.#waiting.add(id.slice(0, id.lastIndexOf('#')));
      for (const file of files) this.#drawModel(file);
      if (event.kind === 'edited') this.#update.flush();
      else this.#update.request();
    });
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#update.dispose();
    this.#collection.dispose();
  }

  #draw(): void {
    for (const id of this.#waiting) {
      const uri = textUri(vscode.Uri.parse(id));
      const specification = this.store.specification(id);
      if (specification) this.#collection.set(uri, this.#diagnosticsOf(specification));
      else this.#collection.delete(uri);
    }
    this.#waiting.clear();
  }

  #drawModel(model: string): void {
    const diagnostics = (this.store.modelProblems().get(model) ?? []).map(problem =>
      problemDiagnostic(problem, FIRST_LINE),
    );
    this.#collection.set(vscode.Uri.file(model), diagnostics);
  }

  #diagnosticsOf(specification: SpecificationState): vscode.Diagnostic[] {
    const own = specification.problems.map(problem => problemDiagnostic(problem, FIRST_LINE));
    const seen = new Set(specification.problems.map(problemKey));
    const ofRun = specification.runProblems
      .filter(problem => !seen.has(problemKey(problem)))
      .map(problem => problemDiagnostic(problem, placeOf(problem, specification)));
    const verdicts = this.store
      .questions(specification.id)
      .flatMap(question => verdictDiagnostic(question, this.store.isStale(question)) ?? []);
    return [...own, ...ofRun, ...accuracyDiagnostic(specification), ...verdicts];
  }
}

function problemKey({ code, message }: Problem): string {
  return `${code}\n${message}`;
}

/** A problem of another file (the model, the data) is shown where the specification names it. */
function placeOf(problem: Problem, { id, places }: SpecificationState): vscode.Range {
  const inText = problem.file === undefined || problem.file === vscode.Uri.parse(id).fsPath;
  if (inText && problem.range) return toRange(problem.range);
  const place = problem.file?.endsWith('.onnx') ? places.model : undefined;
  return place ? toRange(place) : FIRST_LINE;
}

function problemDiagnostic(problem: Problem, otherwise: vscode.Range): vscode.Diagnostic {
  const range = problem.range ? toRange(problem.range) : otherwise;
  return diagnostic(range, withShortPaths(problem.message), severityOf(problem), problem.code);
}

function accuracyDiagnostic({ accuracy, places, edited }: SpecificationState): vscode.Diagnostic[] {
  if (!accuracy?.warning || edited) return [];
  const place = places.preprocess ?? places.model;
  const range = place ? toRange(place) : FIRST_LINE;
  return [diagnostic(range, accuracy.warning, vscode.DiagnosticSeverity.Warning, 'accuracy')];
}

function verdictDiagnostic(question: QuestionState, stale: boolean): vscode.Diagnostic | null {
  const kind = verdictOf(question.evidence);
  if (kind === null || !question.evidence) return null;
  if (stale) {
    const message = `The text or the model has changed since this was ${kind === 'verified' ? 'verified' : `answered with “${kind}”`}. Run it again.`;
    const faded = diagnostic(toRange(question.range), message, vscode.DiagnosticSeverity.Hint, 'stale');
    faded.tags = [vscode.DiagnosticTag.Unnecessary];
    return faded;
  }
  if (kind === 'verified') return null;
  const { results } = question.evidence;
  const concerned = results.filter(({ verdict }) => verdict.kind === kind);
  const sentences = concerned.slice(0, MAX_QUOTED).map(resultSentences);
  if (concerned.length > MAX_QUOTED)
    sentences.push(`… and ${concerned.length - MAX_QUOTED} more with the same verdict.`);
  const missing = missingSentence(question.evidence);
  if (missing !== null) sentences.push(missing);
  return diagnostic(verdictRange(question, concerned[0]), withShortPaths(sentences.join('\n')), SEVERITY[kind], kind);
}

/** The question's name, or what an error is about where that is a part of the question. */
function verdictRange({ range, anchor }: QuestionState, result: Answered | undefined): vscode.Range {
  const own = result?.verdict.kind === 'error' ? result.range : undefined;
  const whole = toRange(range);
  const place = own && toRange(own);
  return place && whole.contains(place) && !whole.isEqual(place) ? place : toRange(anchor);
}

function diagnostic(
  range: vscode.Range,
  message: string,
  severity: vscode.DiagnosticSeverity,
  code: string,
): vscode.Diagnostic {
  const made = new vscode.Diagnostic(range, message, severity);
  made.source = SOURCE;
  made.code = code;
  return made;
}
