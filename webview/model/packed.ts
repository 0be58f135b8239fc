import type { ModelStructure } from '../../src/engine/protocol';
import type { PackedModel, ShownModel } from './protocol';

/** Reads a graph as it came, in this process: a large one would hold up the one that passes it on. */
export async function unpacked({ structure, ...model }: PackedModel): Promise<ShownModel> {
  if (structure === null) return { ...model, structure };
  const stream = new Blob([structure]).stream().pipeThrough(new DecompressionStream('gzip'));
  return { ...model, structure: (await new Response(stream).json()) as ModelStructure };
}
