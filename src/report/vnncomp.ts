import type { ResultRecord } from './record';
import type { Counterexample } from './verdict';

/**
 * The competition's result file for one question: the verdict in its words, then for `sat` the assignment. Every number is printed as the exact
 * decimal of its float32, so that it reads back to the same float32 whether it is parsed as float32 or float64.
 */
export function toVnncomp(result: Pick<ResultRecord, 'verdict'>): string {
  const { verdict } = result;
  switch (verdict.kind) {
    case 'verified':
      return 'unsat\n';
    case 'falsified':
      return `sat\n${assignment(verdict.counterexample)}\n`;
    case 'timeout':
      return 'timeout\n';
    case 'error':
      return 'error\n';
    case 'unknown':
    case 'misclassified':
      return 'unknown\n';
  }
}

/** `((X_0 v) … (Y_0 v) …)`, one variable a line. */
export function assignment(counterexample: Counterexample): string {
  const lines = [...variables('X', counterexample.input), ...variables('Y', counterexample.output)];
  return `(${lines.join('\n')})`;
}

function variables(name: string, values: Float32Array): string[] {
  return Array.from(values, (value, index) => `(${name}_${index} ${value})`);
}
