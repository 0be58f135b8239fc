import type { AdversarialInputs } from './adversarial-inputs';
import type { PatchModel } from './patch-model';
import type { Graft } from './graft';
import type { GraftOutcomes } from './graft-outcomes';
import type { LargestEpsilon } from './largest-epsilon';
import type { UnstableNeurons } from './unstable-neurons';
import type { WeightTolerance } from './weight-tolerance';

/**
 * A study is a longer piece of work on a model whose outcome is not a verdict. What each kind is asked, what it tells while it is at work (its parts: whatever can be
 * shown before the end) and what it answers. All three cross the engine's door as JSON; large numbers as `TensorReference`s.
 *
 * A new kind: its types in this folder, one line here, its work in `src/engine/studies`, one line in `registry.ts` there.
 */
export interface StudyKinds {
  graft: Graft;
  'graft-outcomes': GraftOutcomes;
  'adversarial-inputs': AdversarialInputs;
  'patch-model': PatchModel;
  'largest-epsilon': LargestEpsilon;
  'unstable-neurons': UnstableNeurons;
  'weight-tolerance': WeightTolerance;
}

export type StudyKind = keyof StudyKinds;
export type ParamsOf<K extends StudyKind> = StudyKinds[K]['params'];
export type PartOf<K extends StudyKind> = StudyKinds[K]['part'];
export type ResultOf<K extends StudyKind> = StudyKinds[K]['result'];
