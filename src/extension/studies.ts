import * as vscode from 'vscode';
import type { Answer } from '../engine/protocol';
import type { StudyListener, StudyRun } from '../engine/run';
import type { ParamsOf, PartOf, ResultOf, StudyKind } from '../engine/study-protocols/kinds';
import { tellProblems } from './commands/specification-choice';
import { withShortPaths } from './documents/uris';
import type { EngineDoor } from './engine-door';

/** What to call a study while it is at work. */
export interface StudyWork<K extends StudyKind> extends StudyListener<PartOf<K>> {
  /** E.g. `Weight tolerance of digits.onnx`. */
  readonly title: string;
  /** What it is about, for a problem whose sentence does not name it. */
  readonly about: string;
}

/** An answered study, its three types tied together by its kind. */
export type AnsweredStudy = {
  readonly [K in StudyKind]: { readonly kind: K; readonly params: ParamsOf<K>; readonly result: ResultOf<K> };
}[StudyKind];

/** A study in flight, as a command or a panel holds it. */
export interface RunningStudy<Result> {
  /** The answer, with paths as a person names them; it never rejects. Problems other than a stop have been shown to the person. */
  readonly answer: Promise<Answer<Result>>;
  stop(): Promise<void>;
}

/** Starts studies on the engine: each shows a progress with a way to stop, and says what was wrong. */
export class Studies {
  readonly #answered = new vscode.EventEmitter<AnsweredStudy>();
  /** A study was answered, whoever asked for it. */
  readonly onAnswer = this.#answered.event;

  constructor(private readonly door: EngineDoor) {}

  start<K extends StudyKind>(kind: K, params: ParamsOf<K>, work: StudyWork<K>): RunningStudy<ResultOf<K>> {
    let running: StudyRun<ResultOf<K>> | null = null;
    let isStopped = false;
    const stop = async (): Promise<void> => {
      isStopped = true;
      await running?.stop();
    };
    const answer = Promise.resolve(
      vscode.window.withProgress<Answer<ResultOf<K>>>(
        { location: vscode.ProgressLocation.Notification, title: work.title, cancellable: true },
        async (progress, token) => {
          token.onCancellationRequested(() => void stop());
          const engine = await this.door.open();
          if (isStopped) return problems('engine/cancelled', 'Stopped before it began.');
          let done = 0;
          running = engine.study(kind, params, {
            onPart: part => work.onPart?.(part),
            onProgress: (fraction, text) => {
              const increment = fraction === null ? 0 : 100 * Math.max(0, fraction - done);
              if (fraction !== null) done = Math.max(done, fraction);
              progress.report({ message: text, increment });
              work.onProgress?.(fraction, text);
            },
          });
          return running.result;
        },
      ),
    ).then(shortened, (error: unknown) =>
      problems('engine/start', `The engine could not be started: ${reasonOf(error)} Check Setup says what is missing.`),
    );
    void answer.then(told => {
      if (told.ok) return this.#answered.fire({ kind, params, result: told.value } as AnsweredStudy);
      const real = told.problems.filter(({ code }) => code !== 'engine/cancelled');
      if (real.length > 0) tellProblems(real, work.about);
    });
    return { answer, stop };
  }
}

function shortened<T>(answer: Answer<T>): Answer<T> {
  if (answer.ok) return answer;
  return { ok: false, problems: answer.problems.map(each => ({ ...each, message: withShortPaths(each.message) })) };
}

function problems(code: string, message: string): Answer<never> {
  return { ok: false, problems: [{ code, message }] };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
