import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { ok, problem, type Result } from '../base/result';

/** Specifications are text; a gigabyte of it is a mistake (or a decompression bomb). */
const MAX_TEXT_BYTES = 512 * 1024 * 1024;

/** The bytes of a file, unpacked if they are gzipped (by content, whatever the name says). */
export async function readBytes(path: string, maxBytes = 4 * 1024 ** 3 - 1): Promise<Result<Buffer>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    return problem('file/unreadable', `${path}: ${reasonOf(error)}`, { file: path });
  }
  if (bytes.length < 2 || bytes[0] !== 0x1f || bytes[1] !== 0x8b) return ok(bytes);
  try {
    return ok(gunzipSync(bytes, { maxOutputLength: maxBytes }));
  } catch (error) {
    return problem(
      'file/gzip',
      `${path}: cannot be unpacked (${messageOf(error)}). The file is damaged or incomplete; fetch it again.`,
      {
        file: path,
      },
    );
  }
}

/** The text of a file, gzipped or not, without byte order mark. */
export async function readTextFile(path: string): Promise<Result<string>> {
  const bytes = await readBytes(path, MAX_TEXT_BYTES);
  if (!bytes.ok) return bytes;
  if (bytes.value.length > MAX_TEXT_BYTES)
    return problem('file/too-large', `${path}: is larger than 512 MiB, too large for a specification.`, { file: path });
  // No text holds a zero byte; without this a binary file would be a thousand syntax errors.
  if (bytes.value.includes(0))
    return problem(
      'file/binary',
      `${path}: is a binary file, and a specification is text. Check that the right file was chosen.`,
      {
        file: path,
      },
    );
  return ok(withoutByteOrderMark(bytes.value.toString('utf8')));
}

export function withoutByteOrderMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** What to tell a person when the operating system refuses a file. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'does not exist. Check the path.';
  if (code === 'EISDIR') return 'is a folder, not a file.';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read. Check its permissions.';
  return `cannot be read (${messageOf(error)}).`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
