import type { FileState } from '../base/file-state';
import type { Problem, Range, Result } from '../base/result';
import type { Accuracy, ResultRecord } from '../report/record';
import type { Verdict } from '../report/verdict';
import type { Question } from '../spec/question';
import type { SolverOptions } from '../verify/options';
import type { Budget, Progress } from '../verify/progress';
import type { PlannedTask } from './protocol';

/** What a result says beside its verdict. */
export type ResultFacts = Omit<
  ResultRecord,
  'index' | 'check' | 'sample' | 'range' | 'claim' | 'verdict' | 'key' | 'cached'
>;

/** A question with everything its result will say, or one that needs no solver (a misclassified sample). */
export type PreparedTask = {
  /** The claim, where more is known of it now than when the run was planned. */
  readonly claim?: string;
  readonly facts: ResultFacts;
} & (
  | {
      readonly question: Question;
      /** Set where the question is not about the file as it is: about changed weights. */
      readonly instead?: OtherDecision;
    }
  | { readonly settled: Verdict }
);

/** A way to decide that is not the plan's own. */
export interface OtherDecision {
  /** What a verdict depends on beside the question; part of the content key. */
  readonly meaning: string;
  readonly decide: Decide;
}

/** One question of a run. It is compiled only when its turn comes, so that ten thousand samples do not lie in memory as boxes. */
export interface Task {
  readonly check: string;
  readonly sample: number | null;
  /** The claim in words. */
  readonly claim: string;
  readonly range?: Range;
  readonly options: SolverOptions;
  prepare(): Promise<Result<PreparedTask>>;
}

/** Decides a question about the plan's own model. */
export type Decide = (
  question: Question,
  options: SolverOptions,
  budget: Budget,
  onProgress: (progress: Progress) => void,
) => Promise<Verdict>;

/** Everything a run will do, known before anything is solved. */
export interface Plan {
  /** Absolute path of the model. */
  readonly model: string;
  readonly specification: string;
  /** What was read beside the specification, as it was then. */
  readonly files: readonly FileState[];
  readonly tasks: readonly Task[];
  /** How many questions each check asks in all, those that are not in `tasks` among them. */
  readonly counts: Readonly<Record<string, number>>;
  readonly warnings: readonly Problem[];
  /** Measures the accuracy on the selected data; undefined when there are no labels. */
  measureAccuracy?(): Promise<Accuracy>;
  readonly decide: Decide;
  /** Frees what the solver holds; nothing is decided after it. */
  close(): Promise<void>;
  /** Multiplications of one forward pass: how large the solver's single steps are. */
  readonly multiplications: number;
  /** Hash of the model's bytes and of its external data. */
  modelHash(): Promise<string>;
}

/** A plan of everything that a specification asks. */
export type WholePlan = Omit<Plan, 'counts'>;

/** What a client is told of a plan's questions. */
export function describeTasks(plan: Plan): readonly PlannedTask[] {
  return plan.tasks.map(({ check, sample, claim, range, options }, index) => {
    return { index, check, sample, claim, range, timeout: options.timeout };
  });
}
