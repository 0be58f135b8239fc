import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { verdictOf } from '../../../src/extension/core/verdict-store';
import { closeEverything, eventually, file, internals, lensTitles, open, replace } from './editor';

const NAME = 'pictures/halves.certiscope.jsonc';

/** ε of a check as the text has it. */
function epsilon(document: vscode.TextDocument, check: string): string {
  const line = document
    .getText()
    .split('\n')
    .find(text => text.includes(`"${check}"`));
  return /"epsilon": "([^"]*)"/.exec(line ?? '')?.[1] ?? '';
}

function hintLabel({ label }: vscode.InlayHint): string {
  return typeof label === 'string' ? label : label.map(({ value }) => value).join('');
}

async function hints(document: vscode.TextDocument): Promise<string[]> {
  const whole = new vscode.Range(0, 0, document.lineCount, 0);
  const found = await vscode.commands.executeCommand<vscode.InlayHint[]>(
    'vscode.executeInlayHintProvider',
    document.uri,
    whole,
  );
  return found.map(hintLabel);
}

describe('the language of a perturbation specification', () => {
  before(internals);
  afterEach(closeEverything);

  const textOf = (hover: vscode.Hover) =>
    hover.contents.map(content => (typeof content === 'string' ? content : content.value)).join(' ');

  async function hoverAt(document: vscode.TextDocument, text: string): Promise<string> {
    const at = document.positionAt(document.getText().indexOf(text) + 1);
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      at,
    );
    return hovers
      .map(textOf)
      .join(' ')
      .replace(/\\|&nbsp;/g, ' ');
  }

  it('says over ε what it is in every unit, and over a name what is claimed', async () => {
    const { document } = await open(NAME);
    assert.match(await hoverAt(document, '"5/255"'), /5\s+in\s+raw\s+values/);
    assert.match(await hoverAt(document, '"five levels"'), /its\s+label\s+stays\s+ahead/);
  });

  it('mends a fraction without quotes', async () => {
    const editor = await open(NAME);
    const { document } = editor;
    await replace(editor, '"5/255"', '5/255');
    const found = await eventually('a quick fix', async () => {
      const whole = new vscode.Range(0, 0, document.lineCount, 0);
      const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
        'vscode.executeCodeActionProvider',
        document.uri,
        whole,
      );
      return actions.find(({ title }) => title === 'Write "5/255" in quotes');
    });
    assert.ok(found.edit && (await vscode.workspace.applyEdit(found.edit)));
    assert.equal(epsilon(document, 'five levels'), '5/255');
  });

  it('completes what the schema cannot know: models, data and classes', async () => {
    const editor = await open(NAME);
    const { document } = editor;
    const complete = async (before: string) => {
      const at = document.positionAt(document.getText().indexOf(before) + before.length);
      const list = await vscode.commands.executeCommand<vscode.CompletionList>(
        'vscode.executeCompletionItemProvider',
        document.uri,
        at,
      );
      return list.items.map(({ label }) => (typeof label === 'string' ? label : label.label));
    };
    assert.ok((await complete('"model": "')).includes('"halves.onnx"'));
    await replace(editor, '"kind": "label"', '"kind": "target", "class": 1');
    const classes = await complete('"class": ');
    assert.ok(classes.includes('0') && classes.includes('1'), classes.join(' | '));
    assert.ok((await complete('"epsilon": ')).includes('"1/255"'));
  });
});

