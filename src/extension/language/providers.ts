import * as vscode from 'vscode';
import { UNPACKED_SCHEME } from '../ids';
import { asVersion2, fixesFor, type Edit } from './vnnlib-fixes';
import {
  explain,
  outlineItems,
  renamable,
  renamePlaces,
  suggestions,
  type ModelShapes,
  type OutlineItem,
  type Suggestion,
} from './vnnlib-answers';
import { indexing, mentionAt, occurrences, type Span, type VnnlibIndex } from './vnnlib-index';

const VNNLIB: vscode.DocumentSelector = [{ language: 'vnnlib' }, { scheme: UNPACKED_SCHEME }];
/** Milliseconds of reading before the extension host may do something else. */
const SLICE = 6;
/** A rename or a list of references does not go beyond this many places. */
const MOST_PLACES = 100_000;

/** What is known of the model that a property is about. */
export type ShapesOf = (document: vscode.TextDocument) => Promise<ModelShapes | null>;

/** Outline, folding, hover, completion, definition, references, rename and quick fixes for VNN-LIB files. */
export function registerVnnlibLanguage(shapesOf: ShapesOf): vscode.Disposable {
  const language = new VnnlibLanguage(shapesOf);
  const { languages } = vscode;
  return vscode.Disposable.from(
    languages.registerDocumentSymbolProvider(VNNLIB, language),
    languages.registerFoldingRangeProvider(VNNLIB, language),
    languages.registerHoverProvider(VNNLIB, language),
    languages.registerCompletionItemProvider(VNNLIB, language, '(', ' '),
    languages.registerDefinitionProvider(VNNLIB, language),
    languages.registerReferenceProvider(VNNLIB, language),
    languages.registerRenameProvider(VNNLIB, language),
    languages.registerCodeActionsProvider(VNNLIB, language, {
      providedCodeActionKinds: [vscode.CodeActionKind.QuickFix, vscode.CodeActionKind.RefactorRewrite],
    }),
    vscode.workspace.onDidCloseTextDocument(document => language.forget(document)),
  );
}

