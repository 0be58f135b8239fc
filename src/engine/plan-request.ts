import { existsSync } from 'node:fs';
import path from 'node:path';
import type { VerifyParams } from './protocol';

/** What a plan is made from. */
export type PlanRequest = Pick<VerifyParams, 'model' | 'specification' | 'checks' | 'samples' | 'options'>;

/** The file, or where only a packed one is there, that. */
export function existing(file: string): string {
  return !existsSync(file) && existsSync(`${file}.gz`) ? `${file}.gz` : file;
}

/** A path that a specification names, from its own folder. */
export function besideSpecification(specification: string, file: string): string {
  return path.isAbsolute(file) ? file : path.join(path.dirname(specification), file);
}
