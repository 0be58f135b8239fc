import * as vscode from 'vscode';
import { CONTEXT } from '../ids';
import { outline, specificationKind } from '../core/outline';
import { readSpecification, type ReadSpecification } from '../core/read-specification';
import type { FileState } from '../../base/file-state';
import type { VerdictStore } from '../core/verdict-store';
import { FollowedFiles } from './followed-files';
import { filePath, specificationUri, textUri } from './uris';
import { unpack } from './unpacked-documents';

const MODELS = '**/*.onnx';
const SPECIFICATIONS = '**/*.{certiscope.jsonc,vnnlib,vnnlib.gz}';
const LEFT_OUT = '**/{node_modules,.git,.venv}/**';
/** More files than a person would look through; the palette still reaches any open file. */
const MAX_FILES = 2000;
/** A pause in the typing after which the text is read again. */
const REREAD_AFTER_MS = 200;
/**
 * Keeps the store's outlines true to the files of the workspace and to the unsaved text of open editors. The first keystroke in a
 * specification is told to the store at once, before anything is read.
 */
export class SpecificationIndex implements vscode.Disposable {
  readonly #disposables: vscode.Disposable[] = [];
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #models = new Map<string, vscode.Uri>();
  readonly #followed = new FollowedFiles(file => this.store.apply({ kind: 'fileChanged', file }));
  readonly #modelsChanged = new vscode.EventEmitter<void>();
  #scan: Promise<void> | null = null;

  /** A model appeared or went. */
  readonly onModels = this.#modelsChanged.event;

  constructor(private readonly store: VerdictStore) {
    this.#disposables.push(
      this.#modelsChanged,
      this.#followed,
      store.onChange(({ event }) => event.kind === 'planned' && this.follow(event.files)),
      vscode.workspace.onDidOpenTextDocument(document => this.#readDocument(document)),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.#typed(document);
      }),
      vscode.workspace.onDidCloseTextDocument(document => void this.#closed(document)),
    );
    for (const document of vscode.workspace.textDocuments) this.#readDocument(document);
  }

  dispose(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  models(): readonly vscode.Uri[] {
    return [...this.#models.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Notices from now on when these files change; what was found out from them is stale then. */
  follow(files: readonly FileState[]): void {
    this.#followed.follow(files);
  }

  /** Looks through the workspace once and watches it from then on. */
  scan(): Promise<void> {
    this.#scan ??= this.#scanWorkspace().finally(() =>
      vscode.commands.executeCommand('setContext', CONTEXT.scanned, true),
    );
    return this.#scan;
  }

  /** Looks through the workspace again. */
  rescan(): Promise<void> {
    if (this.#scan === null) return this.scan();
    this.#scan = this.#findFiles();
    return this.#scan;
  }

  /** The text that is verified: of the open editor, saved or not, else undefined (the engine reads the file itself). */
  openText(specification: vscode.Uri): string | undefined {
    if (specification.path.endsWith('.gz')) return undefined;
    return openDocument(specification)?.getText();
  }

  /** Makes the store's outline of one specification true now, whatever is still waiting for a pause. */
  async read(specification: vscode.Uri): Promise<void> {
    const document = openDocument(specification);
    if (document) this.#readDocument(document);
    else await this.#readFile(specification);
  }

  #typed(document: vscode.TextDocument): void {
    const specification = specificationUri(document.uri);
    if (!specificationKind(specification.path)) return;
    const id = specification.toString();
    this.store.apply({ kind: 'edited', specification: id });
    clearTimeout(this.#timers.get(id));
    this.#timers.set(
      id,
      setTimeout(() => this.#readDocument(document), REREAD_AFTER_MS),
    );
  }

  #readDocument(document: vscode.TextDocument): void {
    const specification = specificationUri(document.uri);
    if (specificationKind(specification.path)) this.#outline(specification, document.getText());
  }

  async #readFile(specification: vscode.Uri): Promise<void> {
    try {
      const text = specification.path.endsWith('.gz')
        ? await unpack(specification)
        : new TextDecoder().decode(await vscode.workspace.fs.readFile(specification));
      this.#outline(specification, text);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#store(specification, {
        outline: outline(specification.path, ''),
        problems: [{ code: 'unreadable', message }],
      });
    }
  }

  #outline(specification: vscode.Uri, text: string): void {
    const id = specification.toString();
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#store(specification, readSpecification(specification.fsPath, text));
  }

  #store(specification: vscode.Uri, { outline: found, problems }: ReadSpecification): void {
    const model = found.model === null ? null : filePath(vscode.Uri.joinPath(specification, '..', found.model));
    this.store.apply({ kind: 'outlined', specification: specification.toString(), outline: found, model, problems });
  }

  /** An editor closed: what it held unsaved is gone, the file counts again. */
  async #closed(document: vscode.TextDocument): Promise<void> {
    const specification = specificationUri(document.uri);
    const id = specification.toString();
    if (!specificationKind(specification.path) || !this.store.specification(id)) return;
    // What was typed last is gone, and is not read any more.
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    try {
      await vscode.workspace.fs.stat(specification);
      await this.#readFile(specification);
    } catch {
      this.store.apply({ kind: 'removed', specification: id });
    }
  }

  async #scanWorkspace(): Promise<void> {
    const specifications = vscode.workspace.createFileSystemWatcher(SPECIFICATIONS);
    const models = vscode.workspace.createFileSystemWatcher(MODELS);
    const reread = (uri: vscode.Uri) => {
      if (!openDocument(uri)) void this.#readFile(uri);
    };
    const added = (uri: vscode.Uri) => {
      this.#models.set(uri.toString(), uri);
      this.#modelsChanged.fire();
    };
    const touched = (uri: vscode.Uri) => void this.#followed.look(uri.fsPath);
    this.#disposables.push(
      specifications,
      models,
      specifications.onDidCreate(reread),
      specifications.onDidChange(reread),
      specifications.onDidDelete(uri => this.store.apply({ kind: 'removed', specification: uri.toString() })),
      models.onDidCreate(uri => {
        added(uri);
        touched(uri);
      }),
      models.onDidChange(touched),
      models.onDidDelete(uri => {
        this.#models.delete(uri.toString());
        this.#modelsChanged.fire();
        touched(uri);
      }),
    );
    await this.#findFiles();
  }

  async #findFiles(): Promise<void> {
    const [models, specifications] = await Promise.all([
      vscode.workspace.findFiles(MODELS, LEFT_OUT, MAX_FILES),
      vscode.workspace.findFiles(SPECIFICATIONS, LEFT_OUT, MAX_FILES),
    ]);
    this.#models.clear();
    for (const uri of models) this.#models.set(uri.toString(), uri);
    this.#modelsChanged.fire();
    for (const uri of specifications) await this.read(uri);
  }
}

function openDocument(specification: vscode.Uri): vscode.TextDocument | undefined {
  const shown = textUri(specification).toString();
  return vscode.workspace.textDocuments.find(document => document.uri.toString() === shown);
}
