import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePerturbationSpec } from '../../../src/spec/perturbation/parse';
import { keyRows } from './spec-reference';

const root = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

describe('docs/spec.md', () => {
  it('lists every key of the schema as the schema has it, and no other', () => {
    const listed = read('docs/spec.md')
      .split('\n')
      .filter(line => line.startsWith('| `'));
    expect(listed).toEqual(keyRows(JSON.parse(read('schemas/certiscope-spec.schema.json'))));
  });

  it.each(['docs/spec.md', 'README.md'])('has examples that can be read: %s', file => {
    const examples = [...read(file).matchAll(/^```jsonc\n([\s\S]*?)^```$/gm)].map(([, text]) => text);
    expect(examples.length).toBeGreaterThan(0);
    for (const text of examples) {
      const parsed = parsePerturbationSpec(text, 'example.certiscope.jsonc');
      expect(parsed.ok ? [] : parsed.error.map(problem => problem.message)).toEqual([]);
    }
  });
});
