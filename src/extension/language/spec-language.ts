import { getLocation, parseTree, findNodeAtLocation } from 'jsonc-parser';
import * as vscode from 'vscode';
import { parsePerturbationSpec } from '../../spec/perturbation/parse';
import type { Check, PerturbationSpec } from '../../spec/perturbation/spec';
import { mayBeData } from '../core/data-files';
import { checkSentence, epsilonWords } from '../core/check-words';
import type { SpecificationIndex } from '../documents/specification-index';
import type { EngineDoor } from '../engine-door';
import { isTunable } from '../tuning/tuner';
import { PERTURBATION_SELECTOR } from '../tuning/hints';
import { toRange } from '../views/ranges';
import { specFixes } from './spec-fixes';

/** Operators whose weights a check can perturb. */
const WITH_WEIGHTS = /^(Gemm|MatMul|Conv|ConvTranspose)$/;
/** ε that are worth proposing, and what each is. */
const EPSILONS: readonly (readonly [string, string])[] = [
  ['"1/255"', 'one grey level of 8 bits'],
  ['"2/255"', 'two grey levels'],
  ['"4/255"', 'four grey levels'],
  ['"8/255"', 'eight grey levels'],
  ['0.01', 'one percent of a range of 1'],
  ['0.1', 'a tenth of a range of 1'],
];

/** Hover, quick fixes, and completion where the JSON schema does not reach: files, layers, classes, sizes. */
export function registerSpecLanguage(index: SpecificationIndex, door: EngineDoor): vscode.Disposable {
  const language = new SpecLanguage(index, door);
  return vscode.Disposable.from(
    vscode.languages.registerHoverProvider(PERTURBATION_SELECTOR, language),
    vscode.languages.registerCompletionItemProvider(PERTURBATION_SELECTOR, language, '"', ' ', '['),
    vscode.languages.registerCodeActionsProvider(PERTURBATION_SELECTOR, language, {
      providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
    }),
  );
}

class SpecLanguage implements vscode.HoverProvider, vscode.CompletionItemProvider, vscode.CodeActionProvider {
  constructor(
    private readonly index: SpecificationIndex,
    private readonly door: EngineDoor,
  ) {}

  /** Over ε what it is in every unit; over the rest of a check's first line what it claims. */
  provideHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | null {
    if (!isTunable(document)) return null;
    const parsed = parsePerturbationSpec(document.getText(), document.uri.fsPath);
    if (!parsed.ok) return null;
    const spec = parsed.value;
    const check = spec.checks.find(each => toRange(spec.rangeOf(['checks', each.index])).contains(position));
    if (!check) return null;
    const size = toRange(spec.rangeOf(['checks', check.index, 'epsilon']));
    if (check.epsilon && size.contains(position)) return hover(epsilonWords(spec, check), size);
    const place = this.#claimPlace(document, spec, check, position);
    return place && hover([checkSentence(spec, check)], place);
  }

  async provideCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.CompletionItem[]> {
    if (!isTunable(document)) return [];
    const text = document.getText();
    const location = getLocation(text, document.offsetAt(position));
    if (location.isAtPropertyKey) return [];
    const range = valueRange(document, position, location.previousNode);
    const path = location.path.map(part => (typeof part === 'number' ? '#' : part)).join('.');
    const items = async (): Promise<vscode.CompletionItem[]> => {
      switch (path) {
        case 'model':
          return this.#models(document);
        case 'inputs.data':
        case 'inputs.labels':
          return this.#dataFiles(document, path === 'inputs.labels');
        case 'checks.#.layers.#':
          return this.#layers(document);
        case 'property.class':
          return classes(text);
        case 'checks.#.epsilon':
          return EPSILONS.map(([value, detail]) => item(value, detail, vscode.CompletionItemKind.Value));
        case 'checks.#.clip':
          return [item('[0, 1]', 'everything a picture scaled by 1/255 can hold', vscode.CompletionItemKind.Value)];
        case 'inputs.select':
          return [
            item('"0..9"', 'the first ten samples', vscode.CompletionItemKind.Value),
            item('0', 'the first sample', vscode.CompletionItemKind.Value),
          ];
        default:
          return [];
      }
    };
    const found = await items();
    for (const each of found) each.range = range;
    return found;
  }

  provideCodeActions(
    document: vscode.TextDocument,
    _range: vscode.Range,
    { diagnostics }: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    if (!isTunable(document)) return [];
    const text = document.getText();
    return diagnostics.flatMap(diagnostic => {
      if (typeof diagnostic.code !== 'string' || !diagnostic.code.startsWith('spec/')) return [];
      const at = { start: document.offsetAt(diagnostic.range.start), end: document.offsetAt(diagnostic.range.end) };
      return specFixes(diagnostic.code, diagnostic.message, at, text).map(({ title, edit }) => {
        const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
        action.diagnostics = [diagnostic];
        action.isPreferred = true;
        action.edit = new vscode.WorkspaceEdit();
        action.edit.replace(
          document.uri,
          new vscode.Range(document.positionAt(edit.start), document.positionAt(edit.end)),
          edit.text,
        );
        return action;
      });
    });
  }

