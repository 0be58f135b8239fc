/** Writes package.json's settings and tools, and docs/settings.md, from src/base/settings.ts and src/engine/tools/table.ts: `npm run settings`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { settingsDocument, withSettings } from './settings-files';

writeFileSync('package.json', withSettings(readFileSync('package.json', 'utf8')));
writeFileSync('docs/settings.md', settingsDocument());
