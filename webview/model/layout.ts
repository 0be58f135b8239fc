import { Graph, layout as dagreLayout } from '@dagrejs/dagre';
import { shapeText, type Value } from './graph';
import { leavesOf, type Group, type Tree } from './hierarchy';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A box of the picture. Coordinates are those of the group's inside in which it lies. */
export interface Box {
  readonly tree: Tree;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** What is in an open group; its origin is at (`PADDING`, `HEADER`) of the box. */
  readonly inside: Layout | null;
}

/** One or more values that go from one box to another, or cross the group's edge. */
export interface Line {
  readonly values: readonly Value[];
  readonly points: readonly Point[];
  /** Whether it ends at what reads the value, and not at the edge of a group. */
  readonly ends: boolean;
  /** The shape, where it stands; null for the rest of a line that is labelled in another group. */
  readonly label: { readonly text: string; readonly at: Point; readonly width: number } | null;
}

/** The inside of a group. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
  /** Where values enter at the top and leave at the bottom. */
  readonly entries: ReadonlyMap<Value, number>;
  readonly exits: ReadonlyMap<Value, number>;
}

/** Space in an open group around what it holds, and above it for its name. */
export const PADDING = 16;
export const HEADER = 30;

export const FONT = { title: 600, small: 400, titleSize: 13, smallSize: 11 } as const;

/** Width of a text in pixels. */
export type MeasureText = (text: string, size: number) => number;

const BOX = { least: 118, most: 230, height: 46, boundary: 34, space: 34 } as const;
const LABEL_HEIGHT = 15;
/** From this many boxes on, ranks are found by a method that is quicker and less even. */
const MANY_BOXES = 200;

/** Lays out open groups from the inside out; a closed group is one box. What has not changed is not laid out again. */
export class Layouter {
  readonly #known = new Map<string, { readonly key: string; readonly layout: Layout }>();
  readonly #geometries = new Map<string, Geometry>();

  constructor(
    private readonly measure: MeasureText,
    /** The lines of text in a box. */
    private readonly texts: (tree: Tree) => readonly [title: string, small: string],
  ) {}

  layout(group: Group, open: ReadonlySet<string>): Layout {
    const key = keyOf(group, open);
    const known = this.#known.get(group.id);
    if (known?.key === key) return known.layout;
    const layout = this.#inside(group, open);
    this.#known.set(group.id, { key, layout });
    return layout;
  }

  #inside(group: Group, open: ReadonlySet<string>): Layout {
    const boxes = group.children.map(tree => this.#box(tree, open));
    const { lines, entries, exits } = linesOf(group);
    const texts = lines.map(({ from, to, values }) =>
      from.startsWith('box') && to.startsWith('box') ? labelOf(values) : '',
    );
    const outline: Outline = {
      sizes: boxes.map(({ width, height }) => [width, height]),
      entries: entries.length,
      exits: exits.length,
      lines: lines.map(({ from, to }, k) => {
        const text = texts[k]!;
        return [from, to, text === '' ? 0 : this.measure(text, FONT.smallSize) + 8];
      }),
    };
    return assemble(this.#geometry(outline), boxes, { lines, entries, exits }, texts, outline);
  }

  /** Networks repeat their blocks: what looks the same is laid out once. */
  #geometry(outline: Outline): Geometry {
    const key = JSON.stringify(outline);
    const known = this.#geometries.get(key);
    if (known) return known;
    const geometry = arrange(outline);
    this.#geometries.set(key, geometry);
    return geometry;
  }

  #box(tree: Tree, open: ReadonlySet<string>): Omit<Box, 'x' | 'y'> {
    if (tree.kind === 'group' && open.has(tree.id)) {
      const inside = this.layout(tree, open);
      const named = this.measure(this.texts(tree)[0], FONT.titleSize) + 60;
      return {
        tree,
        inside,
        width: Math.max(inside.width + 2 * PADDING, Math.min(named, 320)),
        height: inside.height + HEADER + PADDING,
      };
    }
    const [title, small] = this.texts(tree);
    const wanted = Math.max(this.measure(title, FONT.titleSize), this.measure(small, FONT.smallSize)) + BOX.space;
    const width = Math.min(Math.max(wanted, BOX.least), BOX.most);
    const boundary = tree.kind === 'leaf' && tree.vertex.kind !== 'node';
    return { tree, inside: null, width, height: boundary ? BOX.boundary : BOX.height };
  }
}

