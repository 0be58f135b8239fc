// The journeys. Each begins in a fresh window on the workspace of test/host/fixtures.ts (and the project's samples, once they are there).
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { RUN_JOURNEYS } from './runs-journeys.mjs';
import { setTheme } from './workbench.mjs';

/**
 * @typedef {object} Journey
 * @property {string} name
 * @property {'light' | 'dark' | 'high-contrast'} [theme]
 * @property {(folder: string) => boolean} [needs]
 * @property {boolean} [keepsStorage] what the extension kept in the workspace is looked for after a reload
 * @property {(workbench: import('./workbench.mjs').Workbench, server: object) => Promise<void>} walk
 */

/** @type {Journey[]} */
export const JOURNEYS = [
  {
    name: 'the Certiscope view before anything was run',
    async walk(workbench) {
      await workbench.activity('Certiscope');
      const models = workbench.page.locator('.pane', {
        has: workbench.page.locator('.pane-header', { hasText: 'Models' }),
      });
      await models
        .getByRole('treeitem', { name: /halves\.onnx/ })
        .first()
        .waitFor();
      await workbench.picture('view-before');
      await workbench.run('Certiscope: Show Results');
      await workbench.results.getByText('No results yet').waitFor();
      await workbench.picture('panel-empty');
    },
  },
  {
    name: 'right-click a model, read the verdict, open the counterexample',
    async walk(workbench, server) {
      const model = await workbench.file('pictures', 'halves.onnx');
      await workbench.contextMenu(model, 'Verify', 'context-menu');
      await workbench.page.locator('.tab', { hasText: 'halves.certiscope.jsonc' }).waitFor();
      await workbench.lens(/verified ·/);
      await workbench.lens(/falsified ·/);
      const toast = workbench.page
        .locator('.notifications-toasts')
        .getByText(/five levels.*is falsified for 1 of 2 samples/);
      await toast.waitFor();
      await workbench.picture('verdicts-light');
      const problems = await workbench.problems();
      await problems
        .getByText(/falsified/)
        .first()
        .waitFor();
      await workbench.picture('diagnostic');
      await workbench.page.getByRole('button', { name: 'Open Counterexample' }).click();
      const { results } = workbench;
      await results.getByRole('heading', { name: 'five levels' }).waitFor();
      await results.locator('canvas').nth(2).waitFor();
      await results
        .getByText(/ONNX Runtime/)
        .first()
        .waitFor();
      assert.equal(await results.locator('canvas').count(), 3);
      await workbench.page.locator('.part.panel .codicon-panel-close, .part.panel .codicon-close').first().click();
      await workbench.picture('counterexample-light');
      for (const theme of ['dark', 'high-contrast']) {
        setTheme(server, theme);
        // A reload brings the panel back with what it showed, from the engine's store.
        await workbench.reload();
        await results.locator('canvas').nth(2).waitFor();
        await workbench.lens(/falsified ·/);
        await workbench.picture(`counterexample-${theme}`);
      }
      await results.getByRole('option', { name: /Sample 0/ }).click();
      await results.getByRole('heading', { name: /Sample 0/ }).waitFor();
      await workbench.picture('verified-sample');
    },
  },
  {
    name: 'the project’s own sample: digits, a counterexample as a picture',
    needs: folder => existsSync(path.join(folder, 'samples/digits.onnx')),
    async walk(workbench) {
      const model = await workbench.file('samples', 'digits.onnx');
      await workbench.contextMenu(model, 'Verify');
      await workbench.pick('digits.certiscope.jsonc', 'sample-which-specification');
      await workbench.lens(/falsified ·/, 120_000);
      await workbench.page.getByRole('button', { name: 'Open Counterexample' }).click();
      await workbench.results.locator('canvas').nth(2).waitFor();
      await workbench.results.getByRole('table', { name: 'Outputs' }).waitFor();
      await workbench.picture('sample-counterexample');
      await workbench.results.getByRole('heading', { name: 'Outputs' }).scrollIntoViewIfNeeded();
      await workbench.results.getByRole('heading', { name: 'Facts' }).scrollIntoViewIfNeeded();
      await workbench.picture('sample-outputs');
      const { results } = workbench;
      const labels = results.getByRole('table', { name: 'Labels' });
      assert.equal(await labels.getByRole('row').count(), 10);
      await labels.getByText('falsified').waitFor();
      await results.getByRole('table', { name: 'Unstable neurons' }).scrollIntoViewIfNeeded();
      await workbench.picture('sample-labels');
      await workbench.results.getByLabel('Input as').click();
      await workbench.results.getByRole('option', { name: 'table' }).click();
      await workbench.results.getByRole('table', { name: 'Changed features' }).waitFor();
      await workbench.picture('sample-table');
    },
  },
  {
    name: 'a model without a specification: four questions, then a verdict',
    async walk(workbench) {
      const model = await workbench.file('fresh', 'halves.onnx');
      await workbench.contextMenu(model, 'Verify');
      await workbench.pick('pictures-idx3-ubyte', 'wizard-1-data');
      await workbench.pick('Divide by 255', 'wizard-2-preprocessing');
      await workbench.pick('The class stays first', 'wizard-3-property');
      await workbench.answer('5/255', 'wizard-4-epsilon');
      await workbench.page.locator('.tab', { hasText: 'halves.certiscope.jsonc' }).waitFor();
      await workbench.lens(/falsified/);
      await workbench.picture('wizard-5-verdict');
    },
  },
  {
    name: 'a VNN-LIB property: verified, then typed in and stale, then falsified',
    theme: 'dark',
    async walk(workbench) {
      const property = await workbench.file('models', 'holds.vnnlib');
      await property.dblclick();
      await workbench.runFromLens();
      await workbench.lens(/verified ·/);
      await workbench.picture('vnnlib-verified');
      await workbench.page.locator('.view-line', { hasText: '(<= Y_0 Y_1)' }).click();
      await workbench.page.keyboard.press('End');
      await workbench.page.keyboard.press('Home');
      await workbench.page.keyboard.type('(assert (<= X_0 0.9)) ');
      await workbench.lens(/stale/, 5000);
      await workbench.page.locator('.testing-run-glyph.codicon-testing-skipped-icon').waitFor();
      await workbench.picture('stale');
    },
  },
  {
    name: 'a long run: progress in every place, and Stop',
    theme: 'dark',
    async walk(workbench) {
      const property = await workbench.file('slow', 'slow.vnnlib');
      await property.dblclick();
      await workbench.runFromLens();
      await (await workbench.lens(/verifying/)).click();
      await workbench.results.locator('progress').waitFor();
      await workbench.page
        .locator('.notifications-toasts')
        .getByText(/Verifying/)
        .waitFor();
      // The bound so far, as a curve that goes on.
      await workbench.results.locator('.chart canvas').waitFor();
      await workbench.picture('busy');
      await workbench.results.getByText('Stop', { exact: true }).click();
      await workbench.lens(/not run yet|unknown/);
      await workbench.picture('stopped');
    },
  },
  {
    name: 'broken models get one clear sentence',
    async walk(workbench) {
      for (const name of ['truncated.onnx', 'empty.onnx']) {
        const model = await workbench.file('broken', name);
        await workbench.contextMenu(model, 'Verify');
        await workbench.page
          .locator('.notifications-toasts')
          .getByText(new RegExp(name.replace('.', '\\.')))
          .first()
          .waitFor();
      }
      const problems = await workbench.problems();
      await problems
        .getByText(/truncated\.onnx/)
        .first()
        .waitFor();
      await workbench.picture('broken-model');
    },
  },
  {
    name: 'the Certiscope view and the Test Explorer after runs',
    theme: 'dark',
    async walk(workbench) {
      for (const name of ['holds.vnnlib', 'fails.vnnlib']) {
        const property = await workbench.file('models', name);
        await property.dblclick();
        await workbench.runFromLens();
        await workbench.lens(/(verified|falsified) ·/);
      }
      await workbench.activity('Certiscope');
      await workbench.page
        .getByRole('treeitem', { name: /fails.*falsified/ })
        .first()
        .waitFor();
      await workbench.picture('view-after');
      await workbench.activity('Testing');
      await workbench.page
        .locator('.test-explorer')
        .getByRole('treeitem', { name: /holds\.vnnlib/ })
        .first()
        .waitFor();
      await workbench.picture('test-explorer');
    },
  },
  {
    name: 'weight tolerance: from a model to the weights that break it',
    needs: folder => existsSync(path.join(folder, 'samples/digits.onnx')),
    async walk(workbench, server) {
      const model = await workbench.file('samples', 'digits.onnx');
      await workbench.contextMenu(model, 'Weight Tolerance', 'tolerance-menu');
      // One sample: the study is done within seconds.
      await workbench.pick('tuning/digit.certiscope.jsonc');
      const { results } = workbench;
      await results.getByRole('heading', { name: 'Weight tolerance' }).waitFor();
      await results.getByRole('table', { name: 'Layers' }).waitFor();
      await workbench.picture('tolerance-working');
      // The study is at its end when there is nothing to stop.
      await results.getByRole('button', { name: 'Run again' }).waitFor({ timeout: 240_000 });
      await results.getByRole('button', { name: 'fc_1' }).click();
      await results.getByRole('heading', { name: 'fc_1' }).waitFor();
      await workbench.picture('tolerance-light');
      const changed = results.getByRole('table', { name: 'Changed weights' });
      await changed.scrollIntoViewIfNeeded();
      assert.ok((await changed.getByRole('row').count()) > 5);
      await workbench.picture('tolerance-weights-light');
      await results.getByRole('heading', { name: 'Which weights matter' }).scrollIntoViewIfNeeded();
      await workbench.picture('tolerance-neurons-light');
      await results.getByText('What is asked').click();
      await results.getByText('What is asked').scrollIntoViewIfNeeded();
      await workbench.picture('tolerance-choices');
      for (const theme of ['dark', 'high-contrast']) {
        setTheme(server, theme);
        // After a reload the answers that are known come back without being worked out again.
        await workbench.reload();
        await results.getByRole('button', { name: 'Run', exact: true }).click();
        await results.getByRole('button', { name: 'Run again' }).waitFor({ timeout: 60_000 });
        await workbench.picture(`tolerance-${theme}`);
      }
      await results.getByRole('button', { name: 'fc_2' }).click();
      await results.getByRole('heading', { name: 'fc_2' }).waitFor();
    },
  },
  {
    name: 'adversarial inputs: from a model to the gallery, the viewer, a test case, and a patch of the model',
    theme: 'dark',
    needs: folder => existsSync(path.join(folder, 'samples/digits.onnx')),
    async walk(workbench) {
      const { results, page } = workbench;
      const model = await workbench.file('samples', 'digits.onnx');
      await workbench.contextMenu(model, 'Find Adversarial Inputs', 'adversarial-menu');
      await workbench.pick('samples/digits.certiscope.jsonc');
      await results.getByRole('heading', { name: 'Adversarial inputs' }).waitFor();
      await results.locator('.tile canvas').first().waitFor();
      await workbench.picture('adversarial-working');
      await results
        .getByText(/inputs have an adversarial input/)
        .first()
        .waitFor({ timeout: 120_000 });
      const gallery = results.getByRole('listbox', { name: 'Adversarial inputs' });
      await gallery.getByRole('option').nth(4).click();
      await results.locator('.outlines').first().waitFor();
      const gain = results.getByRole('slider', { name: 'Gain of the difference' });
      await gain.focus();
      for (let k = 0; k < 3; k++) await page.keyboard.press('ArrowRight');
      await results.getByText('±90.1 of 255 levels').waitFor();
      await workbench.picture('adversarial-viewer');
      await results.getByRole('table', { name: 'Outputs' }).scrollIntoViewIfNeeded();
      await results.getByRole('heading', { name: 'Facts' }).scrollIntoViewIfNeeded();
      await workbench.picture('adversarial-outputs');
      await gallery.scrollIntoViewIfNeeded();
      await gallery.focus();
      await page.keyboard.press('ArrowRight');
      await results.getByText('Metrics', { exact: true }).click();
      await results.getByText('What is asked').click();
      await results.getByRole('table', { name: 'Metrics of the run' }).waitFor();
      await results.getByRole('heading', { name: 'Adversarial inputs' }).scrollIntoViewIfNeeded();
      await workbench.picture('adversarial-metrics');
      await results.getByText('Metrics', { exact: true }).click();
      await results.getByText('What is asked').click();
      // Only what is taken for one class.
      const before = await gallery.getByRole('option').count();
      const taken = results.getByRole('combobox', { name: 'Taken for' });
      await taken.click();
      await taken.getByRole('option', { name: 'class 8', exact: true }).click();
      await results.getByText(/^\d+ of \d+ inputs listed\.$/).waitFor();
      assert.ok((await gallery.getByRole('option').count()) < before);
      await results.getByRole('button', { name: 'Test case' }).click();
      await workbench.quickInput.locator('input:visible').first().press('Enter');
      await page.locator('.tab', { hasText: /as-8\.certiscope\.jsonc/ }).waitFor();
      await (await workbench.lens(/\bRun\b/)).click();
      await workbench.lens(/misclassified/);
      await workbench.picture('adversarial-test-case');
      // A reload of the window brings the gallery back.
      await workbench.reload();
      await page.locator('.tab', { hasText: 'Adversarial Inputs' }).click();
      await results.locator('.tile canvas').first().waitFor({ timeout: 120_000 });
      await results.getByRole('button', { name: 'Patch the model' }).click();
      await workbench.pick('Every layer by itself', 'patch-layers');
      const patch = workbench.page.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
      await patch.getByRole('heading', { name: 'Patch of the model' }).waitFor();
      await patch
        .getByText(/smallest patch that puts|No patch puts/)
        .first()
        .waitFor({ timeout: 240_000 });
      await workbench.picture('patch-of-adversarial-inputs');
    },
  },
  {
    name: 'patch this model: misclassified samples get their label',
    needs: folder => existsSync(path.join(folder, 'samples/digits.onnx')),
    async walk(workbench) {
      const { results } = workbench;
      const model = await workbench.file('samples', 'digits.onnx');
      await workbench.contextMenu(model, 'Patch This Model');
      await workbench.pick('samples/digits.certiscope.jsonc');
      await workbench.pick('Every layer by itself');
      await results
        .getByText(/smallest patch that puts/)
        .first()
        .waitFor({ timeout: 120_000 });
      const layers = results.getByRole('table', { name: 'Patches by layer' });
      assert.equal(await layers.getByRole('row').count(), 4);
      await layers.getByRole('button', { name: 'fc_3' }).click();
      await results.getByRole('heading', { name: 'fc_3' }).waitFor();
      await results.getByRole('table', { name: 'Changed weights' }).waitFor();
      await workbench.picture('patch-light');
    },
  },
  ...RUN_JOURNEYS,
];
