import { assert } from '../base/assert';
import type { DraftNode } from './draft';
import { fold } from './fold';
import { concatOfViews, viewOfConcat } from './fold-concat';
import type { Lowered } from './lower';
import type { Network, NetworkNode } from './network';
import { withoutIdentities } from './view';

/**
 * Makes a draft smaller at no cost in truth or speed: views are composed with each other and folded into the affine maps beside them,
 * then what is left becomes network nodes. Two dense matrices are never multiplied.
 */
export function simplify({ draft, output, inputs, outputs }: Lowered): Network {
  const nodes: DraftNode[] = [...draft.nodes];
  for (let changed = true; changed;) {
    output = skipIdentities(nodes, output);
    changed = sweep(nodes, output);
  }
  return assembled(nodes, { draft, output, inputs, outputs });
}

/** The network as it is written, nothing folded: its nodes round where ONNX Runtime rounds. */
export function asWritten(lowered: Lowered): Network {
  return assembled(lowered.draft.nodes, lowered);
}

function assembled(nodes: readonly DraftNode[], { draft, output, inputs, outputs }: Lowered): Network {
  const kept = finished(nodes, output);
  return {
    nodes: kept,
    inputs,
    outputs,
    inputSize: kept[0].size,
    outputSize: kept[kept.length - 1].size,
    trailing: draft.trailing,
  };
}

/** Folds once along the whole graph. Says whether anything was folded. */
function sweep(nodes: DraftNode[], output: number): boolean {
  const users = countUsers(nodes, output);
  const release = (ids: readonly number[]): void => {
    const pending = [...ids];
    for (let id = pending.pop(); id !== undefined; id = pending.pop())
      if (--users[id] === 0) pending.push(...nodes[id].inputs);
  };
  let changed = false;
  for (let id = 0; id < nodes.length; id++) {
    if (users[id] === 0) continue;
    const folded = foldAt(nodes[id], nodes, users);
    if (!folded) continue;
    // New readers are counted before old ones go, so that nothing that stays in use is let go in between.
    for (const replacement of folded) for (const read of replacement.inputs) users[read]++;
    for (const replacement of folded) {
      const before = nodes[replacement.id].inputs;
      nodes[replacement.id] = replacement;
      release(before);
    }
    changed = true;
  }
  return changed;
}

/** What replaces a node, and perhaps the one it reads, or null when nothing is to be gained. */
function foldAt(node: DraftNode, nodes: readonly DraftNode[], users: Int32Array): DraftNode[] | null {
  if (node.kind === 'concat') {
    const view = concatOfViews(node, nodes);
    return view && [view];
  }
  if (node.inputs.length !== 1) return null;
  const input = nodes[node.inputs[0]];
  if (node.kind === 'view' && input.kind === 'concat') {
    const view = viewOfConcat(node, input, nodes);
    return view && [view];
  }
  const baseSize = input.inputs.length > 0 ? nodes[input.inputs[0]].size : 0;
  return fold(node, input, users[input.id] === 1, baseSize);
}

/** How many nodes read each node; 0 for nodes that the output does not depend on. The output counts as read once. */
function countUsers(nodes: readonly DraftNode[], output: number): Int32Array {
  const users = new Int32Array(nodes.length);
  users[output] = 1;
  for (let id = nodes.length - 1; id >= 0; id--)
    if (users[id] > 0) for (const input of nodes[id].inputs) users[input]++;
  return users;
}

/** Strips views of what does nothing and lets every node read past those of which nothing is left. Gives the new output. */
function skipIdentities(nodes: DraftNode[], output: number): number {
  const target = nodes.map(node => node.id);
  for (const { id } of nodes) {
    const inputs = nodes[id].inputs.map(input => target[input]);
    if (inputs.some((input, k) => input !== nodes[id].inputs[k])) nodes[id] = { ...nodes[id], inputs };
    const node = nodes[id];
    if (node.kind !== 'view') continue;
    const stripped = withoutIdentities(node, nodes[inputs[0]].size);
    nodes[id] = stripped;
    if (!stripped.map && !stripped.scale && !stripped.bias) target[id] = inputs[0];
  }
  return target[output];
}

/** The nodes that the output depends on, renumbered, with views made scale or sparse nodes. */
function finished(nodes: readonly DraftNode[], output: number): NetworkNode[] {
  const users = countUsers(nodes, output);
  const place = new Map<number, number>();
  const kept: NetworkNode[] = [];
  for (const node of nodes) {
    if (users[node.id] === 0 && node.kind !== 'input') continue;
    const id = kept.length;
    place.set(node.id, id);
    const inputs = node.inputs.map(input => place.get(input)!);
    assert(
      inputs.every(input => input < id),
      () => `node ${node.name} comes before what it reads`,
    );
    kept.push({ ...withoutView(node), id, inputs });
  }
  return kept;
}

function withoutView(node: DraftNode): NetworkNode {
  if (node.kind !== 'view') return node;
  const { map, scale, ...rest } = node;
  if (!map) return { ...rest, kind: 'scale', scale };
  const reads = map.map(place => (place < 0 ? 0 : 1));
  const rowStart = new Int32Array(map.length + 1);
  for (let row = 0; row < map.length; row++) rowStart[row + 1] = rowStart[row] + reads[row];
  const present = (_: number, row: number): boolean => reads[row] === 1;
  return { ...rest, kind: 'sparse', rowStart, column: map.filter(present), value: scale && scale.filter(present) };
}
