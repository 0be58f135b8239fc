import type { FileState } from '../../base/file-state';
import type { TensorReference } from '../../engine/protocol';
import type { ResultRecord } from '../../report/record';
import type { VerdictKind } from '../../report/verdict';
import { worstOf } from './tally';

export type Answered = ResultRecord<TensorReference>;

/** What a run has found out about one question, and what it was about. */
export interface Evidence {
  readonly run: string;
  readonly fingerprint: string;
  readonly model: string;
  /** What else it follows from, as it was read: the model, its weights, the data. */
  readonly files: readonly FileState[];
  /** Results in the order of the plan. */
  readonly results: readonly Answered[];
  /** How many results there are in all, once everything was asked. */
  readonly planned: number;
  /** The run has ended; when results are missing, `interrupted` says why. */
  readonly ended: boolean;
  readonly interrupted?: string;
}

/** What a run says about all the results that it tells of a question. */
export interface EvidenceSource extends Pick<Evidence, 'fingerprint' | 'model' | 'files'> {
  readonly run: string;
  /** Only some samples were asked about. */
  readonly partial: boolean;
  /** Results that the question has in all. */
  readonly planned: number;
}

/** What is known after one more result of a run. What was known before stays where it is the run's own, or where the run is about other samples of the same. */
export function withAnswer(before: Evidence | null, result: Answered, source: EvidenceSource): Evidence {
  const { run, fingerprint, model, files, partial, planned } = source;
  const own = before?.run === run ? before : null;
  const earlier = own ?? (partial && before && isAbout(before, source) ? before : null);
  const results = earlier?.results ?? [];
  return {
    run,
    fingerprint,
    model,
    files,
    results: withResult(results, partial ? asPartOf(results, result) : result, own !== null),
    planned,
    ended: false,
  };
}

/** Evidence about the same text and the same files. */
function isAbout(evidence: Evidence, { fingerprint, model, files }: EvidenceSource): boolean {
  return (
    evidence.fingerprint === fingerprint &&
    evidence.model === model &&
    JSON.stringify(evidence.files) === JSON.stringify(files)
  );
}

/** A sample keeps the place that it had in the run over all of them; a new one goes to the end. */
function asPartOf(results: readonly Answered[], result: Answered): Answered {
  const known = results.find(({ sample }) => sample === result.sample);
  return { ...result, index: known?.index ?? (results.at(-1)?.index ?? -1) + 1 };
}

/**
 * Results come in the order of the plan, so that the new one goes to the end; one that comes again replaces the earlier. The list of a run grows in place: what was
 * told of it before is a shorter look at the same list, and ten thousand copies of it would keep the host busy with nothing but removing them.
 */
function withResult(results: readonly Answered[], result: Answered, own: boolean): readonly Answered[] {
  const last = results.at(-1);
  if (last === undefined || last.index < result.index) {
    if (!own) return [...results, result];
    (results as Answered[]).push(result);
    return results;
  }
  return [...results.filter(({ index }) => index !== result.index), result].sort((a, b) => a.index - b.index);
}

/** The verdict of a question: the worst of its results. Never "verified" early: while results are missing only a bad one counts. */
export function verdictOf(evidence: Evidence | null): VerdictKind | null {
  const found = evidence && worstOf(evidence.results);
  if (!evidence || !found) return null;
  if (evidence.results.length >= evidence.planned || found === 'falsified' || found === 'error') return found;
  return evidence.ended ? 'unknown' : null;
}
