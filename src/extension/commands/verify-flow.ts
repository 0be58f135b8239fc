import * as vscode from 'vscode';
import type { VerifyParams } from '../../engine/protocol';
import { COMMAND } from '../ids';
import { specificationKind } from '../core/outline';
import { headline } from '../core/wording';
import { verdictOf, type QuestionId, type QuestionState, type VerdictStore } from '../core/verdict-store';
import type { SpecificationIndex } from '../documents/specification-index';
import { filePath, shownPath, textUri } from '../documents/uris';
import type { EngineDoor } from '../engine-door';
import type { RunEnd, Runner } from '../runner';
import { mayRun, tellProblems, type SpecificationChoice } from './specification-choice';
import type { RunEffort } from '../runs/kept-run';
import { setting } from '../settings';
import { coalesce, VIEW_INTERVAL_MS } from '../views/coalesce';

/** A run that takes longer than this shows a notification with a way to stop it; a shorter one would only flash. */
const NOTIFY_AFTER_MS = 3000;

/** Which questions of a specification are run, and how. */
export interface RunScope {
  /** Only these properties; null means all. */
  readonly names: readonly string[] | null;
  readonly samples?: readonly number[];
  readonly effort?: RunEffort;
  /** The model of a VNN-LIB file, where it is known already. */
  readonly model?: string;
  /** Over what the settings say. */
  readonly options?: VerifyParams['options'];
}

