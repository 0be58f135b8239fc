import { shownBelow } from '../../base/shown-number';
import type { Progress } from '../../verify/progress';
import type { Epsilon, ResultRecord } from '../../report/record';
import type { WeightMove } from '../../spec/perturbation/weights-claim';
import { explain, formatNumber, labelName } from '../../report/summary';
import { WORST_FIRST, type VerdictKind } from '../../report/verdict';
import { countsOf, tallyOf } from './tally';
import { verdictOf, type Activity, type Evidence, type QuestionState, type VerdictStore } from './verdict-store';

/** How a state is shown everywhere: an icon of VS Code's own set, and words; never a colour alone. */
export interface Headline {
  /** Codicon id. */
  readonly icon: string;
  /** One or two words: "verified", "falsified · stale". */
  readonly label: string;
  /** What belongs to it: counts, seconds, bounds; may be empty. */
  readonly detail: string;
  /** The same where there is little room. */
  readonly brief: string;
  readonly tone: Tone;
}

export type Tone = 'none' | 'busy' | 'good' | 'bad' | 'open';

const KIND: Record<VerdictKind, Pick<Headline, 'icon' | 'label' | 'tone'>> = {
  verified: { icon: 'pass-filled', label: 'verified', tone: 'good' },
  falsified: { icon: 'error', label: 'falsified', tone: 'bad' },
  misclassified: { icon: 'circle-slash', label: 'misclassified', tone: 'open' },
  unknown: { icon: 'question', label: 'unknown', tone: 'open' },
  timeout: { icon: 'watch', label: 'timeout', tone: 'open' },
  error: { icon: 'warning', label: 'error', tone: 'bad' },
};

const PHASE: Record<Progress['phase'], string> = {
  loading: 'reading the model',
  attack: 'searching for a counterexample',
  bounds: 'bounding',
  branching: 'splitting the region',
  replay: 'replaying in ONNX Runtime',
};

export function kindHeadline(kind: VerdictKind): Pick<Headline, 'icon' | 'label' | 'tone'> {
  return KIND[kind];
}

/** The state of one question, as CodeLens, tree and tooltip say it. */
export function headline(question: QuestionState, stale: boolean): Headline {
  const { activity, evidence } = question;
  if (activity.kind !== 'idle') {
    const about = activity.fingerprint === question.fingerprint ? '' : ' an earlier text';
    if (activity.kind === 'queued')
      return {
        icon: 'history',
        label: about === '' ? 'queued' : `queued:${about}`,
        detail: '',
        brief: '',
        tone: 'busy',
      };
    return { icon: 'loading~spin', label: `verifying${about}`, tone: 'busy', ...runningDetails(question, activity) };
  }
  const kind = verdictOf(evidence);
  if (!evidence || kind === null)
    return { icon: 'circle-outline', label: 'not run yet', detail: '', brief: '', tone: 'none' };
  const base = KIND[kind];
  const shown = { ...base, ...evidenceDetails(evidence, kind) };
  return stale ? { ...shown, label: `${base.label}, stale`, tone: 'none' } : shown;
}

function runningDetails(
  { evidence }: QuestionState,
  { run, progress }: Extract<Activity, { kind: 'running' }>,
): { detail: string; brief: string } {
  const mine = evidence?.run === run && evidence.planned > 1 ? evidence : null;
  const counts = mine ? [`${mine.results.length} of ${mine.planned}`] : [];
  if (!progress) return { detail: counts.join(''), brief: counts.join('') };
  const { phase, workFraction, lowerBound, elapsedSeconds } = progress.progress;
  const done = workFraction > 0 ? [percent(workFraction)] : [];
  const bound = lowerBound === null ? [] : [`lower bound ${shownBelow(lowerBound)}`];
  // Tenths that change four times a second are hard to read and say nothing.
  const elapsed = [`${Math.floor(elapsedSeconds)} s`];
  return {
    detail: [...counts, PHASE[phase], ...done, ...bound, ...elapsed].join(' · '),
    brief: [...counts, ...done, ...elapsed].join(' · '),
  };
}

/** Where the search stands, in numbers: "class 3 in work · 12 sub-problems open, 340 bounded · depth 7". */
export function liveWords(
  { disjunct, label, openSubproblems, subproblems, depth }: Progress,
  outputNames?: readonly string[],
): string {
  const inWork = disjunct === null ? [] : [`${labelName({ disjunct, label: label ?? null }, outputNames)} in work`];
  return [...inWork, `${openSubproblems} sub-problems open, ${subproblems} bounded`, `depth ${depth}`].join(' · ');
}

function evidenceDetails({ results, planned }: Evidence, kind: VerdictKind): { detail: string; brief: string } {
  const spent = seconds(tallyOf(results).seconds);
  if (planned <= 1) return { detail: spent, brief: spent };
  const counts = countsOf(results);
  const missing = planned - results.length;
  const all = counts.length === 1 && missing === 0;
  const shown = all
    ? [`all ${planned} samples`]
    : [
        ...counts.map(({ kind: each, count }) => `${count} ${KIND[each].label}`),
        ...(missing > 0 ? [`${missing} not decided`] : []),
      ];
  const concerned = counts.find(entry => entry.kind === kind)?.count ?? 0;
  const brief = all ? `all ${planned} samples` : `${concerned} of ${planned} samples`;
  return { detail: `${shown.join(', ')} · ${spent}`, brief: `${brief} · ${spent}` };
}

