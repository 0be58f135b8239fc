// Tuning ε, as a person does it: a check that fails, its counterexample, a smaller ε, verified; the panel with its slider; the largest ε that holds.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTheme } from './workbench.mjs';

/** The digit's specification, with one sample: what is tuned is then about that one. */
const SPECIFICATION = 'digits.certiscope.jsonc';

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
      const specification = await workbench.file('samples', SPECIFICATION);
      await specification.dblclick();
      await page.locator('.view-line', { hasText: 'five grey levels' }).first().waitFor();
      await page.keyboard.press('Alt+z');
      // ε of the second check goes from 5/255 to 10/255: keys, one edit each. The cursor is put into its line.
      await page.locator('.view-line', { hasText: 'five grey levels' }).first().click();
      await page.keyboard.press('Home');
      // The lens beside the key says where the next step leads.
      for (const next of ['7/255', '8/255', '9/255', '10/255', '11/255']) {
        await page.keyboard.press('Control+Alt+.');
        await page
          .locator('.view-line', { hasText: `"${next}"` })
          .first()
          .waitFor();
      }
      await hint(workbench, /10\/255\s(open|holds|fails)/);
      await hint(workbench, /largest/);
      await workbench.picture('tuning-hints-light');
      await (await workbench.lens(/\bRun\b/)).waitFor();
      await workbench.run('Certiscope: Verify This Property');
      await workbench.lens(/falsified ·/, 120_000);
      await (await workbench.lens(/Counterexample/)).click();
      await results.locator('canvas').nth(2).waitFor();
      await workbench.picture('tuning-counterexample');
      // The panel: the same check with a slider, the image and the margins beside it.
      await (await workbench.lens(/Tune/)).click();
      const tuning = page.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
      await tuning.getByRole('table', { name: 'Certified margins' }).waitFor();
      await tuning.locator('.zone.certified').waitFor();
      await workbench.picture('tuning-panel-light');
      for (const theme of ['dark', 'high-contrast']) {
        setTheme(server, theme);
        await page.waitForTimeout(1500);
        await workbench.picture(`tuning-panel-${theme}`);
      }
      setTheme(server, 'dark');
      const slider = tuning.getByRole('slider');
      await slider.focus();
      const before = await slider.getAttribute('aria-valuetext');
      for (let k = 0; k < 10; k++) await slider.press('ArrowLeft');
      assert.notEqual(await slider.getAttribute('aria-valuetext'), before);
      await tuning.locator('.verdict:not(.stale)').waitFor();
      // The largest that holds, for all samples: written as one edit, then run.
      await tuning.getByText('Largest ε, worst sample').click();
      await page
        .locator('.notifications-toasts')
        .getByText(/largest ε that is certified for all/)
        .waitFor({ timeout: 120_000 });
      await workbench.picture('tuning-largest-dark');
      await tuning.getByText('Verify the check').click();
      await workbench.lens(/verified ·/, 120_000);
      await workbench.picture('tuning-verified-dark');
    },
  },
];
