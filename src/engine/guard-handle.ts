import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { GuardOrders, GuardSettings } from './guard-orders';

export interface Guard {
  order(orders: GuardOrders): void;
  stop(): Promise<void>;
}

/** Starts the watching thread (30 ms of one core). It does not keep the process alive. */
export function startGuard(folder: string, settings: GuardSettings): Guard {
  const worker = new Worker(path.join(folder, 'guard.js'), { workerData: settings });
  worker.unref();
  return {
    order: orders => worker.postMessage(orders),
    stop: async () => void (await worker.terminate()),
  };
}
