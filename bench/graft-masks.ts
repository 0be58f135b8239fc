import { readFileSync } from 'node:fs';
import path from 'node:path';
import { averagePairwiseDistance, histogram, jaccardSimilarity, vennRegions } from '../src/graft/comparison';
import { outcomeFlow } from '../src/graft/flow';
import { createMask, DEFAULT_MASK_OPTIONS, scorePlane, selectNeurons, type MaskOptions } from '../src/graft/mask';
import { readMask, readNeuronValues } from '../src/graft/neuron-file';
import { graftedCount, graftedPerLayer, type Mask, type NeuronValues } from '../src/graft/neurons';
import { OUTCOMES, type Outcome, type Ranking } from '../src/graft/kinds';
import { scores } from '../src/graft/ranking';
import { percent, say, table, type Settings } from './graft-state';
import { must } from './instances';

/** What the thesis derives from the released CNN-B scores, mask and verification results. */

const RANKED: readonly Ranking[] = ['none', 'min', 'dense'];
const ALL: readonly Ranking[] = ['none', 'min', 'dense', 'ordinal'];
const HEURISTICS = ['SAP', 'VAP', 'GAP'] as const;
type Heuristic = (typeof HEURISTICS)[number];
/** Schedules of figure 4.5; the thesis does not list them. */
const SCHEDULES: readonly (readonly [string, readonly number[]])[] = [
  ['γ = ∞', [Infinity]],
  ['γ = 2', [2]],
  ['γ = 1', [1]],
  ['γ = 0', [0]],
  ['2, 1.5, 1, 0', [2, 1.5, 1, 0]],
];

export async function maskFigures(settings: Settings): Promise<void> {
  const file = (name: string): string => path.join(settings.data, 'linearity_grafting', `cnn_b_${name}.npz`);
  const instability = must(await readNeuronValues(file('score_instability_pretrained')));
  const indicator: Record<Heuristic, NeuronValues> = {
    SAP: must(await readNeuronValues(file('score_magnitude_pretrained'))),
    VAP: must(await readNeuronValues(file('score_variance_pretrained'))),
    GAP: must(await readNeuronValues(file('score_gradient_pretrained'))),
  };
  const official = must(await readMask(file('mask_FAT_eps2_255_graft50')));
  const mask = (heuristic: Heuristic, changes: Partial<MaskOptions>): Mask =>
    must(createMask(instability, indicator[heuristic], { ...DEFAULT_MASK_OPTIONS, ...changes }));
  const both = (ranking: Ranking): Partial<MaskOptions> => ({
    instabilityRanking: ranking,
    significanceRanking: ranking,
  });

  say('Figure 4.1: scores by heuristic and ranking, share of neurons (%) in ten equal bins of [0, 1]');
  const bins = (values: Float64Array): string[] =>
    [...histogram(values, 10).counts].map(count => percent(count / values.length));
  table([
    ['scores', ...Array.from({ length: 10 }, (_, k) => (k / 10).toFixed(1))],
    ...ALL.map(ranking => [`instability, ${ranking}`, ...bins(scores(instability.values, ranking))]),
    ...HEURISTICS.flatMap(name =>
      ALL.map(ranking => [`${name}, ${ranking}`, ...bins(scores(indicator[name].values, ranking))]),
    ),
  ]);

  say('Figure 4.2: neurons selected under GAP by ranking; so many in exactly these masks');
  const byRanking = RANKED.map(ranking => mask('GAP', both(ranking)));
  venn([...RANKED], byRanking);
  table([
    ['ranking', 'layer 1', 'layer 2', 'layer 3'],
    ...RANKED.map((ranking, k) => [ranking, ...graftedPerLayer(byRanking[k]).map(String)]),
    ['released', ...graftedPerLayer(official).map(String)],
  ]);

  say('Figure 4.3: mean Jaccard distance between the heuristics under one ranking (thesis: 0.253, 0.278, 0.303)');
  table([
    ['ranking', 'distance'],
    ...RANKED.map(ranking => [
      ranking,
      averagePairwiseDistance(HEURISTICS.map(name => mask(name, both(ranking)))).toFixed(3),
    ]),
  ]);

  say('Figure 4.4: mean Jaccard distance between rankings under one heuristic (thesis, GAP: 0.404)');
  table([
    ['heuristic', 'distance'],
    ...HEURISTICS.map(name => [
      name,
      averagePairwiseDistance(RANKED.map(ranking => mask(name, both(ranking)))).toFixed(3),
    ]),
  ]);

  say(
    `Figure 4.5: mean Jaccard distance between schedules of γ under GAP (thesis: none 0.448, dense 0.194; its set of γ is not given, here ${SCHEDULES.map(([name]) => name).join('; ')})`,
  );
  table([
    ['ranking', 'distance'],
    ...RANKED.map(ranking => [
      ranking,
      averagePairwiseDistance(SCHEDULES.map(([, schedule]) => mask('GAP', { ...both(ranking), schedule }))).toFixed(3),
    ]),
  ]);

  say(
    'Similarity of every mask to the released one (thesis: best 0.6097, by SAP with none/min, none/dense, dense/min, dense/dense)',
  );
  table([
    ['instability/significance', ...HEURISTICS, 'overlap under SAP (%)'],
    ...RANKED.flatMap(instabilityRanking =>
      RANKED.map(significanceRanking => {
        const masks = HEURISTICS.map(name => mask(name, { instabilityRanking, significanceRanking }));
        const shared = vennRegions([official, masks[0]])[3] / graftedCount(official);
        return [
          `${instabilityRanking}/${significanceRanking}`,
          ...masks.map(each => jaccardSimilarity(official, each).toFixed(4)),
          percent(shared),
        ];
      }),
    ),
  ]);

  const started = performance.now();
  const plane = must(scorePlane(instability, indicator.SAP, DEFAULT_MASK_OPTIONS));
  const ranked = performance.now();
  for (let k = 0; k < 10; k++) must(selectNeurons(plane, { ...DEFAULT_MASK_OPTIONS, ratio: k / 10 }));
  say(
    `A mask of ${plane.instability.length} neurons from cached scores: ${(ranked - started).toFixed(0)} ms to rank, ${((performance.now() - ranked) / 10).toFixed(0)} ms for each new γ or ratio.\n`,
  );
}

