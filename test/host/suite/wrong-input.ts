/** Every command, called with what it is not made for: it explains itself or asks, changes nothing, and is done with it. */
import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { closeEverything, EXTENSION_ID, file, internals } from './editor';
import { saidDuring } from './said';

interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

/** Commands that need nothing to be about: they do what they do, whatever they are called with. */
const ABOUT_NOTHING = new Set(
  [
    'stop',
    'restartEngine',
    'showResults',
    'clearCache',
    'showLog',
    'refresh',
    'checkSetup',
    'openSample',
    'getStarted',
    'sortRuns',
    'filterRuns',
    'clearRunsFilter',
    'filterResults',
    'clearResultsFilter',
  ].map(name => `certiscope.${name}`),
);

function contributedCommands(): readonly string[] {
  const extension = vscode.extensions.getExtension(EXTENSION_ID);
  assert.ok(extension);
  return (extension.packageJSON as Manifest).contributes.commands.map(({ command }) => command);
}

/** Every file of the workspace, with its time. */
async function filesOfWorkspace(): Promise<readonly string[]> {
  const found = await vscode.workspace.findFiles('**/*', undefined);
  const states = await Promise.all(
    found.map(async uri => `${uri.path} ${(await vscode.workspace.fs.stat(uri)).mtime}`),
  );
  return states.sort();
}

describe('commands on what they are not made for', () => {
  before(internals);
  afterEach(closeEverything);

  const TARGETS: readonly (readonly [name: string, target: () => unknown])[] = [
    ['nothing', () => undefined],
    ['a text', () => file('samples/README.md')],
    ['a folder', () => file('models')],
    ['a file that is not there', () => file('models/nowhere.onnx')],
    ['half a model', () => file('broken/truncated.onnx')],
    ['a specification full of mistakes', () => file('broken/mistakes.certiscope.jsonc')],
    ['an item of a tree that is gone', () => ({ kind: 'question', id: 'file:///nowhere#gone' })],
    ['a number', () => 7],
  ];

  for (const [name, target] of TARGETS)
    it(`with ${name}: each explains itself or asks, and nothing is changed`, async function () {
      this.timeout(120_000);
      const { store, history } = await internals();
      const before = await filesOfWorkspace();
      const runs = history.heads().length;
      for (const command of contributedCommands()) {
        if (ABOUT_NOTHING.has(command)) continue;
        const said = await saidDuring(() => vscode.commands.executeCommand(command, target()));
        const page = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
        const opened = page instanceof vscode.TabInputCustom || page instanceof vscode.TabInputWebview;
        assert.ok(said.length > 0 || opened, `${command} with ${name} says nothing`);
        for (const sentence of said) {
          assert.doesNotMatch(sentence, /undefined|\[object|TypeError|Cannot read|is not a function/, command);
          assert.doesNotMatch(sentence, /^Certiscope could not do that/, command);
        }
        await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      }
      assert.equal(store.isBusy(), false);
      assert.deepEqual(await filesOfWorkspace(), before);
      const added = history.heads().slice(0, history.heads().length - runs);
      assert.ok(added.every(({ outcome }) => outcome === 'failed'));
    });

  it('that are about nothing do not mind what they are called with', async function () {
    this.timeout(120_000);
    for (const command of ABOUT_NOTHING) {
      const said = await saidDuring(() => vscode.commands.executeCommand(command, file('samples/README.md')));
      for (const sentence of said) assert.doesNotMatch(sentence, /could not do that|undefined|\[object/, command);
    }
  });

  it('in a virtual workspace say that there is no disk to read from', async () => {
    const scheme = 'certiscope-nowhere';
    const provider = vscode.workspace.registerFileSystemProvider(scheme, new OneTextFile('{ "model": "m.onnx" }'), {
      isReadonly: true,
    });
    try {
      const specification = vscode.Uri.from({ scheme, path: '/a.certiscope.jsonc' });
      for (const name of [
        'verify',
        'weightTolerance',
        'findAdversarialInputs',
        'patchModel',
        'unstableNeurons',
        'graft',
      ]) {
        const said = await saidDuring(() => vscode.commands.executeCommand(`certiscope.${name}`, specification));
        assert.match(said.join(' '), /This workspace is virtual/, name);
      }
    } finally {
      provider.dispose();
    }
  });
});

/** A file system with the same text in every file. */
class OneTextFile implements vscode.FileSystemProvider {
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;
  constructor(private readonly text: string) {}
  watch = () => new vscode.Disposable(() => undefined);
  stat = () => ({ type: vscode.FileType.File, ctime: 0, mtime: 0, size: this.text.length });
  readDirectory = () => [];
  readFile = () => new TextEncoder().encode(this.text);
  createDirectory = () => this.#refuse();
  writeFile = () => this.#refuse();
  delete = () => this.#refuse();
  rename = () => this.#refuse();
  #refuse(): never {
    throw vscode.FileSystemError.NoPermissions();
  }
}
