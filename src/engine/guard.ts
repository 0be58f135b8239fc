/**
 * Thread that watches its own process from beside the event loop, so that it notices when the main thread is stuck in native code. It ends the
 * process when it holds too much memory, when its parent is gone, or when a deadline has passed; before, it writes the last words it was given.
 * Entry of dist/guard.js; `startGuard` (guard-handle.ts) starts it.
 */
import { writeFileSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { MEMORY_MARK, type GuardOrders, type GuardSettings } from './guard-orders';

const POLL_MILLISECONDS = 100;
/** In a thread `process.stderr` is a stream to the main thread, which is the one that may be stuck. */
const STANDARD_ERROR = 2;
const settings = workerData as GuardSettings;
const parent = process.ppid;
let orders: GuardOrders = {};

parentPort?.on('message', (message: GuardOrders) => (orders = message));
setInterval(watch, POLL_MILLISECONDS);

function watch(): void {
  if (settings.endWithParent && process.ppid !== parent) end('');
  if (process.memoryUsage.rss() > settings.memoryLimit)
    end(`${MEMORY_MARK}: the process held more than ${Math.round(settings.memoryLimit / 2 ** 20)} MB.`);
  if (orders.deadline !== undefined && Date.now() > orders.deadline) end('');
}

function end(reason: string): void {
  const { lastWords } = orders;
  try {
    if (lastWords?.file !== undefined) writeFileSync(lastWords.file.path, lastWords.file.text);
    const text = [reason, lastWords?.message].filter(Boolean).join(' ');
    if (text !== '') writeSync(STANDARD_ERROR, `${text}\n`);
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
}
