import type { Counterexample } from '../../report/verdict';
import { fail, ok, type Problem, type Result } from '../../base/result';
import { NumberForm, type NumberGrid } from '../../spec/numbers/number-form';
import { parseWritten, type Written } from '../../spec/numbers/written';
import type { InputCheck } from '../../spec/perturbation/spec';
import type { Question } from '../../spec/question';
import { DEFAULT_OPTIONS, type SolverOptions } from '../../verify/options';
import type { Decided } from '../../verify/tuning/bracket';
import { QuickBounder } from '../../verify/tuning/quick-bounds';
import { searchWorst, type WorstBracket } from '../../verify/tuning/worst';
import type {
  LargestEpsilonParams,
  LargestEpsilonPart,
  LargestEpsilonResult,
} from '../study-protocols/largest-epsilon';
import { openSubject, type OpenedSubject } from '../subject';
import { answered, refused, type Study, type StudyEnvironment } from './study';

const DIGITS = 3;
/** ε up to so many times the one that is written. */
const MOST_TIMES = 256;
/** When the certified end is found, so many more questions may run into their time limit for the sake of the attacked end. */
const MOST_OPEN = 3;
/** Milliseconds of bounds by which samples are put in order, each. */
const SORTING_MILLISECONDS = 100;

/** Brackets the largest ε of a check by bisection, with the complete verifier and its attacks at every step. */
export const studyLargestEpsilon: Study<'largest-epsilon'> = async (params, environment) => {
  const started = performance.now();
  const opened = await openSubject(params.subject);
  if (!opened.ok) return refused(...opened.error);
  const subject = opened.value;
  const check = checkOf(subject, params);
  if (!check.ok) return refused(check.error);
  const search = new Search(subject, check.value, params, environment);
  try {
    const prepared = await search.prepare();
    return prepared.ok ? answered(await search.run(started)) : refused(prepared.error);
  } finally {
    await subject.model.parts.close();
  }
};

/** A check of inputs whose ε is one number above 0. */
function checkOf({ spec }: OpenedSubject, params: LargestEpsilonParams): Result<InputCheck, Problem> {
  const ofInputs = spec.checks.filter(check => check.perturb === 'input');
  const named = params.check === undefined ? ofInputs[0] : spec.checks.find(({ name }) => name === params.check);
  const check = params.checkIndex === undefined ? named : spec.checks.at(params.checkIndex);
  const problem = (message: string): Result<never> =>
    fail({ code: 'study/epsilon', message: `${spec.file}: ${message}`, file: spec.file });
  if (check === undefined) {
    const names = ofInputs.map(({ name }) => `"${name}"`).join(', ');
    return problem(
      params.check === undefined
        ? 'there is no check of inputs, so there is no epsilon to look for.'
        : `there is no check named "${params.check}"${names === '' ? '' : `; there are: ${names}`}.`,
    );
  }
  if (check.perturb !== 'input')
    return problem(`"${check.name}" perturbs weights; the largest epsilon is about inputs.`);
  if (check.epsilon.length > 1) return problem(`"${check.name}" has a list of radii; give one number for epsilon.`);
  return ok(check);
}

class Search {
  private readonly grid: NumberGrid;
  private readonly options: SolverOptions;
  private readonly counterexamples = new Map<number, { readonly sample: number; readonly found: Counterexample }>();
  private readonly misclassified: number[] = [];
  private samples: number[] = [];
  /** Not every sample was looked at. */
  private cutShort = false;
  private settled = 0;
  private questions = 0;
  private open = 0;
  private bracket: WorstBracket = { certified: 0, attacked: null, limiting: null, failing: null };

  constructor(
    private readonly subject: OpenedSubject,
    private readonly check: InputCheck,
    { digits = DIGITS, options }: LargestEpsilonParams,
    private readonly environment: StudyEnvironment<LargestEpsilonPart>,
  ) {
    this.grid = NumberForm.of(check.epsilon[0].text)!.grid(digits);
    this.options = { ...DEFAULT_OPTIONS, ...check.solver, ...options };
  }

  /** Leaves out what is misclassified and puts those that will fail first in front. */
  async prepare(): Promise<Result<void>> {
    const { chosen, model } = this.subject;
    const refusal = await model.backendRefusal(this.options.backend);
    if (refusal !== null) return fail({ code: 'engine/backend', message: refusal, file: this.subject.spec.file });
    const bounder = new QuickBounder(model.network);
    const margins = new Map<number, number>();
    for (const [k, sample] of chosen.entries()) {
      if (this.environment.cancelled()) {
        this.cutShort = true;
        break;
      }
      this.environment.onProgress(null, `${k} of ${chosen.length} samples looked at`);
      const question = await this.question(sample, this.grid.start);
      if (!question.ok) return question;
      if (question.value === null) this.misclassified.push(sample);
      else margins.set(sample, chosen.length === 1 ? 0 : await this.margin(bounder, question.value));
    }
    this.samples = [...margins].sort(([, a], [, b]) => a - b).map(([sample]) => sample);
    return ok(undefined);
  }

