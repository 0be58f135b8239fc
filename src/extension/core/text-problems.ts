import type { Problem } from '../../base/result';
import { parseVnnlib } from '../../spec/vnnlib/parse';
import { specificationKind } from './outline';

/** Everything that is wrong with a specification's text, without its model: what an editor can say while a person types. */
export function checkText(path: string, text: string): readonly Problem[] {
  if (specificationKind(path) !== 'vnnlib') return [];
  const document = parseVnnlib(text, path);
  return document.ok ? document.value.warnings : document.error;
}
