import { readFile } from 'node:fs/promises';
import type { RunEvent, RunObserver, RunRequest } from '../runner';
import type { History } from './history';
import type { RunWriter } from './run-writer';

/** A text longer than this is not kept with its run: VNN-LIB files may have 50 MB. */
const MOST_CHARACTERS = 2 ** 20;

/** Tells the history of every run that a person asked for. The history is opened with the first of them. */
export class Recorder implements RunObserver {
  readonly #writers = new Map<string, RunWriter>();
  /** What was wrong with the files of runs that have not finished. */
  readonly #problems = new Map<string, readonly string[]>();

  constructor(
    private readonly history: History,
    private readonly version: string,
  ) {}

  onBegin(run: string, request: RunRequest): void {
    const { specification, names, samples, effort = 'complete', options = {} } = request;
    const start = {
      specification,
      checks: names,
      samples: samples ?? null,
      effort,
      options,
      version: this.version,
    };
    this.#writers.set(run, this.history.begin(start, textOf(request)));
  }

  onEvent(event: RunEvent): void {
    const writer = this.#writers.get(event.run);
    if (!writer) return;
    switch (event.kind) {
      case 'planned':
        return writer.planned(event.model, event.tasks.length);
      case 'accuracy':
        return writer.accuracy(event.accuracy);
      case 'result':
        return writer.add(event.result);
      case 'refused':
        return void this.#problems.set(
          event.run,
          event.problems.map(({ message }) => message),
        );
      case 'finished':
        this.#writers.delete(event.run);
        void writer.finish(event.finished, this.#problems.get(event.run) ?? []);
        this.#problems.delete(event.run);
        return;
      case 'queued':
      case 'progress':
    }
  }
}

/** The text on the screen, else that of the file. */
async function textOf({ text, path }: RunRequest): Promise<string | null> {
  const asked = text ?? (path.endsWith('.gz') ? null : await readFile(path, 'utf8').catch(() => null));
  return asked !== null && asked.length <= MOST_CHARACTERS ? asked : null;
}
