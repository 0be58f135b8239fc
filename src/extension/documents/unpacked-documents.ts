import * as vscode from 'vscode';
import { promisify } from 'node:util';
import { UNPACKED_SCHEME } from '../ids';
import { specificationUri } from './uris';

/** Larger texts would make the editor itself slow; the engine reads files of any size. */
const MAX_UNPACKED_BYTES = 32 * 2 ** 20;

/** The text of a gzipped specification. Throws an Error with a sentence for the person. */
export async function unpack(specification: vscode.Uri): Promise<string> {
  const { gunzip } = await import('node:zlib');
  const bytes = await vscode.workspace.fs.readFile(specification);
  try {
    return (await promisify(gunzip)(bytes, { maxOutputLength: MAX_UNPACKED_BYTES })).toString('utf8');
  } catch (error) {
    throw new Error(
      `${specification.path} cannot be unpacked: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}

/** Shows `.vnnlib.gz` files as text, read only. */
export function registerUnpackedDocuments(): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(UNPACKED_SCHEME, {
    provideTextDocumentContent: uri => unpack(specificationUri(uri)),
  });
}
