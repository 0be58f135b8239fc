import type { ActivationNode } from '../../network/network';
import type { PreparedGraph } from './prepared-graph';
import { curvePoint, curveValue, newRelaxation, relax, type Relaxation } from './relaxation';

/** Points whose slopes a neuron's lines begin with: of the line below (at most 0) and of the line above (at least 0). */
export interface CurvePoints {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** What tiles need of one Sigmoid or Tanh node: where its neurons are on the region, where splits cut, and lines to begin with. */
export class CurveTable {
  /** The kernels' description of the node. */
  readonly address: number;
  /** For the whole range of each neuron, and for its parts below and above the middle. */
  whole: CurvePoints;
  below: CurvePoints;
  above: CurvePoints;
  /** How far apart the lines of each neuron are at most. */
  readonly gap: Float64Array;
  private readonly ends: number;

  constructor(
    private readonly graph: PreparedGraph,
    private readonly node: ActivationNode,
    magnitude: number,
    arrivalGamma: number,
  ) {
    const { core } = graph;
    this.ends = core.allocate(18 * node.size * 8);
    const tanh = node.kind === 'tanh' ? 1 : 0;
    this.address = core.newCurve(node.size, tanh, magnitude, this.ends, arrivalGamma, graph.constantsGamma);
    this.gap = new Float64Array(node.size);
    this.whole = this.below = this.above = { low: this.gap, high: this.gap };
  }

  /** Where splits cut a neuron. */
  middle(i: number): number {
    return this.graph.view(this.ends + this.node.size * 8, this.node.size)[i];
  }

  /** From bounds of what the node reads. */
  update(lower: Float64Array, upper: Float64Array): void {
    const { node, graph } = this;
    const middle = lower.map((l, i) => (l < 0 && upper[i] > 0 ? 0 : l + (upper[i] - l) / 2));
    [lower, middle, upper].forEach((at, k) => {
      graph.view(this.ends + k * node.size * 8, node.size).set(at);
      graph.view(this.ends + (k + 3) * node.size * 8, node.size).set(at.map(y => curveValue(node, y)));
    });
    const lines = this.lines(lower, upper);
    const apart = (i: number, y: number) =>
      (lines.upperSlope[i] - lines.lowerSlope[i]) * y + lines.upperIntercept[i] - lines.lowerIntercept[i];
    lower.forEach((l, i) => (this.gap[i] = Math.max(apart(i, l), apart(i, middle[i]), apart(i, upper[i]))));
    this.whole = this.points(lines, lower, upper, 0);
    this.above = this.points(this.lines(middle, upper), middle, upper, 1);
    this.below = this.points(this.lines(lower, middle), lower, middle, 2);
  }

  private lines(lower: Float64Array, upper: Float64Array): Relaxation {
    const lines = newRelaxation(this.node.size);
    relax(this.node, lower, upper, lines);
    return lines;
  }

  /**
   * The points that lines begin with on a part of the ranges, and how far the search may take them: a line above is a tangent right of the one through the curve's left
   * end, or the chord where that is above the curve; lines below mirror this. All others are looser everywhere.
   */
  private points(lines: Relaxation, lower: Float64Array, upper: Float64Array, part: number): CurvePoints {
    const { node, graph } = this;
    const reach = (k: number) => graph.view(this.ends + (6 + 4 * part + k) * node.size * 8, node.size);
    const [lowLeast, lowMost, highLeast, highMost] = [reach(0), reach(1), reach(2), reach(3)];
    const point = (slope: number, i: number) =>
      Math.fround(Math.min(curvePoint(node, slope), Math.max(Math.abs(lower[i]), Math.abs(upper[i]))));
    const low = lines.lowerSlope.map((slope, i) => -point(slope, i));
    const high = lines.upperSlope.map(point);
    for (let i = 0; i < node.size; i++) {
      const [l, u] = [lower[i], upper[i]];
      highLeast[i] = l >= 0 ? l : high[i];
      highMost[i] = Math.max(highLeast[i], l >= 0 || u > high[i] ? u : high[i]);
      lowMost[i] = u <= 0 ? u : low[i];
      lowLeast[i] = Math.min(lowMost[i], u <= 0 || l < low[i] ? l : low[i]);
    }
    return { low, high };
  }
}
