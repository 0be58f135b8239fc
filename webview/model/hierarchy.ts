import { kindOf, shortName, type ModelGraph, type Vertex } from './graph';

/** A part of the picture that is one box when it is closed. Its vertices are neighbours in the graph's order, so closed groups never make a circle. */
export interface Group {
  readonly kind: 'group';
  /** The same as long as the file's nodes are. */
  readonly id: string;
  readonly name: string;
  readonly children: readonly Tree[];
  /** Orders of its first and last vertex. */
  readonly first: number;
  readonly last: number;
}

export interface Leaf {
  readonly kind: 'leaf';
  readonly id: string;
  readonly name: string;
  readonly vertex: Vertex;
  readonly first: number;
  readonly last: number;
}

export type Tree = Group | Leaf;

/** Graphs of up to this many vertices are shown as they are. */
const LARGEST_FLAT = 40;
/** A group with more children is hard to take in, and slow to lay out. */
const MOST_CHILDREN = 30;
/** Children of a part where nothing else tells where to cut. */
const PART = 16;
/** This share of the nodes must carry a path in its name before names tell what belongs together. */
const LEAST_NAMED = 0.6;

/** Groups a graph by the paths in its nodes' names, else by its shape: blocks between bottlenecks, then layers, then parts of equal size. */
export function hierarchyOf(graph: ModelGraph): Group {
  const leaves = graph.vertices.map(leafOf);
  const inner = leaves.filter(({ vertex }) => vertex.kind === 'node');
  if (leaves.length <= LARGEST_FLAT) return { ...groupOf('Model', leaves), id: 'model' };
  const crossing = crossings(graph);
  const limit = (children: readonly Tree[]): readonly Tree[] => limited(children, crossing);
  const named = inner.filter(({ vertex }) => scopesOf(vertex).length > 0).length >= LEAST_NAMED * inner.length;
  const grouped = named ? byScope(inner, 0, limit) : inner;
  const [only] = grouped;
  const children = grouped.length === 1 && only?.kind === 'group' ? only.children : grouped;
  const boundary = (kind: Vertex['kind']): Leaf[] => leaves.filter(({ vertex }) => vertex.kind === kind);
  return {
    kind: 'group',
    id: 'model',
    name: 'Model',
    children: [...boundary('input'), ...limit(children), ...boundary('output')],
    first: 0,
    last: leaves.length - 1,
  };
}

function leafOf(vertex: Vertex): Leaf {
  const { id, order } = vertex;
  return { kind: 'leaf', id, name: shortName(vertex), vertex, first: order, last: order };
}

function groupOf(name: string, children: readonly Tree[]): Group {
  const first = children[0]!;
  const last = children.at(-1)!;
  return { kind: 'group', id: `${first.first}–${last.last}`, name, children, first: first.first, last: last.last };
}

/** `/layer1/layer1.0/conv1/Conv` lies in layer1, layer1.0 and conv1. */
function scopesOf({ name }: Vertex): readonly string[] {
  return name
    .split('/')
    .filter(part => part !== '')
    .slice(0, -1);
}

/** Runs of neighbours that share the scope at `depth`. */
function byScope(
  leaves: readonly Leaf[],
  depth: number,
  limit: (children: readonly Tree[]) => readonly Tree[],
): Tree[] {
  const made: Tree[] = [];
  for (let start = 0; start < leaves.length;) {
    const scope = scopesOf(leaves[start]!.vertex)[depth];
    let end = start + 1;
    while (end < leaves.length && scope !== undefined && scopesOf(leaves[end]!.vertex)[depth] === scope) end++;
    const run = leaves.slice(start, end);
    start = end;
    if (scope === undefined || run.length === 1) {
      made.push(...run);
      continue;
    }
    const children = byScope(run, depth + 1, limit);
    const [only] = children;
    // A scope that holds one scope alone is one group with both names.
    if (children.length === 1 && only?.kind === 'group') made.push({ ...only, name: `${scope}/${only.name}` });
    else made.push(groupOf(scope, limit(children)));
  }
  return made;
}

/** How many values are alive between each vertex and the next one in the order. */
function crossings({ vertices }: ModelGraph): Int32Array {
  const change = new Int32Array(vertices.length + 1);
  for (const vertex of vertices)
    for (const { to } of vertex.makes) {
      const last = to.reduce((most, { order }) => Math.max(most, order), -1);
      if (last <= vertex.order) continue;
      change[vertex.order]!++;
      change[last]!--;
    }
  let alive = 0;
  return change.map(step => (alive += step));
}