  async run(started: number): Promise<LargestEpsilonResult> {
    const { grid, samples, environment } = this;
    const limits = { start: grid.start, most: MOST_TIMES * grid.start, mostOpen: MOST_OPEN };
    const outcome = await searchWorst(
      samples,
      limits,
      (sample, place) => this.decide(sample, place),
      (bracket, settled) => {
        this.bracket = bracket;
        this.settled = settled;
      },
    );
    const text = (place: number | null): string | null => (place === null || place === 0 ? null : grid.text(place));
    const complete = samples.length > 0 && outcome.settled === samples.length && !this.cutShort;
    const failing = outcome.attacked === null ? undefined : this.counterexamples.get(outcome.attacked);
    const { inputShape, outputShape } = this.subject.model.shapes;
    return {
      check: this.check.name,
      checkIndex: this.check.index,
      written: this.check.epsilon[0].text,
      certified: complete ? text(outcome.certified) : null,
      limiting: outcome.certified > 0 ? outcome.limiting : null,
      attacked: failing
        ? {
            epsilon: grid.text(outcome.attacked!),
            sample: failing.sample,
            input: await environment.tensor('largest-epsilon-input', failing.found.input, inputShape),
            output: await environment.tensor(
              'largest-epsilon-output',
              Float32Array.from(failing.found.output),
              outputShape,
            ),
          }
        : null,
      samples: [...samples].sort((a, b) => a - b),
      misclassified: this.misclassified,
      // It may have been stopped while samples were only looked at.
      stopped: outcome.stopped || environment.cancelled(),
      soFar:
        !complete && outcome.certified > 0
          ? { certified: grid.text(outcome.certified), samples: outcome.settled }
          : null,
      questions: this.questions,
      open: this.open,
      seconds: (performance.now() - started) / 1000,
    };
  }

  private async decide(sample: number, place: number): Promise<Decided> {
    const { environment, options } = this;
    if (environment.cancelled()) return 'stopped';
    this.tell(sample, place, 0);
    const question = await this.question(sample, place);
    // A sample that could be asked about at one size can be at another, unless numbers leave float32.
    if (!question.ok || question.value === null) return 'open';
    const budget = { deadline: performance.now() + 1000 * options.timeout, cancelled: () => environment.cancelled() };
    const verdict = await this.subject.model.parts.decide(question.value, options, budget, ({ elapsedSeconds }) =>
      this.tell(sample, place, elapsedSeconds),
    );
    if (verdict.kind === 'verified' || verdict.kind === 'falsified') {
      this.questions++;
      if (verdict.kind === 'falsified') this.counterexamples.set(place, { sample, found: verdict.counterexample });
      return verdict.kind;
    }
    if (environment.cancelled()) return 'stopped';
    this.questions++;
    this.open++;
    return 'open';
  }

  private tell(sample: number, place: number, seconds: number): void {
    const { grid, environment, settled } = this;
    const { certified, attacked } = this.bracket;
    const total = this.samples.length;
    const part: LargestEpsilonPart = {
      certified: certified === 0 ? null : grid.text(certified),
      attacked: attacked === null ? null : grid.text(attacked),
      asking: grid.text(place),
      sample,
      settled,
      samples: total,
    };
    if (seconds === 0) environment.onPart(part);
    const work = seconds < 1 ? '' : `, ${seconds.toFixed(0)} s of ${this.options.timeout} s`;
    const where = total === 1 ? `sample ${sample}` : `sample ${sample} (${settled + 1} of ${total})`;
    environment.onProgress(
      total === 0 ? null : settled / total,
      `${bracketWords(part)}; ${where}, at ${part.asking}${work}`,
    );
  }

  private async margin(bounder: QuickBounder, question: Question): Promise<number> {
    const budget = {
      deadline: performance.now() + SORTING_MILLISECONDS,
      cancelled: () => this.environment.cancelled(),
    };
    const { margins } = await bounder.bounds(question, budget);
    return margins.reduce((least, margin) => Math.min(least, margin), Infinity);
  }

  /** Null where the network is wrong about the sample itself. */
  private async question(sample: number, place: number): Promise<Result<Question | null>> {
    const { samples, plan } = this.subject;
    const forward = await samples.forward(sample);
    if (!forward.ok) return forward;
    const varied = { ...this.check, epsilon: [written(this.grid.text(place))] };
    const asked = plan.question(varied, forward.value.sample, forward.value.output);
    if (!asked.ok) return asked;
    return ok(asked.value.kind === 'question' ? asked.value.question : null);
  }
}

/** "between 2/255 and 5/255", as far as either is known. */
export function bracketWords({ certified, attacked }: Pick<LargestEpsilonPart, 'certified' | 'attacked'>): string {
  if (certified !== null && attacked !== null) return `between ${certified} and ${attacked}`;
  if (certified !== null) return `at least ${certified}`;
  return attacked === null ? 'nothing known yet' : `below ${attacked}`;
}

function written(text: string): Written {
  const read = parseWritten(text);
  if ('error' in read) throw new Error(`${text} ${read.error}`);
  return read;
}
