import * as vscode from 'vscode';
import type { Problem } from '../../base/result';
import type { ModelInfo } from '../../engine/protocol';
import { COMMAND } from '../ids';
import { specificationKind } from '../core/outline';
import { headline } from '../core/wording';
import type { VerdictStore } from '../core/verdict-store';
import type { SpecificationIndex } from '../documents/specification-index';
import { filePath, shownPath, specificationUri, withShortPaths } from '../documents/uris';
import type { EngineDoor } from '../engine-door';

/** What the chosen specification is wanted for. */
export interface Purpose {
  /** Heads the lists that a person chooses from, e.g. `Verify`. */
  readonly title: string;
  /** Only specifications that name data: what a VNN-LIB property does not. */
  readonly needsData?: boolean;
}

/** A specification, and the model where the specification may leave that open. */
export interface Chosen {
  readonly specification: vscode.Uri;
  readonly model: vscode.Uri | undefined;
}

/** From whatever a person clicked on to the specification they mean: found, picked from a list, or written with them. */
export class SpecificationChoice {
  constructor(
    private readonly store: VerdictStore,
    private readonly index: SpecificationIndex,
    private readonly door: EngineDoor,
  ) {}

  /** Undefined when the person changed their mind, or was told why nothing can be run. */
  async choose(target: vscode.Uri | undefined, purpose: Purpose): Promise<Chosen | undefined> {
    const uri = target ?? specificationInEditor(purpose) ?? (await this.#pickFile(purpose));
    if (!uri || !mayRun(uri)) return undefined;
    const kind = specificationKind(uri.path);
    if (!kind && !/\.onnx(\.gz)?$/.test(uri.path)) {
      void vscode.window.showWarningMessage(
        `${shownPath(uri)} is neither a model (.onnx) nor a specification (.certiscope.jsonc, .vnnlib), so there is nothing to ${purpose.title.toLowerCase()} in it.`,
      );
      return undefined;
    }
    if (kind === 'vnnlib' && purpose.needsData) {
      void vscode.window.showWarningMessage(
        `${purpose.title} needs data, and a VNN-LIB property names none. Start it from the model, or from a perturbation specification.`,
      );
      return undefined;
    }
    return kind ? { specification: specificationUri(uri), model: undefined } : this.#forModel(uri, purpose);
  }

  async #forModel(model: vscode.Uri, purpose: Purpose): Promise<Chosen | undefined> {
    await this.index.scan();
    const specifications = this.#specificationsFor(model, purpose);
    const [only] = specifications;
    if (!only) return this.#askSpecification(model, purpose);
    if (specifications.length === 1) return { specification: only, model };
    const items = [
      ...specifications.map(uri => ({ label: shownPath(uri), description: this.#describe(uri), uri })),
      { label: '$(add) A new specification…', description: '', uri: null },
    ];
    const picked = await vscode.window.showQuickPick(items, {
      title: `${purpose.title} ${shownPath(model)}`,
      placeHolder: 'Which specification?',
    });
    if (!picked) return undefined;
    return picked.uri ? { specification: picked.uri, model } : this.#askSpecification(model, purpose);
  }

  /** Specifications that name the model, and VNN-LIB files beside it, which name none. */
  #specificationsFor(model: vscode.Uri, { needsData }: Purpose): vscode.Uri[] {
    const folder = vscode.Uri.joinPath(model, '..').toString();
    return (
      this.store
        .specifications()
        .filter(({ id, kind, model: named }) =>
          kind === 'vnnlib'
            ? !needsData && vscode.Uri.joinPath(vscode.Uri.parse(id), '..').toString() === folder
            : named === model.fsPath,
        )
        // Those that name the model come first.
        .sort((a, b) => Number(a.kind === 'vnnlib') - Number(b.kind === 'vnnlib') || (a.id < b.id ? -1 : 1))
        .map(({ id }) => vscode.Uri.parse(id))
    );
  }

  #describe(specification: vscode.Uri): string {
    return this.store
      .questions(specification.toString())
      .map(question => `${question.name}: ${headline(question, this.store.isStale(question)).label}`)
      .join(', ');
  }

  /** No specification yet: read the model, ask four things, write one. */
  async #askSpecification(model: vscode.Uri, { title }: Purpose): Promise<Chosen | undefined> {
    const engine = await this.door.open();
    const answer = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Window, title: `Certiscope: reading ${shownPath(model)}` },
      () => engine.info({ model: model.fsPath }),
    );
    const problems = answer.ok ? modelProblems(answer.value) : answer.problems;
    this.store.apply({ kind: 'inspected', model: model.fsPath, problems });
    if (!answer.ok || !answer.value.supported) {
      tellProblems(problems, shownPath(model));
      return undefined;
    }
    const { createSpecification } = await import('./specification-wizard');
    const specification = await createSpecification(model, answer.value, title);
    return specification && { specification, model };
  }

  async #pickFile({ title, needsData }: Purpose): Promise<vscode.Uri | undefined> {
    await this.index.scan();
    const models = this.index.models().map(uri => ({ label: `$(circuit-board) ${shownPath(uri)}`, uri }));
    const specifications = this.store
      .specifications()
      .filter(({ kind }) => !needsData || kind !== 'vnnlib')
      .map(({ id }) => vscode.Uri.parse(id))
      .map(uri => ({ label: `$(checklist) ${shownPath(uri)}`, description: this.#describe(uri), uri }));
    if (models.length + specifications.length === 0) {
      void vscode.window.showInformationMessage(
        'There is no ONNX model in this folder. Open a folder that holds a file ending in .onnx, or the sample (Certiscope: Open Sample).',
      );
      return undefined;
    }
    const picked = await vscode.window.showQuickPick([...specifications, ...models], {
      title,
      placeHolder: 'Which specification or model?',
    });
    return picked?.uri;
  }
}

/** Says the first of several problems; where the rest is found. */
export function tellProblems(problems: readonly Problem[], about: string): void {
  const [first] = problems;
  if (!first) return;
  const sentence = withShortPaths(first.message);
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more; see the Problems view)` : '';
  const action = 'Show Log';
  void vscode.window
    .showErrorMessage(`${sentence.includes(about) ? '' : `${about}: `}${sentence}${more}`, action)
    .then(picked => {
      if (picked === action) void vscode.commands.executeCommand(COMMAND.showLog);
    });
}

/** Why a model that could be read cannot be verified: every operator that is not supported, or what is wrong with the graph. */
function modelProblems({ path, supported, problem, operators }: ModelInfo): Problem[] {
  if (problem) return [problem];
  if (supported) return [];
  return operators
    .filter(operator => !operator.supported)
    .map(({ opType, reasons }) => ({
      code: 'unsupported',
      message: `${path}: ${opType} cannot be verified. ${reasons.join(' ')}`,
      file: path,
    }));
}

function specificationInEditor({ needsData }: Purpose): vscode.Uri | undefined {
  const document = vscode.window.activeTextEditor?.document.uri;
  const uri = document && specificationUri(document);
  const kind = uri && specificationKind(uri.path);
  return kind && !(needsData && kind === 'vnnlib') ? uri : undefined;
}

/** Says why not, when a file cannot be run. */
export function mayRun(uri: vscode.Uri): boolean {
  if (filePath(specificationUri(uri)) === null) {
    void vscode.window.showWarningMessage(
      'This workspace is virtual: its files are on no disk that the engine can read. Open the folder on the machine it lives on to run it.',
    );
    return false;
  }
  if (vscode.workspace.isTrusted) return true;
  const action = 'Manage Trust';
  void vscode.window
    .showWarningMessage(
      'This workspace is not trusted, so nothing is run. Specifications and verdicts can be read.',
      action,
    )
    .then(picked => picked === action && vscode.commands.executeCommand('workbench.trust.manage'));
  return false;
}
