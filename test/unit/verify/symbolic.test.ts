import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { SymbolicRegion, type Phase } from '../../../src/bounds/symbolic/symbolic-region';
import type { OpenModel, SolveOutcome } from '../../../src/lp/highs';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import { LineProgram } from '../../../src/verify/symbolic/line-program';
import { MOST_REFINEMENTS, SymbolicProver, symbolicRefusal } from '../../../src/verify/symbolic/prover';
import { randomChain } from '../bounds/chains';
import { randomNetwork } from '../tensor/random-network';
import { margins } from './oracle';
import { chain, ENDLESS, graph, guided, hard, hooks, judged, pointIn, type Judged } from './symbolic-networks';

/** What the mixed-integer program's own tolerances, and float64 sampling, leave open. */
const SLACK = 1e-6;
const seeds = (count: number, from = 0) => Array.from({ length: count }, (_, seed) => from + seed);

/** No bound above what a point reaches, nothing proved that is refuted, nothing falsified that is safe. */
function agree(prover: SymbolicProver, kind: string, { truths }: Judged): void {
  prover.standings().forEach(({ bound, proved }, disjunct) => {
    expect(bound).toBeLessThanOrEqual(truths[disjunct].reached + SLACK);
    if (proved) expect(truths[disjunct].reached).toBeGreaterThan(-SLACK);
  });
  if (kind === 'verified') expect(Math.min(...truths.map(({ reached }) => reached))).toBeGreaterThan(-SLACK);
  if (kind === 'falsified') expect(Math.min(...truths.map(({ bound }) => bound))).toBeLessThan(SLACK);
}

async function bothWays(it: Judged): Promise<{ whole: string; single: string; parts: number }> {
  const all = new SymbolicProver(it.network, it.problem, hooks());
  const whole = (await all.run(ENDLESS)).kind;
  agree(all, whole, it);
  const one = new SymbolicProver(it.network, it.problem, hooks());
  const single = await guided(one, it.problem);
  agree(one, single, it);
  return { whole, single, parts: all.counts().subproblems };
}

describe('the symbolic back end and the mixed-integer program', () => {
  it.each(seeds(100))('agree on chains, one constraint a label, seed %i', async seed => {
    const it = await judged(chain(seed), 3, seed, 1);
    const { whole, single } = await bothWays(it);
    // So small a network is decided within the cap, all at once and label by label, unless the margin is near nothing.
    if (it.truths.every(({ bound }) => bound > SLACK)) expect([whole, single]).toEqual(['verified', 'verified']);
    if (it.truths.some(({ reached }) => reached < -SLACK)) expect([whole, single]).toEqual(['falsified', 'falsified']);
  });

  it.each(seeds(40, 500))('agree on chains, conjunctions, seed %i', async seed => {
    const { whole, single } = await bothWays(await judged(chain(seed), 3, seed, 3));
    expect(new Set([whole, single]), 'one must not contradict the other').not.toEqual(
      new Set(['verified', 'falsified']),
    );
  });

  it.each(seeds(60, 1000).filter(seed => symbolicRefusal(graph(seed)).ok))('agree on graphs, seed %i', async seed => {
    const { whole, single } = await bothWays(await judged(graph(seed), 4, seed, 2));
    expect(new Set([whole, single]), 'one must not contradict the other').not.toEqual(
      new Set(['verified', 'falsified']),
    );
  });
});

describe('symbolic lines', () => {
  it.each([...seeds(30), ...seeds(20, 1000).filter(seed => symbolicRefusal(graph(seed)).ok)])(
    'hold at every point with the phases of the part, seed %i',
    async seed => {
      const network = seed < 1000 ? chain(seed) : graph(seed);
      const { problem } = await judged(network, 4, seed, 1);
      const region = new SymbolicRegion(network, problem.constraints, problem.box);
      const random = new Random(seed);
      const samples = seeds(300).map(() => evaluate(network, pointIn(random, problem.box)));
      const phases: Phase[] = [];
      let bounds = region.root!;
      // Phases that some sample has, so that the part is not empty.
      const kept = samples[0];
      let checked = 0;
      for (let depth = 0; depth < 6; depth++) {
        expect(region.propagate(bounds)).toBe('lines');
        const inside = samples.filter(values =>
          phases.every(({ node, neuron, sign }) => sign * values[network.nodes[node].inputs[0]][neuron] >= 0),
        );
        for (const values of inside) {
          const symbols = symbolsOf(values[0], problem.box);
          const at = (line: { coefficients: Float64Array; constant: number }) =>
            line.coefficients.reduce((sum, a, k) => sum + a * symbols[k], line.constant);
          margins(network, problem.constraints, values[0]).forEach((margin, row) => {
            const line = region.marginLine(row);
            expect(at(line)).toBeLessThanOrEqual(margin + 1e-9);
            expect(line.bound).toBeLessThanOrEqual(at(line) + 1e-9);
          });
          for (const phase of phases) expect(at(region.phaseLine(phase))).toBeGreaterThanOrEqual(-1e-9);
          checked++;
        }
        const { losses } = region.marginLine(0);
        const term = losses.findIndex(loss => loss > 0);
        if (term < 0) break;
        const { node, neuron } = region.source(term);
        const sign = kept[network.nodes[node].inputs[0]][neuron] >= 0 ? 1 : -1;
        phases.push({ node, neuron, sign });
        bounds = region.withPhase(bounds, { node, neuron, sign });
      }
      expect(checked).toBeGreaterThanOrEqual(300);
    },
  );

  /** Inputs that vary, in the order of the input, scaled to [−1, 1]. */
  function symbolsOf(input: Float64Array, { lower, upper }: { lower: Float64Array; upper: Float64Array }): number[] {
    const varying = [...input.keys()].filter(i => upper[i] > lower[i]);
    varying.sort((a, b) => upper[b] - lower[b] - (upper[a] - lower[a]));
    return varying.map(i => (2 * (input[i] - lower[i])) / (upper[i] - lower[i]) - 1);
  }
});

