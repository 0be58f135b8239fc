// The float64 core. Everything that a verdict rests on is computed here (or checked against exact arithmetic in the tests).

export { allocate, mark, release } from './memory';
export { gemm, gemmSingle, reservePanel, absoluteProduct } from './gemm';
export { newGeometry, reserveConvolution, convolve, convolveBack } from './convolution';
export {
  newChain,
  newLayer,
  layerWeight,
  layerBias,
  layerBiasError,
  layerLower,
  layerUpper,
  layerPhase,
  liveCount,
  liveNeurons,
  boundsBlock,
  boundsCount,
  inputLower,
  inputUpper,
} from './chain';
export { rowLower, rowPlane, constants } from './crown';
export {
  finish,
  resetBounds,
  ladderZonotope,
  ladderRows,
  ladderCrown,
  ladderPrepare,
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
  newRows,
  layOut,
  placeOffset,
  startForms,
  startNeurons,
  startNeuron,
  rowReset,
  rowClamp,
  rowFix,
  rowRestore,
  rowSlopes,
  rowPush,
  asked,
  active,
  best,
  width,
} from './rows';
export {
  newSearch,
  searchBackward,
  searchPoints,
  searchForward,
  searchStep,
  searchBegin,
  searchNote,
  searchScores,
  estimates,
} from './search';
export { newCertify, certify } from './certify';
export {
  newPlan,
  reserveGroups,
  planProduct,
  planProductSingle,
  tileConstants,
  tileConstantsSingle,
  tileAddBias,
  tileAddBiasSingle,
  tileConcretise,
  tileConcretiseSingle,
  tilePoints,
  tilePointsSingle,
} from './tiles';
export {
  newRectifier,
  setFirstPlace,
  newTile,
  rectifierBack,
  rectifierBackSingle,
  rectifierForward,
  rectifierForwardSingle,
  tileStep,
  tileStepSingle,
  tileRestore,
  tileWiden,
} from './tile-rectifiers';
export { newCurve, setFirstCurvePlace, curveBack, curveForward, curveStep, curveRestore } from './tile-curves';
export {
  newCuts,
  newCutRows,
  cutsBack,
  cutsBackSingle,
  cutsStep,
  cutsStepSingle,
  cutsRestore,
  cutsWiden,
} from './tile-cuts';
