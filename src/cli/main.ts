#!/usr/bin/env node
/** Entry of the command line, dist/cli.js. */
import { packageVersion } from '../engine/version';
import { helpText, readArguments, type Arguments } from './arguments';
import type { World } from './execute';
import { StopSignal } from './execution';
import { problemLine, unwritten } from './problems';

/**
 * How long an interrupted run may take to come to an end by itself, writing what is finished; an engine that does not answer takes 400 ms
 * of it. A second Ctrl-C ends the program at once.
 */
const INTERRUPT_MILLISECONDS = 2000;
/** What shells expect of a program that was interrupted. */
const INTERRUPTED = 130;

async function run(words: Arguments, world: World): Promise<number> {
  switch (words.command) {
    case 'help':
      world.stdout.write(helpText());
      return 0;
    case 'version':
      world.stdout.write(`${packageVersion}\n`);
      return 0;
    case 'verify':
      return (await import('./verify')).verify(words, world);
    case 'largest-epsilon':
      return (await import('./largest-epsilon')).largestEpsilon(words, world);
    case 'vnncomp':
      return (await import('./vnncomp')).vnncomp(words, world);
    case 'info':
      return (await import('./info')).info(words, world);
    case 'mcp':
      return (await import('./mcp')).mcp(world);
    case 'attack':
      return (await import('./attack')).attack(words, world);
    case 'patch':
      return (await import('./patch')).patch(words, world);
    case 'tolerance':
      return (await import('./tolerance')).tolerance(words, world);
    case 'unstable':
      return (await import('./unstable')).unstable(words, world);
    case 'graft':
      return (await import('./graft')).graft(words, world);
  }
}

async function main(): Promise<number> {
  const signal = new StopSignal();
  const world: World = { stdout: process.stdout, stderr: process.stderr, folder: __dirname, signal };
  const words = readArguments(process.argv.slice(2));
  if (!words.ok) {
    world.stderr.write(`certiscope: ${problemLine(words.error)}\n`);
    return 3;
  }
  const interrupt = (): void => {
    signal.stop();
    setTimeout(() => process.exit(INTERRUPTED), INTERRUPT_MILLISECONDS).unref();
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const code = await run(words.value, world);
  // Everything is out, or its error was heard of, before the program ends.
  await new Promise(written => process.stdout.write('', written));
  return signal.stopped ? INTERRUPTED : code;
}

/** A fault of this program: one line for the user, the rest for whoever looks into it. */
function fail(error: unknown): never {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(
    `certiscope: ${message.replace(/\.$/, '')}. This is a fault of Certiscope: please report it with the model and the specification.\n`,
  );
  if (process.env.CERTISCOPE_DEBUG) process.stderr.write(`${stack ?? ''}\n`);
  process.exit(3);
}

/** A reader that went away (`certiscope … | head`) is no error; a full disk is. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`certiscope: ${problemLine(unwritten('standard output', error))}\n`);
  process.exit(3);
});
process.on('uncaughtException', fail);

main().then(code => process.exit(code), fail);
