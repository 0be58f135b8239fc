/** Entry of the engine process, dist/engine.js. Started by `EngineClient` with an IPC channel. */
import os from 'node:os';
import { createMessageConnection, IPCMessageReader, IPCMessageWriter } from 'vscode-jsonrpc/node';
import { startGuard } from './guard-handle';
import { graphOf, infoOf, inspect, weightsAnswers } from './inspection';
import { openPlan } from './open';
import { serve } from './server';
import { checkSetup } from './setup';
import { loadStudy } from './studies/registry';
import { engineVersion, packageVersion } from './version';

const memoryLimit = Number(process.env.CERTISCOPE_MEMORY_LIMIT ?? Infinity);
const program = engineVersion(packageVersion, __dirname);

if (process.send === undefined) {
  process.stderr.write('certiscope: the engine is started by the editor or by the certiscope command, not by hand.\n');
  process.exit(3);
}
// Before there are threads: they take over the priority of the one that makes them. The guard, a thread too, needs little.
if (process.env.CERTISCOPE_BACKGROUND === '1') stepBack();
startGuard(__dirname, { memoryLimit, endWithParent: true });
process.on('disconnect', () => process.exit());

serve(createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process)), {
  version: packageVersion,
  memoryLimit,
  engineVersion: () => program,
  plan: openPlan,
  info: infoOf,
  graph: graphOf,
  weights: weightsAnswers(),
  inspect,
  setup: checkSetup,
  loadStudy,
  exit: () => process.exit(),
});

/** Lets what a person sees go first where the cores do not suffice for all. */
function stepBack(): void {
  try {
    os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A system that forbids it is left as it is.
  }
}
