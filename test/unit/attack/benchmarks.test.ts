import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openInstance, readInstances } from '../../../bench/instances';
import { attack } from '../../../src/attack/pgd';
import { sharedData } from '../shared-data';
import { patient } from './fixtures';

async function unfound(set: string, rounds: number, expected: 'sat' | 'unsat', most = Infinity): Promise<string[]> {
  const instances = readInstances(path.join(sharedData ?? '', 'vnncomp', set)).filter(
    each => each.expected === expected,
  );
  expect(instances.length).toBeGreaterThan(0);
  const missed: string[] = [];
  for (const instance of instances.slice(0, most)) {
    const { network, question, replayer } = await openInstance(instance);
    const result = await attack(network, question, replayer, { seed: 1, rounds }, patient);
    await replayer.close();
    expect(result.problem).toBeNull();
    if (!result.counterexample) missed.push(instance.name);
  }
  return missed;
}

describe.skipIf(!sharedData)('attack on benchmark instances known to be falsifiable (needs ../shared/data)', () => {
  const all = ['rl_benchmarks', 'collins_rul_cnn', 'mnist_fc', 'oval21', 'sri_resnet_a', 'eran', 'verivital'];
  it.each(all)('%s: finds all', { timeout: 180_000 }, async set => {
    expect(await unfound(set, 10, 'sat')).toEqual([]);
  });

  it('reach_prob_density: finds all', { timeout: 180_000 }, async () => {
    expect(await unfound('reach_prob_density', 20, 'sat')).toEqual([]);
  });

  it('acasxu: finds all but at most two of property 2, whose regions are tiny', { timeout: 180_000 }, async () => {
    const missed = await unfound('acasxu', 20, 'sat');
    expect(missed.length).toBeLessThanOrEqual(2);
    expect(missed.filter(name => !name.endsWith('prop_2'))).toEqual([]);
  });

  it('finds nothing where nothing is', { timeout: 180_000 }, async () => {
    expect(await unfound('acasxu', 1, 'unsat', 20)).toHaveLength(20);
    expect(await unfound('mnist_fc', 1, 'unsat', 5)).toHaveLength(5);
  });
});
