import type { AdversarialSummary } from '../../src/engine/study-protocols/adversarial-inputs';
import { element, table } from '../kit/dom';
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
export function metrics(summary: AdversarialSummary, open: boolean, onToggle: (open: boolean) => void): HTMLElement {
  const { norms, seconds } = summary;
  const rows = ROWS.flatMap(([norm, title]) => {
    const spread = norms?.[norm];
    return spread ? [[title, short(spread.median), short(spread.mean), short(spread.largest)]] : [];
  });
  if (seconds) rows.push(['Seconds', short(seconds.median), short(seconds.mean), short(seconds.largest)]);
  const box = element(
    'details',
    { ...(open ? { open: '' } : {}) },
    element('summary', { 'data-focus': 'metrics' }, 'Metrics'),
    rows.length > 0 && table('Metrics of the run', ['', 'Median', 'Mean', 'Largest'], rows),
    element(
      'dl',
      {},
      ...facts(summary).flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
    ),
  );
  box.addEventListener('toggle', () => onToggle(box.open));
  return box;
}

function facts({ foundBy, defectDetection, pielou, transfer, naturalness }: AdversarialSummary): [string, string][] {
  const list: [string, string][] = [];
  if (defectDetection !== null) list.push(['Defect detection', `${short(defectDetection)} %`]);
  const stages = Object.entries(foundBy).map(([stage, count]) => `${stage} ${count}`);
  if (stages.length > 0) list.push(['Found by', stages.join(', ')]);
  if (pielou !== null) list.push(['Evenness of the classes reached (Pielou)', short(pielou)]);
  if (transfer)
    list.push([
      'Transfer',
      transfer.percent === null
        ? `${transfer.model} answers none of the originals as this model does`
        : `${transfer.fooled} of ${transfer.comparable} fool ${transfer.model} too (${short(transfer.percent)} %)`,
    ]);
  const { label, distance, samples, dimension, reason } = naturalness;
  list.push([
    'Naturalness',
    distance === null
      ? (reason ?? '')
      : `${label}: ${short(distance)}, n ${samples}, dimension ${dimension}; this is no FID unless that network is Inception`,
  ]);
  return list;
}
