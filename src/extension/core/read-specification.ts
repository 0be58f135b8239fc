import type { Problem } from '../../base/result';
import { parsePerturbationSpec } from '../../spec/perturbation/parse';
import { parseVnnlib } from '../../spec/vnnlib/parse';
import { outline, specificationKind, type Outline } from './outline';

/** Above this, reading a text at every pause in the typing would be felt; the engine reports its mistakes when it is run. */
const MAX_LIVE_CHARACTERS = 2 * 2 ** 20;

/** A specification's text as the editor sees it: its properties, and everything that can be said to be wrong without its model. */
export interface ReadSpecification {
  readonly outline: Outline;
  readonly problems: readonly Problem[];
}

export function readSpecification(path: string, text: string): ReadSpecification {
  if (text.length > MAX_LIVE_CHARACTERS) return { outline: outline(path, text), problems: [] };
  if (specificationKind(path) === 'vnnlib') {
    const document = parseVnnlib(text, path);
    return { outline: outline(path, text), problems: document.ok ? document.value.warnings : document.error };
  }
  const specification = parsePerturbationSpec(text, path);
  if (!specification.ok) return { outline: outline(path, text), problems: specification.error };
  const names = specification.value.checks.map(check => check.name);
  return { outline: outline(path, text, names), problems: specification.value.warnings };
}
