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
  /** Not contributed: what a click on the status bar item does. */
  menu: 'certiscope.menu',
} as const;

export const VIEW = {
  models: 'certiscope.models',
  questions: 'certiscope.questions',
  results: 'certiscope.results',
} as const;

export const RESULTS_PANEL = 'certiscope.results';

/** Context keys that menus and enablement read. */
export const CONTEXT = { running: 'certiscope.running' } as const;

/** Scheme of the read-only documents that show a `.vnnlib.gz` unpacked. */
export const UNPACKED_SCHEME = 'certiscope-unpacked';
