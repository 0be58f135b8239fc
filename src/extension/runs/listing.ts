/** The history as a list: in which order, which of them, and in which words. */
import { WORST_FIRST, type VerdictKind } from '../../report/verdict';
import { kindHeadline, seconds, type Headline } from '../core/wording';
import { decidedOf, verdictOfRun, type RunEffort, type RunHead, type RunOutcome } from './kept-run';

/** What a person can sort by, and what the order is called. */
export const SORTS = {
  newest: 'Newest first',
  worst: 'Worst verdict first',
  longest: 'Longest first',
  name: 'By name',
} as const;
export type Sort = keyof typeof SORTS;

export const EFFORT_WORDS: Readonly<Record<RunEffort, string>> = {
  complete: '',
  quick: 'quick',
  attack: 'attack only',
};

const OUTCOME_WORDS: Readonly<Record<RunOutcome, string>> = {
  running: 'running',
  complete: '',
  cancelled: 'stopped',
  failed: 'failed',
  interrupted: 'interrupted',
};

/** What every specification's name ends with. */
const ENDING = /(\.certiscope\.jsonc|\.vnnlib(\.gz)?)$/;

/** How a specification or a model is named to a person. */
export type Naming = (uriOrPath: string) => string;

/** The runs that match every word of `filter`, pinned ones first. */
export function listedRuns(heads: readonly RunHead[], sort: Sort, filter: string, shown: Naming): readonly RunHead[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = heads.filter(head => {
    if (words.length === 0) return true;
    const text = searchText(head, shown);
    return words.every(word => text.includes(word));
  });
  const order = ORDERS[sort];
  return matching.sort(
    (a, b) => Number(b.pinned) - Number(a.pinned) || order(a, b) || b.started - a.started || (a.id < b.id ? 1 : -1),
  );
}

const ORDERS: Readonly<Record<Sort, (a: RunHead, b: RunHead) => number>> = {
  newest: () => 0,
  worst: (a, b) => rank(a) - rank(b),
  longest: (a, b) => b.seconds - a.seconds,
  name: (a, b) => runTitle(a).localeCompare(runTitle(b), 'en', { numeric: true }),
};

/** A run that failed before it had any verdict comes before all others; one without results after them. */
function rank(head: RunHead): number {
  const verdict = verdictOfRun(head);
  if (verdict === null) return head.outcome === 'failed' ? -1 : WORST_FIRST.length;
  return WORST_FIRST.indexOf(verdict);
}

function searchText(head: RunHead, shown: Naming): string {
  const parts = [
    head.name,
    shown(head.specification),
    shown(head.model),
    ...(head.checks ?? []),
    EFFORT_WORDS[head.effort],
    OUTCOME_WORDS[head.outcome],
    head.pinned ? 'pinned' : '',
    ...WORST_FIRST.filter(kind => (head.counts[kind] ?? 0) > 0),
  ];
  return parts.join('\n').toLowerCase();
}

/** The name that a person gave, else what was run: in a list there is no room for folders and endings. */
export function runTitle({ name, specification, checks }: RunHead): string {
  if (name !== '') return name;
  const file = decodeURIComponent(specification.slice(specification.lastIndexOf('/') + 1)).replace(ENDING, '');
  const [first] = checks ?? [];
  if (first === undefined) return file;
  return `${file} › ${checks?.length === 1 ? first : `${checks?.length} checks`}`;
}

/** Counts, seconds, when: "2 falsified, 98 verified · 12 s · 3 min ago". */
export function runDescription(head: RunHead, now: number): string {
  const parts = [
    head.outcome === 'running' ? `${decidedOf(head.counts)} of ${head.planned || '…'}` : OUTCOME_WORDS[head.outcome],
    countWords(head),
    EFFORT_WORDS[head.effort],
    head.outcome === 'running' ? '' : seconds(head.seconds),
    ago(now - head.started),
  ];
  return parts.filter(part => part !== '').join(' · ');
}

/** "2 falsified, 98 verified": the worst first. */
export function countWords({ counts }: Pick<RunHead, 'counts'>): string {
  return WORST_FIRST.filter(kind => (counts[kind] ?? 0) > 0)
    .map(kind => `${counts[kind]} ${kindHeadline(kind).label}`)
    .join(', ');
}

/** Icon and tone of a run: of its worst verdict, or of what kept it from having one. */
export function runHeadline(head: RunHead): Pick<Headline, 'icon' | 'tone'> {
  if (head.outcome === 'running') return { icon: 'loading~spin', tone: 'busy' };
  const verdict: VerdictKind | null = verdictOfRun(head);
  if (verdict === null)
    return head.outcome === 'failed' ? kindHeadline('error') : { icon: 'circle-slash', tone: 'none' };
  if (verdict === 'verified' && decidedOf(head.counts) < head.planned) return kindHeadline('unknown');
  return kindHeadline(verdict);
}

/** When, in the words of people. */
export function ago(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ago`;
  const days = Math.floor(hours / 24);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}
