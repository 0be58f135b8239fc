/** Writes package.json's settings and docs/settings.md from the one table, src/base/settings.ts: `npm run settings`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { settingsDocument, withSettings } from './settings-files';

writeFileSync('package.json', withSettings(readFileSync('package.json', 'utf8')));
writeFileSync('docs/settings.md', settingsDocument());
