/** The turns of the extension host's event loop, and what was done in those that took long. */
import { Session } from 'node:inspector/promises';
import type { Profiler } from 'node:inspector';

export interface LongTurn {
  readonly milliseconds: number;
  /** What had come by then. */
  readonly at: string;
  /** Milliseconds of the turn by who spent them, the most first. */
  readonly spent: readonly (readonly [who: string, milliseconds: number])[];
}

export interface Turns {
  readonly longest: number;
  readonly turns: number;
  readonly long: readonly LongTurn[];
}

const SAMPLING_MICROSECONDS = 500;

/**
 * Watches every turn until it is stopped. A turn counts by the clock, or by processor time where that is less: on a busy machine the clock counts what others do.
 * @param ours part of the path of our own code
 */
export async function watchTurns(limit: number, ours: string, where: () => string): Promise<() => Promise<Turns>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
  await session.post('Profiler.start');
  let longest = 0;
  let turns = 0;
  let running = true;
  const long: { milliseconds: number; at: string; from: number; to: number }[] = [];
  let clock = microseconds();
  let processor = process.cpuUsage();
  const turn = () => {
    const now = microseconds();
    const { user, system } = process.cpuUsage(processor);
    const milliseconds = Math.min(now - clock, user + system) / 1000;
    longest = Math.max(longest, milliseconds);
    if (milliseconds > limit) long.push({ milliseconds, at: where(), from: clock, to: now });
    turns++;
    clock = microseconds();
    processor = process.cpuUsage();
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  return async () => {
    running = false;
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    const found = long.map(({ milliseconds, at, from, to }) => ({
      milliseconds,
      at,
      spent: spentBetween(profile, from, to, ours),
    }));
    return { longest, turns, long: found };
  };
}

/** On the clock that profiles have, too. */
function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Whose code the samples of a stretch of time are in: the innermost frame that belongs to somebody. */
function spentBetween(profile: Profiler.Profile, from: number, to: number, ours: string): LongTurn['spent'] {
  const nodes = new Map(profile.nodes.map(node => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(node => (node.children ?? []).map(child => [child, node.id] as const)));
  const ownerOf = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { functionName, url } = nodes.get(at)!.callFrame;
      if (functionName === '(garbage collector)') return 'garbage collection';
      if (url.includes(ours)) return `Certiscope (${functionName || 'anonymous'})`;
      if (url !== '' && !url.startsWith('node:')) return 'VS Code and tests';
    }
    return 'node';
  };
  const spent = new Map<string, number>();
  let at = profile.startTime;
  profile.samples?.forEach((id, k) => {
    const delta = profile.timeDeltas?.[k] ?? 0;
    at += delta;
    if (at < from || at > to) return;
    const owner = ownerOf(id);
    spent.set(owner, (spent.get(owner) ?? 0) + delta / 1000);
  });
  return [...spent].sort((a, b) => b[1] - a[1]);
}
