import * as vscode from 'vscode';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { MISSING, stateWord, type FileState } from '../../base/file-state';

/** Notices when files that answers were made from may hold something else, wherever they lie. Nothing is watched before an answer names it. */
export class FollowedFiles implements vscode.Disposable {
  readonly #files = new Set<string>();
  /** By the folder that each watches. */
  readonly #watchers = new Map<string, vscode.Disposable>();

  /** @param tell hears the state of a file whenever it may be new */
  constructor(private readonly tell: (file: FileState) => void) {}

  dispose(): void {
    for (const watcher of this.#watchers.values()) watcher.dispose();
  }

  follow(files: readonly FileState[]): void {
    for (const { path: file } of files) if (!this.#files.has(file)) void this.#begin(file);
  }

  /** Tells the state of a file as it is now. */
  async look(file: string): Promise<void> {
    const found = await stat(file).catch(() => null);
    this.tell({ path: file, state: found ? stateWord(found) : MISSING });
  }

  async #begin(file: string): Promise<void> {
    this.#files.add(file);
    // Pictures that a pattern names are followed by their folder: what comes and goes in it counts.
    const found = await stat(file).catch(() => null);
    this.#watch(found?.isDirectory() ? file : path.dirname(file));
    // It may have changed since it was read and before it is watched.
    await this.look(file);
  }

  #watch(folder: string): void {
    if (this.#watchers.has(folder)) return;
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(folder), '*'));
    const changed = ({ fsPath }: vscode.Uri) => {
      for (const file of [fsPath, path.dirname(fsPath)]) if (this.#files.has(file)) void this.look(file);
    };
    watcher.onDidChange(changed);
    watcher.onDidCreate(changed);
    watcher.onDidDelete(changed);
    this.#watchers.set(folder, watcher);
  }
}
