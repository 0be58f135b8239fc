/** Entry of the quick lane, dist/quick.js: see protocol.ts. Started by `QuickClient` with an IPC channel. */
import { createMessageConnection, IPCMessageReader, IPCMessageWriter } from 'vscode-jsonrpc/node';
import { startGuard } from '../guard-handle';
import { initializeRequest, PROTOCOL_VERSION } from '../protocol';
import { packageVersion } from '../version';
import { QuickLane } from './lane';
import { quickBoundRequest, quickBracketRequest } from './protocol';

const memoryLimit = Number(process.env.CERTISCOPE_MEMORY_LIMIT ?? Infinity);

if (process.send === undefined) {
  process.stderr.write('certiscope: the quick lane is started by the editor, not by hand.\n');
  process.exit(3);
}
startGuard(__dirname, { memoryLimit, endWithParent: true });
process.on('disconnect', () => process.exit());

const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));
const lane = new QuickLane();
connection.onRequest(initializeRequest, ({ protocol, version }) =>
  protocol === PROTOCOL_VERSION && version === packageVersion
    ? { ok: true, value: { protocol, version, processId: process.pid }, warnings: [] }
    : {
        ok: false,
        problems: [
          { code: 'engine/version', message: 'The quick lane belongs to another version. Reload the window.' },
        ],
      },
);
connection.onRequest(quickBoundRequest, params => lane.bound(params));
connection.onRequest(quickBracketRequest, params => lane.bracket(params));
connection.listen();
