import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelStructure } from '../../../src/engine/protocol';
import { readStructure } from '../../../src/network/structure';
import { graphOf, shapeText, shortName, type ModelGraph } from '../../../webview/model/graph';
import {
  contents,
  groupsOf,
  hierarchyOf,
  leavesOf,
  openAtFirst,
  type Group,
  type Tree,
} from '../../../webview/model/hierarchy';
import { HEADER, Layouter, PADDING, placedBoxes, type Layout } from '../../../webview/model/layout';
import { step } from '../../../webview/model/navigation';
import { must } from '../must';
import { sharedData } from '../shared-data';
import { residual, structureOf, type Call } from './structures';

const layouter = (): Layouter =>
  new Layouter(
    (text, size) => text.length * size * 0.55,
    tree => [tree.name, contents(tree, 2)],
  );
const everyGroup = (root: Group): Set<string> => new Set([...groupsOf(root)].map(({ id }) => id));

/** A graph in which every call reads one to three calls before it. */
const graphs = fc
  .array(
    fc.tuple(
      fc.constantFrom('Conv', 'Relu', 'Add', 'Reshape'),
      fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
    ),
    { minLength: 1, maxLength: 150 },
  )
  .map(list =>
    list.map(([operator, back, far], k): Call => ({
      name: `${operator}_${k}`,
      operator,
      reads: [...new Set(back.map(steps => k - 1 - (far ? steps % (k + 1) : Math.min(steps % 3, k))))],
    })),
  );

describe('the graph of a model', () => {
  it('has what is computed as edges, and constants with their readers', () => {
    const { vertices } = graphOf(structureOf(residual(1, false)));
    expect(vertices.map(({ operator }) => operator)).toEqual([
      'Input',
      'Conv',
      'Relu',
      'Conv',
      'Add',
      'Relu',
      'Output',
    ]);
    expect(vertices[4]!.reads.map(({ from }) => from.operator)).toEqual(['Conv', 'Input']);
    expect(vertices[1]!.tensors.map(({ name }) => name)).toEqual(['w0']);
    expect(vertices[0]!.makes[0]!.to.map(({ operator }) => operator)).toEqual(['Conv', 'Add']);
  });

  it('is brought into an order where the file has none', () => {
    const structure = structureOf(residual(6, false));
    const { info } = structure;
    const backwards = { ...structure, info: { ...info, nodes: [...info.nodes].reverse() } };
    const { vertices } = graphOf(backwards);
    expect(vertices).toHaveLength(32);
    for (const vertex of vertices) for (const { from } of vertex.reads) expect(from.order).toBeLessThan(vertex.order);
  });

  it('is shown even where it runs in a circle', () => {
    const structure = structureOf([
      { name: 'a', operator: 'Add', reads: [-1, 1] },
      { name: 'b', operator: 'Relu', reads: [0] },
    ]);
    const root = hierarchyOf(graphOf(structure));
    expect([...placedBoxes(layouter().layout(root, new Set()))]).toHaveLength(3);
  });

  it('writes shapes and names as people do', () => {
    expect([shapeText([1, 3, 8, 8]), shapeText([]), shapeText(null)]).toEqual(['1×3×8×8', 'scalar', '?']);
    const names = graphOf(structureOf(residual(1, true))).vertices.map(shortName);
    expect(names).toEqual(['x', 'conv1', 'relu', 'conv2', 'unit0', 'relu_1', 'v4']);
  });
});

/** What holds for every grouping: everything is in it once, in order, and nothing is too large to be taken in. */
function checkGroups(graph: ModelGraph, root: Group): void {
  expect([...leavesOf(root)].map(({ vertex }) => vertex.id)).toEqual(graph.vertices.map(({ id }) => id));
  const groups = [root, ...groupsOf(root)];
  expect(new Set(groups.map(({ id }) => id)).size).toBe(groups.length);
  for (const group of groups) {
    // Ranges of neighbours that follow one another: closed groups cannot make a circle.
    group.children.forEach((child, k) => {
      expect(child.first).toBe(k === 0 ? group.first : group.children[k - 1]!.last + 1);
    });
    expect(group.last).toBe(group.children.at(-1)!.last);
    if (group !== root) expect(group.children.length).toBeGreaterThan(1);
    const inner = group.children.filter(child => child.kind === 'group' || child.vertex.kind === 'node');
    if (graph.vertices.length > 40) expect(inner.length).toBeLessThanOrEqual(32);
  }
}

