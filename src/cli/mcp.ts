import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { EngineClient } from '../engine/client';
import { engineTools } from '../engine/tools/tools';
import { packageVersion } from '../engine/version';
import { machineMemory, MEMORY_PART, type World } from './execute';
import { serveMcp } from './mcp/server';

/** Room for what was decided and for counterexamples; it lives as long as the server. */
const STORE_MEGABYTES = 500;

/** `certiscope mcp`: tools for language models over standard input and output, until the input ends. The engine starts with the first question. */
export async function mcp({ stdout, folder, signal }: World): Promise<number> {
  let started: Promise<{ readonly client: EngineClient; readonly store: string }> | undefined;
  const start = async () => {
    const store = await mkdtemp(path.join(os.tmpdir(), 'certiscope-'));
    const client = new EngineClient({
      script: path.join(folder, 'engine.js'),
      storeFolder: store,
      storeLimitMegabytes: STORE_MEGABYTES,
      memoryLimitMegabytes: Math.round((MEMORY_PART * machineMemory()) / 2 ** 20),
    });
    return { client, store };
  };
  const engine = async () => (await (started ??= start())).client;
  signal.onStop(() => process.stdin.destroy());
  try {
    await serveMcp(process.stdin, stdout, {
      version: packageVersion,
      tools: engineTools({ engine, resolve: file => path.resolve(file) }),
    });
  } finally {
    const opened = await started;
    await opened?.client.dispose();
    if (opened) await rm(opened.store, { recursive: true, force: true });
  }
  return 0;
}
