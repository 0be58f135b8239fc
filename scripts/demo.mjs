// `npm run demo`: a browser-based VS Code with the extension installed, on a copy of the samples. Ctrl+C ends it.
// `npm run demo -- FOLDER` opens a folder of yours instead.
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { installHost } from '../test/host/install-host.mjs';
import { installedExtensions, packageExtension } from '../test/host/prepare.mjs';
import { ROOT, startServer, workbenchUrl } from '../test/host/server.mjs';

const [chosen] = process.argv.slice(2);
if (chosen && !existsSync(chosen)) {
  console.error(`${chosen} is no folder.`);
  process.exit(3);
}
installHost();
console.log('Packaging the extension …');
const extensionsDir = installedExtensions(packageExtension());
const folder = chosen ? path.resolve(chosen) : copyOfSamples();
const server = await startServer({ extensionsDir, userDataDir: path.join(ROOT, '.vscode-test/demo-user') });
console.log(
  `\nVS Code is at\n\n  ${workbenchUrl(server.origin, { folder })}\n\nOpen it in a browser, right-click a model in the Explorer and choose Verify. Ctrl+C ends it.`,
);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.stop().then(() => process.exit(0)));
server.child.once('exit', code => process.exit(code ?? 0));

/** A copy, so that what is tried there leaves the repository as it is. */
function copyOfSamples() {
  const copy = path.join(ROOT, '.vscode-test/demo');
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  cpSync(path.join(ROOT, 'samples'), copy, { recursive: true });
  return copy;
}
