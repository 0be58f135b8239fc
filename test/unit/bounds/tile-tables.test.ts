import { expect, it } from 'vitest';
import { GraphBounder } from '../../../src/bounds/graph/graph-bounder';
import { PreparedGraph } from '../../../src/bounds/graph/prepared-graph';
import { TileTables } from '../../../src/bounds/graph/tile-tables';
import { randomChain } from './chains';

it('error weights arrive where the core’s memory has to grow for them', () => {
  const network = randomChain(1, [9000, 3, 2]);
  const bounder = new GraphBounder(network, []);
  bounder.setBox(new Float64Array(9000).fill(-1), new Float64Array(9000).fill(1), null);
  expect(bounder.interval()).toBe(true);
  const graph = new PreparedGraph(network);
  const tables = new TileTables(graph);
  const { core } = graph;
  tables.setBox(new Float64Array(9000).fill(-1), new Float64Array(9000).fill(1));
  // All that is left is taken.
  const room = core.memory.buffer.byteLength - core.mark();
  if (room > 32) core.allocate(room - 32);
  const before = core.memory.buffer.byteLength;
  const last = network.nodes.length - 1;
  tables.update(bounder.nodeBounds(), last);
  expect(core.memory.buffer.byteLength).toBeGreaterThan(before);
  for (const { id, kind, size } of network.nodes)
    if (kind === 'dense') graph.view(tables.errorWeight[id], size).forEach(weight => expect(weight).toBeGreaterThan(0));
});
