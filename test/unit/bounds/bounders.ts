import type { BoxBounder } from '../../../src/bounds/bounder';
import { ChainLadder, denseChain } from '../../../src/bounds/chain';
import { ChainRegion } from '../../../src/bounds/chain-region';
import { GraphBounder } from '../../../src/bounds/graph/graph-bounder';
import { GraphRegion } from '../../../src/bounds/graph/graph-region';
import type { NeuronRegion, SplitBounds } from '../../../src/bounds/split-bounds';
import { boundNeurons } from '../../../src/verify/neuron-split/neuron-trees';
import type { ExactCase, Rungs } from './exact';

const ROWS = 16;

/** All ways to bound a case, by the names that `npm run mutate` knows them by; null where the network is none for it. */
export const bounders: Readonly<Record<'ladder' | 'graph' | 'rows' | 'tiles', (it: ExactCase) => Rungs | null>> = {
  ladder: it => {
    const chain = denseChain(it.network);
    return chain && boxRungs(new ChainLadder(chain, it.constraints), it);
  },
  graph: it => boxRungs(new GraphBounder(it.network, it.constraints), it),
  rows: it => {
    const chain = denseChain(it.network);
    return chain && regionRungs(new ChainRegion(chain, it.constraints, ROWS), it);
  },
  tiles: it => regionRungs(new GraphRegion(it.network, it.constraints), it),
};

function boxRungs(bounder: BoxBounder, { lower, upper, constraints }: ExactCase): Rungs {
  const rows = [...constraints.keys()];
  bounder.setBox(lower, upper.slice(), null);
  return {
    methods: {
      zonotope: () => bounder.zonotope(rows),
      backward: () => bounder.backward(rows),
      crown: () => bounder.crown(rows).lower,
    },
    plane: (row, method) => (method === 'zonotope' ? null : bounder.plane(row)),
  };
}

function regionRungs(region: NeuronRegion, { lower, upper, constraints }: ExactCase): Rungs {
  const rows = [...constraints.keys()];
  region.setBox(lower, upper.slice(), null);
  return {
    methods: {
      zonotope: () => region.zonotope(rows),
      backward: () => region.backward(rows),
      tightened: () => {
        finish(region.tightening());
        return region.backward(rows);
      },
      refined: () => {
        finish(region.refining({ iterations: 4, alpha: 0.25 }));
        return region.backward(rows);
      },
      trees: () => {
        for (let layer = 0; layer < region.layers; layer++) {
          const neurons = region.unstable(layer).slice(0, region.neuronsAtOnce);
          if (layer > 0) region.tighten(layer, neurons, boundNeurons(region, layer, neurons, { splits: 4 }));
          region.relax(layer);
        }
        return region.backward(rows);
      },
      split: () => splitInTwo(region.splits(ROWS), rows),
    },
  };
}

/** Each row as the lower of the two sides of its best neuron, with what the search makes of the multipliers. */
function splitInTwo(splits: SplitBounds, rows: readonly number[]): Float64Array {
  const effort = { iterations: 10, alpha: 0.25, beta: 0.25, enough: Infinity };
  rows.forEach(row => splits.set(row, row, [], null));
  splits.optimise(rows.length, effort);
  const whole = splits.certify(rows);
  const places = rows.map(row => splits.candidates(row, 1));
  const open = rows.filter(row => places[row].length > 0);
  open.forEach((row, k) =>
    ([1, -1] as const).forEach((sign, side) => splits.set(2 * k + side, row, [{ place: places[row][0], sign }], null)),
  );
  if (open.length === 0) return whole;
  splits.optimise(2 * open.length, effort);
  const halves = splits.certify(Array.from({ length: 2 * open.length }, (_, r) => r));
  open.forEach((row, k) => (whole[row] = Math.max(whole[row], Math.min(halves[2 * k], halves[2 * k + 1]))));
  return whole;
}

function finish(steps: Generator<void, number>): void {
  while (!steps.next().done);
}
