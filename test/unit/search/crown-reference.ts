import type { ActivationNode, MaxPoolNode, Network } from '../../../src/network/network';
import { above, below, slopeOf, valueOf, type Curve } from '../../../src/bounds/search/curves';
import type { Choice } from '../../../src/bounds/search/problem';

/** CROWN for one box and one row in plain loops over dense matrices of every affine node: slow, obvious, and independent of the graphs. */

export interface Range {
  lower: Float64Array;
  upper: Float64Array;
}

/** The matrix and bias of an affine node with one input, found by evaluating it on the unit vectors. */
function column(
  id: number,
  evaluate: (node: number, x: Float64Array[]) => Float64Array,
  sizes: number[],
  which: number,
  at: number,
): Float64Array {
  const zero = sizes.map(size => new Float64Array(size));
  const unit = zero.map((each, k) => (k === which ? Float64Array.from(each, (_, i) => Number(i === at)) : each));
  const base = evaluate(id, zero);
  return evaluate(id, unit).map((value, i) => value - base[i]);
}

type Evaluate = (node: number, inputs: Float64Array[]) => Float64Array;

/** Lower bound of form·v(node) on the box. `choice` gives the search's choices for this row; without it CROWN's own. */
export function crownLower(
  network: Network,
  evaluate: Evaluate,
  ranges: ReadonlyMap<number, Range>,
  box: Range,
  node: number,
  form: Float64Array,
  choice?: ReadonlyMap<number, Choice>,
  inputForm?: Float64Array,
): number {
  const forms = new Map<number, Float64Array>([[node, form]]);
  let constant = 0;
  for (let id = node; id > 0; id--) {
    const current = forms.get(id);
    if (!current) continue;
    const each = network.nodes[id];
    const give = (to: number, values: Float64Array) => {
      const before = forms.get(to);
      forms.set(to, before ? before.map((v, i) => v + values[i]) : values);
    };
    if (['relu', 'leakyRelu', 'sigmoid', 'tanh'].includes(each.kind)) {
      const range = ranges.get(id) as Range;
      const moved = new Float64Array(each.size);
      current.forEach((c, i) => {
        const { slope, intercept } = line(
          each as ActivationNode,
          range.lower[i],
          range.upper[i],
          c >= 0,
          choice?.get(id),
          i,
        );
        moved[i] = c * slope;
        constant += c * intercept;
      });
      give(each.inputs[0], moved);
    } else if (each.kind === 'maxPool') {
      const range = ranges.get(id) as Range;
      const moved = new Float64Array(network.nodes[each.inputs[0]].size);
      current.forEach((c, row) => {
        const { best, sole, ceiling } = window(each, row, range);
        if (c >= 0 || sole) moved[best] += c;
        else constant += c * ceiling;
      });
      give(each.inputs[0], moved);
    } else {
      const sizes = each.inputs.map(k => network.nodes[k].size);
      const bias = evaluate(
        id,
        sizes.map(size => new Float64Array(size)),
      );
      constant += current.reduce((sum, c, i) => sum + c * bias[i], 0);
      sizes.forEach((size, k) => {
        const moved = Float64Array.from({ length: size }, (_, at) =>
          column(id, evaluate, sizes, k, at).reduce((sum, w, i) => sum + w * current[i], 0),
        );
        give(each.inputs[k], moved);
      });
    }
  }
  const passed = forms.get(0) ?? new Float64Array(network.inputSize);
  const atInput = passed.map((c, i) => c + (inputForm?.[i] ?? 0));
  return atInput.reduce((sum, c, i) => sum + (c >= 0 ? c * box.lower[i] : c * box.upper[i]), constant);
}

function line(
  node: ActivationNode,
  l: number,
  u: number,
  wantsBelow: boolean,
  choice: Choice | undefined,
  i: number,
): { slope: number; intercept: number } {
  if (node.kind === 'relu' || node.kind === 'leakyRelu') {
    const a = node.slope;
    if (l >= 0) return { slope: 1, intercept: 0 };
    if (u <= 0) return { slope: a, intercept: 0 };
    if (!wantsBelow) return { slope: (u - a * l) / (u - l), intercept: (-u * l * (1 - a)) / (u - l) };
    const t = choice && 'slope' in choice ? choice.slope[i] : u >= -l ? 1 : 0;
    return { slope: a + (1 - a) * t, intercept: 0 };
  }
  const curve = node.kind as Curve;
  const side = (wantsBelow ? below : above)(curve, l, u);
  const chosen = choice && 'below' in choice ? (wantsBelow ? choice.below : choice.above)[i] : undefined;
  if (side.isChord) {
    const slope = u - l > 1e-9 ? (valueOf(curve, u) - valueOf(curve, l)) / (u - l) : slopeOf(curve, l);
    return { slope, intercept: valueOf(curve, l) - slope * l };
  }
  const point = chosen ?? Math.min(side.last, Math.max(side.first, 0.5 * (l + u)));
  const slope = slopeOf(curve, point);
  return { slope, intercept: valueOf(curve, point) - slope * point };
}

function window(node: MaxPoolNode, row: number, range: Range): { best: number; sole: boolean; ceiling: number } {
  const entries = [...node.column.subarray(node.rowStart[row], node.rowStart[row + 1])];
  const best = entries.reduce((a, b) => (range.lower[b] > range.lower[a] ? b : a));
  const sole = entries.every(k => k === best || range.upper[k] <= range.lower[best]);
  return { best, sole, ceiling: Math.max(...entries.map(k => range.upper[k])) };
}

/** Bounds of every activation's and pool's inputs by interval arithmetic, through the same unit-vector matrices. */
export function intervalRanges(network: Network, evaluate: Evaluate, box: Range): Map<number, Range> {
  const values: Range[] = [];
  const inputs = new Map<number, Range>();
  for (const node of network.nodes) {
    if (node.kind === 'input') {
      values.push(box);
      continue;
    }
    const from = node.inputs.map(id => values[id]);
    if (['relu', 'leakyRelu', 'sigmoid', 'tanh', 'maxPool'].includes(node.kind)) {
      inputs.set(node.id, from[0]);
      values.push({ lower: evaluate(node.id, [from[0].lower]), upper: evaluate(node.id, [from[0].upper]) });
      continue;
    }
    const sizes = from.map(each => each.lower.length);
    const base = evaluate(
      node.id,
      sizes.map(size => new Float64Array(size)),
    );
    const range = { lower: base.slice(), upper: base.slice() };
    sizes.forEach((size, k) => {
      for (let at = 0; at < size; at++) {
        column(node.id, evaluate, sizes, k, at).forEach((w, i) => {
          range.lower[i] += Math.min(w * from[k].lower[at], w * from[k].upper[at]);
          range.upper[i] += Math.max(w * from[k].lower[at], w * from[k].upper[at]);
        });
      }
    });
    values.push(range);
  }
  return inputs;
}
