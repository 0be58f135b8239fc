// The journey through the history: a failing check, a smaller ε, two runs compared.
import assert from 'node:assert/strict';
import { setTheme } from './workbench.mjs';

/** @type {import('./journeys.mjs').Journey[]} */
export const RUN_JOURNEYS = [
  {
    name: 'a failing check, a smaller ε, two runs compared',
    keepsStorage: true,
    async walk(workbench, server) {
      const { page } = workbench;
      const specification = await workbench.file('pictures', 'halves.certiscope.jsonc');
      await specification.dblclick();
      await workbench.run('Certiscope: Verify');
      await workbench.lens(/falsified ·/);
      await page.locator('.view-line', { hasText: '5/255' }).last().click();
      await page.keyboard.press('Control+h');
      const find = page.locator('.find-widget');
      await find.getByRole('textbox', { name: 'Find' }).fill('"5/255"');
      await find.getByRole('textbox', { name: 'Replace' }).fill('"0.2/255"');
      await page.keyboard.press('Control+Alt+Enter');
      await find.getByRole('button', { name: /Close/ }).click();
      await workbench.lens(/stale/);
      await workbench.run('Certiscope: Verify');
      await page.waitForTimeout(500);
      await workbench.lens(/verified ·/);
      await workbench.activity('Certiscope');
      const runs = page.locator('.pane', { has: page.locator('.pane-header', { hasText: /^Runs/ }) });
      const item = words => runs.getByRole('treeitem', { name: words }).first();
      await item(/4 verified/).waitFor();
      await item(/1 falsified, 3 verified/).waitFor();
      await workbench.picture('runs-view');
      await workbench.contextMenu(item(/4 verified/), 'Compare Runs', 'runs-menu');
      await workbench.pick('1 falsified', 'runs-pick');
      const compare = workbench.results;
      await compare.getByRole('heading', { name: 'Two runs compared' }).waitFor();
      await compare.locator('.change.fixed').waitFor();
      await compare.getByRole('option', { name: /five levels, sample 1/ }).waitFor();
      await compare.locator('.side canvas').nth(2).waitFor();
      // A reload waits for the Explorer.
      await workbench.activity('Explorer');
      await workbench.picture('compare-light');
      // Everything, also what stayed the same; the arrow keys go through it.
      await compare.getByLabel('Show').first().click();
      await compare.getByRole('option', { name: 'all', exact: true }).click();
      await compare.getByText('4 questions').waitFor();
      await compare.getByRole('listbox', { name: 'Questions' }).focus();
      await page.keyboard.press('ArrowDown');
      await compare.getByRole('heading', { name: 'Sample 0' }).first().waitFor();
      await workbench.picture('compare-all');
      for (const theme of ['dark', 'high-contrast']) {
        setTheme(server, theme);
        await workbench.reload();
        await compare.locator('.change.fixed').waitFor({ timeout: 60_000 });
        await workbench.picture(`compare-${theme}`);
      }
      // What the two runs asked, in VS Code's own diff editor.
      await compare.getByText('Show what changed in the specification').click();
      await page.locator('.tab', { hasText: /what the two runs asked/ }).waitFor();
      await page.locator('.monaco-diff-editor .view-line', { hasText: '0.2/255' }).first().waitFor();
      await workbench.picture('compare-texts');
    },
  },
  {
    name: 'getting started: the walkthrough, the setup, the sample, a first verdict',
    theme: 'dark',
    async walk(workbench) {
      const { page } = workbench;
      // The palette of a window that has only just opened knows no extension yet.
      await page.locator('.activitybar').getByRole('tab', { name: 'Certiscope' }).first().waitFor();
      await page.waitForTimeout(1000);
      await workbench.run('Certiscope: Get Started');
      await page.getByText('Check that it works here').waitFor();
      await workbench.picture('walkthrough');
      await page.locator('.getting-started-step').getByText('Check Setup').click();
      await page.getByText('Everything works.').waitFor({ timeout: 60_000 });
      await workbench.picture('setup-report');
      await workbench.run('Certiscope: Open Sample');
      await page.locator('.tab', { hasText: 'digits.certiscope.jsonc' }).waitFor();
      const started = Date.now();
      await workbench.run('Certiscope: Verify');
      await workbench.lens(/falsified ·/, 60_000);
      assert.ok(Date.now() - started < 60_000, 'a first verdict in under a minute');
      await workbench.picture('sample-verdicts');
      await page.getByRole('button', { name: 'Open Counterexample' }).click();
      const { results } = workbench;
      await results.locator('canvas').nth(2).waitFor();
      await results.getByLabel('Show').click();
      await results.getByRole('option', { name: /^misclassified/ }).click();
      await results.getByRole('listbox', { name: 'Results' }).focus();
      await page.keyboard.press('ArrowDown');
      await results.getByRole('heading', { name: /Sample 3/ }).waitFor();
      await workbench.picture('results-filtered');
    },
  },
];
