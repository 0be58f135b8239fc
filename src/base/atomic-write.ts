import { randomUUID } from 'node:crypto';
import { mkdir, rename, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Ending of a file that is still being written. */
export const DRAFT_ENDING = '.draft';

/** Writes a file so that a reader sees the old content or all of the new one, even when this process dies. Rejects with the system's error. */
export async function atomicWrite(file: string, content: string | Uint8Array): Promise<void> {
  const draft = `${file}.${randomUUID()}${DRAFT_ENDING}`;
  await mkdir(path.dirname(file), { recursive: true });
  try {
    await writeFile(draft, content, { flush: true });
    await rename(draft, file);
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw error;
  }
}
