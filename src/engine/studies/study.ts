import type { Problem } from '../../base/result';
import type { Answer, TensorReference } from '../protocol';
import type { ParamsOf, PartOf, ResultOf, StudyKind } from '../study-protocols/kinds';

/** What a study may use of the world around it. */
export interface StudyEnvironment<Part> {
  /** True from the moment someone asked it to stop. It then ends within 400 ms, or its process is ended. */
  cancelled(): boolean;
  /** Which program this is (`engineVersion`): part of every key of an answer that is kept, so that a mended solver never tells what an earlier one found. */
  readonly program: string;
  /** Bytes this process may hold. */
  readonly memoryLimit: number;
  /** Folder for files that outlive the process: models that were made, tensors, checkpoints. There, and never deleted while the study runs. */
  readonly folder: string;
  /**
   * How far it is, at most four times a second.
   * @param fraction of the work that is done, 0 to 1; null where nobody knows
   */
  onProgress(fraction: number | null, text: string): void;
  /** What can be shown before the end. */
  onPart(part: Part): void;
  /** A tensor for a part or for the result; large ones become a file. */
  tensor(name: string, values: Float32Array, shape: readonly number[]): Promise<TensorReference>;
}

/** The work of one kind of study. What is wrong with the user's files is an answer; only a fault of this program is an exception. */
export type Study<K extends StudyKind> = (
  params: ParamsOf<K>,
  environment: StudyEnvironment<PartOf<K>>,
) => Promise<Answer<ResultOf<K>>>;

export function answered<T>(value: T, warnings: readonly Problem[] = []): Answer<T> {
  return { ok: true, value, warnings };
}

export function refused(...problems: readonly Problem[]): {
  readonly ok: false;
  readonly problems: readonly Problem[];
} {
  return { ok: false, problems };
}