describe('tuning ε', () => {
  before(internals);
  afterEach(async () => {
    await vscode.workspace.getConfiguration('certiscope').update('quickBounds', undefined, true);
    await closeEverything();
  });

  it('steps it as one edit that one undo takes back, in the way it was written', async () => {
    const { document } = await open(NAME);
    const target = { uri: document.uri.toString(), index: 1 };
    await vscode.commands.executeCommand('certiscope.epsilonUp', target);
    assert.equal(epsilon(document, 'five levels'), '6/255');
    await vscode.commands.executeCommand('certiscope.epsilonDouble', target);
    assert.equal(epsilon(document, 'five levels'), '12/255');
    await vscode.commands.executeCommand('undo');
    assert.equal(epsilon(document, 'five levels'), '6/255');
    await vscode.commands.executeCommand('undo');
    assert.equal(epsilon(document, 'five levels'), '5/255');
    assert.equal(document.isDirty, false);
  });

  it('steps the check that the cursor is in', async () => {
    const editor = await open(NAME);
    const { document } = editor;
    const at = document.positionAt(document.getText().indexOf('"hardly"'));
    editor.selection = new vscode.Selection(at, at);
    await vscode.commands.executeCommand('certiscope.epsilonHalve');
    assert.equal(epsilon(document, 'hardly'), '0.05/255');
    assert.equal(epsilon(document, 'five levels'), '5/255');
  });

  it('has lenses that say where a step leads', async () => {
    const { document } = await open(NAME);
    const titles = await eventually('lenses', async () => {
      const found = await lensTitles(document.uri);
      return found.some(title => title.includes('Tune')) ? found : null;
    });
    for (const title of ['$(arrow-down) 4/255', '$(arrow-up) 6/255', '$(arrow-up) 0.2/255'])
      assert.ok(titles.includes(title), titles.join(' | '));
  });

  it('computes nothing before a person has asked for something with this specification', async () => {
    // Radii that nobody has asked about before: a verdict that is kept of an earlier session was asked for then.
    const quiet = file('pictures/quiet.certiscope.jsonc');
    const text = Buffer.from(await vscode.workspace.fs.readFile(file(NAME))).toString();
    await vscode.workspace.fs.writeFile(quiet, Buffer.from(text.replaceAll('/255", "clip"', '7/255", "clip"')));
    try {
      const { document } = await open('pictures/quiet.certiscope.jsonc');
      await new Promise(resolve => setTimeout(resolve, 600));
      assert.deepEqual(await hints(document), []);
    } finally {
      await vscode.workspace.fs.delete(quiet);
    }
  });

  it('shows beside ε whether it holds and by how much, and the bracket that is known', async () => {
    const editor = await open(NAME);
    const { document } = editor;
    await vscode.commands.executeCommand('certiscope.epsilonUp', { uri: document.uri.toString(), index: 0 });
    const [first, second] = await eventually('a hint for each check', async () => {
      const found = await hints(document);
      return found.length === 2 && found.every(hint => hint.includes('largest')) ? found : null;
    });
    assert.match(first ?? '', /^0\.2\/255 holds by \S+ · /);
    assert.match(second ?? '', /^5\/255 holds by \S+ · largest (?:[\d.]+…|≥ )[\d.]+\/255$/);
  });

  it('knows nothing of a specification with the same words in another folder', async () => {
    // The same text beside another model, for which something else is true.
    const twin = file('fresh/halves.certiscope.jsonc');
    const { document } = await open(NAME);
    await vscode.commands.executeCommand('certiscope.epsilonUp', { uri: document.uri.toString(), index: 0 });
    await eventually('hints', async () => (await hints(document)).length === 2);
    await vscode.workspace.fs.writeFile(twin, Buffer.from(document.getText()));
    const other = await vscode.workspace.openTextDocument(twin);
    assert.deepEqual(await hints(other), []);
    await vscode.workspace.fs.delete(twin);
  });

  it('never shows a hint of an ε that does not stand there any more', async () => {
    await vscode.workspace.getConfiguration('certiscope').update('quickBounds', 'always', true);
    const editor = await open(NAME);
    const { document } = editor;
    await eventually('hints', async () => (await hints(document)).length === 2);
    for (const [from, to] of [
      ['"5/255"', '"7/255"'],
      ['"7/255"', '"9/255"'],
      ['"9/255"', '"4/255"'],
    ] as const) {
      await replace(editor, from, to);
      const shown = (await hints(document)).filter(hint => /^\d/.test(hint));
      assert.ok(
        shown.every(hint => hint.startsWith('0.1/255') || hint.startsWith(to.slice(1, -1))),
        shown.join(' | '),
      );
    }
    await replace(editor, '"4/255"', '"abc"');
    const [only, ...more] = (await hints(document)).filter(hint => /^\d/.test(hint));
    assert.match(only ?? '0.1/255', /^0\.1\/255/);
    assert.deepEqual(more, []);
  });

  it('answers an edit soon, while a long run is at work', async () => {
    await vscode.workspace.getConfiguration('certiscope').update('quickBounds', 'always', true);
    const editor = await open(NAME);
    const { document } = editor;
    await eventually('hints', async () => (await hints(document)).length === 2);
    void vscode.commands.executeCommand('certiscope.verify', file('slow/slow.vnnlib'));
    const { store } = await internals();
    await eventually('a run', () => store.questions().some(({ activity }) => activity.kind === 'running'));
    const times: number[] = [];
    for (let k = 6; k < 16; k++) {
      await replace(editor, `"${k === 6 ? 5 : k - 1}/255"`, `"${k}/255"`);
      const started = Date.now();
      await eventually(`a hint for ${k}/255`, async () =>
        (await hints(document)).some(hint => hint.startsWith(`${k}/255 `)),
      );
      times.push(Date.now() - started);
    }
    await vscode.commands.executeCommand('certiscope.stop', file('slow/slow.vnnlib'));
    times.sort((a, b) => a - b);
    // Two busy cores are shared with the run; the benchmark has the figures of a machine with a core to spare.
    assert.ok((times[5] ?? 0) < 1000, `milliseconds: ${times.join(', ')}`);
  });

  it('finds the largest that holds, writes it as one edit, and a run agrees', async () => {
    const editor = await open(NAME);
    const { document } = editor;
    const target = { uri: document.uri.toString(), index: 1 };
    const searched = vscode.commands.executeCommand('certiscope.largestEpsilon', target);
    await new Promise(resolve => setTimeout(resolve, 500));
    // The first choice is the worst of all samples.
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await searched;
    const found = epsilon(document, 'five levels');
    assert.match(found, /^\d+(\.\d+)?\/255$/);
    assert.notEqual(found, '5/255');
    // The faint picture has two levels between its halves: a little less than one level on either side holds.
    assert.ok(Number.parseFloat(found) < 1 && Number.parseFloat(found) >= 0.98, found);
    await vscode.commands.executeCommand('certiscope.verify', document.uri);
    const { store } = await internals();
    const id = `${document.uri.toString()}#five levels`;
    const question = await eventually('a verdict', () => {
      const candidate = store.question(id);
      return candidate?.activity.kind === 'idle' && verdictOf(candidate.evidence) && !store.isStale(candidate)
        ? candidate
        : null;
    });
    assert.equal(verdictOf(question.evidence), 'verified');
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('undo');
    assert.equal(epsilon(document, 'five levels'), '5/255');
  });

  it('writes nothing where a model has changed while the largest was looked for', async () => {
    const { document } = await open(NAME);
    const { store } = await internals();
    // However soon the search is done: a file has changed between its start and its end.
    const training = setInterval(
      () => store.apply({ kind: 'fileChanged', file: { path: '/trained/meanwhile.onnx', state: `${Date.now()}` } }),
      2,
    );
    const target = { uri: document.uri.toString(), index: 1 };
    const searched = vscode.commands.executeCommand('certiscope.largestEpsilon', target);
    await new Promise(resolve => setTimeout(resolve, 500));
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await searched;
    clearInterval(training);
    assert.equal(epsilon(document, 'five levels'), '5/255');
  });

  it('opens a panel beside the editor and leaves the focus where it is', async () => {
    const editor = await open(NAME);
    await vscode.commands.executeCommand('certiscope.tune', { uri: editor.document.uri.toString(), index: 1 });
    await eventually('the panel', () =>
      vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).find(({ label }) => label.startsWith('Tune ε')),
    );
    assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), editor.document.uri.toString());
  });
});
