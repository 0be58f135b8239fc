import type { PlannedTask } from '../engine/protocol';
import type { Accuracy, ResultRecord, RunRecord } from '../report/record';
import { countVerdicts, explain, resultName } from '../report/summary';
import type { Output, Style } from './terminal';

/** Longest verdict: misclassified. */
const VERDICT_WIDTH = 13;

/** Prints a run for people: one line a result, what is behind it indented under it, a summary at the end. */
export class Printer {
  private nameWidth = 0;
  /** The check whose claim was printed last. */
  private claimed: string | undefined;

  constructor(
    private readonly output: Output,
    private readonly style: Style,
  ) {}

  plan(tasks: readonly PlannedTask[]): void {
    this.nameWidth = Math.max(0, ...tasks.map(task => resultName(task).length));
  }

  accuracy({ correct, total, warning }: Accuracy): void {
    const percent = total === 0 ? 0 : (100 * correct) / total;
    this.line(`accuracy on the selected data: ${correct} of ${total} (${percent.toFixed(1)} %)`);
    if (warning !== undefined) this.line(`warning: ${warning}`);
  }

  result(result: ResultRecord): void {
    const { verdict } = result;
    // The claims about the samples of one check differ in nothing but the sample and its class.
    if (result.check !== this.claimed) this.line(this.style.dim(`${result.check}: ${result.claim}`));
    this.claimed = result.check;
    const kind = this.style.verdict(verdict.kind, verdict.kind.padEnd(VERDICT_WIDTH));
    const name = resultName(result).padEnd(this.nameWidth);
    this.line(`  ${kind} ${verdict.seconds.toFixed(2).padStart(7)} s  ${name}  ${classesOf(result)}`.trimEnd());
    const why = explain(verdict);
    if (why !== '') this.line(`${' '.repeat(VERDICT_WIDTH + 14)}${why}`);
  }

  summary(run: RunRecord): void {
    if (run.results.length < 2) return;
    const counts = [...countVerdicts(run.results)]
      .reverse()
      .map(({ kind, count }) => this.style.verdict(kind, `${count} ${kind}`));
    this.line(this.style.bold(`${run.results.length} questions in ${run.seconds.toFixed(1)} s: `) + counts.join(', '));
  }

  private line(text: string): void {
    this.output.write(`${text}\n`);
  }
}

/** Which class it is about, and which one a counterexample makes of it. */
function classesOf({ verdict, predicted, outputNames }: ResultRecord): string {
  if (predicted === undefined) return '';
  const name = (index: number): string => (outputNames?.[index] === undefined ? `class ${index}` : outputNames[index]);
  if (verdict.kind !== 'falsified') return name(predicted);
  const { output } = verdict.counterexample;
  const winner = output.indexOf(output.reduce((a, b) => Math.max(a, b), -Infinity));
  return winner === predicted ? name(predicted) : `${name(predicted)} becomes ${name(winner)}`;
}
