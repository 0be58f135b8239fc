import { IMPORTANCES, RANKINGS, type Importance, type Ranking } from '../../src/engine/study-protocols/graft';
import type { Child } from '../kit/dom';
import { rangeField } from '../kit/range';
import { select, textField } from '../kit/toolkit';
import type { ScoredMask } from './protocol';

/** What decides which neurons become linear. Another importance has to be measured; the rest is drawn at once. */
export function maskFields(
  mask: ScoredMask,
  change: (change: Partial<ScoredMask>) => void,
  measure: (importance: Importance) => void,
): Child[] {
  const ranking = (label: string, value: Ranking, changed: (ranking: Ranking) => Partial<ScoredMask>): HTMLElement =>
    select<Ranking>({
      label,
      value,
      options: RANKINGS.map(each => ({ value: each, label: each })),
      onChange: chosen => change(changed(chosen)),
    });
  return [
    rangeField({
      label: 'Part of the neurons that becomes linear, in percent',
      least: 0,
      most: 100,
      step: 1,
      value: Math.round(100 * mask.ratio),
      words: part => `${part} % linear`,
      onMove: part => change({ ratio: part / 100 }),
    }),
    textField({
      label: 'γ of the stages',
      value: mask.schedule.map(gamma => (gamma === 'infinity' ? '∞' : gamma)).join(', '),
      placeholder: '2, 1.5, 1, 0',
      size: 14,
      onChange: text =>
        change({ schedule: text.split(',').map(word => (/∞|inf/i.test(word) ? 'infinity' : Number(word))) }),
    }),
    ranking('Instability ranked', mask.instabilityRanking, instabilityRanking => ({ instabilityRanking })),
    ranking('Significance ranked', mask.significanceRanking, significanceRanking => ({ significanceRanking })),
    select<Importance>({
      label: 'Significance by',
      value: mask.importance,
      options: IMPORTANCES.map(value => ({ value, label: value.toUpperCase() })),
      onChange: measure,
    }),
    select<'global' | 'layer'>({
      label: 'Chosen',
      value: mask.scope,
      options: [
        { value: 'global', label: 'among all neurons' },
        { value: 'layer', label: 'in every layer' },
      ],
      onChange: scope => change({ scope }),
    }),
  ];
}
