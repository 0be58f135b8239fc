import type { NeuronBounds, NeuronRegion, SearchEffort, SplitBounds } from '../../bounds/split-bounds';
import { afterSplit, ENOUGH, parts, type Splittable } from './branching';

/** How far the trees of neurons are grown. */
export interface TreeEffort {
  /** Leaves that are split, per neuron and side. */
  readonly splits: number;
  /** Trees that have grown for so long stay as they are; absent, there is no hurry. */
  readonly milliseconds?: number;
}

const ROOT_EFFORT: SearchEffort = { iterations: 20, alpha: 0.25, beta: 0, enough: ENOUGH };
/** A tree is left alone that in so many splits gains less than this part of the neuron's width over all the splits it may have. */
const WORTHWHILE = 0.05;
const TRIAL = 8;

/** What trees found, and how many sub-problems they bounded for it: none where neurons got slopes alone. */
export interface TreeBounds extends NeuronBounds {
  readonly subproblems: number;
}

/** A leaf of a tree over one neuron's lower bound (form 2n) or the negative of its upper bound (form 2n + 1). */
interface Leaf extends Splittable {
  /** Certified. */
  readonly bound: number;
}

type Row = Pick<Leaf, 'row' | 'splits' | 'bound'> & { readonly multipliers: Leaf['multipliers'] | null };

interface Tree {
  leaves: Leaf[];
  /** Smallest certified bound among leaves that cannot be split. */
  floor: number;
  splits: number;
  /** Sub-problems bounded. */
  bounded: number;
  /** Bound when gain was last looked at. */
  mark: number;
}

/**
 * Bounds of inner neurons with slopes of their own and, where there are splits to spend, by a small branch and bound of their own over the neurons before them: where a mixed-integer program is asked by others. Certified like any
 * bound: the smallest of the tree's leaves, each certified.
 */
export function boundNeurons(
  region: NeuronRegion,
  layer: number,
  neurons: readonly number[],
  effort: TreeEffort,
): TreeBounds {
  const splits = effort.splits > 0 ? region.neuronSplits?.(layer, neurons) : undefined;
  if (!splits) return { ...region.boundNeurons(layer, neurons, ROOT_EFFORT), subproblems: 0 };
  const until = performance.now() + (effort.milliseconds ?? Infinity);
  const known = region.neuronBounds(layer);
  // What is known already is left out of the trees: their leaves would all look alike.
  const trees: Tree[] = neurons.flatMap(() => [newTree(), newTree()]);
  const widths = neurons.map(neuron => known.upper[neuron] - known.lower[neuron]);
  bound(
    splits,
    trees,
    trees.map((_, row) => ({ row, splits: [], multipliers: null, bound: -Infinity })),
    ROOT_EFFORT,
  );
  for (const tree of trees) tree.mark = boundOf(tree);
  for (;;) {
    const active = trees.filter((tree, row) => goesOn(tree, trees[row ^ 1], widths[row >> 1], effort));
    if (active.length === 0 || performance.now() >= until) break;
    grow(splits, trees, active);
  }
  const bounds = trees.map(boundOf);
  const subproblems = trees.reduce((sum, tree) => sum + tree.bounded, 0);
  return {
    subproblems,
    lower: Float64Array.from(neurons, (_, n) => bounds[2 * n]),
    upper: Float64Array.from(neurons, (_, n) => -bounds[2 * n + 1]),
  };
}

function newTree(): Tree {
  return { leaves: [], floor: Infinity, splits: 0, bounded: 0, mark: -Infinity };
}

function boundOf(tree: Tree): number {
  return tree.leaves.reduce((least, { bound }) => Math.min(least, bound), tree.floor);
}

/** Whether a tree is worth another split: neither side of 0 is excluded, and what was spent on it last paid. */
function goesOn(tree: Tree, other: Tree, width: number, { splits }: TreeEffort): boolean {
  if (tree.leaves.length === 0 || tree.splits >= splits) return false;
  const bound = boundOf(tree);
  if (!(bound <= 0 && boundOf(other) <= 0) || bound >= tree.floor) return false;
  if (tree.splits > 0 && tree.splits % TRIAL === 0) {
    if (bound - tree.mark < (WORTHWHILE / splits) * width) {
      tree.splits = splits;
      return false;
    }
    tree.mark = bound;
  }
  return true;
}

/** Splits the worst leaf of every active tree, a batch after the other. */
function grow(splits: SplitBounds, trees: readonly Tree[], active: readonly Tree[]): void {
  const perBatch = splits.rows >> 1;
  for (let from = 0; from < active.length; from += perBatch) {
    const parents = active.slice(from, from + perBatch).map(tree => {
      tree.splits++;
      let worst = 0;
      for (let k = 1; k < tree.leaves.length; k++) if (tree.leaves[k].bound < tree.leaves[worst].bound) worst = k;
      const [leaf] = tree.leaves.splice(worst, 1);
      return leaf;
    });
    bound(splits, trees, parts(splits, parents), afterSplit(splits));
  }
}

/** Bounds these rows, and adds them to their trees as leaves. */
function bound(splits: SplitBounds, trees: readonly Tree[], rows: readonly Row[], effort: SearchEffort): void {
  rows.forEach((row, r) => splits.set(r, row.row, row.splits, row.multipliers));
  splits.optimise(rows.length, effort);
  const certified = splits.certify(Array.from(rows, (_, r) => r));
  rows.forEach((parent, r) => {
    const { row } = parent;
    const own = certified[r] > parent.bound ? certified[r] : parent.bound;
    const candidates = own > 0 ? [] : splits.candidates(r, splits.tried);
    const tree = trees[row];
    tree.bounded++;
    if (candidates.length === 0) tree.floor = Math.min(tree.floor, own);
    else tree.leaves.push({ row, splits: parent.splits, multipliers: splits.multipliers(r), bound: own, candidates });
  });
}
