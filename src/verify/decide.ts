import { readFileSync } from 'node:fs';
import { Replayer } from '../attack/replay';
import { assert } from '../base/assert';
import { ok, type Result } from '../base/result';
import type { OpenModel } from '../lp/highs';
import type { LoadedModel } from '../network/load';
import type { Verdict } from '../report/verdict';
import type { Question } from '../spec/question';
import { backendRefusal } from './create-prover';
import { Decision } from './decision';
import type { SolverOptions } from './options';
import type { Budget, Progress } from './progress';
import { strengthened } from './runtime-soundness';

/** Decides questions about one model. What costs time to set up (ONNX Runtime's session) is set up once, when first needed. */
export class Solver {
  private replayer: Promise<Result<Replayer>> | null = null;

  /** `openProgram`: the solver of programs; HiGHS unless a test gives another. */
  constructor(
    readonly model: LoadedModel,
    readonly openProgram?: OpenModel,
  ) {}

  /**
   * Decides one question: bounds first (most questions end there), then attacks and branch and bound in turn, until an answer is proved or
   * replayed or the budget is spent. Nothing that the model or the question can do makes it throw.
   */
  async decide(
    question: Question,
    options: SolverOptions,
    budget: Budget,
    onProgress: (progress: Progress) => void = () => {},
  ): Promise<Verdict> {
    assert(question.disjuncts.length > 0, () => 'a question without an unsafe set');
    const started = performance.now();
    const refused = (reason: string, advice: string): Verdict => {
      const seconds = (performance.now() - started) / 1000;
      return { kind: 'unknown', reason, advice, seconds, lowerBound: null };
    };
    const refusal = backendRefusal(options.backend, this.model.network);
    if (refusal !== null) return refused(refusal, 'Ask for "backend": "auto".');
    const toProve: Result<Question> =
      options.soundness === 'runtime' ? strengthened(question, this.model) : ok(question);
    if (!toProve.ok) return refused(toProve.error.message, 'Ask for "soundness": "real".');
    const decision = new Decision(this, question, toProve.value, options, budget, onProgress);
    try {
      return await decision.run();
    } finally {
      await decision.close();
    }
  }

  /** The original file in ONNX Runtime. */
  openReplayer(): Promise<Result<Replayer>> {
    const { externalData, path, bytes, network } = this.model;
    this.replayer ??= Replayer.open(
      {
        bytes,
        externalData: externalData.map(file => ({ path: file.location, data: readFileSync(file.path) })),
        name: path,
      },
      network,
    );
    return this.replayer;
  }

  async close(): Promise<void> {
    const opened = await this.replayer;
    if (opened?.ok) await opened.value.close();
    this.replayer = null;
  }
}