describe('groups', () => {
  it('hold every node once, in order, and few enough of them', () => {
    fc.assert(
      fc.property(graphs, calls => {
        const graph = graphOf(structureOf(calls));
        const outputs = graph.vertices.filter(({ kind }) => kind === 'output').length;
        if (outputs < 10) checkGroups(graph, hierarchyOf(graph));
      }),
      { numRuns: 60 },
    );
  });

  it('follow the paths in names', () => {
    const root = hierarchyOf(graphOf(structureOf(residual(64, true))));
    expect(root.children.map(({ name }) => name)).toEqual([
      'x',
      ...Array.from({ length: 8 }, (_, k) => `stage${k}`),
      'v319',
    ]);
    const stage = root.children[1] as Group;
    expect(stage.children.map(({ name }) => name)).toEqual(Array.from({ length: 8 }, (_, k) => `unit${k}`));
    expect(contents(stage)).toBe('Conv ×16, Relu ×16, Add ×8');
  });

  it('follow the shape of the graph where names say nothing', () => {
    const root = hierarchyOf(graphOf(structureOf(residual(12, false))));
    // A residual unit is what lies between two places where one value is alive; the Relu after it belongs to it.
    const [block] = root.children.filter(child => child.kind === 'group');
    expect(contents(block!)).toBe('Conv ×2, Relu, Add');
    checkGroups(graphOf(structureOf(residual(1000, false))), hierarchyOf(graphOf(structureOf(residual(1000, false)))));
  });

  it('are open at first as far as the picture stays small', () => {
    for (const units of [2, 12, 64, 1000]) {
      const root = hierarchyOf(graphOf(structureOf(residual(units, true))));
      const boxes = [...placedBoxes(layouter().layout(root, openAtFirst(root)))];
      expect(boxes.filter(({ box }) => !box.inside).length).toBeLessThanOrEqual(60);
    }
  });
});

/** Nothing overlaps, everything is inside of what holds it, and every line touches the boxes that it joins. */
function checkLayout(layout: Layout): void {
  const { boxes, lines, width, height } = layout;
  boxes.forEach((box, k) => {
    expect(box.x).toBeGreaterThanOrEqual(-0.01);
    expect(box.y).toBeGreaterThanOrEqual(-0.01);
    expect(box.x + box.width).toBeLessThanOrEqual(width + 0.01);
    expect(box.y + box.height).toBeLessThanOrEqual(height + 0.01);
    for (const other of boxes.slice(k + 1)) {
      const apart =
        box.x + box.width <= other.x + 0.01 ||
        other.x + other.width <= box.x + 0.01 ||
        box.y + box.height <= other.y + 0.01 ||
        other.y + other.height <= box.y + 0.01;
      expect(apart, `${box.tree.name} and ${other.tree.name}`).toBe(true);
    }
    if (box.inside) {
      expect(box.width).toBeGreaterThanOrEqual(box.inside.width + 2 * PADDING - 0.01);
      expect(box.height).toBeCloseTo(box.inside.height + HEADER + PADDING, 6);
      checkLayout(box.inside);
    }
  });
  for (const { points, values } of lines) {
    expect(values.length).toBeGreaterThan(0);
    for (const { x, y } of points) {
      expect(Number.isFinite(x) && Number.isFinite(y)).toBe(true);
      expect(x).toBeGreaterThanOrEqual(-0.01);
      expect(x).toBeLessThanOrEqual(width + 0.01);
    }
    const touches = ({ x, y }: { x: number; y: number }): boolean =>
      y === -HEADER ||
      Math.abs(y - height - PADDING) < 0.01 ||
      boxes.some(
        box => x >= box.x - 0.6 && x <= box.x + box.width + 0.6 && y >= box.y - 0.6 && y <= box.y + box.height + 0.6,
      );
    expect(touches(points[0]!) && touches(points.at(-1)!)).toBe(true);
  }
}

/** The values that have their shape on some line, at any depth. */
function labelledValues({ lines, boxes }: Layout): Set<string> {
  const here = lines.filter(({ label }) => label).flatMap(({ values }) => values.map(({ name }) => name));
  return new Set([...here, ...boxes.flatMap(({ inside }) => (inside ? [...labelledValues(inside)] : []))]);
}

