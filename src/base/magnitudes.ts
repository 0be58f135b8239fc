import { ok, problem, type Result } from './result';

/** Magnitudes a person wrote in one line, as parts of one: `0.1%, 0.2%` or `0.001 0.002`. Percentages and parts may stand side by side. */
export function readMagnitudes(text: string): Result<readonly number[]> {
  const words = text.split(/[\s,;]+/).filter(word => word !== '');
  const values: number[] = [];
  for (const word of words) {
    const match = /^(\d+(?:\.\d*)?|\.\d+)(?:e([-+]?\d+))?(%?)$/i.exec(word);
    const value = match ? Number(`${match[1]}e${match[2] ?? 0}`) / (match[3] === '%' ? 100 : 1) : NaN;
    if (!(value > 0 && value <= 10))
      return problem(
        'magnitudes',
        `"${word}" is no magnitude: give percentages of the range above 0 such as 0.5%, or parts of it such as 0.005.`,
      );
    values.push(Number(value.toPrecision(12)));
  }
  return values.length > 0 ? ok(values) : problem('magnitudes', 'Give at least one magnitude, such as 0.5%.');
}
