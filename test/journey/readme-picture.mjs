// Makes the README's picture, docs/editor.png, from the real editor on the project's own samples: `node test/journey/readme-picture.mjs`.
import { cpSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { installHost } from '../host/install-host.mjs';
import { launchBrowser } from '../host/launch.mjs';
import { installedExtensions, packageExtension } from '../host/prepare.mjs';
import { ROOT, startServer } from '../host/server.mjs';
import { THEMES, Workbench } from './workbench.mjs';

const MOST_BYTES = 300_000;
const VIEWPORT = { width: 1320, height: 860 };

installHost();
const extensionsDir = installedExtensions(packageExtension());
const folder = path.join(ROOT, '.vscode-test/digits');
rmSync(folder, { recursive: true, force: true });
cpSync(path.join(ROOT, 'samples'), folder, { recursive: true });
const server = await startServer({
  extensionsDir,
  settings: { 'workbench.colorTheme': THEMES.light, 'editor.minimap.enabled': false, 'editor.wordWrap': 'on' },
});
const browser = await launchBrowser();
const picture = path.join(ROOT, 'docs/editor.png');
try {
  const workbench = await Workbench.open(browser, server, folder);
  await workbench.page.setViewportSize(VIEWPORT);
  await workbench.contextMenu(await workbench.file('digits.onnx'), 'Verify');
  await workbench.pick('digits.certiscope.jsonc');
  await workbench.lens(/falsified ·/, 120_000);
  await workbench.page.getByRole('button', { name: 'Open Counterexample' }).click();
  await workbench.results.locator('canvas').nth(2).waitFor();
  await workbench.page.waitForTimeout(1000);
  await workbench.page.screenshot({ path: picture });
} finally {
  await browser.close();
  await server.stop();
}
const { size } = statSync(picture);
console.log(`${picture}: ${size} bytes`);
if (size > MOST_BYTES) {
  console.error(`That is more than ${MOST_BYTES}.`);
  process.exitCode = 1;
}