/** What a person can do with models and specifications: from a command to runs in the queue. */
export class VerifyFlow {
  readonly #restored = new Set<string>();

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly store: VerdictStore,
    private readonly index: SpecificationIndex,
    private readonly runner: Runner,
    private readonly door: EngineDoor,
    private readonly choice: SpecificationChoice,
  ) {}

  /** *Verify* on a model, on a specification, or (without either) on what the person then picks. */
  async verify(target: vscode.Uri | undefined): Promise<void> {
    const chosen = await this.choice.choose(target, { title: 'Verify' });
    if (!chosen) return;
    if (chosen.model) await this.#openAndRun(chosen.specification, chosen.model);
    else await this.verifySpecification(chosen.specification, { names: null });
  }

  async verifyQuestion(id: QuestionId): Promise<void> {
    const question = this.store.question(id);
    if (!question) return;
    const uri = vscode.Uri.parse(question.specification);
    if (mayRun(uri)) await this.verifySpecification(uri, { names: [question.name] });
  }

  /** Runs a specification's properties with progress, and says at the end what a person should not miss. */
  async verifySpecification(specification: vscode.Uri, scope: RunScope): Promise<void> {
    const end = await this.#start(specification, scope, 'verify');
    if (end) await this.#afterRun(specification, scope.names, end);
  }

  /** Asks again what an earlier run asked, in the words of then; the answer goes to the history alone. */
  async repeat(
    specification: vscode.Uri,
    text: string,
    { names, samples, effort, model, options }: RunScope,
  ): Promise<RunEnd | null> {
    const path = filePath(specification);
    if (path === null || !mayRun(specification)) return null;
    const ended = this.runner.run({
      specification: specification.toString(),
      path,
      text,
      ...(model === undefined ? {} : { model }),
      names,
      ...(samples === undefined ? {} : { samples }),
      ...(effort === undefined ? {} : { effort }),
      options,
      purpose: 'repeat',
    });
    this.#showProgress(specification, ended);
    return ended;
  }

  /** Runs without a word at the end: the Test Explorer shows the outcome itself. */
  async runAsTest(specification: string, scope: RunScope): Promise<void> {
    const uri = vscode.Uri.parse(specification);
    if (mayRun(uri)) await this.#start(uri, scope, 'verify');
  }

  /** Brings back what the engine's store knows of a specification, once a session, without solving anything. */
  async restore(specification: vscode.Uri): Promise<void> {
    const id = specification.toString();
    if (!vscode.workspace.isTrusted || filePath(specification) === null || this.#restored.has(id)) return;
    this.#restored.add(id);
    const kept = await vscode.workspace.fs.readDirectory(this.door.storeFolder).then(undefined, () => []);
    if (kept.length > 0) await this.#start(specification, { names: null }, 'restore');
  }

  stop(specification?: string): Promise<void> {
    return this.runner.stop(specification);
  }

  async #start(
    specification: vscode.Uri,
    { names, samples, effort = 'complete', model: chosenModel, options }: RunScope,
    purpose: 'verify' | 'restore',
  ): Promise<RunEnd | null> {
    const path = filePath(specification);
    if (path === null) return null;
    const id = specification.toString();
    this.#restored.add(id);
    const model = chosenModel ?? (await this.#modelFor(specification, purpose));
    if (model === null) return null;
    // Read when everything else is known: the run is about the text of this moment.
    await this.index.read(specification);
    const text = this.index.openText(specification);
    const ended = this.runner.run({
      specification: id,
      path,
      ...(text === undefined ? {} : { text }),
      ...(model === undefined ? {} : { model }),
      names,
      ...(samples === undefined ? {} : { samples }),
      effort,
      options: { ...solverOptions(specification), ...effortOptions(effort, specification), ...options },
      purpose,
    });
    if (purpose === 'verify') this.#showProgress(specification, ended);
    return ended;
  }

  async #openAndRun(specification: vscode.Uri, model: vscode.Uri): Promise<void> {
    await vscode.window.showTextDocument(textUri(specification), { preserveFocus: true, preview: false });
    const isVnnlib = specificationKind(specification.path) === 'vnnlib';
    if (isVnnlib) await this.#rememberModel(specification, model.fsPath);
    await this.verifySpecification(specification, { names: null, ...(isVnnlib ? { model: model.fsPath } : {}) });
  }

  /** The model of a VNN-LIB file, which names none: undefined where the specification names its own, null when the person gave up. */
  async #modelFor(specification: vscode.Uri, purpose: 'verify' | 'restore'): Promise<string | undefined | null> {
    if (specificationKind(specification.path) !== 'vnnlib') return undefined;
    const remembered = this.context.workspaceState.get<string>(modelKey(specification));
    if (remembered !== undefined && (await exists(vscode.Uri.file(remembered)))) return remembered;
    if (purpose === 'restore') return null;
    await this.index.scan();
    const folder = vscode.Uri.joinPath(specification, '..').path;
    const models = this.index.models();
    const beside = models.filter(uri => vscode.Uri.joinPath(uri, '..').path === folder);
    const candidates = beside.length > 0 ? beside : models;
    const items = candidates.map(uri => ({ label: shownPath(uri), uri }));
    const picked =
      items.length === 1
        ? items[0]
        : await vscode.window.showQuickPick(items, {
            title: `Verify ${shownPath(specification)}`,
            placeHolder: 'A VNN-LIB file names no model. Which one is it about?',
          });
    if (!picked) return null;
    await this.#rememberModel(specification, picked.uri.fsPath);
    return picked.uri.fsPath;
  }

  async #rememberModel(specification: vscode.Uri, model: string): Promise<void> {
    await this.context.workspaceState.update(modelKey(specification), model);
  }

  #showProgress(specification: vscode.Uri, ended: Promise<RunEnd>): void {
    const timer = setTimeout(() => {
      const id = specification.toString();
      void vscode.window.withProgress(
        {
          location: vscode.ProgressLocation.Notification,
          title: `Verifying ${shownPath(specification)}`,
          cancellable: true,
        },
        async (progress, token) => {
          token.onCancellationRequested(() => void this.runner.stop(id));
          const update = coalesce(VIEW_INTERVAL_MS, () => {
            const working = this.store.questions(id).find(({ activity }) => activity.kind === 'running');
            if (working) progress.report({ message: `${working.name}: ${headline(working, false).detail}` });
          });
          const subscription = this.store.onChange(update.request);
          await ended;
          subscription.dispose();
          update.dispose();
        },
      );
    }, NOTIFY_AFTER_MS);
    void ended.then(() => clearTimeout(timer));
  }

  async #afterRun(
    specification: vscode.Uri,
    names: readonly string[] | null,
    { finished, problems }: RunEnd,
  ): Promise<void> {
    if (problems.length > 0) return tellProblems(problems, shownPath(specification));
    if (finished.outcome === 'cancelled') return;
    const asked = this.store.questions(specification.toString()).filter(({ name }) => names?.includes(name) ?? true);
    const falsified = asked.filter(({ evidence }) => verdictOf(evidence) === 'falsified');
    const [first] = falsified;
    if (first) await this.#offerCounterexample(first, falsified.length);
  }

  async #offerCounterexample(question: QuestionState, falsified: number): Promise<void> {
    const wanted = setting('openCounterexample');
    const open = () => vscode.commands.executeCommand(COMMAND.openCounterexample, question.id);
    if (wanted === 'always') return void open();
    if (wanted === 'never') return;
    const results = question.evidence?.results ?? [];
    const broken = results.filter(({ verdict }) => verdict.kind === 'falsified').length;
    const samples = results.length > 1 ? ` for ${broken} of ${results.length} samples` : '';
    const others = falsified > 1 ? ` So ${falsified === 2 ? 'is' : 'are'} ${falsified - 1} more.` : '';
    const message = `“${question.name}” is falsified${samples}.${others}`;
    const action = 'Open Counterexample';
    void vscode.window.showWarningMessage(message, action).then(picked => picked === action && open());
  }
}

function modelKey(specification: vscode.Uri): string {
  return `model:${specification.toString()}`;
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  return vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}

/** A quick run has little time for each question; an attack proves nothing. */
function effortOptions(effort: RunEffort, specification: vscode.Uri): VerifyParams['options'] {
  if (effort === 'quick') return { timeout: setting('quickTimeout', specification) };
  return effort === 'attack' ? { attackOnly: true } : {};
}

/**
 * What a person's settings say about solving. A perturbation specification has settings of its own, which those here would override; a VNN-LIB
 * file has none. Threads are the machine's matter, and count for both where they were set at all.
 */
function solverOptions(specification: vscode.Uri): VerifyParams['options'] {
  const threads = setting('threads', specification);
  const machine = threads > 0 ? { threads } : {};
  if (specificationKind(specification.path) === 'perturbation') return machine;
  return { ...machine, seed: setting('seed', specification), timeout: setting('timeout', specification) };
}
