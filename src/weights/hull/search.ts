import { certifiedMargin, type HiddenLayer, type NeuronTerm, type Phase } from './layer';

/** How long a search goes on: its steps, and the size of the first one for parts (which are between 0 and 1) and for prices. */
export interface HullEffort {
  readonly steps: number;
  readonly part: number;
  readonly price: number;
}

/** What a search came to. */
export interface HullOutcome {
  /** The best state met. */
  readonly state: HullState;
  /** Estimated. */
  readonly bound: number;
  /** The corner of the box, in varying inputs, at which the bound is attained. */
  readonly corner: Float64Array;
  /** Mean of the corners of the later steps: near to where the relaxation is least, which is seldom a corner. */
  readonly mean: Float64Array;
}

/** Where a sub-problem stands: the phases taken, and multipliers that bound it. */
export interface HullState {
  /** Per capped neuron. */
  readonly phases: Int8Array;
  /** Per capped neuron and varying input, which part of the weight its plane has; row-major. */
  readonly parts: Float32Array;
  /** Per floored neuron the part of its argument that is counted. */
  readonly floors: Float32Array;
  /** Per capped neuron with a phase: the multiplier of that phase, in units of its coefficient's size. */
  readonly prices: Float32Array;
}

/** What the step falls to, as a part of the first one. */
const LAST_STEP = 0.1;
const MOST_PRICE = 50;
const [FIRST_MOMENT, SECOND_MOMENT, TINY] = [0.9, 0.99, 1e-12];

/**
 * Lower bounds of one hidden layer's margin over a box. Neurons that count upwards ("floored") are at least a part of their argument; those that count downwards
 * ("capped") are at most a plane over the whole box (Anderson et al., Math. Program. 2020: the hull of a ReLU over the box of what it reads), which is much less than the chord
 * of its argument where hundreds of inputs vary. Best parts, planes and prices of phases are the maximum of a concave function, which is
 * climbed in float64; what counts in the end is certified.
 */
export class HullSearch {
  /** Neurons of the layer: capped and floored ones that may have either phase. */
  readonly capped: Int32Array;
  private readonly floored: Int32Array;
  /** Inputs that vary, and their ends. */
  private readonly varying: Int32Array;
  private readonly low: Float64Array;
  private readonly high: Float64Array;
  /** Weights of capped and of floored neurons at varying inputs, and their arguments' constants. */
  private readonly capWeights: Float64Array;
  private readonly capBiases: Float64Array;
  private readonly capLeast: Float64Array;
  private readonly capMost: Float64Array;
  private readonly floorWeights: Float64Array;
  private readonly floorBiases: Float64Array;
  /** What neurons of one phase on the whole box add. */
  private readonly linear: Float64Array;
  private readonly constant: number;

  constructor(private readonly layer: HiddenLayer) {
    const { inputs, lower, upper, weights, biases, lowest, highest, coefficients } = layer;
    this.varying = Int32Array.from([...lower.keys()].filter(j => upper[j] > lower[j]));
    const fixed = [...lower.keys()].filter(j => !(upper[j] > lower[j]));
    this.low = Float64Array.from(this.varying, j => lower[j]);
    this.high = Float64Array.from(this.varying, j => upper[j]);
    const open = [...biases.keys()].filter(i => lowest[i] < 0 && highest[i] > 0);
    this.capped = Int32Array.from(open.filter(i => coefficients[i] < 0));
    this.floored = Int32Array.from(open.filter(i => coefficients[i] > 0));
    const weightsOf = (neurons: Int32Array) =>
      Float64Array.from([...neurons].flatMap(i => [...this.varying].map(j => weights[i * inputs + j])));
    const biasOf = (i: number) => fixed.reduce((sum, j) => sum + weights[i * inputs + j] * lower[j], biases[i]);
    this.capWeights = weightsOf(this.capped);
    this.floorWeights = weightsOf(this.floored);
    this.capBiases = Float64Array.from(this.capped, biasOf);
    this.floorBiases = Float64Array.from(this.floored, biasOf);
    const { low, high } = this;
    const n = this.varying.length;
    this.capLeast = this.capWeights.map((w, k) => Math.min(w * low[k % n], w * high[k % n]));
    this.capMost = this.capWeights.map((w, k) => Math.max(w * low[k % n], w * high[k % n]));
    this.linear = new Float64Array(n);
    let constant = layer.constant;
    for (let i = 0; i < biases.length; i++) {
      if (lowest[i] < 0) continue;
      constant += coefficients[i] * biasOf(i);
      this.varying.forEach((j, k) => (this.linear[k] += coefficients[i] * weights[i * inputs + j]));
    }
    this.constant = constant;
  }

