import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { loadModelBytes } from '../../../src/network/load';
import type { Network } from '../../../src/network/network';
import type { Verdict } from '../../../src/report/verdict';
import type { Disjunct, Question } from '../../../src/spec/question';
import { isInBox } from '../../../src/attack/violation';
import { Solver } from '../../../src/verify/decide';
import { DEFAULT_OPTIONS } from '../../../src/verify/options';
import { randomChain, randomConstraints } from '../bounds/chains';
import { randomNetwork } from '../tensor/random-network';
import { onnxOf } from './onnx-of-network';
import { fewFreeInputs, lowered, margins, truth, type Truth } from './oracle';

/** Below this the mixed-integer program's own tolerances, and float32, may tip the balance. */
const DECIDED = 1e-6;

async function decide(network: Network, disjuncts: Disjunct[], seed: number): Promise<Verdict> {
  const loaded = loadModelBytes(onnxOf(network), 'random.onnx');
  if (!loaded.ok) throw new Error(loaded.error.message);
  const solver = new Solver(loaded.value);
  const question: Question = { disjuncts, inputSize: network.inputSize, outputSize: network.outputSize };
  try {
    return await solver.decide(
      question,
      { ...DEFAULT_OPTIONS, threads: 1, seed, timeout: 20 },
      { deadline: performance.now() + 20_000, cancelled: () => false },
    );
  } finally {
    await solver.close();
  }
}

/** The verdict must be what the truths of all disjuncts say it is. */
function agree(network: Network, disjuncts: readonly Disjunct[], truths: readonly Truth[], verdict: Verdict): void {
  const what = JSON.stringify(truths);
  if (truths.every(({ bound }) => bound > DECIDED)) expect(verdict.kind, what).toBe('verified');
  if (truths.some(({ reached }) => reached < -DECIDED)) expect(verdict.kind, what).toBe('falsified');
  if (verdict.kind === 'verified')
    expect(Math.min(...truths.map(({ reached }) => reached)), what).toBeGreaterThan(-DECIDED);
  if (verdict.kind === 'falsified') {
    expect(Math.min(...truths.map(({ bound }) => bound)), what).toBeLessThan(DECIDED);
    const { input } = verdict.counterexample;
    const worst = disjuncts
      .filter(({ box }) => isInBox(box, input))
      .map(({ constraints }) => Math.max(...margins(network, constraints, Float64Array.from(input))));
    expect(Math.min(...worst), what).toBeLessThan(1e-5);
  }
}

/** How far from a tie the questions are asked, either way; the last ones are near what float32 can tell apart. */
const DISTANCES = [1, -1, 0.1, -0.1, 1e-2, -1e-2, 1e-3, -1e-3, 3e-5, -3e-5];
/** No constraint of a conjunction is violated alone, so boxes must get as small as the distance: nearer to a tie the search takes too long. */
const NEAREST_CONJUNCTION = 1e-3;

interface Case {
  readonly network: Network;
  readonly inputs: number;
}

function chainCase(seed: number): Case {
  const random = new Random(seed);
  const inputs = 2 + random.integer(3);
  const hidden = Array.from({ length: 1 + random.integer(3) }, () => 2 + random.integer(8));
  return { network: randomChain(seed, [inputs, ...hidden, 3], seed % 3 === 0 ? 0.25 : 0), inputs };
}

function graphCase(seed: number): Case {
  return { network: randomNetwork(seed, seed % 2 === 0 ? ['relu'] : ['relu', 'leakyRelu']), inputs: 4 };
}

/** One question: `disjuncts` of them, over boxes of their own or shared, with up to `most` constraints each, moved to `distance` from a tie. */
async function check({ network, inputs }: Case, seed: number, disjuncts: number, most: number): Promise<void> {
  const random = new Random(seed + 7919);
  const distances = most === 1 ? DISTANCES : DISTANCES.filter(distance => Math.abs(distance) >= NEAREST_CONJUNCTION);
  const distance = distances[seed % distances.length];
  const parts: Disjunct[] = [];
  const truths: Truth[] = [];
  for (let k = 0; k < disjuncts; k++) {
    const box =
      k > 0 && random.integer(2) === 0
        ? parts[k - 1].box
        : fewFreeInputs(random, network.inputSize, inputs, [1, 0.3, 0.05][random.integer(3)]);
    const drawn = randomConstraints(random, 1 + random.integer(most), network.outputSize, network.inputSize);
    const { bound, reached } = await truth(network, box, drawn);
    expect(reached - bound, 'the mixed-integer program is the network').toBeLessThan(1e-6 * (1 + Math.abs(bound)));
    expect(reached - bound, 'the mixed-integer program is the network').toBeGreaterThan(-1e-6 * (1 + Math.abs(bound)));
    // In a union one disjunct decides; the others are safe, so that an early end of the search would show.
    const shift = bound - (k === 0 ? distance : Math.abs(distance));
    parts.push({ box, constraints: lowered(drawn, shift) });
    truths.push({ bound: bound - shift, reached: reached - shift });
  }
  const order = random.integer(2) === 0 ? parts : [...parts].reverse();
  agree(network, order, truths, await decide(network, order, seed));
}

const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed);

describe('verdicts agree with the mixed-integer program', () => {
  it.each(seeds(100))('dense chains, one constraint, seed %i', seed => check(chainCase(seed), seed, 1, 1));
  it.each(seeds(50))('dense chains, unions of conjunctions, seed %i', seed => check(chainCase(seed + 200), seed, 3, 3));
  it.each(seeds(40))('graphs, one constraint, seed %i', seed => check(graphCase(seed), seed, 1, 1));
  it.each(seeds(30))('graphs, unions of conjunctions, seed %i', seed => check(graphCase(seed + 200), seed, 2, 3));
});
