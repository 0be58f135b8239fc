import * as vscode from 'vscode';
import { COMMAND } from '../ids';
import { epsilonValue, headline, resultSentences, soundnessSentence } from '../core/wording';
import type { QuestionState, VerdictStore } from '../core/verdict-store';
import { specificationUri } from '../documents/uris';
import { SPECIFICATION_SELECTOR } from './code-lenses';
import { toRange } from './ranges';

const MAX_QUOTED = 5;

/** Over a property: its verdict, what the verdict is a statement about, and ε in both units. */
export class Hovers implements vscode.HoverProvider {
  constructor(private readonly store: VerdictStore) {}

  register(): vscode.Disposable {
    return vscode.languages.registerHoverProvider(SPECIFICATION_SELECTOR, this);
  }

  provideHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | null {
    const specification = specificationUri(document.uri).toString();
    const question = this.store.questions(specification).find(({ anchor }) => toRange(anchor).contains(position));
    if (!question?.evidence) return null;
    return new vscode.Hover(questionTooltip(question, this.store.isStale(question)), toRange(question.anchor));
  }
}

/** Everything about one question in a few lines of Markdown; the tree shows the same. */
export function questionTooltip(question: QuestionState, stale: boolean): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true);
  text.isTrusted = { enabledCommands: [COMMAND.showResults, COMMAND.openCounterexample] };
  const { icon, label, detail } = headline(question, stale);
  text.appendMarkdown(`$(${icon}) **${label}**`);
  if (detail !== '') text.appendMarkdown(` · ${plain(detail)}`);
  text.appendMarkdown('\n\n');
  const results = question.evidence?.results ?? [];
  const verified = results.find(({ verdict }) => verdict.kind === 'verified');
  const worst = results.filter(({ verdict }) => verdict.kind !== 'verified').slice(0, MAX_QUOTED);
  for (const result of worst.length > 0 ? worst : results.slice(0, 1)) {
    text.appendMarkdown(`${plain(resultSentences(result))}\n\n`);
  }
  const facts = [
    verified ? soundnessSentence(verified) : '',
    results[0]?.epsilon ? `ε = ${epsilonValue(results[0].epsilon)}.` : '',
    stale ? 'Stale: the text or the model has changed since.' : '',
  ].filter(fact => fact !== '');
  for (const fact of facts) text.appendMarkdown(`${plain(fact)}\n\n`);
  if (results.length > 0) {
    const argument = encodeURIComponent(JSON.stringify([question.id]));
    text.appendMarkdown(`[Show results](command:${COMMAND.showResults}?${argument})`);
  }
  return text;
}

/** Text that Markdown shows as it is. (`appendText` would keep its lines from wrapping.) */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+!<>|~$-]/g, '\\$&');
}
