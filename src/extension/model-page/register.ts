import * as vscode from 'vscode';
import type { StudySubject } from '../../engine/study-protocols/subject';
import { fileOf, type Clicked } from '../commands/clicked';
import { registerTable } from '../commands/command-table';
import type { SpecificationChoice } from '../commands/specification-choice';
import type { VerdictStore } from '../core/verdict-store';
import type { SpecificationIndex } from '../documents/specification-index';
import { filePath, shownPath } from '../documents/uris';
import type { EngineDoor } from '../engine-door';
import { COMMAND, MODEL_PAGE } from '../ids';
import type { Studies } from '../studies';
import { LayerMemory } from './layer-memory';
import { ModelPage, readNumbers } from './model-page';
import { commandOf } from './page-measures';
import { measuresOf, type MeasureId } from './study-measures';

export interface ModelPageContext {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly store: VerdictStore;
  readonly index: SpecificationIndex;
  readonly door: EngineDoor;
  readonly choice: SpecificationChoice;
  readonly studies: Studies;
}

/** The pages that are open. */
export type ModelPages = ReadonlySet<ModelPage>;

/** The model's own page: a read-only editor that is opened on request and takes `.onnx` from no other viewer; its command; what it remembers. */
export function registerModelPages(parts: ModelPageContext): ModelPages {
  const { context, log, index, studies } = parts;
  const memory = new LayerMemory(context.workspaceState);
  const pages = new Set<ModelPage>();
  const provider: vscode.CustomReadonlyEditorProvider = {
    openCustomDocument: uri => ({ uri, dispose: () => undefined }),
    resolveCustomEditor: ({ uri }, panel) => {
      const page = new ModelPage(panel, uri, {
        ...parts,
        extensionUri: context.extensionUri,
        memory,
        measure: (model, id) => measure(parts, model, id),
      });
      pages.add(page);
      panel.onDidDispose(() => {
        pages.delete(page);
        page.dispose();
      });
    },
  };
  context.subscriptions.push(
    memory,
    vscode.window.registerCustomEditorProvider(MODEL_PAGE, provider, { supportsMultipleEditorsPerDocument: true }),
    registerTable(
      {
        [COMMAND.openModelPage]: async (target: Clicked) => {
          const model = fileOf(target) ?? (await pickModel(index));
          if (!model) return;
          if (/\.onnx(\.gz)?$/.test(model.path))
            await vscode.commands.executeCommand('vscode.openWith', model, MODEL_PAGE);
          else void vscode.window.showWarningMessage(`${shownPath(model)} is no model (.onnx): it has no model page.`);
        },
      },
      log,
    ),
    studies.onAnswer(async study => {
      const told = await measuresOf(study, subject => modelOfSubject(parts.store, subject), readNumbers);
      if (told) await memory.keep(told.model, told.measures);
    }),
  );
  return pages;
}

async function pickModel(index: SpecificationIndex): Promise<vscode.Uri | undefined> {
  await index.scan();
  const models = index.models();
  if (models.length === 0) {
    void vscode.window.showInformationMessage(
      'There is no ONNX model in this folder. Open a folder that holds a file ending in .onnx.',
    );
    return undefined;
  }
  if (models.length === 1) return models[0];
  const items = models.map(uri => ({ label: `$(circuit-board) ${shownPath(uri)}`, uri }));
  return (await vscode.window.showQuickPick(items, { title: 'Open Model Page', placeHolder: 'Which model?' }))?.uri;
}

/** Measures what layers are coloured by: with a command of its own, or by bounding the neurons around the samples of a specification. */
async function measure({ choice, studies }: ModelPageContext, model: vscode.Uri, id: MeasureId): Promise<void> {
  const command = commandOf(id);
  if (command !== null) return vscode.commands.executeCommand(command, model);
  const chosen = await choice.choose(model, { title: 'Measure unstable neurons of', needsData: true });
  const path = chosen && filePath(chosen.specification);
  if (!chosen || !path) return;
  const about = shownPath(model);
  const text = vscode.workspace.textDocuments
    .find(({ uri }) => uri.toString() === chosen.specification.toString())
    ?.getText();
  const subject: StudySubject = {
    specification: { path, ...(text === undefined ? {} : { text }) },
    model: model.fsPath,
  };
  await studies.start(
    'unstable-neurons',
    { subject, method: 'crown' },
    { title: `Unstable neurons of ${about}`, about },
  ).answer;
}

function modelOfSubject(store: VerdictStore, { model, specification }: StudySubject): string | null {
  return model ?? store.specification(vscode.Uri.file(specification.path).toString())?.model ?? null;
}
