import os from 'node:os';
import { openPlan } from '../engine/open';
import type { PlanRequest } from '../engine/plan-request';
import type { ExecutionEnd, ExecutionListener, StopSignal } from './execution';
import { runHere } from './run-here';
import type { Output } from './terminal';

/** What a command may touch of the world outside. */
export interface World {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Folder of this program. */
  readonly folder: string;
  readonly signal: StopSignal;
}

/** A model whose forward pass multiplies more often than this is solved in a process of its own: single steps of its solver take long. */
const LARGEST_HERE = 5e6;
/** Of the machine's memory, what one run may hold unless told otherwise. */
export const MEMORY_PART = 0.7;

/** Bytes that this process could use: in a container less than the machine has. */
export function machineMemory(): number {
  return Math.min(os.totalmem(), process.constrainedMemory() || Infinity);
}

/** What is asked, as the engine takes it. */
export type Question = PlanRequest;

export interface ExecuteOptions {
  /** Supervised process from the start. */
  readonly isolated?: boolean;
  readonly memoryMegabytes?: number;
  /** Whether anyone reads the content keys. */
  readonly keys: boolean;
  /** Where `timeout` is written, should this process be stuck at its limit. */
  readonly resultFile?: string;
}

/** Answers the questions of a specification: small models in this process, others in one under supervision. */
export async function execute(
  question: Question,
  options: ExecuteOptions,
  world: World,
  listener: ExecutionListener,
): Promise<ExecutionEnd> {
  const memoryLimit =
    options.memoryMegabytes === undefined ? MEMORY_PART * machineMemory() : options.memoryMegabytes * 2 ** 20;
  const { folder, signal } = world;
  const plan = options.isolated ? undefined : await openPlan(question);
  if (plan?.ok === false) return { kind: 'refused', problems: plan.problems };
  if (plan !== undefined && plan.value.multiplications <= LARGEST_HERE)
    return runHere(plan.value, { ...options, folder, memoryLimit }, listener, signal);
  const { runIsolated } = await import('./run-isolated');
  return runIsolated({ ...question, cache: 'refresh' }, { folder, memoryLimit }, listener, signal);
}
