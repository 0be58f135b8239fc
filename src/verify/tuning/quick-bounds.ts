import { setImmediate as nextTurn } from 'node:timers/promises';
import { ChainLadder, denseChain, ladderFits } from '../../bounds/chain';
import { GraphBounder } from '../../bounds/graph/graph-bounder';
import type { BoxBounder } from '../../bounds/bounder';
import type { Network } from '../../network/network';
import type { Box, Constraint, Question } from '../../spec/question';
import { boxProblems } from '../problems';
import type { Budget } from '../progress';
import type { QuickMethod } from './quick-method';

/** What bounds of the whole region say of every way to fail. */
export interface QuickBounds {
  /** Per disjunct of the question a certified lower bound of how far it is from happening; above 0 it cannot. −∞ where nothing is known. */
  readonly margins: Float64Array;
  readonly method: QuickMethod;
}

/** Multiply-adds a millisecond, on the slow side: what decides whether a step that cannot be interrupted is begun. */
const WORK_PER_MILLISECOND = 2e6;
/** Bounders that are kept: the constraints of one network differ from label to label. */
const MOST_KEPT = 4;

/**
 * Certified bounds of whole regions of one network in as little time as it takes: intervals and one backward pass first, tighter methods while there is time. Nothing
 * is split and nothing is attacked. What is set up for a set of constraints is kept for the next region.
 */
export class QuickBounder {
  private readonly kept = new Map<string, Bounders>();
  private readonly ladderMilliseconds: number;

  constructor(private readonly network: Network) {
    const chain = denseChain(network);
    this.ladderMilliseconds =
      chain !== null && ladderFits(chain) ? ladderWork(chain.layers) / WORK_PER_MILLISECOND : Infinity;
  }

  /**
   * The best bounds that the budget allows; the first, cheap ones are computed whatever it says. Certified, with all rounding subtracted.
   */
  async bounds(question: Question, budget: Budget): Promise<QuickBounds> {
    const margins = new Float64Array(question.disjuncts.length).fill(-Infinity);
    let method: QuickMethod = 'crown';
    for (const { box, constraints, disjuncts, places } of boxProblems(question)) {
      const bounded = await this.boundBox(box, constraints, budget);
      disjuncts.forEach(
        (rows, k) => (margins[places[k]] = rows.reduce((most, row) => Math.max(most, bounded.lower[row]), -Infinity)),
      );
      if (RANK[bounded.method] < RANK[method]) method = bounded.method;
    }
    return { margins, method };
  }

  private async boundBox({ lower, upper }: Box, constraints: readonly Constraint[], budget: Budget): Promise<Bounded> {
    const bounders = this.bounders(constraints);
    const rows = constraints.map((_, row) => row);
    const left = budget.deadline - performance.now();
    if (this.ladderMilliseconds < left) {
      const ladder = bounders.ladder();
      ladder.setBox(lower, upper, null);
      const zonotope = ladder.zonotope(rows);
      if (zonotope === null) return useless(rows);
      return { lower: tighter(zonotope, ladder.crown(rows).lower), method: 'crown' };
    }
    const graph = bounders.graph();
    graph.setBox(lower, upper, null);
    if (!graph.interval()) return useless(rows);
    const first = graph.backward(rows);
    const over = () => budget.cancelled() || performance.now() >= budget.deadline;
    for (const tightening = graph.tightening(); ;) {
      if (over()) return { lower: first, method: 'intervals' };
      if (tightening.next().done) break;
      await nextTurn();
    }
    return graph.usable()
      ? { lower: tighter(first, graph.backward(rows)), method: 'crown' }
      : { lower: first, method: 'intervals' };
  }

  private bounders(constraints: readonly Constraint[]): Bounders {
    const key = JSON.stringify(
      constraints.map(({ outputs, inputs, bound, coefficientError }) => [
        form(outputs),
        form(inputs),
        bound,
        coefficientError,
      ]),
    );
    const known = this.kept.get(key) ?? new Bounders(this.network, constraints);
    this.kept.delete(key);
    this.kept.set(key, known);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= MOST_KEPT) break;
      this.kept.delete(oldest);
    }
    return known;
  }
}

const RANK: Readonly<Record<QuickMethod, number>> = { intervals: 0, zonotope: 1, crown: 2 };

interface Bounded {
  /** Per constraint. */
  readonly lower: Float64Array;
  readonly method: QuickMethod;
}

/** The bounders of one set of constraints, each made when it is first needed. */
class Bounders {
  private madeLadder: BoxBounder | null = null;
  private madeGraph: GraphBounder | null = null;

  constructor(
    private readonly network: Network,
    private readonly constraints: readonly Constraint[],
  ) {}

  /** Of a network that is a chain. */
  ladder(): BoxBounder {
    this.madeLadder ??= new ChainLadder(denseChain(this.network)!, this.constraints);
    return this.madeLadder;
  }

  graph(): GraphBounder {
    this.madeGraph ??= new GraphBounder(this.network, this.constraints);
    return this.madeGraph;
  }
}

/** Multiply-adds of a zonotope and of a backward pass for every neuron, at the most. */
function ladderWork(layers: readonly { readonly size: number; readonly weight: Float64Array }[]): number {
  let generators = layers[0].weight.length / layers[0].size;
  let product = 0;
  let work = 0;
  for (const { size, weight } of layers) {
    product += weight.length;
    work += generators * weight.length + 2 * size * product;
    generators += size;
  }
  return work;
}

function useless(rows: readonly number[]): Bounded {
  return { lower: new Float64Array(rows.length).fill(-Infinity), method: 'intervals' };
}

function tighter(a: Float64Array, b: Float64Array): Float64Array {
  // Bounds that are no numbers are none.
  return a.map((bound, k) => (b[k] > bound ? b[k] : bound > -Infinity ? bound : -Infinity));
}

function form({ index, value }: Constraint['outputs']): readonly (readonly number[])[] {
  return [Array.from(index), Array.from(value)];
}