  /** The whole box, with the chords of all arguments. */
  whole(): HullState {
    const { lowest, highest } = this.layer;
    const n = this.varying.length;
    const chord = (i: number) => highest[i] / (highest[i] - lowest[i]);
    return {
      phases: new Int8Array(this.capped.length),
      parts: Float32Array.from({ length: this.capped.length * n }, (_, k) => chord(this.capped[Math.floor(k / n)])),
      floors: Float32Array.from(this.floored, chord),
      prices: new Float32Array(this.capped.length),
    };
  }

  /** The state with a neuron's phase taken. */
  with(state: HullState, capped: number, phase: Phase): HullState {
    const phases = state.phases.slice();
    phases[capped] = phase;
    return { ...state, phases };
  }

  /** Climbs from a state; ends early above `enough`. */
  improve(from: HullState, { steps, part, price }: HullEffort, enough: number): HullOutcome {
    const { capped, floored, layer, low, high } = this;
    const n = this.varying.length;
    const now = {
      parts: Float64Array.from(from.parts),
      floors: Float64Array.from(from.floors),
      prices: Float64Array.from(from.prices),
    };
    const moments = {
      parts: [new Float64Array(now.parts.length), new Float64Array(now.parts.length)],
      floors: [new Float64Array(now.floors.length), new Float64Array(now.floors.length)],
      prices: [new Float64Array(now.prices.length), new Float64Array(now.prices.length)],
    } as const;
    let best: HullState = from;
    let bound = -Infinity;
    let corner = low;
    const mean = new Float64Array(n);
    let averaged = 0;
    const slopes = new Float64Array(n);
    const zeroes = new Uint8Array(capped.length);
    for (let step = 0; ; step++) {
      let value = this.constant;
      slopes.set(this.linear);
      for (let f = 0; f < floored.length; f++) {
        const k = layer.coefficients[floored[f]] * now.floors[f];
        value += k * this.floorBiases[f];
        for (let j = 0, at = f * n; j < n; j++, at++) slopes[j] += k * this.floorWeights[at];
      }
      for (let g = 0; g < capped.length; g++) {
        const c = layer.coefficients[capped[g]];
        const phase = from.phases[g];
        if (phase !== 0) {
          const k = phase > 0 ? c * (1 + now.prices[g]) : -c * now.prices[g];
          value += k * this.capBiases[g];
          for (let j = 0, at = g * n; j < n; j++, at++) slopes[j] += k * this.capWeights[at];
          continue;
        }
        let atZero = 0;
        let atArgument = this.capBiases[g];
        for (let j = 0, at = g * n; j < n; j++, at++) {
          const own = now.parts[at];
          slopes[j] += c * own * this.capWeights[at];
          atZero -= own * this.capLeast[at];
          atArgument += (1 - own) * this.capMost[at];
        }
        zeroes[g] = atZero > atArgument ? 1 : 0;
        value += c * Math.max(atZero, atArgument);
      }
      const point = new Float64Array(n);
      for (let j = 0; j < n; j++) {
        point[j] = slopes[j] >= 0 ? low[j] : high[j];
        value += slopes[j] * point[j];
      }
      if (step >= steps / 2) {
        averaged++;
        for (let j = 0; j < n; j++) mean[j] += (point[j] - mean[j]) / averaged;
      }
      if (value > bound) {
        bound = value;
        corner = point;
        best = {
          phases: from.phases,
          parts: Float32Array.from(now.parts),
          floors: Float32Array.from(now.floors),
          prices: Float32Array.from(now.prices),
        };
      }
      if (step === steps || bound > enough) break;
      const size = LAST_STEP + (1 - LAST_STEP) * (1 - step / steps);
      for (let f = 0; f < floored.length; f++) {
        let y = this.floorBiases[f];
        for (let j = 0, at = f * n; j < n; j++, at++) y += this.floorWeights[at] * point[j];
        climb(now.floors, moments.floors, f, layer.coefficients[floored[f]] * y, part * size, 1);
      }
      for (let g = 0; g < capped.length; g++) {
        const c = layer.coefficients[capped[g]];
        const phase = from.phases[g];
        if (phase !== 0) {
          let y = this.capBiases[g];
          for (let j = 0, at = g * n; j < n; j++, at++) y += this.capWeights[at] * point[j];
          climb(now.prices, moments.prices, g, phase * c * y, price * size, MOST_PRICE);
          continue;
        }
        const ends = zeroes[g] ? this.capLeast : this.capMost;
        for (let j = 0, at = g * n; j < n; j++, at++)
          climb(now.parts, moments.parts, at, c * (this.capWeights[at] * point[j] - ends[at]), part * size, 1);
      }
    }
    return { state: best, bound, corner, mean };
  }

