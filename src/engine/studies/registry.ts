import type { StudyKind } from '../study-protocols/kinds';
import type { Study } from './study';

/** Where the work of each kind is found; it is loaded when it is first asked for. */
const studies: { readonly [K in StudyKind]: () => Promise<Study<K>> } = {
  'unstable-neurons': async () => (await import('./unstable-neurons')).studyUnstableNeurons,
};

export function loadStudy<K extends StudyKind>(kind: K): Promise<Study<K>> {
  return studies[kind]();
}
