// The model page: a small model in every theme, its weights, its layers in colours; a large one with groups; broken and odd ones.
import assert from 'node:assert/strict';
import { setTheme } from './workbench.mjs';

/** The page of a model: the webview that is on the screen. */
function pageIn(workbench) {
  return workbench.page.frameLocator('iframe.webview.ready:visible').last().frameLocator('iframe#active-frame');
}

async function openPage(workbench, ...steps) {
  await workbench.contextMenu(await workbench.file(...steps), 'Open Model Page');
  await workbench.page.locator('.tab.active', { hasText: steps.at(-1) }).waitFor();
  return pageIn(workbench);
}

/** @type {import('./journeys.mjs').Journey[]} */
export const MODEL_JOURNEYS = [
  {
    name: 'the model page: a small model, its weights, its layers in colours',
    async walk(workbench, server) {
      // A double click leaves the file to whoever shows it by default.
      await (await workbench.file('models', 'distances.onnx')).dblclick();
      await workbench.page.locator('.tab.active', { hasText: 'distances.onnx' }).waitFor();
      assert.equal(await workbench.page.locator('iframe.webview.ready:visible').count(), 0);
      const page = await openPage(workbench, 'models', 'distances.onnx');
      const box = name => page.getByRole('treeitem', { name });
      await box(/Gemm layer_0/).click();
      await page.getByRole('heading', { name: 'Weights and constants' }).waitFor();
      await page
        .getByRole('img', { name: /Histogram of W_0/ })
        .or(page.getByText('1, 0, -1, 0'))
        .first()
        .waitFor();
      await workbench.picture('model-small-light');
      // From the picture to a verdict: the property says which neurons are unstable.
      const property = await workbench.file('models', 'fails.vnnlib');
      await property.dblclick();
      await workbench.runFromLens();
      await workbench.lens(/falsified ·/);
      await workbench.page.locator('.tab', { hasText: 'distances.onnx' }).last().click();
      await page.getByLabel('Colour').click();
      await page.getByRole('option', { name: 'Unstable neurons' }).click();
      await box(/Relu relu_0; .*Unstable neurons: \d+%/).waitFor();
      for (const theme of ['light', 'dark', 'high-contrast']) {
        setTheme(server, theme);
        // The page comes back as it was: its colours, and what was chosen.
        await workbench.reload();
        await box(/Relu relu_0; .*Unstable neurons: \d+%/).waitFor();
        assert.equal(await box(/Gemm layer_0/).getAttribute('aria-selected'), 'true');
        await page.getByRole('heading', { name: 'Weights and constants' }).waitFor();
        await workbench.picture(`model-unstable-${theme}`);
      }
    },
  },
  {
    name: 'the model page: a large model by keyboard, search and table',
    theme: 'dark',
    async walk(workbench, server) {
      const page = await openPage(workbench, 'graphs', 'deep.onnx');
      await page.getByRole('treeitem', { name: /Group stage0/ }).waitFor();
      await workbench.picture('model-large-dark');
      const drawing = page.getByRole('tree');
      await drawing.focus();
      for (const key of ['Home', 'ArrowDown', 'ArrowDown', 'Enter', 'ArrowDown', 'Enter', 'ArrowDown'])
        await drawing.press(key);
      await page.locator('[role="treeitem"][aria-selected="true"]', { hasText: 'conv1' }).waitFor();
      await workbench.picture('model-large-open');
      const search = page.locator('vscode-text-field input');
      await search.fill('unit100/');
      await search.press('Enter');
      await page.getByText('1 of 5').waitFor();
      await page.locator('[role="treeitem"][aria-selected="true"]', { hasText: 'conv1' }).waitFor();
      await workbench.picture('model-search');
      await search.fill('');
      await page.getByLabel('Colour').click();
      await page.getByRole('option', { name: 'Spread of weights' }).click();
      await page.getByTitle('Close all groups').click();
      const weights = page.getByText('Read the weights', { exact: true });
      for (const theme of ['dark', 'high-contrast', 'light']) {
        if (theme !== 'dark') {
          setTheme(server, theme);
          await workbench.reload();
        }
        await weights.click();
        await page.getByRole('treeitem', { name: /Group stage0.*Spread of weights/ }).waitFor();
        await page.getByText(/have not been read/).waitFor({ state: 'hidden' });
        await workbench.picture(`model-spread-${theme}`);
      }
      await page.getByRole('tab', { name: 'Table' }).click();
      await page
        .getByRole('columnheader', { name: /Spread/ })
        .getByRole('button')
        .click();
      await page.getByRole('row').nth(5).click();
      await workbench.picture('model-table');
    },
  },
  {
    name: 'the model page: an operator that is not supported, a broken file, a file that is replaced',
    async walk(workbench) {
      const odd = await openPage(workbench, 'graphs', 'odd.onnx');
      await odd.getByText('1 node is not supported').waitFor();
      await odd.getByRole('treeitem', { name: /Fantasy second.*not supported/ }).click();
      await odd.getByText(/“second” is not supported/).waitFor();
      await workbench.picture('model-odd');
      const broken = await openPage(workbench, 'broken', 'truncated.onnx');
      await broken.getByText(/this is no complete ONNX file/).waitFor();
      await workbench.picture('model-broken');
    },
  },
];
