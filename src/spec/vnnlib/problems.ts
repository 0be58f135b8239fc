import type { Problem } from '../../base/result';
import type { TextLines } from '../text-lines';

/** After this many, more of them help nobody. */
const MAX_PROBLEMS = 100;

/** Collects what is wrong with one file, at offsets; lines and characters are counted only for what is reported. */
export class ProblemList {
  private readonly found: {
    code: string;
    message: string;
    start: number;
    end: number;
    severity: 'error' | 'warning' | 'information';
  }[] = [];
  private suppressed = 0;

  constructor(
    private readonly file: string,
    private readonly lines: TextLines,
  ) {}

  get hasErrors(): boolean {
    return this.found.some(problem => problem.severity === 'error');
  }

  error(code: string, message: string, start: number, end: number): void {
    this.add(code, message, start, end, 'error');
  }

  warn(code: string, message: string, start: number, end: number): void {
    this.add(code, message, start, end, 'warning');
  }

  inform(code: string, message: string, start: number, end: number): void {
    this.add(code, message, start, end, 'information');
  }

  /** Everything found, in the order of the text. */
  report(): Problem[] {
    const problems: Problem[] = [...this.found]
      .sort((a, b) => a.start - b.start)
      .map(({ code, message, start, end, severity }) => ({
        code,
        message,
        severity,
        file: this.file,
        range: this.lines.range(start, end),
      }));
    if (this.suppressed > 0) {
      problems.push({
        code: 'vnnlib/more',
        message: `${this.suppressed} more problems are not shown.`,
        severity: 'information',
        file: this.file,
      });
    }
    return problems;
  }

  private add(
    code: string,
    message: string,
    start: number,
    end: number,
    severity: 'error' | 'warning' | 'information',
  ): void {
    if (this.found.length < MAX_PROBLEMS) this.found.push({ code, message, start, end, severity });
    else this.suppressed++;
  }
}

/** Thrown inside the parser to leave the command at hand, after its problem was recorded; never leaves this folder. */
export class CommandAbandoned extends Error {}
