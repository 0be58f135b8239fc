import { assert } from '../../base/assert';
import { CORE_MODULE_BASE64 } from './module.generated';

/** The exports of the WebAssembly module (src/bounds/core/assembly/index.ts). Addresses are byte offsets into `memory`. */
export interface CoreExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  allocate(bytes: number): number;
  mark(): number;
  release(position: number): void;
  gemm(c: number, a: number, b: number, m: number, k: number, n: number, lda: number, ldb: number, ldc: number): void;
  gemmSingle(
    c: number,
    a: number,
    b: number,
    m: number,
    k: number,
    n: number,
    lda: number,
    ldb: number,
    ldc: number,
  ): void;
  reservePanel(terms: number): void;
  absoluteProduct(y: number, a: number, x: number, m: number, k: number, lda: number): void;

  newGeometry(): number;
  reserveConvolution(geometry: number): void;
  convolve(geometry: number, output: number, input: number, weight: number): void;
  convolveBack(geometry: number, output: number, input: number, weightT: number): void;

  newChain(layers: number, inputs: number): void;
  newLayer(k: number, size: number, slope: number, relativeError: number): void;
  layerWeight(k: number): number;
  layerBias(k: number): number;
  layerBiasError(k: number): number;
  finish(rows: number): void;
  resetBounds(): void;
  ladderZonotope(rows: number): number;
  ladderRows(rows: number): void;
  ladderCrown(rows: number): number;
  evaluate(input: number): number;
  gradient(row: number): number;

  layerLower(k: number): number;
  layerUpper(k: number): number;
  layerPhase(k: number): number;
  liveCount(k: number): number;
  liveNeurons(k: number): number;
  ladderPrepare(k: number): number;

  newRows(rows: number, forms: number): void;
  newSearch(rows: number): void;
  newCertify(rows: number): void;
  layOut(from: number, to: number): void;
  placeOffset(k: number): number;
  startForms(): void;
  startNeurons(k: number): void;
  startNeuron(slot: number, k: number, neuron: number, sign: number): void;
  rowReset(row: number): void;
  rowClamp(row: number): void;
  rowFix(row: number, k: number, neuron: number, sign: number, beta: number): void;
  rowRestore(row: number): void;
  rowSlopes(row: number): number;
  rowPush(row: number): number;
  searchBackward(rows: number): void;
  searchPoints(rows: number): number;
  searchForward(rows: number): void;
  searchStep(rows: number, t: number, alphaRate: number, betaRate: number): void;
  searchBegin(rows: number): void;
  searchNote(rows: number, enough: number, patience: number): number;
  searchScores(row: number): number;
  certify(rows: number): void;
  readonly asked: { readonly value: number };
  readonly active: { readonly value: number };
  readonly best: { readonly value: number };
  readonly estimates: { readonly value: number };
  readonly width: { readonly value: number };

  newPlan(groups: number, table: number, entries: number, members: number, weights: number, singles: number): number;
  reserveGroups(entries: number, members: number): void;
  planProduct(
    plan: number,
    target: number,
    targetActive: number,
    needed: number,
    source: number,
    sourceActive: number,
  ): void;
  planProductSingle: CoreExports['planProduct'];
  tileConstants(
    count: number,
    block: number,
    active: number,
    bias: number,
    weight: number,
    constants: number,
    errors: number,
  ): void;
  tileConstantsSingle(count: number, block: number, active: number, bias: number, constants: number): void;
  tileAddBias(count: number, block: number, present: number, bias: number): void;
  tileAddBiasSingle: CoreExports['tileAddBias'];
  tileConcretise(
    count: number,
    block: number,
    active: number,
    lower: number,
    upper: number,
    magnitude: number,
    sums: number,
    sizes: number,
  ): void;
  tileConcretiseSingle(count: number, block: number, active: number, lower: number, upper: number, sums: number): void;
  tilePoints(count: number, block: number, active: number, lower: number, upper: number): void;
  tilePointsSingle: CoreExports['tilePoints'];
  newRectifier(
    size: number,
    slope: number,
    kinds: number,
    magnitude: number,
    upSlope: number,
    intercept: number,
    arrivalGamma: number,
    constantsGamma: number,
  ): number;
  setFirstPlace(node: number, place: number): void;
  newTile(places: number, curves: boolean): number;
  newCurve(
    size: number,
    tanh: number,
    magnitude: number,
    ends: number,
    arrivalGamma: number,
    constantsGamma: number,
  ): number;
  setFirstCurvePlace(node: number, place: number): void;
  curveBack(node: number, tile: number, z: number, zActive: number, y: number, yActive: number): void;
  curveForward(
    node: number,
    tile: number,
    y: number,
    yPresent: number,
    z: number,
    zActive: number,
    zPresent: number,
  ): void;
  curveStep(node: number, tile: number, improved: number, step: number, alphaRate: number, betaRate: number): void;
  curveRestore(tile: number, improved: number): void;
  rectifierBack(node: number, tile: number, z: number, zActive: number, y: number, yActive: number): void;
  rectifierBackSingle: CoreExports['rectifierBack'];
  rectifierForward(
    node: number,
    tile: number,
    y: number,
    yPresent: number,
    z: number,
    zActive: number,
    zPresent: number,
  ): void;
  rectifierForwardSingle: CoreExports['rectifierForward'];
  tileStep(
    tile: number,
    begin: number,
    end: number,
    slopes: number,
    improved: number,
    step: number,
    alphaRate: number,
    betaRate: number,
  ): void;
  tileStepSingle: CoreExports['tileStep'];
  tileRestore(tile: number, improved: number): void;
  tileWiden(target: number, source: number, half: number, slopes: number): void;
  newCuts(
    count: number,
    first: number,
    places: number,
    kappa: number,
    rho: number,
    neurons: number,
    pairs: number,
    lower: number,
    upper: number,
  ): number;
  newCutRows(count: number, places: number): number;
  cutsBack(
    cuts: number,
    rows: number,
    node: number,
    tile: number,
    block: number,
    z: number,
    zActive: number,
    y: number,
    yActive: number,
  ): void;
  cutsBackSingle: CoreExports['cutsBack'];
  cutsStep(
    cuts: number,
    rows: number,
    tile: number,
    begin: number,
    end: number,
    block: number,
    z: number,
    improved: number,
    time: number,
    rate: number,
  ): void;
  cutsStepSingle: CoreExports['cutsStep'];
  cutsRestore(rows: number, improved: number): void;
  cutsWiden(target: number, source: number, half: number): void;

  readonly boundsBlock: { readonly value: number };
  readonly boundsCount: { readonly value: number };
  readonly inputLower: { readonly value: number };
  readonly inputUpper: { readonly value: number };
  readonly rowLower: { readonly value: number };
  readonly rowPlane: { readonly value: number };
  readonly constants: { readonly value: number };
  readonly forms: { readonly value: number };
  readonly inputForms: { readonly value: number };
  readonly formBounds: { readonly value: number };
  readonly coefficientErrors: { readonly value: number };
  readonly selected: { readonly value: number };
  readonly zonotopeBounds: { readonly value: number };
}

