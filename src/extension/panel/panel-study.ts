import type { Result } from '../../base/result';
import type { ParamsOf, PartOf, ResultOf, StudyKind } from '../../engine/study-protocols/kinds';
import type { Busy } from '../../../webview/kit/study';
import type { RunningStudy, Studies } from '../studies';

/** One piece of work that a panel asks for. */
export interface PanelWork<K extends StudyKind> {
  readonly kind: K;
  /** E.g. `Weight tolerance of digits.onnx`. */
  readonly title: string;
  /** What it is about, for a problem whose sentence does not name it. */
  readonly about: string;
  /** What is asked, or what of it makes no sense. */
  readonly params: Result<ParamsOf<K>>;
  readonly onPart?: (part: PartOf<K>) => void;
}

export interface PanelStudyEvents {
  /** A study began, or ended without an answer: `busy` and `problem` are others. */
  readonly onChange: () => void;
  readonly onProgress: (busy: Busy) => void;
}

/**
 * The study that a panel has in work: one at a time, and the last that was asked for wins. Whatever an earlier one still says is dropped, so that no late
 * answer is painted over a newer one.
 */
export class PanelStudy {
  readonly #studies: Studies;
  readonly #events: PanelStudyEvents;
  #turn = 0;
  #running: RunningStudy<unknown> | null = null;
  #busy: Busy | null = null;
  #problem: string | null = null;

  constructor(studies: Studies, events: PanelStudyEvents) {
    this.#studies = studies;
    this.#events = events;
  }

  /** How far the study is; null when none is at work. */
  get busy(): Busy | null {
    return this.#busy;
  }

  /** Why the last one came to no answer, in a sentence; null where it did, or where a person stopped it. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Says a mistake that was found after the study, until the next one begins. */
  set problem(sentence: string | null) {
    this.#problem = sentence;
  }

  /** Stops what is at work and asks for this instead. Null when it came to no answer, or something else was asked for meanwhile. */
  async ask<K extends StudyKind>({ kind, title, about, params, onPart }: PanelWork<K>): Promise<ResultOf<K> | null> {
    const turn = ++this.#turn;
    const isLast = (): boolean => turn === this.#turn;
    const before = this.#running;
    this.#running = null;
    this.#busy = params.ok ? { fraction: null, text: 'Reading the model and the data' } : null;
    this.problem = params.ok ? null : params.error.message;
    this.#events.onChange();
    await before?.stop();
    if (!params.ok || !isLast()) return null;
    const running = this.#studies.start(kind, params.value, {
      title,
      about,
      onPart: part => isLast() && onPart?.(part),
      onProgress: (fraction, text) => {
        if (!isLast()) return;
        this.#busy = { fraction, text };
        this.#events.onProgress(this.#busy);
      },
    });
    this.#running = running;
    const answer = await running.answer;
    if (!isLast()) return null;
    this.#running = null;
    this.#busy = null;
    if (answer.ok) return answer.value;
    this.problem = answer.problems.find(({ code }) => code !== 'engine/cancelled')?.message ?? null;
    this.#events.onChange();
    return null;
  }

  /** What the study has found so far stays. */
  async stop(): Promise<void> {
    if (this.#running) return this.#running.stop();
    if (!this.#busy) return;
    // It was asked for and has not begun: the one before it is still ending.
    this.#turn++;
    this.#busy = null;
    this.#events.onChange();
  }

  dispose(): void {
    void this.stop();
  }
}
