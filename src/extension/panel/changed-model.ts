import * as vscode from 'vscode';
import type { QuestionId, VerdictStore } from '../core/verdict-store';

/** Asks where to keep the model whose changed weights falsify a result, and copies it there. */
export async function saveChangedModel(store: VerdictStore, question: QuestionId, index: number): Promise<void> {
  const evidence = store.question(question)?.evidence;
  const verdict = evidence?.results.find(result => result.index === index)?.verdict;
  if (!evidence || verdict?.kind !== 'falsified' || verdict.weights?.patched?.kind !== 'file') return;
  await saveModelFile(verdict.weights.patched.path, evidence.model);
}

/** Asks where to keep a changed model and copies it there; `model` is the one it was made from. */
export async function saveModelFile(changed: string, model: string): Promise<void> {
  const target = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.file(model.replace(/(\.onnx)?(\.gz)?$/, '.changed.onnx')),
    filters: { 'ONNX models': ['onnx'] },
    title: 'Save the changed model',
  });
  if (!target) return;
  try {
    await vscode.workspace.fs.copy(vscode.Uri.file(changed), target, { overwrite: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(
      `The changed model could not be saved: ${reason} Verify again to make it anew.`,
    );
    return;
  }
  void vscode.window.setStatusBarMessage('Certiscope: the changed model was saved.', 4000);
}
