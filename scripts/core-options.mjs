/** How the float64 core (WebAssembly) is compiled, wherever it is: the build, its mutants, its benchmark. */
export const CORE_OPTIONS = [
  '-O3',
  '--noAssert',
  '--converge',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '--use',
  'abort=',
];
