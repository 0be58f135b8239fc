import * as vscode from 'vscode';
import type { QuestionId, VerdictStore } from '../core/verdict-store';

/** Asks where to keep the model whose changed weights falsify a result, and copies it there. */
export async function saveChangedModel(store: VerdictStore, question: QuestionId, index: number): Promise<void> {
  const evidence = store.question(question)?.evidence;
  const verdict = evidence?.results.find(result => result.index === index)?.verdict;
  if (!evidence || verdict?.kind !== 'falsified' || verdict.weights?.patched?.kind !== 'file') return;
  const target = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.file(evidence.model.replace(/(\.onnx)?(\.gz)?$/, '.changed.onnx')),
    filters: { 'ONNX models': ['onnx'] },
    title: 'Save the changed model',
  });
  if (!target) return;
  try {
    await vscode.workspace.fs.copy(vscode.Uri.file(verdict.weights.patched.path), target, { overwrite: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(
      `The changed model could not be saved: ${reason} Verify again to make it anew.`,
    );
    return;
  }
  void vscode.window.setStatusBarMessage('Certiscope: the changed model was saved.', 4000);
}
