import { expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { evaluate } from '../../../src/network/evaluate';
import { randomChain } from '../bounds/chains';
import { decideOn, otherLabels } from './deciding';
import { fewFreeInputs } from './oracle';

it('attacks alone find what a whole decision falsifies, and prove nothing', async () => {
  const kinds: [whole: string, alone: string][] = [];
  for (let seed = 1; seed <= 4; seed++) {
    const network = randomChain(seed, [4, 6, 6, 5]);
    const box = fewFreeInputs(new Random(seed, 77), 4, 4, seed % 2 === 0 ? 0.01 : 0.6);
    const centre = box.lower.map((low, i) => low + (box.upper[i] - low) / 2);
    const output = evaluate(network, centre)[network.nodes.length - 1];
    const disjuncts = otherLabels(box, 5, output.indexOf(Math.max(...output)));
    const whole = await decideOn(network, disjuncts);
    const alone = await decideOn(network, disjuncts, { attackOnly: true, timeout: 1 });
    kinds.push([whole.kind, alone.kind]);
    if (alone.kind === 'falsified') expect(whole.kind).toBe('falsified');
    else {
      expect(alone).toMatchObject({ kind: 'unknown', lowerBound: null });
      expect(alone.kind === 'unknown' && alone.reason).toContain('Only attacks were asked for');
    }
  }
  expect(kinds).toContainEqual(['verified', 'unknown']);
  expect(kinds).toContainEqual(['falsified', 'falsified']);
});
