import { availableParallelism, totalmem } from 'node:os';
import type { Answer, SetupPart, SetupReport } from './protocol';

/** Loads what everything rests on and says what came of it. Never rejects: a part that does not load is what somebody wants to read about. */
export async function checkSetup(): Promise<Answer<SetupReport>> {
  const parts = [
    await part('Float64 core', async () => {
      const { instantiateCore } = await import('../bounds/core/core');
      instantiateCore();
      return 'WebAssembly with SIMD';
    }),
    await part('ONNX Runtime', async () => (await import('../tensor/session')).runtimeVersion()),
    await part('HiGHS', async () => (await import('../lp/highs')).highsVersion()),
  ];
  const value: SetupReport = {
    parts,
    node: process.version,
    cores: availableParallelism(),
    memoryMegabytes: Math.round(totalmem() / 2 ** 20),
  };
  return { ok: true, value, warnings: [] };
}

async function part(name: string, load: () => Promise<string>): Promise<SetupPart> {
  try {
    return { name, detail: await load(), works: true };
  } catch (error) {
    return { name, detail: error instanceof Error ? error.message : String(error), works: false };
  }
}
