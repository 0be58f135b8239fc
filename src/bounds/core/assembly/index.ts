// The float64 core. Everything that a verdict rests on is computed here (or checked against exact arithmetic in the tests).

export { allocate, mark, release } from './memory';
export { gemm, absoluteProduct } from './gemm';
export { newGeometry, reserveConvolution, convolve, convolveBack } from './convolution';
export { newChain, newLayer, layerWeight, layerBias, layerBiasError, boundsBlock, boundsCount, inputLower, inputUpper } from './chain';
export { rowLower, rowPlane, constants } from './crown';
export {
  finish,
  resetBounds,
  ladderZonotope,
  ladderRows,
  ladderCrown,
  evaluate,
  gradient,
  forms,
  inputForms,
  formBounds,
  coefficientErrors,
  selected,
  zonotopeBounds,
} from './ladder';
export {
  newSplits,
  splitReset,
  splitClamp,
  splitFix,
  splitOffset,
  splitBackward,
  splitForward,
  splitValues,
  splitStep,
  splitScores,
  width,
  low,
  beta,
  free,
} from './splits';
export { liveCount, liveNeurons } from './chain';
export { newPlan, reserveGroups, planProduct, tileConstants, tileAddBias, tileConcretise, tilePoints } from './tiles';
export { newRectifier, setFirstPlace, newTile, rectifierBack, rectifierForward, tileStep, tileRestore } from './tile-rectifiers';
