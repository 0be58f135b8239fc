const STEPS = 8;
const NICE = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** Round magnitudes in equal steps, the last of them at `top` or just above it; none for 0. */
export function equalSteps(top: number): number[] {
  if (!(top > 0)) return [];
  const rough = top / STEPS;
  const scale = 10 ** Math.floor(Math.log10(rough));
  const step = scale * (NICE.find(factor => factor * scale >= rough * (1 - 1e-9)) ?? 10);
  const count = Math.ceil((top / step) * (1 - 1e-9));
  return Array.from({ length: count }, (_, k) => Number((step * (k + 1)).toPrecision(6)));
}
