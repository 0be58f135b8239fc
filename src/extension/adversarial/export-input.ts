import * as vscode from 'vscode';
import path from 'node:path';
import type { AdversarialRun, FoundInput } from '../../engine/study-protocols/adversarial-inputs';
import { readTensor } from '../../engine/tensor-reference';
import type { ExportKind } from '../../../webview/adversarial/protocol';
import { npyFile, testCase, vnnlibAssignment, type File, type Numbers } from './exports';

const ENDING: Readonly<Record<Exclude<ExportKind, 'vnnlib'>, readonly [ending: string, filter: string]>> = {
  png: ['.png', 'PNG'],
  npy: ['.npy', 'NumPy'],
  test: ['.certiscope.jsonc', 'Specifications'],
};

/** Asks where an adversarial input is to go and writes it there; a VNN-LIB assignment goes to the clipboard. */
export async function exportInput(kind: ExportKind, run: AdversarialRun, found: FoundInput): Promise<void> {
  const input = await readTensor(found.input);
  if (!input.ok) return void vscode.window.showErrorMessage(input.error.message);
  const numbers: Numbers = { input: input.value, logits: Float32Array.from(found.logits) };
  if (kind === 'vnnlib') {
    await vscode.env.clipboard.writeText(vnnlibAssignment(numbers));
    return void vscode.window.setStatusBarMessage('Certiscope: the adversarial input was copied.', 4000);
  }
  const [ending, filter] = ENDING[kind];
  const stem = `${path.basename(run.model).replace(/\.onnx(\.gz)?$/i, '')}-sample-${found.sample}-as-${found.to}`;
  const target = await vscode.window.showSaveDialog({
    title: 'Save the adversarial input',
    defaultUri: vscode.Uri.joinPath(vscode.Uri.file(run.specification), '..', `${stem}${ending}`),
    filters: { [filter]: [ending.slice(ending.lastIndexOf('.') + 1)] },
  });
  if (!target) return;
  const files = await filesOf(kind, target, run, found, numbers);
  try {
    for (const { name, bytes } of files)
      await vscode.workspace.fs.writeFile(vscode.Uri.joinPath(target, '..', name), bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return void vscode.window.showErrorMessage(
      `The adversarial input could not be saved: ${reason} Choose another folder.`,
    );
  }
  if (kind === 'test') await vscode.window.showTextDocument(target, { viewColumn: vscode.ViewColumn.One });
  void vscode.window.setStatusBarMessage('Certiscope: the adversarial input was saved.', 4000);
}

async function filesOf(
  kind: Exclude<ExportKind, 'vnnlib'>,
  target: vscode.Uri,
  run: AdversarialRun,
  found: FoundInput,
  numbers: Numbers,
): Promise<readonly File[]> {
  const name = path.posix.basename(target.path);
  if (kind === 'npy') return [{ name, bytes: npyFile(run, numbers) }];
  if (kind === 'test') {
    const model = path.relative(path.dirname(target.fsPath), run.model).split(path.sep).join('/');
    return testCase(run, found, numbers, { name, model });
  }
  const { pictureOf } = await import('../runs/exported');
  const bytes = pictureOf(numbers.input, run);
  return bytes ? [{ name, bytes }] : [];
}
