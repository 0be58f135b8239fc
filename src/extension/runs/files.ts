/** The files of a run's folder. */
export const HEAD_FILE = 'head.json';
export const RESULTS_FILE = 'results.jsonl';
export const TEXT_FILE = 'specification.txt';
