import { evaluate } from '../../network/evaluate';
import type { MaxPoolNode, Network } from '../../network/network';
import { isActivation, type Line, type Lines } from './local-map';

/** Sums over the samples of one class for the least-squares line of every unit of an activation. */
interface Sums {
  readonly y: Float64Array;
  readonly z: Float64Array;
  readonly yy: Float64Array;
  readonly yz: Float64Array;
}

/**
 * Lines that stand for the activations, one set a class, fitted to the samples of the class (what goes into a unit, what comes out): computed once for a
 * data set, in place of the phases of each input. A heuristic, no bound. A unit that never varies gets its tangent there; a max pool gets its most frequent winner.
 *
 * @param classes the class of each sample, e.g. the network's own answer
 */
export function fitLines(
  network: Network,
  samples: Iterable<ArrayLike<number>>,
  classes: ArrayLike<number>,
): Map<number, Lines> {
  const fits = new Map<number, Fit>();
  let k = 0;
  for (const sample of samples) {
    const own = classes[k++];
    let fit = fits.get(own);
    if (!fit) fits.set(own, (fit = new Fit(network)));
    fit.add(evaluate(network, Float64Array.from(sample)));
  }
  return new Map([...fits].map(([own, fit]) => [own, fit.lines()]));
}

class Fit {
  private count = 0;
  private readonly sums = new Map<number, Sums>();
  private readonly wins = new Map<number, Int32Array>();

  constructor(private readonly network: Network) {
    for (const node of network.nodes) {
      const zeros = (): Float64Array => new Float64Array(node.size);
      if (isActivation(node)) this.sums.set(node.id, { y: zeros(), z: zeros(), yy: zeros(), yz: zeros() });
      else if (node.kind === 'maxPool') this.wins.set(node.id, new Int32Array(node.column.length));
    }
  }

  add(values: readonly Float64Array[]): void {
    this.count++;
    for (const node of this.network.nodes) {
      const x = values[node.inputs[0]];
      const sums = this.sums.get(node.id);
      if (sums)
        for (let i = 0; i < node.size; i++) {
          const [y, z] = [x[i], values[node.id][i]];
          sums.y[i] += y;
          sums.z[i] += z;
          sums.yy[i] += y * y;
          sums.yz[i] += y * z;
        }
      const wins = this.wins.get(node.id);
      if (wins && node.kind === 'maxPool')
        for (let i = 0; i < node.size; i++) wins[largestAt(node, i, k => x[node.column[k]])]++;
    }
  }

  lines(): Lines {
    const lines = new Map<number, Line>();
    for (const node of this.network.nodes) {
      const sums = this.sums.get(node.id);
      const wins = this.wins.get(node.id);
      if (sums) lines.set(node.id, this.leastSquares(sums));
      else if (wins && node.kind === 'maxPool') {
        const winner = Int32Array.from({ length: node.size }, (_, i) => node.column[largestAt(node, i, k => wins[k])]);
        lines.set(node.id, { kind: 'winner', winner });
      }
    }
    return lines;
  }

  private leastSquares({ y, z, yy, yz }: Sums): Line {
    const n = this.count;
    const slope = new Float64Array(y.length);
    const intercept = new Float64Array(y.length);
    for (let i = 0; i < y.length; i++) {
      const variance = n * yy[i] - y[i] * y[i];
      const varies = variance > 1e-12 * n * yy[i];
      slope[i] = varies ? (n * yz[i] - y[i] * z[i]) / variance : z[i] > 0 ? 1 : 0;
      intercept[i] = (z[i] - slope[i] * y[i]) / n;
    }
    return { kind: 'line', slope, intercept };
  }
}

/** The entry of window i for which `of` is largest. */
function largestAt(node: MaxPoolNode, i: number, of: (entry: number) => number): number {
  let best = node.rowStart[i];
  for (let k = best + 1; k < node.rowStart[i + 1]; k++) if (of(k) > of(best)) best = k;
  return best;
}
