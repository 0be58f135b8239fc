import { shownBelow } from '../base/shown-number';
import type { PlannedTask } from '../engine/protocol';
import type { Accuracy, ResultRecord, RunRecord } from '../report/record';
import { countVerdicts, explain, labelName, resultName } from '../report/summary';
import type { WeightChanges } from '../report/verdict';
import type { Output, Style } from './terminal';

/** Longest verdict: misclassified. */
const VERDICT_WIDTH = 13;
/** Before what is said about the line above. */
const INDENT = ' '.repeat(VERDICT_WIDTH + 14);
/** Longest outcome of a label: discarded, not tried. */
const OUTCOME_WIDTH = 9;
const BOUND_WIDTH = 19;

/** Prints a run for people: one line a result, what is behind it indented under it, a summary at the end. */
export class Printer {
  private nameWidth = 0;
  /** The check whose claim was printed last. */
  private claimed: string | undefined;

  constructor(
    private readonly output: Output,
    private readonly style: Style,
    /** Tell of every label. */
    private readonly verbose = false,
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
    if (why !== '') this.line(`${INDENT}${why}`);
    if (verdict.kind === 'falsified' && verdict.weights?.patched) this.changedModel(verdict.weights.patched);
    if (this.verbose) this.labels(result);
  }

  private changedModel(model: NonNullable<WeightChanges['patched']>): void {
    const where =
      model.kind === 'file'
        ? `The changed model: ${model.path}`
        : 'Run it with --patched DIR (or --json FILE) to get the changed model.';
    this.line(`${INDENT}${where}`);
  }

  /** One line a label, in the order in which they were taken. */
  private labels({ verdict: { statistics }, outputNames }: ResultRecord): void {
    const labels = statistics?.labels ?? [];
    const names = labels.map(label => labelName(label, outputNames));
    const width = Math.max(0, ...names.map(name => name.length));
    labels.forEach(({ outcome, margin, seconds, subproblems, reason }, k) => {
      const bound = margin === null ? '' : `margin ≥ ${shownBelow(margin)}`;
      const work =
        outcome === 'discarded' || outcome === 'not tried'
          ? ''
          : `${seconds.toFixed(2)} s, ${count(subproblems, 'sub-problem')}`;
      const parts = [
        names[k].padEnd(width),
        outcome.padEnd(OUTCOME_WIDTH),
        bound.padEnd(BOUND_WIDTH),
        work,
        reason ?? '',
      ];
      this.line(
        INDENT +
          parts
            .filter(part => part !== '')
            .join('  ')
            .trimEnd(),
      );
    });
    if (statistics?.sortSeconds !== undefined && labels.length > 0)
      this.line(`${INDENT}labels sorted in ${statistics.sortSeconds.toFixed(3)} s`);
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

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