/** Everything that the layout of a group depends on. */
function keyOf(group: Group, open: ReadonlySet<string>): string {
  return group.children
    .map(child => (child.kind === 'group' && open.has(child.id) ? `${child.id}(${keyOf(child, open)})` : ''))
    .join();
}

interface LooseLine {
  readonly from: string;
  readonly to: string;
  readonly values: Value[];
}

/** What goes from child to child of a group, enters it and leaves it. */
function linesOf(group: Group): { lines: LooseLine[]; entries: Value[]; exits: Value[] } {
  const childAt = new Map<number, number>();
  group.children.forEach((child, k) => {
    for (const { first } of leavesOf(child)) childAt.set(first, k);
  });
  const lines = new Map<string, LooseLine>();
  const connect = (from: string, to: string, value: Value): void => {
    const line = lines.get(`${from}>${to}`);
    if (!line) lines.set(`${from}>${to}`, { from, to, values: [value] });
    else if (!line.values.includes(value)) line.values.push(value);
  };
  const entries: Value[] = [];
  const exits: Value[] = [];
  const place = (values: Value[], value: Value): number => {
    if (!values.includes(value)) values.push(value);
    return values.indexOf(value);
  };
  for (const [k, child] of group.children.entries())
    for (const { vertex } of leavesOf(child)) {
      for (const value of vertex.makes)
        for (const reader of value.to) {
          const target = childAt.get(reader.order);
          if (target === undefined) connect(`box ${k}`, `exit ${place(exits, value)}`, value);
          else if (target !== k) connect(`box ${k}`, `box ${target}`, value);
        }
      for (const value of vertex.reads)
        if (!childAt.has(value.from.order)) connect(`entry ${place(entries, value)}`, `box ${k}`, value);
    }
  return { lines: [...lines.values()], entries, exits };
}

/** Shapes on a line; of several values the first two. */
export function labelOf(values: readonly Value[]): string {
  const texts = values.slice(0, 2).map(({ shape }) => shapeText(shape));
  return texts.join(' + ') + (values.length > 2 ? ` + ${values.length - 2} more` : '');
}

/** What the arrangement of a group depends on. */
interface Outline {
  readonly sizes: readonly (readonly [width: number, height: number])[];
  readonly entries: number;
  readonly exits: number;
  /** Ends are `box k`, `entry k` or `exit k`; a label of width 0 is none. */
  readonly lines: readonly (readonly [from: string, to: string, labelWidth: number])[];
}

/** Where everything is; the origin is the top left of the inside. */
interface Geometry {
  readonly width: number;
  readonly height: number;
  /** Top left of each box. */
  readonly boxes: readonly Point[];
  readonly entries: readonly number[];
  readonly exits: readonly number[];
  readonly lines: readonly { readonly points: readonly Point[]; readonly label: Point | null }[];
}

function arrange({ sizes, entries, exits, lines }: Outline): Geometry {
  const graph = new Graph();
  const ranker = sizes.length > MANY_BOXES ? 'longest-path' : 'network-simplex';
  graph.setGraph({ rankdir: 'TB', nodesep: 28, edgesep: 18, ranksep: 26, ranker });
  sizes.forEach(([width, height], k) => graph.setNode(`box ${k}`, { width, height }));
  // Values that cross the group's edge enter above everything and leave below: two ranks of their own, held in place by heavy edges.
  const border = (name: 'entry' | 'exit', count: number): void => {
    if (count === 0) return;
    graph.setNode(name, { width: 1, height: 1 });
    for (let k = 0; k < count; k++) {
      const [from, to] = name === 'entry' ? [name, `${name} ${k}`] : [`${name} ${k}`, name];
      graph.setNode(`${name} ${k}`, { width: 8, height: 1 });
      graph.setEdge(from, to, { weight: 40, width: 0, height: 0 });
    }
  };
  border('entry', entries);
  border('exit', exits);
  for (const [from, to, width] of lines)
    graph.setEdge(from, to, { width, height: width === 0 ? 0 : LABEL_HEIGHT, labelpos: 'c', weight: 1, minlen: 1 });
  dagreLayout(graph);
  const at = (name: string): Point => graph.node(name) as Point;
  const boxes = sizes.map(([width, height], k): Point => {
    const { x, y } = at(`box ${k}`);
    return { x: x - width / 2, y: y - height / 2 };
  });
  const edges = lines.map(([from, to]) => graph.edge(from, to) as { points: Point[]; x?: number; y?: number });
  const xs = [
    ...boxes.flatMap(({ x }, k) => [x, x + sizes[k]![0]]),
    ...edges.flatMap(({ points }) => points.map(({ x }) => x)),
    ...edges.flatMap(({ x }, k) => (x === undefined ? [] : [x - lines[k]![2] / 2, x + lines[k]![2] / 2])),
  ];
  const left = smallest(xs);
  const top = entries > 0 ? at('entry 0').y : smallest(boxes.map(({ y }) => y));
  const bottom = exits > 0 ? at('exit 0').y : -smallest(boxes.map(({ y }, k) => -y - sizes[k]![1]));
  const moved = ({ x, y }: Point): Point => ({ x: x - left, y: y - top });
  return {
    width: -smallest(xs.map(x => -x)) - left,
    height: bottom - top,
    boxes: boxes.map(moved),
    entries: Array.from({ length: entries }, (_, k) => at(`entry ${k}`).x - left),
    exits: Array.from({ length: exits }, (_, k) => at(`exit ${k}`).x - left),
    lines: edges.map(({ points, x, y }, k) => ({
      points: points.map(moved),
      label: lines[k]![2] === 0 || x === undefined || y === undefined ? null : moved({ x, y }),
    })),
  };
}

