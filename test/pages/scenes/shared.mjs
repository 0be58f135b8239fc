// What the scenes of several pages are about: a digit of eight by eight, its outputs, a run.
export const f32 = (n, f) => Float32Array.from({ length: n }, (_, k) => f(k));
let seed = 7;
export const rnd = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
export const digit = k => {
  const x = k % 8,
    y = Math.floor(k / 8);
  return Math.max(0, Math.min(1, 1.1 - Math.abs(Math.hypot(x - 3.5, (y - 3.5) * 0.8) - 2.4) / 1.4));
};
export const original = f32(64, digit);
export const changed = f32(64, k =>
  [18, 27, 28, 44].includes(k) ? Math.min(1, Math.max(0, digit(k) + (k % 2 ? 0.35 : -0.4))) : digit(k),
);
export const logits = f32(10, k => [2.1, -3, 0.4, 1.9, -2, 0.1, 0.7, -1.2, 2.05, 0.3][k]);
export const logits2 = f32(10, k => [1.4, -2.6, 0.6, 2.3, -1.9, 0.2, 0.4, -1.1, 1.95, 0.4][k]);
export const preprocess = { layout: 'flat', mean: [0], std: [1] };
export const spec = 'samples/digits.certiscope.jsonc';
export const model = 'samples/digits.onnx';
export const asked = { specification: 'file:///w/samples/digits.certiscope.jsonc', model: null };
export const busy = { fraction: 0.42, text: '17 of 40 samples' };
export const trace = Array.from({ length: 40 }, (_, k) => ({
  seconds: k * 0.3,
  lowerBound: -2 * Math.exp(-k / 14) + 0.08,
  depth: k >> 2,
  subproblems: 12 * k,
  open: Math.round(40 * Math.exp(-((k - 16) ** 2) / 100)),
}));
