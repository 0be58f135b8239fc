import type { Gradients } from '../attacked-model';
import type { Projection, StepRule, Walker } from './descent';

/** What Auto-PGD remembers of one point. */
interface Memory {
  size: number;
  previous: Float32Array;
  best: Float32Array;
  bestObjective: number;
  lastObjective: number;
  /** Steps since the last checkpoint that raised the objective. */
  rises: number;
  /** Whether the size was halved at the last checkpoint, and the best objective then. */
  wasHalved: boolean;
  checkpointBest: number;
}

const MOMENTUM = 0.75;
/** A checkpoint halves the step when fewer than this part of the steps before it went up. */
const ENOUGH = 0.75;

/**
 * Auto-PGD (Croce and Hein, ICML 2020): momentum, and a step that starts at twice the radius and is halved, the point going back to the best one, at checkpoints before
 * which little was gained.
 */
export function autoSteps(radius: number, steps: number): StepRule {
  const memories = new Map<Walker, Memory>();
  const checkpoints = checkpointsOf(steps);
  return {
    move(walkers: readonly Walker[], { slope, objective }: Gradients, step: number, project: Projection) {
      walkers.forEach((walker, row) => {
        const { point } = walker;
        const n = point.length;
        const value = objective[row];
        const memory = memories.get(walker) ?? firstMemory(point, value, radius);
        memories.set(walker, memory);
        if (value > memory.lastObjective) memory.rises++;
        memory.lastObjective = value;
        if (value > memory.bestObjective) {
          memory.bestObjective = value;
          memory.best = point.slice();
        }
        const since = checkpoints.get(step);
        if (since !== undefined && isStuck(memory, since)) {
          memory.size /= 2;
          memory.wasHalved = true;
          point.set(memory.best);
        } else if (since !== undefined) memory.wasHalved = false;
        if (since !== undefined) {
          memory.checkpointBest = memory.bestObjective;
          memory.rises = 0;
        }
        const before = point.slice();
        for (let i = 0; i < n; i++) point[i] += memory.size * Math.sign(slope[row * n + i]);
        project(walker);
        if (step > 0) {
          for (let i = 0; i < n; i++)
            point[i] =
              before[i] + MOMENTUM * (point[i] - before[i]) + (1 - MOMENTUM) * (before[i] - memory.previous[i]);
          project(walker);
        }
        memory.previous = before;
      });
    },
  };
}

function firstMemory(point: Float32Array, objective: number, radius: number): Memory {
  const best = point.slice();
  return {
    size: 2 * radius,
    previous: best,
    best,
    bestObjective: objective,
    lastObjective: Infinity,
    rises: 0,
    wasHalved: false,
    checkpointBest: -Infinity,
  };
}

/** Too few steps went up, or neither size nor best point has changed since the checkpoint before. */
function isStuck(memory: Memory, since: number): boolean {
  return memory.rises < ENOUGH * since || (!memory.wasHalved && memory.checkpointBest >= memory.bestObjective);
}

/** Steps at which progress is judged, each with the number of steps since the one before: first 22 % of all, then ever shorter, 6 % at least. */
function checkpointsOf(steps: number): Map<number, number> {
  const found = new Map<number, number>();
  let part = 0.22;
  let length = 0.22;
  let before = 0;
  while (part <= 1) {
    const at = Math.ceil(part * steps);
    if (at > before) found.set(at, at - before);
    before = Math.max(before, at);
    length = Math.max(length - 0.03, 0.06);
    part += length;
  }
  return found;
}
