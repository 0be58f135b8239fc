// `npm run test:host`: the suite in a real extension host, first with the extension in development and started by @vscode/test-electron, then
// with the packaged VSIX installed, then in a workspace that is not trusted. With VSCODE_TEST_EXECUTABLE=desktop the first part downloads and
// uses a desktop VS Code where one can be had.
import { runTests } from '@vscode/test-electron';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { installHost } from './install-host.mjs';
import { readResults, runSuite } from './launch.mjs';
import { bundleSuite, installedExtensions, makeWorkspace, packageExtension, testDriver } from './prepare.mjs';
import { ROOT } from './server.mjs';

const only = process.argv[2];
installHost();
const tests = await bundleSuite();
const vsix = packageExtension();
const extensionsDir = installedExtensions(vsix);
const SCRATCH = path.join(ROOT, '.vscode-test');
const folder = path.join(SCRATCH, 'workspace');
const total = { passed: 0, failed: 0, skipped: 0 };

/**
 * @param {string} name
 * @param {(env: Record<string, string>) => Promise<number>} start resolves to the exit code
 */
async function part(name, start) {
  if (only && only !== name) return;
  const results = path.join(ROOT, `test/artefacts/host-${name}.json`);
  rmSync(results, { force: true });
  await makeWorkspace(folder);
  // What an earlier run left open would be opened again, and would activate the extension before its first test.
  for (const left of ['user-data', 'test-extensions'])
    rmSync(path.join(SCRATCH, left), { recursive: true, force: true });
  console.log(`\n— ${name}`);
  const code = await start({ VSCODE_TEST_RESULTS: results, CERTISCOPE_TEST_PART: name });
  const read = readResults(results);
  const failures = read ? read.stats.failures : 0;
  total.passed += read?.stats.passes ?? 0;
  total.skipped += read?.stats.pending ?? 0;
  // An exit code without a failed test, or no results at all, is a failure of its own.
  total.failed += failures > 0 ? failures : code !== 0 || !read || read.stats.tests === 0 ? 1 : 0;
}

await part('development', async env => {
  try {
    return await runTests({
      ...(process.env['VSCODE_TEST_EXECUTABLE'] === 'desktop'
        ? {}
        : { vscodeExecutablePath: path.join(ROOT, 'test/host/code-shim.mjs') }),
      extensionDevelopmentPath: ROOT,
      extensionTestsPath: tests,
      launchArgs: [
        folder,
        `--user-data-dir=${path.join(SCRATCH, 'user-data')}`,
        `--extensions-dir=${path.join(SCRATCH, 'test-extensions')}`,
      ],
      extensionTestsEnv: env,
    });
  } catch (error) {
    console.error(String(error));
    return 1;
  }
});
await part('packaged', env => runSuite({ tests, development: [testDriver()], folder, extensionsDir, env }));
await part('untrusted', env =>
  runSuite({
    tests,
    development: [testDriver()],
    folder,
    extensionsDir,
    env,
    trust: true,
    settings: { 'security.workspace.trust.startupPrompt': 'never', 'security.workspace.trust.banner': 'never' },
  }),
);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
