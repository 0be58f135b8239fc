import path from 'node:path';
import { fail, ok, type Problem, type Result } from '../base/result';
import { questionHash, specHash } from './meaning';
import type { PerturbationSpec } from './perturbation/spec';
import { readTextFile } from './text-file';
import type { VnnlibDocument } from './vnnlib/document';

/** What a file asks: told apart by `kind`. */
export type Specification = VnnlibDocument | PerturbationSpec;

/** What a specification's file name says it is. */
export type SpecificationKind = 'vnnlib' | 'perturbation';

export function specificationKind(file: string): SpecificationKind | undefined {
  const name = path.basename(file).toLowerCase();
  if (/\.vnnlib(\.gz)?$/.test(name)) return 'vnnlib';
  return /\.jsonc?$/.test(name) ? 'perturbation' : undefined;
}

/**
 * Reads a specification.
 * @param text what an open editor shows, saved or not; without it the file is read (unpacked if it is gzipped)
 * @returns the specification, or everything that is wrong with it
 */
export async function openSpecification(source: {
  readonly path: string;
  readonly text?: string;
}): Promise<Result<Specification, Problem[]>> {
  const kind = specificationKind(source.path);
  if (kind === undefined) {
    const message = `${source.path}: is no specification. Specifications are named .vnnlib, .vnnlib.gz or .certiscope.jsonc.`;
    return fail([{ code: 'file/kind', message, severity: 'error', file: source.path }]);
  }
  const read = source.text === undefined ? await readTextFile(source.path) : ok(source.text);
  if (!read.ok) return fail([read.error]);
  if (kind === 'vnnlib') {
    const { parseVnnlib } = await import('./vnnlib/parse');
    return parseVnnlib(read.value, source.path);
  }
  const { parsePerturbationSpec } = await import('./perturbation/parse');
  return parsePerturbationSpec(read.value, source.path);
}

/** sha256 of what a specification says, whatever its comments and white space. */
export function meaningHash(specification: Specification): string {
  return specification.kind === 'vnnlib' ? questionHash(specification.question) : specHash(specification);
}