describe('the layout', () => {
  it('overlaps nowhere, closed or open', () => {
    fc.assert(
      fc.property(graphs, calls => {
        const graph = graphOf(structureOf(calls));
        const root = hierarchyOf(graph);
        for (const open of [new Set<string>(), openAtFirst(root), everyGroup(root)]) {
          const layout = layouter().layout(root, open);
          checkLayout(layout);
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  it('has the shape of every value that is read on a line', () => {
    fc.assert(
      fc.property(graphs, calls => {
        const { vertices } = graphOf(structureOf(calls));
        const root = hierarchyOf({ vertices, tensors: new Map() });
        const read = vertices.flatMap(({ makes }) => makes.filter(({ to }) => to.length > 0).map(({ name }) => name));
        expect(labelledValues(layouter().layout(root, everyGroup(root)))).toEqual(new Set(read));
      }),
      { numRuns: 15 },
    );
  });

  it('keeps what has not changed', () => {
    const root = hierarchyOf(graphOf(structureOf(residual(64, true))));
    const made = layouter();
    const [first, second] = root.children.filter(child => child.kind === 'group');
    const before = made.layout(root, new Set([first!.id]));
    expect(made.layout(root, new Set([first!.id]))).toBe(before);
    const after = made.layout(root, new Set([first!.id, second!.id]));
    expect(after.boxes[1]!.inside).toBe(before.boxes[1]!.inside);
  });

  it('of five thousand nodes with every group open is there in seconds', () => {
    const root = hierarchyOf(graphOf(structureOf(residual(1000, false))));
    const started = performance.now();
    const layout = layouter().layout(root, everyGroup(root));
    // A second on an idle machine would be slow; tests share theirs.
    expect(performance.now() - started).toBeLessThan(10_000);
    expect([...placedBoxes(layout)].filter(({ box }) => box.tree.kind === 'leaf')).toHaveLength(5002);
  }, 30_000);
});

describe('arrow keys', () => {
  const graph = graphOf(structureOf(residual(64, true)));
  const root = hierarchyOf(graph);

  const walk = (open: ReadonlySet<string>, start: Tree, direction: 'down' | 'up'): string[] => {
    const placed = [...placedBoxes(layouter().layout(root, open))];
    const names = [start.name];
    for (let at: Tree | null = start; (at = step(root, open, placed, at, direction));) {
      names.push(at.name);
      expect(names.length).toBeLessThan(500);
    }
    return names;
  };

  it('go from the input to the output over closed groups, and back', () => {
    const down = walk(new Set(), root.children[0]!, 'down');
    expect(down).toEqual(['x', ...Array.from({ length: 8 }, (_, k) => `stage${k}`), 'v319']);
    expect(walk(new Set(), root.children.at(-1)!, 'up')).toEqual([...down].reverse());
  });

  it('go into open groups and out again', () => {
    const stage = root.children[1] as Group;
    const unit = stage.children[0] as Group;
    const open = new Set([stage.id, unit.id]);
    expect(walk(open, stage, 'down').slice(0, 8)).toEqual([
      'stage0',
      'unit0',
      'conv1',
      'relu',
      'conv2',
      'unit0',
      'relu_1',
      'unit1',
    ]);
    expect(walk(open, unit.children[0]!, 'up')).toEqual(['conv1', 'unit0', 'stage0', 'x']);
  });

  it('go to what stands beside', () => {
    const fork = graphOf(
      structureOf([
        { name: 'a', operator: 'Conv', reads: [-1] },
        { name: 'b', operator: 'Conv', reads: [-1] },
        { name: 'c', operator: 'Add', reads: [0, 1] },
      ]),
    );
    const top = hierarchyOf(fork);
    const placed = [...placedBoxes(layouter().layout(top, new Set()))];
    const [left, right] = placed
      .filter(({ box }) => 'ab'.includes(box.tree.name))
      .sort((one, other) => one.x - other.x);
    expect(step(top, new Set(), placed, left!.box.tree, 'right')).toBe(right!.box.tree);
    expect(step(top, new Set(), placed, right!.box.tree, 'left')).toBe(left!.box.tree);
    expect(step(top, new Set(), placed, right!.box.tree, 'right')).toBeNull();
  });
});

describe.skipIf(!sharedData)('pictures of real networks (need ../shared/data)', () => {
  const networks = sharedData
    ? (readdirSync(sharedData, { recursive: true }) as string[]).filter(name => /\.onnx(\.gz)?$/.test(name))
    : [];

  it('are there', () => expect(networks.length).toBeGreaterThan(70));

  it('have every shape, and overlap nowhere', () => {
    for (const name of networks) {
      const structure: ModelStructure = must(readStructure(path.join(sharedData!, name)));
      const graph = graphOf(structure);
      const root = hierarchyOf(graph);
      checkLayout(layouter().layout(root, everyGroup(root)));
      if (!structure.info.supported) continue;
      for (const { makes } of graph.vertices)
        for (const { shape, to } of makes) if (to.length > 0) expect(shape, name).not.toBeNull();
    }
  }, 120_000);
});
