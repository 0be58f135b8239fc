import type { Vertex } from './graph';
import { leavesOf, pathTo, type Group, type Tree } from './hierarchy';
import { shownAs, type Box, type Placed } from './layout';

export type Direction = 'up' | 'down' | 'left' | 'right';

/** Where an arrow key leads from a box: up and down along the edges, left and right to what stands beside it. */
export function step(
  root: Group,
  open: ReadonlySet<string>,
  placed: readonly Placed[],
  from: Tree,
  direction: Direction,
): Tree | null {
  if (direction === 'left' || direction === 'right') return beside(placed, from, direction);
  const isOpen = from.kind === 'group' && open.has(from.id);
  const isInside = ({ order }: Vertex): boolean => from.first <= order && order <= from.last;
  // Down into an open group is to what reads first in it.
  if (isOpen && direction === 'down') return from.children[0] ?? null;
  const parent = parentOf(root, from);
  for (const { vertex } of leavesOf(from)) {
    const others = direction === 'down' ? vertex.makes.flatMap(({ to }) => to) : vertex.reads.map(value => value.from);
    const next = others.find(other => !isInside(other));
    if (!next) continue;
    // Up from what reads first in an open group is to the group itself.
    const leaves = parent && parent !== root && (next.order < parent.first || next.order > parent.last);
    if (leaves && direction === 'up') return parent;
    return shownAs(pathTo(root, next.order), open) ?? null;
  }
  return null;
}

function parentOf(root: Group, tree: Tree): Group | null {
  let group = root;
  for (const child of pathTo(root, tree.first)) {
    if (child.id === tree.id) return group;
    if (child.kind === 'group') group = child;
  }
  return null;
}

/** The nearest box to one side whose height overlaps. */
function beside(placed: readonly Placed[], from: Tree, direction: 'left' | 'right'): Tree | null {
  const here = placed.find(({ box }) => box.tree.id === from.id);
  if (!here) return null;
  const sign = direction === 'right' ? 1 : -1;
  let best: { readonly tree: Tree; readonly distance: number } | null = null;
  for (const { box, x, y } of placed) {
    const distance = sign * (middle(box, x) - middle(here.box, here.x));
    const overlaps = y < here.y + here.box.height && here.y < y + box.height;
    const holds = box.tree.first <= from.first && from.last <= box.tree.last;
    if (distance > 0 && overlaps && !holds && !box.inside && (!best || distance < best.distance))
      best = { tree: box.tree, distance };
  }
  return best?.tree ?? null;
}

function middle({ width }: Box, x: number): number {
  return x + width / 2;
}
