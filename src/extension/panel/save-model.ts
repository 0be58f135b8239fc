import * as vscode from 'vscode';
import type { QuestionId, VerdictStore } from '../core/verdict-store';

/** A model that a study or a run has made. */
export interface MadeModel {
  /** Where the engine keeps it. */
  readonly file: string;
  /** Path of the model it was made from. */
  readonly base: string;
  /** What it is called in sentences, and between the base's name and `.onnx`. */
  readonly kind: 'changed' | 'grafted' | 'patched';
  /** Before the kind in the name of the file: what of the base is other. */
  readonly part?: string;
}

/** Asks where to keep the model whose changed weights falsify a result, and copies it there. */
export async function saveChangedModel(store: VerdictStore, question: QuestionId, index: number): Promise<void> {
  const evidence = store.question(question)?.evidence;
  const verdict = evidence?.results.find(result => result.index === index)?.verdict;
  if (!evidence || verdict?.kind !== 'falsified' || verdict.weights?.patched?.kind !== 'file') return;
  await saveModel({ file: verdict.weights.patched.path, base: evidence.model, kind: 'changed' });
}

/** Asks where to keep a model, and copies it there; `target` is for tests, which ask nobody. */
export async function saveModel({ file, base, kind, part }: MadeModel, target?: vscode.Uri): Promise<void> {
  const ending = `${part === undefined ? '' : `${part.replaceAll(/[^\w.-]+/g, '_')}-`}${kind}.onnx`;
  const chosen =
    target ??
    (await vscode.window.showSaveDialog({
      defaultUri: vscode.Uri.file(base.replace(/(\.onnx)?(\.gz)?$/, `.${ending}`)),
      filters: { 'ONNX models': ['onnx'] },
      title: `Save the ${kind} model`,
    }));
  if (!chosen) return;
  try {
    await vscode.workspace.fs.copy(vscode.Uri.file(file), chosen, { overwrite: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(
      `The ${kind} model could not be saved: ${reason} Choose another place, or run again to make it anew.`,
    );
    return;
  }
  void vscode.window.setStatusBarMessage(`Certiscope: the ${kind} model was saved.`, 4000);
}
