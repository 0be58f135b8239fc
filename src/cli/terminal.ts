import { shownBelow } from '../base/shown-number';
import type { Progress } from '../verify/progress';
import type { VerdictKind } from '../report/verdict';

/** The part of a stream that printing needs. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** ANSI codes of the terminal's own sixteen colours, so that they fit its theme. */
const COLOUR: Readonly<Record<VerdictKind, number>> = {
  verified: 32,
  falsified: 31,
  misclassified: 35,
  unknown: 33,
  timeout: 33,
  error: 31,
};
const DIM = 2;
const BOLD = 1;

/** Whether to colour: on a terminal only, and not where the user has said no (no-color.org). */
export function wantsColour(output: Output): boolean {
  return output.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

/** Text in a style, or as it is where there is no colour. */
export class Style {
  constructor(private readonly colour: boolean) {}

  verdict(kind: VerdictKind, text: string): string {
    return this.code(COLOUR[kind], text);
  }

  dim(text: string): string {
    return this.code(DIM, text);
  }

  bold(text: string): string {
    return this.code(BOLD, text);
  }

  private code(code: number, text: string): string {
    return this.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

const BAR_WIDTH = 20;
const CLEAR_LINE = '\r\u001b[K';
/** Below this part of the work an estimate of the rest says nothing. */
const LEAST_FRACTION = 0.02;

/** One line at the bottom of a terminal that is written over; nothing at all where it is not enabled. */
export class StatusLine {
  private shown = false;

  constructor(
    private readonly output: Output,
    private readonly enabled: boolean,
  ) {}

  write(text: string): void {
    if (!this.enabled) return;
    this.output.write(`${CLEAR_LINE}${text.slice(0, (this.output.columns ?? 80) - 1)}`);
    this.shown = true;
  }

  clear(): void {
    if (!this.shown) return;
    this.output.write(CLEAR_LINE);
    this.shown = false;
  }
}

/** Says how far the work on a question is. */
export class ProgressLine extends StatusLine {
  show(name: string, decided: number, total: number, timeout: number, progress: Progress): void {
    this.write(progressText(name, decided, total, timeout, progress));
  }
}

/** E.g. `[#####               ]  27 %  branching  bound -0.12  class 3: 1204 open, depth 9  12 s, about 33 s left  prop_3`. */
export function progressText(
  name: string,
  decided: number,
  total: number,
  timeout: number,
  progress: Progress,
): string {
  const { workFraction, elapsedSeconds, lowerBound, openSubproblems, phase, depth, label } = progress;
  const filled = Math.floor(BAR_WIDTH * workFraction);
  const left = (elapsedSeconds * (1 - workFraction)) / workFraction;
  const untilLimit = timeout - elapsedSeconds;
  return [
    `[${'#'.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}] ${String(Math.floor(100 * workFraction)).padStart(3)} %`,
    total > 1 ? `${decided + 1}/${total}` : '',
    phase,
    lowerBound === null ? '' : `bound ${shownBelow(lowerBound)}`,
    phase === 'branching'
      ? `${label === undefined ? '' : `class ${label}: `}${openSubproblems} open, depth ${depth}`
      : '',
    workFraction > LEAST_FRACTION && left < untilLimit
      ? `${elapsedSeconds.toFixed(0)} s, about ${Math.ceil(left)} s left`
      : `${elapsedSeconds.toFixed(0)} s of ${timeout} s`,
    name,
  ]
    .filter(part => part !== '')
    .join('  ');
}