  /** Certified bound of a state. */
  certify({ phases, parts, floors, prices }: HullState): number {
    const { layer, capped, floored, varying } = this;
    const { inputs, weights, coefficients } = layer;
    const n = varying.length;
    const place = new Map<number, number>();
    capped.forEach((i, g) => place.set(i, g));
    floored.forEach((i, f) => place.set(i, -1 - f));
    const plane = new Float64Array(inputs);
    const term = (i: number): NeuronTerm => {
      const at = place.get(i);
      if (at === undefined) return { kind: 'none' };
      const c = coefficients[i];
      if (at < 0) return { kind: 'argument', slope: c * floors[-1 - at] };
      if (phases[at] !== 0) return { kind: 'argument', slope: phases[at] > 0 ? c * (1 + prices[at]) : -c * prices[at] };
      // Inputs that do not vary cost nothing.
      plane.set(weights.subarray(i * inputs, (i + 1) * inputs));
      varying.forEach((j, k) => (plane[j] = parts[at * n + k] * weights[i * inputs + j]));
      return { kind: 'plane', plane };
    };
    const phaseOf = (i: number): Phase => {
      const at = place.get(i);
      return at === undefined || at < 0 ? 0 : (phases[at] as Phase);
    };
    return certifiedMargin(layer, phaseOf, term);
  }

  /** A corner as a point of the whole box. */
  pointAt(corner: Float64Array): Float64Array {
    const point = this.layer.lower.slice();
    this.varying.forEach((j, k) => (point[j] = corner[k]));
    return point;
  }

  /** The capped neuron without a phase whose plane is highest above its value at a point of the varying inputs, weighted; null when none is left. */
  widest({ phases, parts }: HullState, point: Float64Array): number | null {
    const n = this.varying.length;
    let widest: number | null = null;
    let most = -Infinity;
    for (let g = 0; g < this.capped.length; g++) {
      if (phases[g] !== 0) continue;
      let [atZero, atArgument, y, plane] = [0, this.capBiases[g], this.capBiases[g], 0];
      for (let j = 0, at = g * n; j < n; j++, at++) {
        atZero -= parts[at] * this.capLeast[at];
        atArgument += (1 - parts[at]) * this.capMost[at];
        y += this.capWeights[at] * point[j];
        plane += parts[at] * this.capWeights[at] * point[j];
      }
      const gap = -this.layer.coefficients[this.capped[g]] * (plane + Math.max(atZero, atArgument) - Math.max(0, y));
      if (gap > most) [widest, most] = [g, gap];
    }
    return widest;
  }
}

/** One step of Adam upwards, kept between 0 and `most`. */
function climb(
  values: Float64Array,
  [first, second]: readonly [Float64Array, Float64Array],
  at: number,
  gradient: number,
  size: number,
  most: number,
): void {
  const a = (first[at] = FIRST_MOMENT * first[at] + (1 - FIRST_MOMENT) * gradient);
  const b = (second[at] = SECOND_MOMENT * second[at] + (1 - SECOND_MOMENT) * gradient * gradient);
  const next = values[at] + (size * a) / (Math.sqrt(b) + TINY);
  values[at] = next < 0 ? 0 : next > most ? most : next;
}
