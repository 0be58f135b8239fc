import type { StudyKind } from '../study-protocols/kinds';
import type { Study } from './study';

/** Where the work of each kind is found; it is loaded when it is first asked for. */
const studies: { readonly [K in StudyKind]: () => Promise<Study<K>> } = {
  graft: async () => (await import('./graft')).studyGraft,
  'graft-outcomes': async () => (await import('./graft-outcomes')).studyGraftOutcomes,
  'adversarial-inputs': async () => (await import('./adversarial-inputs/study')).studyAdversarialInputs,
  'patch-model': async () => (await import('./patch-model/study')).studyPatchModel,
  'largest-epsilon': async () => (await import('./largest-epsilon')).studyLargestEpsilon,
  'unstable-neurons': async () => (await import('./unstable-neurons')).studyUnstableNeurons,
  'weight-tolerance': async () => (await import('./weight-tolerance/study')).studyWeightTolerance,
};

export function loadStudy<K extends StudyKind>(kind: K): Promise<Study<K>> {
  return studies[kind]();
}
