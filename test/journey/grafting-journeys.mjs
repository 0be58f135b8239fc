// From a model to the neurons that make it hard to verify, to a mask, to a grafted model that is saved.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';

/** Goes from the light theme to the dark one or back, as a person does, and waits until a page has it. */
async function toggle(workbench, page, theme) {
  await workbench.run('Preferences: Toggle between Light/Dark Themes');
  await page.locator(`body.vscode-${theme}`).waitFor();
}

/** @type {import('./journeys.mjs').Journey[]} */
export const GRAFTING_JOURNEYS = [
  {
    name: 'grafting: a model, its unstable neurons, a mask, a grafted model',
    needs: folder => existsSync(path.join(folder, 'samples/digits-conv.onnx')),
    async walk(workbench) {
      const { page } = workbench;
      const model = await workbench.file('samples', 'digits-conv.onnx');
      await workbench.contextMenu(model, 'Unstable Neurons', 'neurons-menu');
      const panel = page.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
      await panel.getByRole('heading', { name: 'Unstable neurons' }).waitFor();
      const slider = panel.getByRole('slider', { name: 'ε' });
      await slider.waitFor({ timeout: 120_000 });
      await panel.getByRole('button', { name: 'Graft…' }).waitFor({ timeout: 120_000 });
      assert.equal(await slider.getAttribute('aria-valuetext'), '1/255');
      // A click on a neuron shows its bounds around every sample.
      await panel
        .locator('.maps canvas')
        .first()
        .click({ position: { x: 40, y: 30 } });
      await panel.getByRole('heading', { name: /relu_1, channel \d+, row \d+, column \d+/ }).waitFor();
      await panel.locator('svg.ranges').waitFor();
      await workbench.picture('neurons-light');
      await panel.locator('svg.ranges').scrollIntoViewIfNeeded();
      await workbench.picture('neurons-bounds-light');
      await slider.focus();
      await slider.press('ArrowLeft');
      assert.equal(await slider.getAttribute('aria-valuetext'), '0.5/255');
      await panel.getByLabel('By', { exact: true }).click();
      await panel.getByRole('option', { name: 'pixel' }).click();
      await toggle(workbench, panel, 'dark');
      await workbench.picture('neurons-dark');
      await toggle(workbench, panel, 'light');

      await panel.getByRole('button', { name: 'Graft…' }).click();
      const grafting = page.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
      await grafting.getByRole('heading', { name: 'Linearity grafting' }).waitFor();
      const counts = grafting.getByRole('table', { name: 'Linear neurons by layer' });
      await counts.waitFor({ timeout: 120_000 });
      const ratio = grafting.getByRole('slider', { name: /Part of the neurons/ });
      await ratio.focus();
      for (let k = 0; k < 10; k++) await ratio.press('ArrowLeft');
      await counts.getByRole('row', { name: /all 512 205 40\.0 %/ }).waitFor();
      await workbench.picture('grafting-mask-light');
      await grafting.getByRole('button', { name: 'Train', exact: true }).click();
      const ended = grafting.getByRole('main').getByText('Trained for 5 epochs.');
      await ended.waitFor({ timeout: 180_000 });
      await ended.scrollIntoViewIfNeeded();
      await workbench.picture('grafting-trained-light');
      const seconds = grafting.locator('vscode-text-field[aria-label^="Seconds of the verifier"] input');
      await seconds.fill('1');
      await seconds.press('Enter');
      await grafting.getByRole('button', { name: 'Compare Outcomes' }).click();
      await grafting.locator('svg.flow').waitFor({ timeout: 300_000 });
      await grafting.locator('svg.flow').scrollIntoViewIfNeeded();
      await workbench.picture('grafting-outcomes-light');
      await toggle(workbench, grafting, 'dark');
      await grafting.locator('svg.flow').scrollIntoViewIfNeeded();
      await workbench.picture('grafting-outcomes-dark');
      await ratio.scrollIntoViewIfNeeded();
      await workbench.picture('grafting-mask-dark');
      await grafting.getByRole('button', { name: /Save Grafted Model/ }).click();
      await workbench.quickInput.locator('input:visible').first().waitFor();
      await workbench.picture('grafting-save');
      await page.keyboard.press('Enter');
      await workbench.file('samples', 'digits-conv.grafted.onnx');
      await workbench.picture('grafting-saved');
    },
  },
];