class VnnlibLanguage
  implements
    vscode.DocumentSymbolProvider,
    vscode.FoldingRangeProvider,
    vscode.HoverProvider,
    vscode.CompletionItemProvider,
    vscode.DefinitionProvider,
    vscode.ReferenceProvider,
    vscode.RenameProvider,
    vscode.CodeActionProvider
{
  readonly #known = new Map<string, { readonly version: number; readonly index: Promise<VnnlibIndex | null> }>();

  constructor(private readonly shapesOf: ShapesOf) {}

  forget(document: vscode.TextDocument): void {
    this.#known.delete(document.uri.toString());
  }

  async provideDocumentSymbols(document: vscode.TextDocument): Promise<vscode.DocumentSymbol[]> {
    const index = await this.#index(document);
    return index ? outlineItems(document.getText(), index).map(item => symbol(document, item)) : [];
  }

  async provideFoldingRanges(document: vscode.TextDocument): Promise<vscode.FoldingRange[]> {
    const index = await this.#index(document);
    if (!index) return [];
    const ranges: vscode.FoldingRange[] = [];
    const text = document.getText();
    for (const command of [...index.commands, ...runs(index)]) {
      // Most commands are a line long; their positions need not be looked up.
      const newline = text.indexOf('\n', command.start);
      if (newline < 0 || newline >= command.end) continue;
      const { start, end } = rangeOf(document, command);
      ranges.push(new vscode.FoldingRange(start.line, end.line));
    }
    return ranges;
  }

  async provideHover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | null> {
    const index = await this.#index(document);
    const text = document.getText();
    const mention = index && mentionAt(text, index, document.offsetAt(position));
    if (!index || !mention) return null;
    const shapes = await this.shapesOf(document).catch(() => null);
    const lines = explain(text, index, mention, shapes).map(line => new vscode.MarkdownString().appendText(line));
    return new vscode.Hover(lines, rangeOf(document, mention));
  }

  async provideCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.CompletionItem[]> {
    const index = await this.#index(document);
    if (!index) return [];
    return suggestions(document.getText(), index, document.offsetAt(position)).map(completion);
  }

  async provideDefinition(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Location | null> {
    const index = await this.#index(document);
    const mention = index && mentionAt(document.getText(), index, document.offsetAt(position));
    const declaration = mention && index.byName.get(mention.name);
    return declaration ? new vscode.Location(document.uri, rangeOf(document, declaration)) : null;
  }

  async provideReferences(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Location[]> {
    const index = await this.#index(document);
    const text = document.getText();
    const mention = index && mentionAt(text, index, document.offsetAt(position));
    if (!mention) return [];
    return occurrences(text, mention.name)
      .slice(0, MOST_PLACES)
      .map(place => new vscode.Location(document.uri, rangeOf(document, place)));
  }

  async prepareRename(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Range> {
    const index = await this.#index(document);
    if (!index) throw new Error('The text is being read; try again.');
    const answer = renamable(document.getText(), index, document.offsetAt(position));
    if (answer.kind === 'refused') throw new Error(answer.reason);
    return rangeOf(document, { start: answer.mention.start, end: answer.mention.nameEnd });
  }

  async provideRenameEdits(
    document: vscode.TextDocument,
    position: vscode.Position,
    newName: string,
  ): Promise<vscode.WorkspaceEdit | null> {
    const index = await this.#index(document);
    const text = document.getText();
    const mention = index && mentionAt(text, index, document.offsetAt(position));
    if (!index || !mention) return null;
    const answer = renamePlaces(text, index, mention.name, newName);
    if (answer.kind === 'refused') throw new Error(answer.reason);
    const edit = new vscode.WorkspaceEdit();
    for (const place of answer.places) edit.replace(document.uri, rangeOf(document, place), newName);
    return edit;
  }

  async provideCodeActions(
    document: vscode.TextDocument,
    _range: vscode.Range,
    context: vscode.CodeActionContext,
  ): Promise<vscode.CodeAction[]> {
    const index = await this.#index(document);
    if (!index || document.uri.scheme === UNPACKED_SCHEME) return [];
    const text = document.getText();
    const actions: vscode.CodeAction[] = [];
    for (const diagnostic of context.diagnostics) {
      if (typeof diagnostic.code !== 'string' || !diagnostic.code.startsWith('vnnlib/')) continue;
      const at = { start: document.offsetAt(diagnostic.range.start), end: document.offsetAt(diagnostic.range.end) };
      for (const fix of fixesFor(diagnostic.code, diagnostic.message, at, text, index)) {
        const action = new vscode.CodeAction(fix.title, vscode.CodeActionKind.QuickFix);
        action.diagnostics = [diagnostic];
        action.isPreferred = fix.preferred;
        action.edit = workspaceEdit(document, fix.edits);
        actions.push(action);
      }
    }
    // Only when a person asks: the whole text is read for it, and a light bulb on every line helps nobody.
    const wantsRewrite =
      context.triggerKind === vscode.CodeActionTriggerKind.Invoke &&
      (!context.only || context.only.contains(vscode.CodeActionKind.RefactorRewrite));
    const conversion = wantsRewrite ? asVersion2(text, index) : null;
    if (conversion) {
      const action = new vscode.CodeAction('Write as VNN-LIB 2.0', vscode.CodeActionKind.RefactorRewrite);
      action.edit = workspaceEdit(document, conversion);
      actions.push(action);
    }
    return actions;
  }

  /** Null when the document changed while it was read: whoever asked will ask again. */
  #index(document: vscode.TextDocument): Promise<VnnlibIndex | null> {
    const key = document.uri.toString();
    const known = this.#known.get(key);
    if (known?.version === document.version) return known.index;
    const made = readInSlices(document);
    this.#known.set(key, { version: document.version, index: made });
    return made;
  }
}

async function readInSlices(document: vscode.TextDocument): Promise<VnnlibIndex | null> {
  const { version } = document;
  const steps = indexing(document.getText());
  for (;;) {
    const until = performance.now() + SLICE;
    do {
      const step = steps.next();
      if (step.done) return step.value;
    } while (performance.now() < until);
    await new Promise(resolve => setImmediate(resolve));
    if (document.isClosed || document.version !== version) return null;
  }
}

/** Declarations, and plain assertions, that follow one another fold as one. */
function runs({ commands }: VnnlibIndex): Span[] {
  const found: Span[] = [];
  let from = 0;
  for (let i = 1; i <= commands.length; i++) {
    if (i < commands.length && commands[i].name === commands[from].name) continue;
    if (i - from > 2) found.push({ start: commands[from].start, end: commands[i - 1].end });
    from = i;
  }
  return found;
}

const SYMBOL_KINDS = {
  group: vscode.SymbolKind.Namespace,
  input: vscode.SymbolKind.Variable,
  output: vscode.SymbolKind.Property,
  assertion: vscode.SymbolKind.Event,
} as const;

function symbol(document: vscode.TextDocument, item: OutlineItem): vscode.DocumentSymbol {
  const made = new vscode.DocumentSymbol(
    item.name === '' ? '…' : item.name,
    item.detail,
    SYMBOL_KINDS[item.kind],
    rangeOf(document, item.whole),
    rangeOf(document, item.selection),
  );
  made.children = item.children.map(child => symbol(document, child));
  return made;
}

const COMPLETION_KINDS = {
  command: vscode.CompletionItemKind.Keyword,
  operator: vscode.CompletionItemKind.Operator,
  variable: vscode.CompletionItemKind.Variable,
  type: vscode.CompletionItemKind.TypeParameter,
} as const;

function completion({ label, snippet, detail, kind }: Suggestion): vscode.CompletionItem {
  const item = new vscode.CompletionItem(label, COMPLETION_KINDS[kind]);
  item.insertText = new vscode.SnippetString(snippet);
  item.detail = detail;
  return item;
}

function workspaceEdit(document: vscode.TextDocument, edits: readonly Edit[]): vscode.WorkspaceEdit {
  const made = new vscode.WorkspaceEdit();
  for (const edit of edits) made.replace(document.uri, rangeOf(document, edit), edit.text);
  return made;
}

function rangeOf(document: vscode.TextDocument, { start, end }: Span): vscode.Range {
  return new vscode.Range(document.positionAt(start), document.positionAt(end));
}