describe('the cap on refinements', () => {
  it('is kept per question asked at once and per label asked alone, and named', async () => {
    const mostRefinements = 2;
    let capped = 0;
    for (const seed of seeds(12)) {
      const { network, problem } = hard(seed);
      const all = new SymbolicProver(network, problem, { ...hooks(), mostRefinements });
      const whole = await all.run(ENDLESS);
      expect(all.counts().subproblems).toBeLessThanOrEqual(1 + 2 * mostRefinements);
      const one = new SymbolicProver(network, problem, { ...hooks(), mostRefinements });
      for (const disjunct of problem.disjuncts.keys()) {
        const before = one.counts().subproblems;
        const end = await one.run(ENDLESS, [disjunct]);
        expect(one.counts().subproblems - before).toBeLessThanOrEqual(1 + 2 * mostRefinements);
        if (end.kind === 'exhausted') expect(end.reason).toContain('at most 2 times');
      }
      if (whole.kind !== 'exhausted') continue;
      capped++;
      expect(whole.reason).toMatch(
        /^The back end "symbolic" refines a question at most 2 times, and \d+ parts? (is|are) not proved$/,
      );
      // Run again it does no more.
      const before = all.counts().subproblems;
      expect((await all.run(ENDLESS)).kind).toBe('exhausted');
      expect(all.counts().subproblems).toBe(before);
    }
    expect(capped).toBeGreaterThan(2);
  });

  it('is that of the documentation unless a test wants another', () => {
    expect(MOST_REFINEMENTS).toBe(256);
  });

  it('lets labels be proved one by one that all together are too many', async () => {
    let gained = 0;
    for (const seed of seeds(40)) {
      const { network, problem, truths } = await judged(chain(seed), 3, seed, 1);
      if (truths.some(({ bound }) => bound < SLACK)) continue;
      const refinements = async (asked?: number[]) => {
        const prover = new SymbolicProver(network, problem, hooks());
        await prover.run(ENDLESS, asked);
        return (prover.counts().subproblems - 1) / 2;
      };
      const together = await refinements();
      const alone = Math.max(await refinements([0]), await refinements([1]), await refinements([2]));
      if (together <= alone) continue;
      const options = { ...hooks(), mostRefinements: alone };
      expect((await new SymbolicProver(network, problem, options).run(ENDLESS)).kind).toBe('exhausted');
      expect(await guided(new SymbolicProver(network, problem, options), problem)).toBe('verified');
      gained++;
    }
    expect(gained).toBeGreaterThan(2);
  });
});

describe('what one label found out', () => {
  it('tightens the bounds of the region, which still hold, for the next', async () => {
    let tightened = 0;
    for (const seed of seeds(12)) {
      const { network, problem } = hard(seed);
      const prover = new SymbolicProver(network, problem, {
        ...hooks(),
        tryCandidate: () => Promise.resolve(false),
        mostRefinements: 12,
      });
      const root = new SymbolicRegion(network, problem.constraints, problem.box);
      const before = root.preActivations(root.root!);
      await prover.run(ENDLESS, [0]);
      const after = prover.preActivations()!;
      const random = new Random(seed);
      const samples = seeds(200).map(() => evaluate(network, pointIn(random, problem.box)));
      after.forEach(({ node, lower, upper }, k) => {
        const input = network.nodes.find(({ name }) => name === node)!.inputs[0];
        lower.forEach((l, i) => {
          if (l > before[k].lower[i] || upper[i] < before[k].upper[i]) tightened++;
          expect(l).toBeGreaterThanOrEqual(before[k].lower[i]);
          expect(upper[i]).toBeLessThanOrEqual(before[k].upper[i]);
          for (const values of samples) {
            expect(values[input][i]).toBeGreaterThanOrEqual(l);
            expect(values[input][i]).toBeLessThanOrEqual(upper[i]);
          }
        });
      });
    }
    expect(tightened).toBeGreaterThan(0);
  });
});

