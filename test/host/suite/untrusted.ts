import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { diagnosticsOf, eventually, file, internals, lensTitles, open, unpackedStructure } from './editor';

describe('a workspace that is not trusted', () => {
  before(internals);

  it('is what this suite runs in', () => {
    assert.equal(vscode.workspace.isTrusted, false);
  });

  it('can be read: mistakes are reported and properties listed', async () => {
    await open('broken/mistakes.certiscope.jsonc');
    await eventually('diagnostics', () => diagnosticsOf('broken/mistakes.certiscope.jsonc').length > 0);
    const { document } = await open('models/holds.vnnlib');
    const titles = await eventually('lenses', async () => {
      const found = await lensTitles(document.uri);
      return found.length > 0 ? found : null;
    });
    assert.deepEqual(titles, ['$(circle-outline) not run yet', '$(shield) Not trusted']);
  });

  it('shows models, and offers nothing that would run', async () => {
    await vscode.commands.executeCommand('certiscope.openModelPage', file('models/distances.onnx'));
    const { modelPages } = await internals();
    const [shown] = await eventually('the model', () => {
      const known = [...modelPages].flatMap(page => page.shown ?? []);
      return known.length > 0 ? known : null;
    });
    assert.equal(unpackedStructure(shown?.structure)?.info.nodes.length, 4);
    assert.deepEqual(shown?.actions, []);
    assert.match(shown?.notRunning ?? '', /not trusted/);
  });

  it('is not run', async () => {
    const { store } = await internals();
    await vscode.commands
      .executeCommand('certiscope.verify', file('models/holds.vnnlib'))
      .then(undefined, () => undefined);
    await new Promise(resolve => setTimeout(resolve, 1000));
    assert.equal(store.isBusy(), false);
    assert.ok(store.questions().every(({ evidence }) => evidence === null));
  });
});
