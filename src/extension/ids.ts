/** Every identifier that package.json and the code must agree on. */
export const COMMAND = {
  verify: 'certiscope.verify',
  verifyQuestion: 'certiscope.verifyQuestion',
  stop: 'certiscope.stop',
  restartEngine: 'certiscope.restartEngine',
  showResults: 'certiscope.showResults',
  openCounterexample: 'certiscope.openCounterexample',
  copyCounterexample: 'certiscope.copyCounterexample',
  clearCache: 'certiscope.clearCache',
  showLog: 'certiscope.showLog',
  refresh: 'certiscope.refresh',
  unstableNeurons: 'certiscope.unstableNeurons',
  graft: 'certiscope.graft',
  epsilonUp: 'certiscope.epsilonUp',
  epsilonDown: 'certiscope.epsilonDown',
  epsilonDouble: 'certiscope.epsilonDouble',
  epsilonHalve: 'certiscope.epsilonHalve',
  largestEpsilon: 'certiscope.largestEpsilon',
  tune: 'certiscope.tune',
  openModelPage: 'certiscope.openModelPage',
  weightTolerance: 'certiscope.weightTolerance',
  compareRuns: 'certiscope.compareRuns',
  rerun: 'certiscope.rerun',
  renameRun: 'certiscope.renameRun',
  pinRun: 'certiscope.pinRun',
  unpinRun: 'certiscope.unpinRun',
  deleteRun: 'certiscope.deleteRun',
  exportRun: 'certiscope.exportRun',
  showRunSpecification: 'certiscope.showRunSpecification',
  sortRuns: 'certiscope.sortRuns',
  filterRuns: 'certiscope.filterRuns',
  clearRunsFilter: 'certiscope.clearRunsFilter',
  findAdversarialInputs: 'certiscope.findAdversarialInputs',
  patchModel: 'certiscope.patchModel',
  filterResults: 'certiscope.filterResults',
  clearResultsFilter: 'certiscope.clearResultsFilter',
  checkSetup: 'certiscope.checkSetup',
  openSample: 'certiscope.openSample',
  getStarted: 'certiscope.getStarted',
  /** Not contributed: what a click on the status bar item does. */
  menu: 'certiscope.menu',
} as const;

export const VIEW = {
  models: 'certiscope.models',
  questions: 'certiscope.questions',
  results: 'certiscope.results',
  runs: 'certiscope.runs',
} as const;

export const RESULTS_PANEL = 'certiscope.results';
export const NEURONS_PANEL = 'certiscope.neurons';
export const GRAFTING_PANEL = 'certiscope.grafting';
export const TUNING_PANEL = 'certiscope.tuning';
export const TOLERANCE_PANEL = 'certiscope.tolerance';
export const COMPARE_PANEL = 'certiscope.compare';

/** The editor that shows a model. */
export const MODEL_PAGE = 'certiscope.model';

export const ADVERSARIAL_PANEL = 'certiscope.adversarial';
export const PATCH_PANEL = 'certiscope.patch';

/** Context keys that menus and enablement read. */
export const CONTEXT = {
  running: 'certiscope.running',
  runsFiltered: 'certiscope.runsFiltered',
  resultsFiltered: 'certiscope.resultsFiltered',
  /** The workspace has been looked through: what is not listed is not there. */
  scanned: 'certiscope.scanned',
} as const;

/** Scheme of the read-only documents that show a `.vnnlib.gz` unpacked. */
export const UNPACKED_SCHEME = 'certiscope-unpacked';

/** Scheme of the read-only documents that show a specification as a run of the past asked it. */
export const RUN_SCHEME = 'certiscope-run';

/** Scheme of the read-only report on the setup. */
export const SETUP_SCHEME = 'certiscope-setup';