describe('a solver that is wrong', () => {
  const line = (coefficients: number[], constant: number) => ({
    coefficients: Float64Array.from(coefficients),
    constant,
    bound: constant - coefficients.reduce((sum, a) => sum + Math.abs(a), 0),
    losses: new Float64Array(0),
  });
  const margin = line([1, 2], 0.5);
  const half = line([1, 1], 0);
  const saying = (outcome: SolveOutcome): OpenModel => {
    return program =>
      Promise.resolve({
        program,
        changeCost: () => {},
        changeColumnBounds: () => {},
        changeRowBounds: () => {},
        basis: () => null,
        startFrom: () => {},
        solve: () => outcome,
        dispose: () => {},
      });
  };
  const least = (outcome: SolveOutcome) => new LineProgram([half], {}, saying(outcome)).least([margin]);

  it('proves no more than its multipliers do', async () => {
    const honest = await new LineProgram([half], {}).least([margin]);
    // On x + y ≥ 0 the least of x + 2y + 0.5 is at (1, −1).
    expect(honest).toMatchObject({ kind: 'bound' });
    expect((honest as { bound: number }).bound).toBeCloseTo(-0.5, 9);
    for (const dual of [0, 0.3, 1, 5, -3, NaN]) {
      const outcome = {
        kind: 'optimal',
        objective: 7,
        bound: 7,
        primal: Float64Array.of(1, 1),
        rowDuals: Float64Array.of(dual),
      } as const;
      const found = await least(outcome);
      expect((found as { bound: number }).bound).toBeLessThanOrEqual(-0.5 + 1e-12);
    }
  });

  it('does not make a part empty', async () => {
    for (const ray of [null, Float64Array.of(1), Float64Array.of(-1), Float64Array.of(1e9)])
      expect(await least({ kind: 'infeasible', ray })).toEqual({
        kind: 'failed',
        reason: 'HiGHS found no point, but could not show that there is none',
      });
    // x + y ≥ 3 has no point, and HiGHS can show it.
    expect((await new LineProgram([line([1, 1], -3)], {}).least([margin])).kind).toBe('empty');
  });

  it('is named where it failed', async () => {
    expect(await least({ kind: 'failed', reason: 'out of memory' })).toEqual({
      kind: 'failed',
      reason: 'out of memory',
    });
    const refusing: OpenModel = () => Promise.reject(new Error('no'));
    expect(await new LineProgram([half], {}, refusing).least([margin])).toEqual({ kind: 'failed', reason: 'no' });
  });

  it('finds the least of the largest of several margins', async () => {
    // Without phases: max(x, −x) is least at 0; max(x, −x + 1) at 0.5.
    const several = async (...lines: ReturnType<typeof line>[]) =>
      ((await new LineProgram([], {}).least(lines)) as { bound: number }).bound;
    expect(await several(line([1], 0), line([-1], 0))).toBeCloseTo(0, 9);
    expect(await several(line([1], 0), line([-1], 1))).toBeCloseTo(0.5, 9);
  });
});

describe('networks for which there are no symbolic lines', () => {
  const withActivation = (kind: 'sigmoid' | 'tanh' | 'leakyRelu', slope: number): Network => {
    const network = randomChain(1, [2, 3, 2]);
    const nodes = network.nodes.map(node => (node.kind === 'relu' ? { ...node, kind, slope, name: 'act_7' } : node));
    return { ...network, nodes };
  };

  it.each([
    [
      'sigmoid',
      0,
      'act_7 is a Sigmoid; the back end "symbolic" refines networks whose only nonlinear operators are Relu and LeakyRelu. Use the back end "crown" or "auto".',
    ],
    [
      'tanh',
      0,
      'act_7 is a Tanh; the back end "symbolic" refines networks whose only nonlinear operators are Relu and LeakyRelu. Use the back end "crown" or "auto".',
    ],
    [
      'leakyRelu',
      -0.5,
      'act_7 is a LeakyRelu of slope -0.5; the back end "symbolic" takes slopes between 0 and 1. Use the back end "crown" or "auto".',
    ],
    [
      'leakyRelu',
      2,
      'act_7 is a LeakyRelu of slope 2; the back end "symbolic" takes slopes between 0 and 1. Use the back end "crown" or "auto".',
    ],
  ] as const)('are refused by node and operator: %s', (kind, slope, sentence) => {
    const refusal = symbolicRefusal(withActivation(kind, slope));
    expect(refusal.ok ? null : refusal.error.message).toBe(sentence);
  });

  it('has none against rectifiers, and one against pools', () => {
    expect(symbolicRefusal(randomChain(1, [2, 3, 2], 0.1)).ok).toBe(true);
    const pooled = seeds(60)
      .map(seed => randomNetwork(seed, ['relu']))
      .find(({ nodes }) => nodes.some(({ kind }) => kind === 'maxPool'))!;
    const refusal = symbolicRefusal(pooled);
    expect(refusal.ok ? null : refusal.error.message).toMatch(/^maxPool_\d+ is a MaxPool; /);
  });
});
