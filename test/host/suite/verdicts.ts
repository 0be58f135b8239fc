import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { verdictOf, type QuestionState } from '../../../src/extension/core/verdict-store';
import {
  closeEverything,
  diagnosed,
  diagnosticsOf,
  eventually,
  file,
  internals,
  lensTitles,
  open,
  replace,
} from './editor';

/** The question of a specification once it has a verdict that is not stale. */
async function decided(name: string, check?: string): Promise<QuestionState> {
  const { store } = await internals();
  const find = () =>
    store.questions(file(name).toString()).find(candidate => check === undefined || candidate.name === check);
  const isDecided = (question: QuestionState) =>
    question.activity.kind === 'idle' && verdictOf(question.evidence) !== null && !store.isStale(question);
  return eventually(
    `a verdict of ${name}`,
    () => {
      const question = find();
      return question && isDecided(question) ? question : null;
    },
    20_000,
    () => JSON.stringify([find(), store.specification(file(name).toString())]),
  );
}

describe('verdicts', () => {
  before(internals);
  afterEach(closeEverything);

  it('a verified property is green everywhere and leaves no diagnostic', async () => {
    const { document } = await open('models/holds.vnnlib');
    await vscode.commands.executeCommand('certiscope.verify', document.uri);
    const question = await decided('models/holds.vnnlib');
    assert.equal(verdictOf(question.evidence), 'verified');
    assert.deepEqual(diagnosticsOf('models/holds.vnnlib'), []);
    const [state] = await lensTitles(document.uri);
    assert.match(state ?? '', /^\$\(pass-filled\) verified/);
    const [hover] = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      new vscode.Position(question.anchor.start.line, 3),
    );
    const text =
      hover?.contents.map(content => (typeof content === 'string' ? content : content.value)).join('\n') ?? '';
    assert.match(text, /exact arithmetic/);
  });

  it('the first keystroke dims the verdict at once; taking it back brings the verdict back', async () => {
    const editor = await open('models/holds.vnnlib');
    await vscode.commands.executeCommand('certiscope.verify', editor.document.uri);
    const question = await decided('models/holds.vnnlib');
    const { store } = await internals();
    await replace(editor, '0.5', '0.25');
    assert.equal(store.isStale(store.question(question.id)!), true);
    const [dimmed] = diagnosticsOf('models/holds.vnnlib').filter(({ code }) => code === 'stale');
    assert.ok(dimmed, 'the diagnostic must be there without waiting');
    assert.deepEqual(dimmed.tags, [vscode.DiagnosticTag.Unnecessary]);
    assert.equal(dimmed.severity, vscode.DiagnosticSeverity.Hint);
    const [state] = await lensTitles(editor.document.uri);
    assert.match(state ?? '', /stale/);
    await replace(editor, '0.25', '0.5');
    await eventually('the verdict counts again', () => !store.isStale(store.question(question.id)!));
  });

  it('a comment does not make a verdict stale for longer than it takes to read the text', async () => {
    const editor = await open('models/holds.vnnlib');
    await vscode.commands.executeCommand('certiscope.verify', editor.document.uri);
    const { id } = await decided('models/holds.vnnlib');
    await replace(editor, '; unsafe when', '; it must not happen that');
    const { store } = await internals();
    await eventually('the verdict counts again', () => !store.isStale(store.question(id)!));
  });

  it('the unsaved text is what is verified', async () => {
    const editor = await open('models/holds.vnnlib');
    await replace(editor, '(assert (<= Y_0 Y_1))', '(assert (>= Y_0 Y_1))');
    await vscode.commands.executeCommand('certiscope.verify', editor.document.uri);
    await diagnosed('models/holds.vnnlib', 'falsified');
    assert.equal(editor.document.isDirty, true);
  });

  it('a perturbation specification has a verdict for every check, and ε in both units', async () => {
    const editor = await open('pictures/halves.certiscope.jsonc');
    await vscode.commands.executeCommand('certiscope.verify', editor.document.uri);
    const hardly = await decided('pictures/halves.certiscope.jsonc', 'hardly');
    const five = await decided('pictures/halves.certiscope.jsonc', 'five levels');
    assert.equal(verdictOf(hardly.evidence), 'verified');
    assert.equal(hardly.evidence?.results.length, 2);
    assert.equal(verdictOf(five.evidence), 'falsified');
    assert.deepEqual(
      five.evidence?.results.map(({ verdict }) => verdict.kind),
      ['verified', 'falsified'],
    );
    assert.ok(five.evidence?.results[1]?.epsilon);
  });

  it('one property can be run by itself', async () => {
    const editor = await open('pictures/halves.certiscope.jsonc');
    await vscode.commands.executeCommand('certiscope.clearCache');
    const { store } = await internals();
    const id = `${editor.document.uri.toString()}#hardly`;
    await vscode.commands.executeCommand('certiscope.verifyQuestion', id);
    await decided('pictures/halves.certiscope.jsonc', 'hardly');
    assert.equal(store.question(`${editor.document.uri.toString()}#five levels`)?.evidence, null);
  });

  it('a changed model makes its verdicts stale', async () => {
    await open('models/holds.vnnlib');
    await vscode.commands.executeCommand('certiscope.verify', file('models/holds.vnnlib'));
    const { id } = await decided('models/holds.vnnlib');
    const model = file('models/distances.onnx');
    await vscode.workspace.fs.writeFile(model, await vscode.workspace.fs.readFile(model));
    const { store } = await internals();
    await eventually('stale', () => store.isStale(store.question(id)!));
  });

  it('the results open beside the editor and leave the focus where it is', async () => {
    const editor = await open('models/fails.vnnlib');
    await vscode.commands.executeCommand('certiscope.verify', editor.document.uri);
    const { id } = await decided('models/fails.vnnlib');
    await vscode.commands.executeCommand('certiscope.openCounterexample', id);
    await eventually('the panel', () =>
      vscode.window.tabGroups.all
        .flatMap(({ tabs }) => tabs)
        .find(({ input }) => input instanceof vscode.TabInputWebview),
    );
    assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), editor.document.uri.toString());
  });

  it('a counterexample can be copied as a VNN-LIB assignment', async () => {
    const editor = await open('models/fails.vnnlib');
    await vscode.commands.executeCommand('certiscope.verify', editor.document.uri);
    const { id } = await decided('models/fails.vnnlib');
    await vscode.commands.executeCommand('certiscope.copyCounterexample', id);
    const copied = await vscode.env.clipboard.readText();
    assert.match(copied, /^\(\(X_0 \S+\)\n\(X_1 \S+\)\n\(Y_0 \S+\)\n\(Y_1 \S+\)\)\n$/);
  });

  it('the Test Explorer runs what it lists', async () => {
    await vscode.commands.executeCommand('certiscope.clearCache');
    await open('models/holds.vnnlib');
    await vscode.commands.executeCommand('testing.refreshTests');
    await vscode.commands.executeCommand('testing.runCurrentFile');
    const question = await decided('models/holds.vnnlib');
    assert.equal(verdictOf(question.evidence), 'verified');
  });
});
