import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly edits: readonly (readonly [from: string, to: string])[];
}

it('every mutant of the error analysis changes a line that is there, once', async () => {
  const root = path.resolve(import.meta.dirname, '../../..');
  const script = path.join(root, 'scripts', 'mutants.mjs');
  const { MUTANTS } = (await import(script)) as { MUTANTS: readonly Mutant[] };
  const stale = MUTANTS.filter(({ file, edits }) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    return edits.some(([from]) => text.split(from).length !== 2);
  });
  expect(stale.map(({ name }) => name)).toEqual([]);
  expect(MUTANTS.length).toBeGreaterThan(90);
});
