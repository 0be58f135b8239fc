import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { UNPACKED_SCHEME } from '../../../src/extension/ids';
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

describe('specifications while typing', () => {
  before(internals);
  afterEach(closeEverything);

  it('every property has its state and Run above it, three lenses at the most', async () => {
    const { document } = await open('pictures/halves.certiscope.jsonc');
    const lenses = await eventually('two lenses for each of two checks', async () => {
      // Those that step ε, and Tune, have tests of their own.
      const titles = (await lensTitles(document.uri)).filter(title => !/arrow|Tune/.test(title));
      return titles.length === 4 ? titles : null;
    });
    assert.deepEqual(lenses, [
      '$(circle-outline) not run yet',
      '$(play) Run',
      '$(circle-outline) not run yet',
      '$(play) Run',
    ]);
  });

  it('a VNN-LIB mistake is reported at its characters, and goes when it is mended', async () => {
    const editor = await open('models/holds.vnnlib');
    await replace(editor, '(<= Y_0 Y_1)', '(<= Y_0 Y_7)');
    const mistake = await eventually('a diagnostic', () =>
      diagnosticsOf('models/holds.vnnlib').find(({ message }) => message.includes('Y_7')),
    );
    assert.equal(mistake.severity, vscode.DiagnosticSeverity.Error);
    assert.equal(editor.document.getText(mistake.range), 'Y_7');
    await replace(editor, 'Y_7', 'Y_1');
    await eventually('no diagnostic', () => diagnosticsOf('models/holds.vnnlib').length === 0);
  });

  it('an unknown key of a perturbation specification is reported at the key', async () => {
    const editor = await open('broken/mistakes.certiscope.jsonc');
    const mistakes = await eventually('diagnostics', () => {
      const found = diagnosticsOf('broken/mistakes.certiscope.jsonc');
      return found.length > 0 ? found : null;
    });
    assert.ok(
      mistakes.some(({ range }) => editor.document.getText(range).includes('chekcs')),
      mistakes.map(({ message }) => message).join('\n'),
    );
  });

  it('a gzipped specification is shown as text, with lenses', async () => {
    const packed = file('packed/holds.vnnlib.gz');
    const shown = packed.with({ scheme: UNPACKED_SCHEME, path: packed.path.slice(0, -3), query: 'file' });
    const document = await vscode.workspace.openTextDocument(shown);
    assert.match(document.getText(), /declare-const X_0 Real/);
    assert.equal(document.languageId, 'vnnlib');
    await eventually('lenses', async () => (await lensTitles(shown)).length === 2);
  });

  it('an engine’s complaint about the model is a diagnostic at the place that names it', async () => {
    await open('pictures/halves.certiscope.jsonc');
    await replace(vscode.window.activeTextEditor!, '"halves.onnx"', '"nowhere.onnx"');
    await vscode.commands.executeCommand('certiscope.verify', file('pictures/halves.certiscope.jsonc'));
    const complaint = await eventually('the missing model', () =>
      diagnosticsOf('pictures/halves.certiscope.jsonc').find(({ message }) => message.includes('nowhere.onnx')),
    );
    assert.equal(complaint.range.start.line, 2);
    assert.doesNotMatch(complaint.message, /\n\s+at /);
  });

  it('a truncated model without a specification is named in a diagnostic on the model', async () => {
    await vscode.commands.executeCommand('certiscope.verify', file('broken/truncated.onnx'));
    const [complaint] = await eventually('a diagnostic', () => {
      const found = diagnosticsOf('broken/truncated.onnx');
      return found.length > 0 ? found : null;
    });
    assert.match(complaint!.message, /truncated\.onnx/);
    await vscode.commands.executeCommand('certiscope.verify', file('broken/empty.onnx'));
    await eventually('a diagnostic on the empty file', () => diagnosticsOf('broken/empty.onnx').length > 0);
  });
});

describe('verdict diagnostics', () => {
  before(internals);
  afterEach(closeEverything);

  it('a falsified property is an error at its own lines', async () => {
    const { document } = await open('models/fails.vnnlib');
    await vscode.commands.executeCommand('certiscope.verify', file('models/fails.vnnlib'));
    const verdict = await diagnosed('models/fails.vnnlib', 'falsified');
    assert.equal(verdict.severity, vscode.DiagnosticSeverity.Error);
    assert.match(document.lineAt(verdict.range.start.line).text, /assert \(<= Y_0 Y_1\)/);
    assert.match(verdict.message, /ONNX Runtime/);
  });
});
