import * as vscode from 'vscode';
import type { Answer } from '../engine/protocol';
import type { StudyListener } from '../engine/run';
import type { ParamsOf, PartOf, ResultOf, StudyKind } from '../engine/study-protocols/kinds';
import { tellProblems } from './commands/specification-choice';
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
  /** The answer; problems other than a stop have been shown to the person. */
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
    let stop = (): Promise<void> => Promise.resolve();
    const answer = Promise.resolve(
      vscode.window.withProgress<Answer<ResultOf<K>>>(
        { location: vscode.ProgressLocation.Notification, title: work.title, cancellable: true },
        async (progress, token) => {
          const engine = await this.door.open();
          let done = 0;
          const run = engine.study(kind, params, {
            onPart: part => work.onPart?.(part),
            onProgress: (fraction, text) => {
              const increment = fraction === null ? 0 : 100 * Math.max(0, fraction - done);
              if (fraction !== null) done = Math.max(done, fraction);
              progress.report({ message: text, increment });
              work.onProgress?.(fraction, text);
            },
          });
          stop = () => run.stop();
          if (token.isCancellationRequested) void run.stop();
          token.onCancellationRequested(() => void run.stop());
          return run.result;
        },
      ),
    );
    void answer.then(told => {
      if (told.ok) this.#answered.fire({ kind, params, result: told.value } as AnsweredStudy);
    });
    void answer.then(({ ok, ...rest }) => {
      if (ok || !('problems' in rest)) return;
      const told = rest.problems.filter(({ code }) => code !== 'engine/cancelled');
      if (told.length > 0) tellProblems(told, work.about);
    });
    return { answer, stop: () => stop() };
  }
}
