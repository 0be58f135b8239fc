// `node test/host/bench.mjs [streaming]`: a benchmark inside a real extension host, with the extension as it was built last. It prints what it measured.
import path from 'node:path';
import { installHost } from './install-host.mjs';
import { runSuite } from './launch.mjs';
import { bundleSuite, makeWorkspace } from './prepare.mjs';
import { ROOT } from './server.mjs';

installHost();
const tests = await bundleSuite();
const folder = path.join(ROOT, '.vscode-test/bench-workspace');
await makeWorkspace(folder);
const env = {
  VSCODE_TEST_RESULTS: path.join(ROOT, 'test/artefacts/host-bench.json'),
  CERTISCOPE_TEST_SUITE: process.argv[2] ?? 'streaming',
};
process.exit(await runSuite({ tests, development: [ROOT], folder, env }));