/** Of any number of numbers, which `Math.min` does not take. */
function smallest(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

/** Puts what is in the boxes and on the lines into a geometry. */
function assemble(
  geometry: Geometry,
  loose: readonly Omit<Box, 'x' | 'y'>[],
  group: { readonly lines: readonly LooseLine[]; readonly entries: readonly Value[]; readonly exits: readonly Value[] },
  texts: readonly string[],
  outline: Outline,
): Layout {
  const { width, height } = geometry;
  const placed = loose.map((box, k): Box => ({ ...box, ...geometry.boxes[k]! }));
  const entries = new Map(group.entries.map((value, k) => [value, geometry.entries[k]!]));
  const exits = new Map(group.exits.map((value, k) => [value, geometry.exits[k]!]));
  const lines = group.lines.map(({ from, to, values }, k): Line => {
    const { points: arranged, label: at } = geometry.lines[k]!;
    const points = [...arranged];
    const [first] = values;
    points[0] = startOf(from, first!, placed, entries, points[0]!);
    points[points.length - 1] = endOf(to, first!, placed, exits, points.at(-1)!, height);
    // From the edge of the group through its header to where the inside begins.
    if (from.startsWith('entry')) points.unshift({ x: points[0].x, y: -HEADER });
    if (to.startsWith('exit')) points.push({ x: points.at(-1)!.x, y: height + PADDING });
    const label = at && { text: texts[k]!, at, width: outline.lines[k]![2] };
    const ends = to.startsWith('box') && placed[numberOf(to)]!.inside === null;
    return { values, points, ends, label };
  });
  return { width, height, boxes: placed, entries, exits, lines };
}

/** Which box, entry or exit it is. */
function numberOf(end: string): number {
  return Number(end.slice(end.indexOf(' ') + 1));
}

/** Where a line leaves: an open group at the place where the value leaves its inside. */
function startOf(
  name: string,
  value: Value,
  boxes: readonly Box[],
  entries: ReadonlyMap<Value, number>,
  at: Point,
): Point {
  if (name.startsWith('entry')) return { x: entries.get(value)!, y: 0 };
  const box = boxes[numberOf(name)]!;
  const exit = box.inside?.exits.get(value);
  return exit === undefined ? at : { x: box.x + PADDING + exit, y: box.y + box.height };
}

function endOf(
  name: string,
  value: Value,
  boxes: readonly Box[],
  exits: ReadonlyMap<Value, number>,
  at: Point,
  height: number,
): Point {
  if (name.startsWith('exit')) return { x: exits.get(value)!, y: height };
  const box = boxes[numberOf(name)]!;
  const entry = box.inside?.entries.get(value);
  return entry === undefined ? at : { x: box.x + PADDING + entry, y: box.y };
}

/** A box with its place in the whole picture. */
export interface Placed {
  readonly box: Box;
  readonly x: number;
  readonly y: number;
}

/** Every box that is shown, with its place in the whole picture. */
export function* placedBoxes(layout: Layout, x = 0, y = 0): Generator<Placed> {
  for (const box of layout.boxes) {
    yield { box, x: x + box.x, y: y + box.y };
    if (box.inside) yield* placedBoxes(box.inside, x + box.x + PADDING, y + box.y + HEADER);
  }
}

/** The innermost box that shows a leaf: its own, or that of a closed group around it. */
export function shownAs(path: readonly Tree[], open: ReadonlySet<string>): Tree | undefined {
  return path.find(tree => tree.kind === 'leaf' || !open.has(tree.id));
}