  /** The name of a check, or what it perturbs: where a person points to ask what it is about. */
  #claimPlace(
    document: vscode.TextDocument,
    spec: PerturbationSpec,
    check: Check,
    position: vscode.Position,
  ): vscode.Range | null {
    const tree = parseTree(document.getText(), [], { allowTrailingComma: true });
    for (const key of ['name', 'perturb']) {
      const node = tree && findNodeAtLocation(tree, ['checks', check.index, key]);
      if (!node) continue;
      const range = toRange(spec.rangeOf(['checks', check.index, key]));
      if (range.contains(position)) return range;
    }
    return null;
  }

  async #models({ uri }: vscode.TextDocument): Promise<vscode.CompletionItem[]> {
    await this.index.scan();
    return this.index
      .models()
      .map(model => item(`"${relative(uri, model)}"`, 'a model of this folder', vscode.CompletionItemKind.File));
  }

  async #dataFiles({ uri }: vscode.TextDocument, labels: boolean): Promise<vscode.CompletionItem[]> {
    const folder = vscode.Uri.joinPath(uri, '..');
    const files = await vscode.workspace.fs.readDirectory(folder).then(undefined, () => []);
    const found = files
      .filter(([name, type]) => type === vscode.FileType.File && mayBeData(name))
      .map(([name]) => item(`"${name}"`, 'beside this specification', vscode.CompletionItemKind.File));
    return labels ? [...found, item('"none"', 'the data has no labels', vscode.CompletionItemKind.Value)] : found;
  }

  /** Layers of the model by name and number, where an engine is there to be asked: a completion starts none. */
  async #layers(document: vscode.TextDocument): Promise<vscode.CompletionItem[]> {
    const model = /"model"\s*:\s*"([^"]+)"/.exec(document.getText())?.[1];
    const engine = await this.door.opened;
    if (model === undefined || !engine || document.uri.scheme !== 'file') return [];
    const answer = await engine.info({ model: vscode.Uri.joinPath(document.uri, '..', model).fsPath });
    if (!answer.ok) return [];
    return answer.value.nodes
      .filter(({ opType, parameters }) => WITH_WEIGHTS.test(opType) && parameters > 0)
      .map(({ name, opType, parameters }, k) =>
        item(
          name === '' ? String(k + 1) : `"${name}"`,
          `layer ${k + 1}, ${opType}, ${parameters} numbers`,
          vscode.CompletionItemKind.Field,
        ),
      );
  }
}

function item(text: string, detail: string, kind: vscode.CompletionItemKind): vscode.CompletionItem {
  const made = new vscode.CompletionItem(text, kind);
  made.detail = detail;
  // What is typed is compared with the text inside of quotes as well.
  made.filterText = text;
  return made;
}

/** The class numbers of the specification, with their names. */
function classes(text: string): vscode.CompletionItem[] {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const names = tree && findNodeAtLocation(tree, ['classes']);
  return (names?.children ?? []).map(({ value }, k) =>
    item(String(k), String(value), vscode.CompletionItemKind.EnumMember),
  );
}

/** The value that is being typed, with its quotes; else just the cursor. */
function valueRange(
  document: vscode.TextDocument,
  position: vscode.Position,
  node: { readonly type: string; readonly offset: number; readonly length: number } | undefined,
): vscode.Range {
  const at = document.offsetAt(position);
  const inside =
    node && node.type !== 'array' && node.type !== 'object' && at >= node.offset && at <= node.offset + node.length;
  return inside
    ? new vscode.Range(document.positionAt(node.offset), document.positionAt(node.offset + node.length))
    : new vscode.Range(position, position);
}

function hover(lines: readonly string[], range: vscode.Range): vscode.Hover | null {
  if (lines.length === 0) return null;
  const text = new vscode.MarkdownString();
  for (const line of lines) text.appendText(line).appendMarkdown('\n\n');
  return new vscode.Hover(text, range);
}

/** A path from the specification's folder to a file. */
function relative(specification: vscode.Uri, file: vscode.Uri): string {
  const from = specification.path.split('/').slice(0, -1);
  const to = file.path.split('/');
  let shared = 0;
  while (shared < from.length && shared < to.length - 1 && from[shared] === to[shared]) shared++;
  return [...from.slice(shared).map(() => '..'), ...to.slice(shared)].join('/');
}
