/** VNN-LIB files of ten megabytes, as programs write them: many inputs with a bound per line, or many alternatives with all bounds each. */

export function manyInputs(inputs: number, outputs = 10): string {
  const lines: string[] = [];
  for (let i = 0; i < inputs; i++) lines.push(`(declare-const X_${i} Real)`);
  for (let j = 0; j < outputs; j++) lines.push(`(declare-const Y_${j} Real)`);
  for (let i = 0; i < inputs; i++) {
    const centre = 2 * Math.sin(i);
    lines.push(`(assert (<= X_${i} ${(centre + 0.01).toFixed(8)}))`, `(assert (>= X_${i} ${centre - 0.01}))`);
  }
  const rivals = Array.from({ length: outputs - 1 }, (_, j) => `  (and (>= Y_${j + 1} Y_0))`);
  return `${lines.join('\n')}\n(assert (or\n${rivals.join('\n')}\n))\n`;
}

export function manyAlternatives(inputs: number, alternatives: number): string {
  const lines: string[] = [];
  for (let i = 0; i < inputs; i++) lines.push(`(declare-const X_${i} Real)`);
  for (let j = 0; j <= alternatives; j++) lines.push(`(declare-const Y_${j} Real)`);
  const bounds = Array.from({ length: inputs }, (_, i) => `(<= X_${i} ${i / 7 + 0.1}) (>= X_${i} ${i / 7})`).join(' ');
  lines.push('(assert (or');
  for (let j = 1; j <= alternatives; j++) lines.push(`  (and ${bounds} (>= Y_${j} Y_0))`);
  return `${lines.join('\n')}\n))\n`;
}
