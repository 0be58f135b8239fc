import { Random } from '../src/base/random';
import { carrySummary, carryVerdicts, type Carried } from '../src/graft/carry';
import type { SampleOutcome } from '../src/graft/outcomes';
import { regionAround } from '../src/graft/regions';
import { evaluate } from '../src/network/evaluate';
import { Program } from '../src/tensor/compile';
import { input } from '../src/tensor/expression';
import { gradient } from '../src/tensor/gradient';
import { add, max, min, mul, reduceSum, sign, sub } from '../src/tensor/operators';
import { answers } from '../src/train/grafted-network';
import { outcomesOf } from './graft-outcomes';
import { benchModels, CONTROLS, perturbationOf, type BenchModel } from './graft-models';
import { mnist, percent, say, table, type Settings, type State } from './graft-state';
import { must } from './instances';

/** How far base and graft differ, proven; whether points contradict it; and what is carried back. */

/** Points tried against the bounds of one pair at least, some of each sample's driven towards the largest difference. */
const POINTS = 10_000;
const ASCENT_STEPS = 20;

export async function pairTables(settings: Settings, state: State): Promise<void> {
  const models = await benchModels(settings, state);
  const [base] = models;
  const data = mnist(settings.data, 't10k', 0, settings.samples);
  const perturbation = perturbationOf(settings);
  const ofBase = bySample(await outcomesOf(base, settings, state));
  const bounds = [['pair', 's a sample', 'mean width of g_j − f_j', 'widest', 'seen by points %', 'points outside']];
  const verdicts = [
    [
      'pair',
      'samples',
      'carried',
      'missed by the base in equal time',
      'missed by the base',
      'not by bounds of f',
      'best bound',
    ],
  ];
  for (const each of models.slice(1).filter(({ name }) => !CONTROLS.some(control => control.name === name))) {
    const ofGraft = bySample(await outcomesOf(each, settings, state));
    const right = [...ofGraft.values()].filter(({ outcome }) => outcome === 'verified' || outcome === 'undecided');
    const samples = right.map(({ sample }) => sample);
    const carried = must(
      await carryVerdicts(base.model.network, each.model, data, perturbation, { samples, grafted: ofGraft }),
    );
    const widths = carried.flatMap(({ outputs }) => outputs.map(({ lower, upper }) => upper - lower));
    const tried = await contradictions(base, each, carried, settings);
    const mean = widths.reduce((sum, width) => sum + width, 0) / widths.length;
    bounds.push([
      each.name,
      (carried.reduce((sum, { seconds }) => sum + seconds, 0) / carried.length).toFixed(2),
      mean.toFixed(3),
      Math.max(...widths).toFixed(3),
      percent(tried.reached),
      `${tried.outside} of ${tried.points}`,
    ]);
    const summary = carrySummary(carried, { base: ofBase, grafted: ofGraft });
    const best = Math.max(...carried.map(({ lowerBound }) => lowerBound));
    say(`  ${each.name}: done`);
    verdicts.push(
      [each.name, summary.samples, summary.carried, summary.missedByBase, summary.onlyCarried, summary.beyondBounds]
        .map(String)
        .concat(best.toFixed(3)),
    );
  }
  say(`Certified bounds on g − f over the region of each sample that g may be verified on (ε = ${settings.epsilon})`);
  table(bounds);
  say('Verdicts carried back: lower(margin of g) + lower(margin of f − margin of g) > 0 for every wrong class');
  table(verdicts);
}

function bySample(outcomes: readonly SampleOutcome[]): Map<number, SampleOutcome> {
  return new Map(outcomes.map(outcome => [outcome.sample, outcome]));
}

interface Tried {
  readonly points: number;
  /** Points with a difference outside of its bounds. */
  readonly outside: number;
  /** Mean part of the proven range of an output's difference that points covered. */
  readonly reached: number;
}

/** Points evaluated at once in float32. */
const BATCH = 250;
/** Far more than float32 evaluation of these networks is off by, in units of the answers' size: what is closer to a bound is evaluated in float64. */
const NEAR = 1e-3;

