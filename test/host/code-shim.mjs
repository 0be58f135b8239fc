#!/usr/bin/env node
// Poses as the VS Code desktop executable for @vscode/test-electron (`vscodeExecutablePath`): takes the same flags, runs the suite in the
// installed host, exits with its code.
import path from 'node:path';
import { runSuite } from './launch.mjs';

/** @type {Record<string, string[]>} */
const options = {};
const positional = [];
for (const argument of process.argv.slice(2)) {
  const match = /^--([^=]+)(?:=(.*))?$/s.exec(argument);
  if (match) (options[match[1]] ??= []).push(match[2] ?? '');
  else positional.push(argument);
}
const absolute = file => path.resolve(file.replace(/^file:\/\//, ''));
const [tests] = options['extensionTestsPath'] ?? [];
if (!tests) {
  console.error('code-shim: --extensionTestsPath is missing; this stand-in for VS Code can only run tests.');
  process.exit(2);
}
const [opened] = positional.length > 0 ? positional : (options['folder-uri'] ?? []);
const isWorkspaceFile = opened?.endsWith('.code-workspace') ?? false;
const [extensionsDir] = options['extensions-dir'] ?? [];
const [userDataDir] = options['user-data-dir'] ?? [];
process.exit(
  await runSuite({
    tests: absolute(tests),
    development: (options['extensionDevelopmentPath'] ?? []).map(absolute),
    ...(opened && (isWorkspaceFile ? { workspace: absolute(opened) } : { folder: absolute(opened) })),
    ...(extensionsDir && { extensionsDir: absolute(extensionsDir) }),
    ...(userDataDir && { userDataDir: absolute(userDataDir) }),
  }),
);
