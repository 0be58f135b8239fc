import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NeuronRegion } from '../../bounds/split-bounds';
import type { Helper } from './helpers';
import { boundNeurons, type TreeBounds, type TreeEffort } from './neuron-trees';

/** Neurons that a thread takes at once when each gets a tree: few, so that it answers soon. */
const TREES_AT_ONCE = 8;
/** Milliseconds that the trees of a part have at least, however near the deadline is: what many short runs do would otherwise be nothing. */
const LEAST_TIME = 500;

/**
 * One pass over all inner neurons of a region, layer by layer, each with slopes and a tree of its own, shared among threads. Can be interrupted after any part; it then goes
 * on where it stopped.
 */
export class RefinementPass {
  /** Sub-problems of the neurons' own trees so far. */
  subproblems = 0;
  private layer = 0;
  /** Neurons of the layer in work that nobody has taken. */
  private waiting: number[] | null = null;

  constructor(
    private readonly region: NeuronRegion,
    private readonly effort: TreeEffort,
  ) {}

  /**
   * True when all layers are done; false when `over` came first. `helpers` must know the region as it is when they are returned, and learn from here
   * what gets tighter. Near the deadline (`performance.now()`) trees end early.
   */
  async run(helpers: () => readonly Helper[], over: () => boolean, deadline: number): Promise<boolean> {
    const { region } = this;
    for (; this.layer < region.layers; this.layer++) {
      const { layer } = this;
      // What the first layer reads is linear in the input: there is no slope to search for.
      this.waiting ??= layer === 0 ? [] : region.unstable(layer);
      while (this.waiting.length > 0) {
        if (over()) return false;
        await this.share(this.waiting, helpers(), Math.max(LEAST_TIME, deadline - performance.now()));
      }
      this.waiting = null;
      region.relax(layer);
      const all = region.neuronBounds(layer);
      for (const helper of helpers()) helper.post({ kind: 'layer', layer, bounds: all });
    }
    return true;
  }

  /** A part for every thread, this one included. */
  private async share(waiting: number[], helpers: readonly Helper[], milliseconds: number): Promise<void> {
    const { region, layer } = this;
    const effort = { ...this.effort, milliseconds };
    const take = (neurons: readonly number[], found: TreeBounds): void => {
      this.subproblems += found.subproblems;
      region.tighten(layer, neurons, found);
    };
    const part = () => waiting.splice(0, effort.splits > 0 ? TREES_AT_ONCE : region.neuronsAtOnce);
    const lent = helpers.map(async helper => {
      const neurons = part();
      if (neurons.length === 0) return;
      take(neurons, await helper.boundNeurons(layer, neurons, effort));
    });
    const own = part();
    if (own.length > 0) take(own, boundNeurons(region, layer, own, effort));
    await Promise.all([nextTurn(), ...lent]);
  }
}
