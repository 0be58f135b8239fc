import { OUTCOMES } from '../../src/engine/study-protocols/graft';
import type { GraftOutcomesResult, NetworkAccuracies } from '../../src/engine/study-protocols/graft-outcomes';
import { disclosure, element, table, type Child } from '../kit/dom';
import { percent } from '../kit/numbers';
import { flowDiagram } from './flow';

/** Base and graft compared on the samples: accuracies, how samples move, transfer, and what is proven of how far the two differ. */
export function outcomesSection({
  base,
  grafted,
  flow,
  hypotheses,
  transfer,
  distance,
  samples,
}: GraftOutcomesResult): Child[] {
  const accuracies = (name: string, { standard, robust, verified, counts }: NetworkAccuracies): Child[] => [
    name,
    percent(standard),
    percent(robust),
    percent(verified),
    String(counts.undecided),
  ];
  const tried = (name: string, counts: GraftOutcomesResult['transfer']['toBase']): Child[] => [
    name,
    ...[counts.tried, counts.fooled, counts.withstood, counts.misclassified].map(String),
  ];
  return [
    table(
      'Accuracies',
      ['Network', 'Right', 'Right and not attacked', 'Verified', 'Undecided'],
      [accuracies('base', base), accuracies('graft', grafted)],
    ),
    ...[base, grafted].flatMap(({ unstable }, k) =>
      unstable.map(each => element('p', { class: 'quiet' }, `${k === 0 ? 'base' : 'graft'}, unstable: ${each}`)),
    ),
    element('h3', {}, `How ${samples.length} samples move, from base to graft`),
    element('div', {}, flowDiagram(flow) as unknown as HTMLElement),
    disclosure(
      'outcomes',
      'As tables',
      table(
        'Samples by outcome of the base (rows) and of the graft',
        ['Base', ...OUTCOMES],
        OUTCOMES.map(from => [from, ...OUTCOMES.map(to => String(flow[from][to]))]),
      ),
      table(
        'Subset hypotheses',
        ['f is the base, g the graft', 'Contained', 'Of', '%'],
        hypotheses.map(({ statement, contained, of }) => [
          statement,
          String(contained),
          String(of),
          of === 0 ? '–' : percent(contained / of),
        ]),
      ),
      table(
        'Transfer of adversarial examples',
        ['Examples of … on …', 'Tried', 'Fool it', 'Do not', 'Wrong anyway'],
        [tried('graft on base', transfer.toBase), tried('base on graft', transfer.toGrafted)],
      ),
    ),
    ...(distance && distance.outputs.length > 0 ? distanceOf(distance) : []),
  ];
}

function distanceOf(distance: NonNullable<GraftOutcomesResult['distance']>): Child[] {
  const { outputs, samples, carried, missedByBase, onlyCarried, marginWidth } = distance;
  const rows = outputs.map(({ lower, upper, mean }, j): Child[] => [
    `output ${j}`,
    lower.toFixed(3),
    upper.toFixed(3),
    mean.toFixed(3),
  ]);
  return [
    element('h3', {}, 'How far graft and base can differ, proven'),
    element(
      'p',
      {},
      `Over the regions of ${samples} samples. ${carried} of them are verified for the base by way of the graft; of those, its own verification missed ${missedByBase} in equal time (or its limit, where that is less) and ${onlyCarried} altogether.`,
    ),
    disclosure(
      'distance',
      `Per output (margins differ by ranges of ${marginWidth.toFixed(3)} on average)`,
      table('Graft minus base, per output', ['Output', 'At least', 'At most', 'Mean range'], rows),
    ),
  ];
}