function limited(children: readonly Tree[], crossing: Int32Array): readonly Tree[] {
  if (children.length <= MOST_CHILDREN) return children;
  const blocks = byBottleneck(children, crossing);
  const layers = blocks.length > MOST_CHILDREN ? byLayer(blocks) : blocks;
  return inParts(layers);
}

/** What lies between two places where a single value is alive is one block, where it is more than one vertex. */
function byBottleneck(children: readonly Tree[], crossing: Int32Array): readonly Tree[] {
  const runs: Tree[][] = [[]];
  for (const child of children) {
    runs.at(-1)!.push(child);
    if (crossing[child.last]! <= 1) runs.push([]);
  }
  let blocks = 0;
  return runs
    .filter(run => run.length > 0)
    .flatMap(run =>
      run.length === 1 || run.length === children.length ? run : [groupOf(`Block ${++blocks}`, limited(run, crossing))],
    );
}

/** A linear operator begins a layer; what follows it up to the next one belongs to it. A block of branches takes what follows it, too. */
function byLayer(children: readonly Tree[]): readonly Tree[] {
  const runs: Tree[][] = [[]];
  for (const child of children) {
    if (child.kind === 'group' || kindOf(child.vertex.operator) === 'linear') runs.push([]);
    runs.at(-1)!.push(child);
  }
  return runs
    .filter(run => run.length > 0)
    .flatMap(run => {
      const [head] = run;
      if (run.length === 1 || run.length === children.length) return run;
      const members = head!.kind === 'group' ? [...head!.children, ...run.slice(1)] : run;
      return [groupOf(head!.name, inParts(members))];
    });
}

function inParts(children: readonly Tree[]): readonly Tree[] {
  if (children.length <= MOST_CHILDREN) return children;
  const count = Math.ceil(children.length / PART);
  const parts = Array.from({ length: count }, (_, k) => {
    const [start, end] = [k, k + 1].map(part => Math.round((part * children.length) / count));
    const members = children.slice(start, end);
    return groupOf(rangeName(members), members);
  });
  return inParts(parts);
}

const TO = ' – ';

/** `Block 1 – Block 16`, also of parts that are named so themselves. */
function rangeName(members: readonly Tree[]): string {
  const [first, last] = [members[0]!.name.split(TO)[0]!, members.at(-1)!.name.split(TO).at(-1)!];
  return first === last ? first : `${first}${TO}${last}`;
}

/** Every vertex of a part of the picture. */
export function* leavesOf(tree: Tree): Generator<Leaf> {
  if (tree.kind === 'leaf') yield tree;
  else for (const child of tree.children) yield* leavesOf(child);
}

/** Every group under a group, itself not among them. */
export function* groupsOf(group: Group): Generator<Group> {
  for (const child of group.children)
    if (child.kind === 'group') {
      yield child;
      yield* groupsOf(child);
    }
}

/** The way from `group` (left out) down to the leaf with this order. */
export function pathTo(group: Group, order: number): readonly Tree[] {
  const child = group.children.find(({ first, last }) => first <= order && order <= last);
  if (!child) return [];
  return child.kind === 'leaf' ? [child] : [child, ...pathTo(child, order)];
}

/** Boxes that a picture has at first, at most. */
const FIRST_BOXES = 60;

/** The groups that are open at first: whole levels from the outside in, as long as the picture stays easy to take in. */
export function openAtFirst(root: Group): ReadonlySet<string> {
  const open = new Set<string>();
  let level = root.children;
  for (;;) {
    const groups = level.filter(child => child.kind === 'group');
    const next = level.flatMap(child => (child.kind === 'group' ? child.children : [child]));
    if (groups.length === 0 || next.length > FIRST_BOXES) return open;
    for (const { id } of groups) open.add(id);
    level = next;
  }
}

/** `Conv ×3, Relu ×2`: what a group is made of, the most frequent first. */
export function contents(tree: Tree, most = 3): string {
  const counts = new Map<string, number>();
  for (const { vertex } of leavesOf(tree)) counts.set(vertex.operator, (counts.get(vertex.operator) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  const shown = sorted.slice(0, most).map(([operator, count]) => (count > 1 ? `${operator} ×${count}` : operator));
  return shown.join(', ') + (sorted.length > most ? ', …' : '');
}
