import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { settingsDocument, withSettings } from '../../../scripts/settings-files';
import { SETTINGS, type Setting } from '../../../src/base/settings';
import { helpText } from '../../../src/cli/arguments';
import { DEFAULT_OPTIONS } from '../../../src/verify/options';

const root = path.resolve(import.meta.dirname, '../../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

describe('the table of settings', () => {
  it('is what package.json says (npm run settings)', () => {
    expect(JSON.parse(read('package.json'))).toEqual(JSON.parse(withSettings(read('package.json'))));
  });

  it('is what docs/settings.md says (npm run settings)', () => {
    expect(read('docs/settings.md')).toBe(settingsDocument());
  });

  it('holds no more than twenty, each with a sentence', () => {
    const settings = Object.values<Setting>(SETTINGS);
    expect(settings.length).toBeLessThanOrEqual(20);
    for (const { text } of settings) expect(text).toMatch(/^[A-Z].{20,}\.$/s);
  });

  it('gives the command line its words', () => {
    for (const { option } of Object.values<Setting>(SETTINGS))
      if (option) expect(helpText()).toMatch(new RegExp(`--${option.name} .*${option.help.slice(0, 20)}`));
  });

  it('has the defaults of the solver', () => {
    const { timeout, threads, seed } = SETTINGS;
    expect({ timeout: timeout.default, threads: threads.default, seed: seed.default }).toEqual({
      timeout: DEFAULT_OPTIONS.timeout,
      threads: DEFAULT_OPTIONS.threads,
      seed: DEFAULT_OPTIONS.seed,
    });
  });
});
