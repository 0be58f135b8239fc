import { sinceFirstLine } from './activation-clock';
import * as vscode from 'vscode';
import { registerAdversarial, type Adversarial } from './adversarial/register';
import { openProperty, registerCommands } from './commands/commands';
import { SpecificationChoice } from './commands/specification-choice';
import { VerifyFlow } from './commands/verify-flow';
import { VerdictStore } from './core/verdict-store';
import { SpecificationIndex } from './documents/specification-index';
import { registerUnpackedDocuments } from './documents/unpacked-documents';
import { EngineDoor } from './engine-door';
import { registerGrafting, type Grafting } from './grafting/register';
import { modelShapes } from './language/model-shapes';
import { registerVnnlibLanguage } from './language/providers';
import { registerSpecLanguage } from './language/spec-language';
import { registerLanguageModelTools } from './language-tools/register';
import { createLog } from './log';
import { registerModelPages, type ModelPages } from './model-page/register';
import { saveChangedModel } from './panel/save-model';
import { ResultsPanel } from './panel/results-panel';
import { Runner } from './runner';
import type { History } from './runs/history';
import { Recorder } from './runs/recorder';
import { createHistory, registerRuns } from './runs/register';
import { registerStart } from './start/register';
import { Studies } from './studies';
import { registerTolerance, type Tolerance } from './tolerance/register';
import { registerTuning } from './tuning/register';
import { registerTasks } from './tasks/register';
import { CodeLenses } from './views/code-lenses';
import { Diagnostics } from './views/diagnostics';
import { FileDecorations } from './views/file-decorations';
import { Hovers } from './views/hovers';
import { StatusItem } from './views/status-item';
import { TestItems } from './views/test-items';
import { registerTrees } from './views/trees';

/** What the extension's own tests reach for; not an interface for other extensions. */
export interface Internals {
  readonly store: VerdictStore;
  readonly history: History;
  readonly tolerance: Tolerance;
  readonly grafting: Grafting;
  readonly adversarial: Adversarial;
  readonly modelPages: ModelPages;
  readonly decorations: FileDecorations;
  /** Where messages and questions go: every extension has a window object of its own. */
  readonly window: typeof vscode.window;
  /** Milliseconds that activation took: of loading the code, and of `activate`. What VS Code does between the two is not ours. */
  readonly activation: { readonly load: number; readonly activate: number };
}

/** Evaluated when every import of this file has been. */
const load = sinceFirstLine();

/** Builds the parts and ties them together; nothing is read or started here. */
export function activate(context: vscode.ExtensionContext): Internals {
  const started = sinceFirstLine();
  const log = createLog();
  const store = new VerdictStore();
  const door = new EngineDoor(context, log);
  const warn = (message: string) => log.warn(message);
  const history = createHistory(context, warn);
  const { version } = context.extension.packageJSON as { version: string };
  const runner = new Runner(door.open, store, warn, new Recorder(history, version));
  const diagnostics = new Diagnostics(store);
  const decorations = new FileDecorations(store);
  const index = new SpecificationIndex(store);
  const choice = new SpecificationChoice(store, index, door);
  const flow = new VerifyFlow(context, store, index, runner, door, choice);
  const studies = new Studies(door);
  const tolerance = registerTolerance({ context, log, choice, studies });
  const adversarial = registerAdversarial({ context, log, store, choice, studies });
  const grafting = registerGrafting({ extensionUri: context.extensionUri, log, studies, choice });
  const modelPages = registerModelPages({ context, log, store, index, door, choice, studies });
  const panel = new ResultsPanel(context.extensionUri, store, {
    run: id => void flow.verifyQuestion(id),
    stop: id => void flow.stop(store.question(id)?.specification),
    openSpecification: id => void openProperty(store, id),
    copy: (id, result) => void vscode.commands.executeCommand('certiscope.copyCounterexample', id, result),
    saveModel: (id, result) => void saveChangedModel(store, id, result),
    restore: id => void restoreQuestion(id),
  });
  const restoreQuestion = async (id: string) => {
    const specification = vscode.Uri.parse(id.slice(0, id.lastIndexOf('#')));
    await index.read(specification);
    await flow.restore(specification);
  };
  context.subscriptions.push(
    log,
    door,
    diagnostics,
    index,
    panel,
    grafting,
    // Lenses that are registered later stand to the left.
    registerTuning({ context, log, store, index, studies, flow }),
    new CodeLenses(store),
    new Hovers(store).register(),
    new StatusItem(store),
    decorations,
    new TestItems(store, index, {
      run: (specification, scope) => flow.runAsTest(specification, scope),
      stop: specification => void flow.stop(specification),
    }),
    registerTrees(store, index, log),
    registerRuns(context, history, flow, log),
    registerStart(context, door, log),
    registerTasks(context, store, index),
    registerLanguageModelTools(index, door),
    registerUnpackedDocuments(),
    registerSpecLanguage(index, door),
    registerVnnlibLanguage(modelShapes(store, door)),
    registerCommands({ store, index, flow, door, panel, log }),
    // Earlier verdicts of a specification come back when a person looks at it.
    vscode.window.onDidChangeActiveTextEditor(editor => restoreOpened(editor?.document)),
    vscode.workspace.onDidGrantWorkspaceTrust(() => restoreOpened(vscode.window.activeTextEditor?.document)),
  );
  function restoreOpened(document: vscode.TextDocument | undefined): void {
    if (document && store.specification(document.uri.toString())) void flow.restore(document.uri);
  }
  restoreOpened(vscode.window.activeTextEditor?.document);
  const activation = { load, activate: sinceFirstLine() - started };
  log.info(`Activated in ${(activation.load + activation.activate).toFixed(1)} ms.`);
  return {
    store,
    history,
    tolerance,
    grafting,
    adversarial,
    modelPages,
    decorations,
    window: vscode.window,
    activation,
  };
}