function venn(names: readonly string[], masks: readonly Mask[]): void {
  const rows = vennRegions(masks).map((count, code) => [
    names.filter((_, k) => (code >> k) & 1).join(' and ') || 'none of them',
    String(count),
  ]);
  table([['in', 'neurons'], ...rows]);
}

const RELEASED_OUTCOMES: Readonly<Record<string, Outcome>> = {
  skipped_examples: 'misclassified',
  attack_successes: 'attacked',
  verification_success: 'verified',
  verification_failure: 'undecided',
};

/** Figures 4.6 and 4.7 (left) from the released per-image results. */
export function releasedOutcomes(settings: Settings): void {
  const file = path.join(settings.data, 'linearity_grafting', 'cnn_b_verification_per_image.csv');
  const outcomes = { baseline: new Map<number, Outcome>(), grafted: new Map<number, Outcome>() };
  for (const line of readFileSync(file, 'utf8').trim().split('\n').slice(1)) {
    const [index, model, outcome] = line.trim().split(',');
    outcomes[model as 'baseline' | 'grafted'].set(Number(index), RELEASED_OUTCOMES[outcome]);
  }
  const common = [...outcomes.baseline.keys()].filter(index => outcomes.grafted.has(index));
  say(
    `Released CNN-B results on CIFAR-10: ${outcomes.baseline.size} and ${outcomes.grafted.size} images, ${common.length} in both.`,
  );
  flowTables(
    common.map(index => outcomes.baseline.get(index)!),
    common.map(index => outcomes.grafted.get(index)!),
    'thesis, of 1000: verified 333 of 360, misclassified 156 of 192, attacked 81 of 194, undecided 47 of 73',
  );
}

export function flowTables(base: readonly Outcome[], grafted: readonly Outcome[], reference: string): void {
  const { counts, overlaps, hypotheses } = outcomeFlow(base, grafted);
  table([
    ['from base ↓ to graft →', ...OUTCOMES, 'all'],
    ...OUTCOMES.map(from => [
      from,
      ...OUTCOMES.map(to => String(counts[from][to])),
      String(base.filter(each => each === from).length),
    ]),
    ['all', ...OUTCOMES.map(to => String(grafted.filter(each => each === to).length)), String(base.length)],
  ]);
  table([
    ['set', 'both', 'base only', 'graft only'],
    ...overlaps.map(({ outcome, both, onlyBase, onlyGrafted }) => [outcome, both, onlyBase, onlyGrafted].map(String)),
  ]);
  table([
    [`hypothesis (eq. 4.3; ${reference})`, 'contained', 'of', '%', 'holds'],
    ...hypotheses.map(({ statement, contained, of, part, holds }) => [
      statement,
      String(contained),
      String(of),
      percent(part, 2),
      holds ? 'yes' : 'no',
    ]),
  ]);
}
