import { expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import type { BoxProblem } from '../../../src/verify/input-split/search';
import { ParallelSearch } from '../../../src/verify/input-split/parallel';
import { randomChain, randomConstraints } from '../bounds/chains';
import { fewFreeInputs, lowered, margins } from './oracle';

/** A thread that takes boxes and never answers. */
class SilentThread {
  given = 0;
  postMessage({ boxes }: { boxes: readonly unknown[] }): void {
    this.given += boxes.length;
  }
  terminate(): Promise<number> {
    return Promise.resolve(0);
  }
}

it('boxes that another thread works on are open: no standing takes them for proved', async () => {
  // Just safe, so that more than a slice of work is needed: the least margin is below 1e-4.
  const random = new Random(0);
  const network = randomChain(0, [6, 20, 20, 3]);
  const box = fewFreeInputs(random, 6, 6, 0.7);
  const drawn = randomConstraints(random, 1, 3, 6);
  let least = Infinity;
  for (let k = 0; k < 3000; k++) {
    const x = box.lower.map((l, i) => l + (box.upper[i] - l) * random.uniform());
    least = Math.min(least, margins(network, drawn, x)[0]);
  }
  const problem: BoxProblem = { box, constraints: lowered(drawn, least - 0.27306), disjuncts: [[0]] };
  const hooks = { tryCandidate: () => Promise.resolve(false), onProgress: () => {} };
  const search = new ParallelSearch(network, problem, { seed: 0, threads: 1, ...hooks });
  const worker = new SilentThread();
  const inner = search as unknown as { helpers: unknown[]; queue: { length: number } };
  inner.helpers.push({ worker, idle: true, counts: null });
  const end = await search.run({ deadline: performance.now() + 2500, cancelled: () => false });
  expect(end.kind).toBe('stopped');
  // All but what the other thread was given is proved.
  expect(worker.given).toBeGreaterThan(0);
  expect(inner.queue.length).toBe(0);
  expect(search.counts().open).toBe(worker.given);
  const [standing] = search.standings();
  expect(standing.proved).toBe(false);
  expect(standing.bound).toBeLessThanOrEqual(1e-4);
  await search.close();
});
