import * as vscode from 'vscode';
import { headline, type Tone } from '../core/wording';
import type { QuestionState, VerdictStore } from '../core/verdict-store';
import { setting } from '../settings';
import { coalesce } from './coalesce';

/** The Explorer is no place where things move. */
const INTERVAL_MS = 1000;

type Standing = Exclude<Tone, 'busy'> | 'stale';

/** What a person should know first. */
const WORST_FIRST: readonly Standing[] = ['bad', 'stale', 'open', 'none', 'good'];

/** Where some questions were not run, the file as a whole is open. */
const BADGES: Readonly<Record<Standing, string>> = { bad: '✗', stale: '~', open: '?', none: '?', good: '✓' };

/** Beside models and specifications in the Explorer: how their questions stand. No colour: that is for version control and for problems. */
export class FileDecorations implements vscode.FileDecorationProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri[] | undefined>();
  readonly #waiting = new Set<string>();
  readonly #update = coalesce(INTERVAL_MS, () => this.#tell());
  readonly #disposables: { dispose(): void }[];

  readonly onDidChangeFileDecorations = this.#changed.event;

  constructor(private readonly store: VerdictStore) {
    this.#disposables = [
      this.#changed,
      this.#update,
      store.onChange(({ event, specifications, questions, files }) => {
        if (event.kind === 'progress') return;
        for (const id of specifications) this.#note(id);
        for (const id of questions) this.#note(id.slice(0, id.lastIndexOf('#')));
        for (const file of files) this.#waiting.add(vscode.Uri.file(file).toString());
        this.#update.request();
      }),
      vscode.workspace.onDidChangeConfiguration(change => {
        if (change.affectsConfiguration('certiscope.fileDecorations')) this.#changed.fire(undefined);
      }),
      vscode.window.registerFileDecorationProvider(this),
    ];
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (!/\.(onnx|vnnlib|certiscope\.jsonc)(\.gz)?$/.test(uri.path) || !setting('fileDecorations', uri))
      return undefined;
    return decorationOf(this.store, this.#questionsOf(uri));
  }

  #questionsOf(uri: vscode.Uri): readonly QuestionState[] {
    if (!/\.onnx(\.gz)?$/.test(uri.path)) return this.store.questions(uri.toString());
    const file = uri.fsPath;
    const naming = this.store.specifications().filter(({ model }) => model === file);
    const asked = this.store.questions().filter(({ evidence }) => evidence?.model === file);
    return [...new Set([...naming.flatMap(({ id }) => this.store.questions(id)), ...asked])];
  }

  /** A specification, and the models that it is about. */
  #note(id: string): void {
    this.#waiting.add(id);
    const models = [
      this.store.specification(id)?.model,
      ...this.store.questions(id).map(({ evidence }) => evidence?.model),
    ];
    for (const model of models) if (model) this.#waiting.add(vscode.Uri.file(model).toString());
  }

  #tell(): void {
    this.#changed.fire([...this.#waiting].map(id => vscode.Uri.parse(id)));
    this.#waiting.clear();
  }
}

/** Nothing where nothing was run: a folder full of question marks says nothing. */
function decorationOf(store: VerdictStore, questions: readonly QuestionState[]): vscode.FileDecoration | undefined {
  const counts = new Map<string, number>();
  const standings = new Set<Standing>();
  for (const question of questions) {
    const stale = store.isStale(question);
    const { label, tone } = headline({ ...question, activity: { kind: 'idle' } }, stale);
    standings.add(stale ? 'stale' : tone === 'busy' ? 'none' : tone);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const worst = WORST_FIRST.find(standing => standings.has(standing));
  if (worst === undefined || (standings.size === 1 && worst === 'none')) return undefined;
  const words = [...counts].map(([label, count]) => `${count} ${label}`).join(', ');
  return new vscode.FileDecoration(BADGES[worst], `Certiscope: ${words}`);
}
