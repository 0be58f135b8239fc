import * as vscode from 'vscode';
import type { WrongInput } from '../../engine/study-protocols/patch-model';
import { parsePerturbationSpec } from '../../spec/perturbation/parse';
import { fileOf, type Clicked } from '../commands/clicked';
import type { SpecificationChoice } from '../commands/specification-choice';
import { registerTable } from '../commands/command-table';
import { tellProblems } from '../commands/specification-choice';
import type { VerdictStore } from '../core/verdict-store';
import { shownPath, textUri } from '../documents/uris';
import { COMMAND } from '../ids';
import type { Studies } from '../studies';
import { AdversarialPanel } from './adversarial-panel';
import { counterexamplesOf } from './counterexamples';
import { PatchPanel } from './patch-panel';

export interface Adversarial {
  readonly panel: AdversarialPanel;
  readonly patches: PatchPanel;
}

interface Parts {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly store: VerdictStore;
  readonly choice: SpecificationChoice;
  readonly studies: Studies;
}

/** The commands *Find Adversarial Inputs* and *Patch This Model*, and their panels. */
export function registerAdversarial({ context, log, store, choice, studies }: Parts): Adversarial {
  const patches = new PatchPanel(context.extensionUri, studies);
  const panel = new AdversarialPanel(context.extensionUri, studies, (subject, inputs) => {
    const about = `${inputs.length} adversarial ${inputs.length === 1 ? 'input' : 'inputs'}`;
    void patchWith({ ...subject, about, inputs });
  });
  const patchWith = async (subject: Parameters<PatchPanel['open']>[0]): Promise<void> => {
    const mode = await askLayers();
    if (mode) await patches.open(subject, mode);
  };
  const find = async (target: Clicked): Promise<void> => {
    const title = 'Find Adversarial Inputs';
    const chosen = await choice.choose(meantBy(store, target), { title, needsData: true });
    if (!chosen) return;
    const range = await validRange(chosen.specification);
    if (range === null) return;
    const samples = samplesOf(store, target);
    await panel.open({ ...chosen, ...(range ? { range } : {}), ...(samples ? { samples } : {}) });
  };
  const patch = async (target: Clicked): Promise<void> => {
    const chosen = await choice.choose(meantBy(store, target), { title: 'Patch This Model', needsData: true });
    if (!chosen) return;
    const found = await askInputs(
      counterexamplesOf(store, chosen.specification.toString(), samplesOf(store, target)),
      panel.inputsOf(chosen.specification),
    );
    if (found) await patchWith({ ...chosen, ...found });
  };
  context.subscriptions.push(
    panel,
    patches,
    registerTable({ [COMMAND.findAdversarialInputs]: find, [COMMAND.patchModel]: patch }, log),
  );
  return { panel, patches };
}

/** The file that was clicked on, or the specification that what was clicked on belongs to. */
function meantBy(store: VerdictStore, target: Clicked): vscode.Uri | undefined {
  if (target === undefined || target instanceof vscode.Uri) return target;
  switch (target.kind) {
    case 'question':
    case 'answers':
      return specificationOf(store, target.id);
    case 'result':
    case 'label':
      return specificationOf(store, target.question);
    default:
      return fileOf(target);
  }
}

function specificationOf(store: VerdictStore, question: string): vscode.Uri | undefined {
  const specification = store.question(question)?.specification;
  return specification === undefined ? undefined : vscode.Uri.parse(specification);
}

/** The sample of a result that was clicked on; undefined for all. */
function samplesOf(store: VerdictStore, target: Clicked): readonly number[] | undefined {
  if (target === undefined || target instanceof vscode.Uri || (target.kind !== 'result' && target.kind !== 'label'))
    return undefined;
  const results = store.question(target.question)?.evidence?.results;
  const sample = results?.find(({ index }) => index === target.index)?.sample ?? null;
  return sample === null ? undefined : [sample];
}

/** The range of the data where the specification does not say it: undefined where it does, null where the person changed their mind. */
async function validRange(specification: vscode.Uri): Promise<readonly [string, string] | undefined | null> {
  const document = await vscode.workspace.openTextDocument(textUri(specification));
  const parsed = parsePerturbationSpec(document.getText(), specification.fsPath);
  if (!parsed.ok) {
    tellProblems(parsed.error, shownPath(specification));
    return null;
  }
  if (parsed.value.checks.some(check => check.clip)) return undefined;
  const answer = await vscode.window.showInputBox({
    title: 'Find Adversarial Inputs',
    prompt:
      'Which values may the data take? After scaling, from and to. An adversarial input outside of them would be no input.',
    value: '0, 1',
    ignoreFocusOut: true,
    validateInput: text => (ends(text) ? null : 'Write two numbers such as 0, 1.'),
  });
  return answer === undefined ? null : ends(answer);
}

function ends(text: string): readonly [string, string] | null {
  const [low, high, ...more] = text.split(',').map(part => part.trim());
  return low && high && more.length === 0 ? [low, high] : null;
}

/** What is to be put right, when there is more than one thing. */
async function askInputs(
  counterexamples: readonly WrongInput[],
  adversarial: readonly WrongInput[],
): Promise<{ readonly about: string; readonly inputs: readonly WrongInput[] | null } | undefined> {
  const some = (inputs: readonly WrongInput[], what: string): string =>
    `${inputs.length} ${what}${inputs.length === 1 ? '' : 's'}`;
  const items = [
    ...(counterexamples.length > 0
      ? [
          {
            label: some(counterexamples, 'counterexample'),
            description: 'inputs that falsified a check',
            inputs: counterexamples,
          },
        ]
      : []),
    ...(adversarial.length > 0
      ? [{ label: some(adversarial, 'adversarial input'), description: 'from the gallery', inputs: adversarial }]
      : []),
    { label: 'Misclassified samples', description: 'they get their label', inputs: null },
  ];
  const picked =
    items.length === 1
      ? items[0]
      : await vscode.window.showQuickPick(items, {
          title: 'Patch This Model (1 of 2)',
          placeHolder: 'What is to be put right?',
          ignoreFocusOut: true,
        });
  return picked && { about: picked.label.toLowerCase(), inputs: picked.inputs };
}

async function askLayers(): Promise<'each' | 'in turn' | undefined> {
  const items = [
    { label: 'Every layer by itself', description: 'to compare the patches', mode: 'each' as const },
    { label: 'Several layers in turn', description: 'where no layer alone will do', mode: 'in turn' as const },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Patch This Model',
    placeHolder: 'Which weights may change?',
    ignoreFocusOut: true,
  });
  return picked?.mode;
}
