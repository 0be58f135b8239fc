import type { JsonSchema } from './json-schema';
import { specShape } from './spec-shape';

/** The JSON schema of perturbation specs, from the description that the parser reads by. `schemas/` holds a copy for the editor. */
export function specSchema(): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Certiscope perturbation specification',
    description: 'What to verify: a model, samples, a property, and the perturbations it shall survive.',
    ...specShape.schema(),
  };
}