let compiled: WebAssembly.Module | undefined;

/** A fresh instance of the float64 core, with memory of its own. About a millisecond; drop it to free its memory. */
export function instantiateCore(): CoreExports {
  compiled ??= new WebAssembly.Module(Buffer.from(CORE_MODULE_BASE64, 'base64'));
  const core = new WebAssembly.Instance(compiled, {}).exports as unknown as CoreExports;
  return {
    ...core,
    allocate: bytes => {
      // Passed on, a larger number would lose its upper bits, and what was allocated would be too small.
      assert(bytes < 2 ** 32, () => `${bytes} bytes are more than the float64 core can address`);
      return core.allocate(bytes);
    },
  };
}

/** Doubles a row of n values takes in the core's memory (rows are whole vectors, padded with zeros). */
export function stride(n: number): number {
  return (n + 3) & ~3;
}

/** A view of `length` float32 numbers at `address`; invalid after the core's memory has grown. */
export function singlesAt(core: CoreExports, address: number, length: number): Float32Array {
  assert(address % 4 === 0, () => `address ${address} is not aligned`);
  return new Float32Array(core.memory.buffer, address, length);
}

/** A view of `length` 32-bit integers at `address`; invalid after the core's memory has grown. */
export function integersAt(core: CoreExports, address: number, length: number): Int32Array {
  assert(address % 4 === 0, () => `address ${address} is not aligned`);
  return new Int32Array(core.memory.buffer, address, length);
}

/** A view of `length` doubles at `address`; invalid after the core's memory has grown. */
export function doublesAt(core: CoreExports, address: number, length: number): Float64Array {
  assert(address % 8 === 0, () => `address ${address} is not aligned`);
  return new Float64Array(core.memory.buffer, address, length);
}
