// `npm run test:pages`: every page of every panel by itself in a real browser: all of its states, what is typed while work goes on, late answers, keys, reloads.
// `node test/pages/run.mjs WORD` runs the checks whose name contains WORD.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { launchBrowser } from '../host/launch.mjs';
import { BEHAVIOUR } from './behaviour.mjs';
import { buildPages, TestPage } from './page.mjs';
import { SCENES } from './scenes.mjs';
import { unnamed, wide } from './watch.mjs';

const word = process.argv[2] ?? '';
const folder = await buildPages(Object.keys(SCENES));
const browser = await launchBrowser();
let passed = 0;
let failed = 0;

/** @param {string} name @param {(open: (name: string, scene: object) => Promise<TestPage>) => Promise<void>} act */
async function check(name, act) {
  if (!name.includes(word)) return;
  const open = [];
  try {
    await act(async (page, scene) => {
      const opened = await TestPage.open(browser, { folder, name: page, scene });
      open.push(opened);
      return opened;
    });
    for (const { trouble } of open) assert.deepEqual(trouble, []);
    passed++;
  } catch (error) {
    failed++;
    console.error(`FAILED   ${name}\n${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    for (const each of open) await each.close();
  }
}

for (const [page, scenes] of Object.entries(SCENES))
  for (const [state, scene] of Object.entries(scenes))
    await check(`${page}, ${state}: nothing is refused, nothing runs over, everything has a name`, async open => {
      const opened = await open(page, scene);
      assert.deepEqual(await opened.page.evaluate(wide), []);
      assert.deepEqual(await opened.page.evaluate(unnamed), []);
      assert.equal(await opened.page.getByRole('heading', { level: 1 }).count(), 1);
    });
for (const [name, act] of Object.entries(BEHAVIOUR)) await check(name, act);
await browser.close();
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
