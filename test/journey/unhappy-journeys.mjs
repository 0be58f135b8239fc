// What goes wrong while a person works: the engine dies, the text changes under a run, the model is replaced, the window is loaded again.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTheme } from './workbench.mjs';

/** A folder of the workspace for one journey, with copies of these files. */
function own(workbench, name, files) {
  const folder = path.join(workbench.folder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const file of files) cpSync(path.join(workbench.folder, file), path.join(folder, path.basename(file)));
  return folder;
}

/** Processes of the engine below the server of these journeys. */
function engines(server) {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' });
  const processes = stdout.split('\n').flatMap(line => {
    const found = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return found ? [{ id: Number(found[1]), parent: Number(found[2]), words: found[3] }] : [];
  });
  const below = id => processes.filter(({ parent }) => parent === id).flatMap(each => [each, ...below(each.id)]);
  return below(server.child.pid)
    .filter(({ words }) => /dist\/engine\.js/.test(words))
    .map(({ id }) => id);
}

/** @type {import('./journeys.mjs').Journey[]} */
export const UNHAPPY_JOURNEYS = [
  {
    name: 'the engine is killed in mid-run: the run goes on in another one',
    async walk(workbench, server) {
      const property = await workbench.file('slow', 'slow.vnnlib');
      await property.dblclick();
      await workbench.runFromLens();
      await workbench.lens(/verifying/);
      await workbench.page.waitForTimeout(1500);
      const [first] = engines(server);
      assert.ok(first, 'an engine is at work');
      process.kill(first, 'SIGKILL');
      for (let k = 0; k < 100 && engines(server).every(id => id === first); k++)
        await workbench.page.waitForTimeout(100);
      const [second] = engines(server).filter(id => id !== first);
      assert.ok(second, 'another engine was started');
      await workbench.lens(/verifying/);
      await workbench.picture('engine-killed');
      await (await workbench.lens(/Stop/)).click();
      await workbench.lens(/not run yet|unknown/);
    },
  },
  {
    name: 'a specification is edited in mid-run: the run is about the text before, and says so',
    theme: 'dark',
    async walk(workbench) {
      own(workbench, 'edited', ['slow/slow.onnx', 'slow/slow.vnnlib']);
      const property = await workbench.file('edited', 'slow.vnnlib');
      await property.dblclick();
      await workbench.runFromLens();
      await workbench.lens(/verifying/);
      await workbench.page.keyboard.press('Control+End');
      await workbench.page.locator('.view-line', { hasText: '(<= Y_0' }).click();
      await workbench.page.keyboard.press('Home');
      await workbench.page.keyboard.type('(assert (<= X_0 1.5)) ');
      await workbench.lens(/verifying an earlier text/, 5000);
      await workbench.picture('edited-mid-run');
      await (await workbench.lens(/Stop/)).click();
      await workbench.lens(/not run yet|stale/);
    },
  },
  {
    name: 'a model is replaced on the disk: its verdict is stale at once, and another after a run',
    theme: 'high-contrast',
    async walk(workbench) {
      const folder = own(workbench, 'replaced', ['models/distances.onnx', 'models/holds.vnnlib']);
      const property = await workbench.file('replaced', 'holds.vnnlib');
      await property.dblclick();
      await workbench.runFromLens();
      await workbench.lens(/verified ·/);
      // Another network of two inputs and two outputs: the one of the untuned weights answers otherwise.
      copyFileSync(path.join(workbench.folder, 'graphs/swapped.onnx'), path.join(folder, 'distances.onnx'));
      await workbench.lens(/verified, stale/);
      await workbench.picture('model-replaced');
      await workbench.runFromLens();
      await workbench.lens(/falsified ·/);
      await workbench.picture('model-replaced-again');
    },
  },
  {
    name: 'a window is loaded again: lenses, glyphs and the Test Explorer say the same',
    keepsStorage: true,
    async walk(workbench, server) {
      const { page } = workbench;
      const property = await workbench.file('models', 'holds.vnnlib');
      await property.dblclick();
      await workbench.runFromLens();
      await workbench.lens(/verified ·/);
      await page.locator('.testing-run-glyph.codicon-testing-passed-icon').first().waitFor();
      setTheme(server, 'dark');
      await workbench.reload();
      await workbench.lens(/verified ·/);
      await page.locator('.testing-run-glyph.codicon-testing-passed-icon').first().waitFor();
      await workbench.picture('reloaded');
      // Nothing is known any more, and nothing looks as if it were.
      await workbench.run('Certiscope: Clear Verdict Cache');
      await workbench.lens(/not run yet/);
      await workbench.reload();
      await workbench.lens(/not run yet/);
      await page.locator('.testing-run-glyph.codicon-testing-run-icon').first().waitFor();
      assert.equal(await page.locator('.testing-run-glyph.codicon-testing-passed-icon').count(), 0);
      await workbench.picture('reloaded-cleared');
    },
  },
];