/** What one result says, as sentences for a diagnostic, a list or a tooltip: what was claimed, what came of it, and why. */
export function resultSentences(result: Pick<ResultRecord<unknown>, 'verdict' | 'sample' | 'claim'>): string {
  const { verdict, sample, claim } = result;
  const said = claimWords(verdict.kind);
  const sentence = `${sample === null ? capital(said) : `Sample ${sample}: ${said}`}: ${claim}.`;
  return [sentence, explain(verdict)].filter(part => part !== '').join(' ');
}

/** What is said of results that an ended run did not bring; null where there are none. */
export function missingSentence({ results, planned, interrupted }: Evidence): string | null {
  const missing = planned - results.length;
  return missing <= 0 || interrupted === undefined ? null : `${missing} of ${planned} were not decided: ${interrupted}`;
}

/** How a claim is introduced by its verdict; a claim may be a denial itself, so it is not denied again. */
export function claimWords(kind: VerdictKind): string {
  if (kind === 'verified' || kind === 'falsified') return `${kind} claim`;
  return `undecided claim (${KIND[kind].label})`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What a verified result is a statement about. */
export function soundnessSentence({ verdict }: Pick<ResultRecord<unknown>, 'verdict'>): string {
  if (verdict.kind !== 'verified') return '';
  return verdict.soundness === 'runtime'
    ? 'Holds for the network in exact arithmetic and for ONNX Runtime’s float32 computation of it.'
    : 'Holds for the network in exact arithmetic; rounding of the proof is already subtracted.';
}

/** The status bar: one short line over every question the store knows. */
export function statusLine(store: VerdictStore): { text: string; tooltip: string } {
  const counts = { good: 0, bad: 0, open: 0, stale: 0, none: 0 };
  let running = '';
  for (const question of store.questions()) {
    const stale = store.isStale(question);
    const shown = headline({ ...question, activity: { kind: 'idle' } }, stale);
    if (question.activity.kind === 'running') running ||= shortProgress(question);
    if (stale) counts.stale++;
    else if (shown.tone !== 'busy') counts[shown.tone]++;
  }
  const parts = [
    [counts.good, 'pass'],
    [counts.bad, 'error'],
    [counts.open, 'question'],
    [counts.stale, 'history'],
  ] as const;
  const tally = parts.filter(([count]) => count > 0).map(([count, icon]) => `$(${icon}) ${count}`);
  const busy = running !== '' || store.isBusy();
  const text = [busy ? '$(loading~spin) Certiscope' : 'Certiscope', running, ...tally]
    .filter(part => part !== '')
    .join(' ');
  const tooltip = [
    `${counts.good} verified, ${counts.bad} falsified or failed, ${counts.open} undecided, ${counts.stale} stale, ${counts.none} not run`,
    busy ? 'A run is going on. Click to see it or to stop it.' : 'Click for what can be done.',
  ].join('\n');
  return { text, tooltip };
}

function shortProgress({ activity, evidence }: QuestionState): string {
  if (activity.kind !== 'running') return '';
  const done = evidence?.run === activity.run ? evidence.results.length : 0;
  const planned = evidence?.run === activity.run ? evidence.planned : 0;
  if (planned > 1) return `${done}/${planned}`;
  const fraction = activity.progress?.progress.workFraction ?? 0;
  return fraction > 0 ? percent(fraction) : '…';
}

export function seconds(value: number): string {
  if (value < 0.01) return '< 0.01 s';
  if (value < 10) return `${value.toFixed(2)} s`;
  if (value < 120) return `${value.toFixed(0)} s`;
  return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

export function percent(fraction: number): string {
  const value = Math.min(100, Math.max(0, fraction * 100));
  return `${value < 10 && value > 0 ? value.toFixed(1) : Math.floor(value)} %`;
}

/** ε in the units it is written in and in the model's own. */
export function epsilonValue({ raw, model }: Epsilon): string {
  const shown = (values: readonly number[]) => {
    const distinct = [...new Set(values.map(formatNumber))];
    return distinct.length > 4 ? `${distinct.slice(0, 3).join(', ')}, …` : distinct.join(', ');
  };
  return shown(raw) === shown(model)
    ? `${shown(raw)} in the model’s own units`
    : `${shown(raw)} in raw values, ${shown(model)} in the model’s own units`;
}

/** How far the weights of a layer may move: "−0.05 to 0.05 (5 % of their range), 4 weights". */
export function moveValue({ lower, upper, range, moved, weights }: WeightMove): string {
  const part = range > 0 ? ` (${formatNumber((100 * Math.max(-lower, upper)) / range)} % of their range)` : '';
  const all = moved === weights ? `${weights}` : `${moved} of ${weights}`;
  return `${formatNumber(lower).replace('-', '−')} to ${formatNumber(upper)}${part}, ${all} weights`;
}

/** Results in the order of lists: what a person should look at first, then as they were planned. In one pass: there may be ten thousand, several times a second. */
export function worstFirst<R extends ResultRecord<unknown>>(
  results: readonly R[],
  only: VerdictKind | 'all' = 'all',
): R[] {
  return WORST_FIRST.filter(kind => only === 'all' || kind === only).flatMap(kind =>
    results.filter(({ verdict }) => verdict.kind === kind),
  );
}
