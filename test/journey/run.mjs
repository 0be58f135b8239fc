// `npm run test:journey`: what a person does, in a real browser, with the packaged extension installed. Every journey keeps pictures under
// test/artefacts/journey; look at them. `node test/journey/run.mjs WORD` runs the journeys whose name contains WORD.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { installHost } from '../host/install-host.mjs';
import { launchBrowser } from '../host/launch.mjs';
import { installedExtensions, makeWorkspace, packageExtension } from '../host/prepare.mjs';
import { ROOT, startServer } from '../host/server.mjs';
import { GRAFTING_JOURNEYS } from './grafting-journeys.mjs';
import { JOURNEYS } from './journeys.mjs';
import { MODEL_JOURNEYS } from './model-journeys.mjs';
import { TUNING_JOURNEYS } from './tuning-journeys.mjs';
import { UNHAPPY_JOURNEYS } from './unhappy-journeys.mjs';
import { setTheme, THEMES, Workbench } from './workbench.mjs';

const STORAGE_MS = 6500;

const word = process.argv[2] ?? '';
// Folders of its own: host tests may run at the same time.
const scratch = path.join(ROOT, '.vscode-test/journey');
const folder = path.join(scratch, 'workspace');
installHost();
const extensionsDir = installedExtensions(packageExtension(), path.join(scratch, 'extensions'));
await makeWorkspace(folder);
if (word === '') rmSync(path.join(ROOT, 'test/artefacts/journey'), { recursive: true, force: true });
const server = await startServer({ extensionsDir, settings: { 'workbench.colorTheme': THEMES.light } });
const browser = await launchBrowser();
let passed = 0;
let failed = 0;
let skipped = 0;
for (const journey of [...JOURNEYS, ...MODEL_JOURNEYS, ...TUNING_JOURNEYS, ...GRAFTING_JOURNEYS, ...UNHAPPY_JOURNEYS]) {
  if (!journey.name.includes(word) || journey.needs?.(folder) === false) {
    skipped++;
    console.log(`SKIPPED  ${journey.name}`);
    continue;
  }
  if ((await walked(journey)) || (await walked(journey, 'second walk'))) passed++;
  else failed++;
}
await browser.close();
await server.stop({ keepFiles: failed > 0 });
if (failed > 0) console.error(`The server's log is ${server.logFile}.`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

/**
 * One walk in a window of its own. A walk that fails is told, kept as a picture and gone once more: a reload may lose what a browser had not yet written
 * down, and a busy machine may be late. Twice is a fault.
 */
async function walked(journey, note = '') {
  // VS Code frees a workspace's storage six seconds after its window is gone; one that is opened sooner gets another, and forgets it at the next reload.
  if (journey.keepsStorage) await delay(STORAGE_MS);
  const started = Date.now();
  setTheme(server, journey.theme ?? 'light');
  const workbench = await Workbench.open(browser, server, folder);
  try {
    await journey.walk(workbench, server);
    const facts = [`${((Date.now() - started) / 1000).toFixed(0)} s`, note].filter(Boolean).join(', ');
    console.log(`passed   ${journey.name} (${facts})`);
    return true;
  } catch (error) {
    await workbench.picture(`failed-${journey.name.replace(/\W+/g, '-')}`).catch(() => {});
    console.error(
      `${note ? 'FAILED  ' : 'AGAIN   '} ${journey.name}\n${error instanceof Error ? error.stack : String(error)}`,
    );
    return false;
  } finally {
    await workbench.close();
  }
}
