import type { RunRecord } from './record';
import { explain } from './summary';

const COLUMNS = [
  'check',
  'sample',
  'verdict',
  'seconds',
  'lowerBound',
  'margin',
  'foundBy',
  'label',
  'predicted',
  'cached',
  'claim',
  'reason',
  'key',
] as const;

/** The run as a table (RFC 4180): one row a result, numbers with a decimal point, nothing where there is no value. */
export function toCsv(run: RunRecord): string {
  const rows = run.results.map(({ check, sample, verdict, label, predicted, cached, claim, key }) => {
    const counterexample = verdict.kind === 'falsified' ? verdict.counterexample : null;
    const row: Readonly<Record<(typeof COLUMNS)[number], unknown>> = {
      check,
      sample,
      verdict: verdict.kind,
      seconds: verdict.seconds,
      lowerBound: verdict.lowerBound,
      margin: counterexample?.margin,
      foundBy: counterexample?.foundBy,
      label,
      predicted,
      cached,
      claim,
      reason: explain(verdict),
      key,
    };
    return COLUMNS.map(column => field(row[column])).join(',');
  });
  return `${[COLUMNS.join(','), ...rows].join('\r\n')}\r\n`;
}

function field(value: unknown): string {
  if (value === null || value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
