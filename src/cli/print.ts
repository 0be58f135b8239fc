import type { PlannedTask } from '../engine/protocol';
import type { Accuracy, ResultRecord, RunRecord } from '../report/record';
import { countVerdicts, explain, resultName } from '../report/summary';
import type { Output, Style } from './terminal';

/** Longest verdict: misclassified. */
const VERDICT_WIDTH = 13;

/** Prints a run for people: one line a result, what is behind it indented under it, a summary at the end. */
export class Printer {
  private nameWidth = 0;

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
    const name = resultName(result).padEnd(this.nameWidth);
    const kind = this.style.verdict(verdict.kind, verdict.kind.padEnd(VERDICT_WIDTH));
    this.line(`${kind} ${verdict.seconds.toFixed(2).padStart(7)} s  ${name}  ${this.style.dim(result.claim)}`);
    const why = explain(verdict);
    if (why !== '') this.line(`${' '.repeat(VERDICT_WIDTH + 12)}${why}`);
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
