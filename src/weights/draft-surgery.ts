import { Draft, type DraftNode } from '../network/draft';
import type { Lowered } from '../network/lower';
import type { Network, TensorInfo } from '../network/network';
import { asWritten, simplify } from '../network/simplify';

/** Cutting a network that is not folded yet into parts, and joining parts to new inputs. */

/** For every draft node whether it depends on one of `roots`. Roots depend on themselves. */
export function dependents(nodes: readonly DraftNode[], roots: readonly number[]): boolean[] {
  const depends = nodes.map(() => false);
  for (const { id, inputs } of nodes) depends[id] = roots.includes(id) || inputs.some(input => depends[input]);
  return depends;
}

/** For every draft node whether one of `targets` depends on it. Stops at `ends`: what those read does not count. */
export function ancestors(
  nodes: readonly DraftNode[],
  targets: readonly number[],
  ends: ReadonlySet<number> = new Set(),
): boolean[] {
  const used = nodes.map(() => false);
  for (const target of targets) used[target] = true;
  for (let id = nodes.length - 1; id >= 0; id--)
    if (used[id] && !ends.has(id)) for (const input of nodes[id].inputs) used[input] = true;
  return used;
}

/** A draft under construction that takes over nodes of others. */
export class Graft {
  readonly draft: Draft;
  /** Where nodes of the original are in the new draft. */
  readonly place = new Map<number, number>();

  constructor(inputSize: number) {
    this.draft = new Draft(inputSize);
  }

  /** Appends a node whose inputs are ids of the new draft already. */
  append(node: DraftNode, inputs: readonly number[]): number {
    const id = this.draft.nodes.length;
    this.draft.nodes.push({ ...node, id, inputs });
    return id;
  }

  /** Appends a node of the original, which then reads what its inputs became. */
  take(node: DraftNode): number {
    const id = this.append(
      node,
      node.inputs.map(input => this.place.get(input)!),
    );
    this.place.set(node.id, id);
    return id;
  }
}

/** A network of a draft; `folded` unless somebody wants to find the draft's nodes under their own numbers, all of which are used then. */
export function networkOf(draft: Draft, output: number, outputs: readonly TensorInfo[], folded: boolean): Network {
  const inputSize = draft.nodes[0].size;
  const input: TensorInfo = { name: 'input', shape: [1, inputSize], type: 'float64', offset: 0, size: inputSize };
  const lowered: Lowered = { draft, output, inputs: [input], outputs };
  return folded ? simplify(lowered) : asWritten(lowered);
}

/** A network from the same input that gives the values of some nodes one after the other. */
export function probe(nodes: readonly DraftNode[], targets: readonly number[]): Network {
  const used = ancestors(nodes, targets);
  const graft = new Graft(nodes[0].size);
  graft.place.set(0, 0);
  for (const node of nodes) if (node.id > 0 && used[node.id]) graft.take(node);
  const sizes = targets.map(target => nodes[target].size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const places = targets.map(target => graft.place.get(target)!);
  // A copy of its own for each, so that targets which read one another, or the input itself, are values like all others.
  const output = places.length === 1 && places[0] > 0 ? places[0] : graft.draft.concat(places, [total], 'probe');
  return networkOf(
    graft.draft,
    output,
    [{ name: 'probe', shape: [1, total], type: 'float64', offset: 0, size: total }],
    true,
  );
}
