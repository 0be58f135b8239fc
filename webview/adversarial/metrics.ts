import type { AdversarialSummary } from '../../src/engine/study-protocols/adversarial-inputs';
import { disclosure, facts, table, type Fact } from '../kit/dom';
import { short } from '../kit/numbers';

const ROWS = [
  ['values', 'Changed values'],
  ['pixels', 'Changed pixels'],
  ['pixelPercent', 'Pixels, percent'],
  ['one', 'L1'],
  ['two', 'L2'],
  ['inf', 'L∞'],
] as const;

/** The metrics of a whole run. */
export function metrics(summary: AdversarialSummary): HTMLElement {
  const { norms, seconds } = summary;
  const rows = ROWS.flatMap(([norm, title]) => {
    const spread = norms?.[norm];
    return spread ? [[title, short(spread.median), short(spread.mean), short(spread.largest)]] : [];
  });
  if (seconds) rows.push(['Seconds', short(seconds.median), short(seconds.mean), short(seconds.largest)]);
  return disclosure(
    'metrics',
    'Metrics',
    rows.length > 0 && table('Metrics of the run', ['', 'Median', 'Mean', 'Largest'], rows),
    facts(factsOf(summary)),
  );
}

function factsOf({ foundBy, defectDetection, pielou, transfer, naturalness }: AdversarialSummary): Fact[] {
  const list: Fact[] = [];
  const add = (name: string, value: string): number => list.push({ name, value });
  if (defectDetection !== null) add('Defect detection', `${short(defectDetection)} %`);
  const stages = Object.entries(foundBy).map(([stage, count]) => `${stage} ${count}`);
  if (stages.length > 0) add('Found by', stages.join(', '));
  if (pielou !== null) add('Evenness of the classes reached (Pielou)', short(pielou));
  if (transfer)
    add(
      'Transfer',
      transfer.percent === null
        ? `${transfer.model} answers none of the originals as this model does`
        : `${transfer.fooled} of ${transfer.comparable} fool ${transfer.model} too (${short(transfer.percent)} %)`,
    );
  const { label, distance, samples, dimension, reason } = naturalness;
  add(
    'Naturalness',
    distance === null
      ? (reason ?? '')
      : `${label}: ${short(distance)}, n ${samples}, dimension ${dimension}; this is no FID unless that network is Inception`,
  );
  return list;
}
