import { existsSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../../../shared/data');

/** The folder of benchmark networks and data beside the repository, where a machine has it; tests that need it skip where not. */
export const sharedData: string | undefined = existsSync(folder) ? folder : undefined;
