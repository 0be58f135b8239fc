// Tuning ε, as a person does it: a check that fails, its counterexample, a smaller ε, verified; the panel with its slider; the largest ε that holds.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTheme } from './workbench.mjs';

/** A hint in the editor, whose spaces do not break, once one matches. */
async function hint(workbench, pattern, timeout = 30_000) {
  await workbench.page.locator('.view-lines span', { hasText: pattern }).last().waitFor({ timeout });
}

/** @type {import('./journeys.mjs').Journey[]} */
export const TUNING_JOURNEYS = [
  {
    name: 'tuning: a failing check, its counterexample, a smaller ε, verified',
    needs: folder => existsSync(path.join(folder, 'samples/digits.onnx')),
    async walk(workbench, server) {
      const { page, results } = workbench;
      const specification = await workbench.file('tuning', 'digit.certiscope.jsonc');
      await specification.dblclick();
      await page.locator('.view-line', { hasText: 'grey levels' }).first().click();
      // Keys step ε, one edit each; the lens says where the next step leads.
      for (const next of ['10/255', '11/255']) {
        await page.keyboard.press('Control+Alt+.');
        await workbench.lens(next);
      }
      await hint(workbench, /10\/255\s(open|fails)/);
      await hint(workbench, /largest/);
      await workbench.picture('tuning-hints-light');
      await workbench.runFromLens();
      await workbench.lens(/falsified ·/, 120_000);
      await (await workbench.lens(/Counterexample/)).click();
      await results.locator('canvas').nth(2).waitFor();
      await workbench.picture('tuning-counterexample');
      // The panel: the same check with a slider, the image and the margins beside it.
      await (await workbench.lens(/Tune/)).click();
      const tuning = page.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
      await tuning.getByRole('table', { name: 'Certified margins' }).waitFor();
      await tuning.locator('.zone.attacked').waitFor();
      await tuning.locator('canvas').nth(3).waitFor();
      await workbench.picture('tuning-panel-light');
      const slider = tuning.getByRole('slider');
      await slider.focus();
      const before = await slider.getAttribute('aria-valuetext');
      for (let k = 0; k < 60; k++) await slider.press('ArrowLeft');
      assert.notEqual(await slider.getAttribute('aria-valuetext'), before);
      await tuning.locator('.verdict.good:not(.stale)').waitFor();
      await workbench.picture('tuning-slider-light');
      // The largest that holds is written as one edit, then run.
      await tuning.getByText('Largest ε, this sample').click();
      await page
        .locator('.notifications-toasts')
        .getByText(/largest ε that is certified for/)
        .waitFor({ timeout: 120_000 });
      await workbench.picture('tuning-largest-light');
      await tuning.getByText('Verify the check').click();
      await workbench.lens(/verified ·/, 120_000);
      await workbench.picture('tuning-verified-light');
      // The panel comes back after a reload, in another theme.
      for (const theme of ['dark', 'high-contrast']) {
        setTheme(server, theme);
        await workbench.reload();
        await tuning.getByRole('table', { name: 'Certified margins' }).waitFor({ timeout: 90_000 });
        // Verdicts come back for the editor that a person looks at.
        await page.locator('.view-line', { hasText: 'grey levels' }).first().click();
        await workbench.lens(/verified ·/);
        await tuning.locator('.zone.attacked').waitFor();
        await workbench.picture(`tuning-${theme}`);
      }
    },
  },
];