async function contradictions(
  base: BenchModel,
  graft: BenchModel,
  carried: readonly Carried[],
  settings: Settings,
): Promise<Tried> {
  const data = mnist(settings.data, 't10k', 0, settings.samples);
  const random = new Random(settings.seed, 0x9a1);
  const each = Math.ceil(POINTS / Math.max(1, carried.length) / BATCH) * BATCH;
  const x = input('x', [BATCH, 784]);
  const program = must(await Program.compile('float32', { f: answers(base.model, x), g: answers(graft.model, x) }));
  let [points, outside, reached, ranges] = [0, 0, 0, 0];
  for (const { sample, outputs } of carried) {
    if (outputs.length === 0) continue;
    const { lowerPoint, upperPoint } = regionAround(
      data.inputs.slice(784 * sample, 784 * (sample + 1)),
      perturbationOf(settings),
    );
    const all = await extremes(base, graft, lowerPoint, upperPoint, BATCH, random);
    while (all.length < each)
      all.push(
        lowerPoint.map(
          (low, i) => low + (random.integer(2) ? random.integer(2) : random.uniform()) * (upperPoint[i] - low),
        ),
      );
    const seen = outputs.map(() => [Infinity, -Infinity]);
    for (let from = 0; from < all.length; from += BATCH) {
      const flat = new Float32Array(BATCH * 784);
      for (let row = 0; row < BATCH; row++) flat.set(all[from + row], 784 * row);
      const { f, g } = must(await program.run({ x: flat }));
      for (let row = 0; row < BATCH; row++, points++) {
        const near = outputs.some(({ lower, upper }, j) => {
          const at = row * outputs.length + j;
          const difference = g[at] - f[at];
          seen[j] = [Math.min(seen[j][0], difference), Math.max(seen[j][1], difference)];
          const slack = NEAR * (1 + Math.abs(f[at]) + Math.abs(g[at]));
          return difference < lower + slack || difference > upper - slack;
        });
        if (near && isOutside(base, graft, all[from + row], outputs)) outside++;
      }
    }
    outputs.forEach(({ lower, upper }, j) => {
      if (upper > lower) reached += (seen[j][1] - seen[j][0]) / (upper - lower);
      ranges++;
    });
  }
  await program.close();
  return { points, outside, reached: reached / ranges };
}

/** Whether some output's difference, in float64, lies outside of its bounds by more than that evaluation can be off. */
function isOutside(base: BenchModel, graft: BenchModel, x: Float32Array, outputs: Carried['outputs']): boolean {
  const [f, g] = [base, graft].map(({ loaded }) => evaluate(loaded.network, Float64Array.from(x)).at(-1)!);
  return outputs.some(({ lower, upper }, j) => {
    const slack = 1e-10 * (1 + Math.abs(f[j]) + Math.abs(g[j]));
    return g[j] - f[j] < lower - slack || g[j] - f[j] > upper + slack;
  });
}

/** Points of a box driven towards the largest and the smallest difference of each output in turn. */
async function extremes(
  base: BenchModel,
  graft: BenchModel,
  lower: Float32Array,
  upper: Float32Array,
  count: number,
  random: Random,
): Promise<Float32Array[]> {
  const { inputSize, outputSize } = base.model.network;
  const x = input('x', [count, inputSize]);
  const [low, high] = [input('low', [1, inputSize]), input('high', [1, inputSize])];
  const difference = sub(answers(graft.model, x), answers(base.model, x));
  const aim = reduceSum(mul(difference, input('aim', [count, outputSize])), [1]);
  const step = mul(sign(gradient(aim, [x])[0]), mul(sub(high, low), input('rate', [1, 1])));
  const program = must(await Program.compile('float32', { next: max(min(add(x, step), high), low) }));
  const aims = new Float32Array(count * outputSize);
  for (let row = 0; row < count; row++) aims[row * outputSize + ((row >> 1) % outputSize)] = row % 2 ? 1 : -1;
  let points = Float32Array.from({ length: count * inputSize }, (_, k) => {
    const i = k % inputSize;
    return Math.min(upper[i], Math.max(lower[i], Math.fround(lower[i] + random.uniform() * (upper[i] - lower[i]))));
  });
  for (let t = 0; t < ASCENT_STEPS; t++) {
    const rate = Float32Array.of(0.25 * 0.85 ** t);
    points = must(await program.run({ x: points, low: lower, high: upper, aim: aims, rate }))
      .next as Float32Array<ArrayBuffer>;
  }
  await program.close();
  return Array.from({ length: count }, (_, row) => points.slice(row * inputSize, (row + 1) * inputSize));
}
