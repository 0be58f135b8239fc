import * as vscode from 'vscode';
import type { VerdictKind } from '../../report/verdict';
import { missingSentence, resultSentences } from '../core/wording';
import { verdictOf, type Answered, type QuestionState } from '../core/verdict-store';
import { toRange } from './ranges';

/** Results quoted in the outcome of one test; the results panel has them all. */
const MAX_QUOTED = 20;

/** A stale verdict is neither green nor red. (`invalidateTestResults` would say the same, but the mark in an open editor keeps its colour until its state changes.) */
export function reportStale(run: vscode.TestRun, item: vscode.TestItem): void {
  run.appendOutput('The text or the model has changed since this was decided. Run it again.\r\n', undefined, item);
  run.skipped(item);
}

/** The verdict of a question as the outcome of its test. */
export function reportVerdict(run: vscode.TestRun, item: vscode.TestItem, { evidence, anchor }: QuestionState): void {
  const kind = verdictOf(evidence);
  if (!evidence || kind === null) return;
  const seconds = evidence.results.reduce((sum, { verdict }) => sum + verdict.seconds, 0);
  const concerned = evidence.results.filter(({ verdict }) => verdict.kind === kind);
  const sentences = concerned.slice(0, MAX_QUOTED).map(resultSentences);
  if (concerned.length > MAX_QUOTED) sentences.push(`… and ${concerned.length - MAX_QUOTED} more.`);
  const missing = missingSentence(evidence);
  if (missing !== null) sentences.push(missing);
  report(run, item, kind, sentences, seconds, item.uri && new vscode.Location(item.uri, toRange(anchor)));
}

/** The verdict of one sample as the outcome of its test; it has no place of its own in the text. */
export function reportSample(run: vscode.TestRun, item: vscode.TestItem, result: Answered): void {
  report(run, item, result.verdict.kind, [resultSentences(result)], result.verdict.seconds, undefined);
}

function report(
  run: vscode.TestRun,
  item: vscode.TestItem,
  kind: VerdictKind,
  sentences: readonly string[],
  seconds: number,
  location: vscode.Location | undefined,
): void {
  const milliseconds = 1000 * seconds;
  const messages = () =>
    sentences.map(text => {
      const message = new vscode.TestMessage(text);
      if (location) message.location = location;
      return message;
    });
  switch (kind) {
    case 'verified':
      return run.passed(item, milliseconds);
    case 'falsified':
      return run.failed(item, messages(), milliseconds);
    case 'error':
      return run.errored(item, messages(), milliseconds);
    case 'unknown':
    case 'timeout':
    case 'misclassified':
      // Without a place: text at a place would be drawn into the editor, beside the diagnostic that says the same.
      run.appendOutput(`${sentences.join('\r\n')}\r\n`, undefined, item);
      return run.skipped(item);
  }
}
