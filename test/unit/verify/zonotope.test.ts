import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageQuestions } from '../../../bench/image-questions';
import { boxProblems } from '../../../src/verify/problems';
import { SymbolicProver, symbolicRefusal } from '../../../src/verify/symbolic/prover';
import { ZonotopeProver } from '../../../src/verify/zonotope-prover';
import { sharedData } from '../shared-data';
import { chain, ENDLESS, graph, guided, hooks, judged } from './symbolic-networks';

const SLACK = 1e-6;
const seeds = (count: number, from = 0) => Array.from({ length: count }, (_, seed) => from + seed);
const graphs = seeds(40, 2000).filter(seed => symbolicRefusal(graph(seed)).ok);

describe('the zonotope back end', () => {
  it('proves nothing that the mixed-integer program refutes, and something', async () => {
    let proved = 0;
    let open = 0;
    for (const seed of [...seeds(100), ...graphs]) {
      const { network, problem, truths } = await judged(seed < 2000 ? chain(seed) : graph(seed), 4, seed, 2);
      const whole = new ZonotopeProver(network, problem);
      const { kind } = await whole.run(ENDLESS);
      whole.standings().forEach((standing, disjunct) => {
        expect(standing.bound).toBeLessThanOrEqual(truths[disjunct].reached + SLACK);
        if (standing.proved) proved++;
        else open++;
      });
      const single = new ZonotopeProver(network, problem);
      expect(await guided(single, problem)).toBe(kind);
      expect(single.standings()).toEqual(whole.standings());
      expect(whole.proof()).toHaveLength(whole.counts().leaves);
    }
    expect(proved).toBeGreaterThan(50);
    expect(open).toBeGreaterThan(50);
  });

  it('answers for the labels it was asked about, and says why it goes no further', async () => {
    let checked = 0;
    for (const seed of seeds(40)) {
      const { network, problem } = await judged(chain(seed), 3, seed, 1);
      const prover = new ZonotopeProver(network, problem);
      expect(prover.standings().every(({ bound }) => bound === -Infinity)).toBe(true);
      expect(prover.preActivations()).toBeNull();
      expect(await prover.run({ deadline: Infinity, cancelled: () => true })).toEqual({ kind: 'stopped' });
      const end = await prover.run(ENDLESS, [1]);
      const [first, second] = prover.standings();
      expect(first.bound).toBe(-Infinity);
      expect(end.kind).toBe(second.bound > 0 ? 'verified' : 'exhausted');
      expect(prover.preActivations()).not.toBeNull();
      if (end.kind !== 'exhausted') continue;
      expect(end.reason).toBe('The zonotope of the region does not settle it, and this back end never splits');
      checked++;
    }
    expect(checked).toBeGreaterThan(0);
  });
});

const folder = sharedData ?? '';
describe.skipIf(sharedData === undefined)('on the first MNIST images (needs ../shared/data)', () => {
  const opened = (epsilon: number) =>
    imageQuestions(path.join(folder, 'neurify/mnist24.onnx'), path.join(folder, 'datasets/mnist'), 20, [epsilon]);

  it('what the zonotope proves, refinement proves too, and more', async () => {
    const { model, replayer, byEpsilon } = await opened(5);
    let zonotope = 0;
    let symbolic = 0;
    for (const { question } of byEpsilon.get(5)!) {
      const [problem] = boxProblems(question);
      const first = (await new ZonotopeProver(model.network, problem).run(ENDLESS)).kind === 'verified';
      const prover = new SymbolicProver(model.network, problem, { ...hooks(), mostRefinements: 16 });
      const second = (await prover.run(ENDLESS)).kind === 'verified';
      if (first) {
        zonotope++;
        expect(second).toBe(true);
        // What the lines prove by themselves needs no refinement.
        expect(prover.counts().subproblems).toBe(1);
      }
      if (second) symbolic++;
    }
    await replayer.close();
    expect(zonotope).toBeGreaterThan(5);
    expect(symbolic).toBeGreaterThan(zonotope);
  });
});
