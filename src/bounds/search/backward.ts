import { unreachable } from '../../base/assert';
import type { MaxPoolNode, Network, NetworkNode } from '../../network/network';
import { constant, sizeOf, type Expression } from '../../tensor/expression';
import { kernelOf, weights } from '../../tensor/forward';
import { convTranspose, gather, matmul, sparse, transposeRows } from '../../tensor/linear';
import { abs, add, expand, mul, neg, reduceSum, relu, reshape, slice, sub } from '../../tensor/operators';
import { maxPoolLines, type Lines } from './relaxation';
import type { Boxes, Interval } from './problem';

/** The backward pass of CROWN as an expression: linear forms over a node's values become linear forms over the inputs that lie below them. */

/** The boxes as centre and radius, [boxes, 1, inputSize]. */
export interface BoxExpression {
  readonly count: number;
  readonly centre: Expression;
  readonly radius: Expression;
}

export function boxConstant(boxes: Boxes): BoxExpression {
  const shape = [boxes.count, 1, boxes.lower.length / boxes.count];
  const centre = Float32Array.from(boxes.lower, (l, i) => 0.5 * (l + boxes.upper[i]));
  const radius = Float32Array.from(boxes.lower, (l, i) => 0.5 * (boxes.upper[i] - l));
  return { count: boxes.count, centre: constant(centre, shape), radius: constant(radius, shape) };
}

export interface BackwardContext {
  readonly network: Network;
  readonly box: BoxExpression;
  /** Needed of max-pooling nodes. */
  readonly intervals: ReadonlyMap<number, Interval>;
  /** The lines of an activation node. */
  readonly lines: (node: number) => Lines;
}

/**
 * Lower bounds over each box of forms·v(node) + inputForms·x; forms [1 or boxes, rows, node.size], inputForms [1, rows, inputSize] or null.
 * Result [boxes, rows, 1].
 */
export function lowerBounds(
  context: BackwardContext,
  node: number,
  forms: Expression,
  inputForms: Expression | null,
): Expression {
  const rows = forms.shape[1];
  const { count } = context.box;
  const pass = new Pass(context, count, rows);
  pass.give(node, expand(forms, [count, rows, forms.shape[2]]));
  for (let id = node; id > 0; id--) pass.through(context.network.nodes[id]);
  if (inputForms) pass.give(0, inputForms);
  return pass.onInputs();
}

class Pass {
  private readonly forms = new Map<number, Expression>();
  private constant: Expression | null = null;

  constructor(
    private readonly context: BackwardContext,
    private readonly boxes: number,
    private readonly rows: number,
  ) {}

  give(node: number, forms: Expression): void {
    const before = this.forms.get(node);
    this.forms.set(node, before ? add(before, forms) : forms);
  }

  private addConstant(value: Expression): void {
    this.constant = this.constant ? add(this.constant, value) : value;
  }

  /** Adds forms·bias, the bias one per value of the node. */
  private addBias(forms: Expression, bias: Float64Array | null): void {
    if (!bias) return;
    const flat = reshape(forms, [this.boxes * this.rows, bias.length]);
    this.addConstant(reshape(matmul(flat, weights(bias, [bias.length, 1], 'float32')), [this.boxes, this.rows, 1]));
  }

  /** What is left are forms over the inputs: the smallest value of each over its box. */
  onInputs(): Expression {
    const forms = this.forms.get(0);
    const { centre, radius } = this.context.box;
    const constantPart = this.constant ?? constant(new Float32Array(1), [1, 1, 1]);
    if (!forms) return expand(constantPart, [this.boxes, this.rows, 1]);
    return add(reduceSum(sub(mul(forms, centre), mul(abs(forms), radius)), [2]), constantPart);
  }

  /** Moves the forms over a node's values to its inputs. */
  through(node: NetworkNode): void {
    const forms = this.forms.get(node.id);
    if (!forms) return;
    this.forms.delete(node.id);
    const total = this.boxes * this.rows;
    const [below] = node.inputs;
    const sizeBelow = below === undefined ? 0 : this.context.network.nodes[below].size;
    switch (node.kind) {
      case 'input':
        break;
      case 'constant':
        this.addBias(forms, node.bias);
        break;
      case 'dense': {
        this.addBias(forms, node.bias);
        const product = matmul(
          reshape(forms, [total, node.size]),
          weights(node.weight, [node.size, sizeBelow], 'float32'),
        );
        this.give(below, reshape(product, [this.boxes, this.rows, sizeBelow]));
        break;
      }
      case 'conv': {
        if (node.bias) this.addBias(forms, perPosition(node.bias, node.outputShape));
        const images = reshape(forms, [total, ...node.outputShape]);
        const moved = convTranspose(images, kernelOf(node, 'float32'), node, [node.inputShape[1], node.inputShape[2]]);
        this.give(below, reshape(moved, [this.boxes, this.rows, sizeBelow]));
        break;
      }
      case 'scale':
        this.addBias(forms, node.bias);
        this.give(below, node.scale ? mul(forms, weights(node.scale, [node.size], 'float32')) : forms);
        break;
      case 'sparse':
        this.addBias(forms, node.bias);
        this.give(below, sparse(forms, transposeRows(node, sizeBelow)));
        break;
      case 'add':
        node.inputs.forEach((id, k) => {
          const coefficient = node.coefficients[k];
          this.give(id, coefficient === 1 ? forms : coefficient === -1 ? neg(forms) : mul(forms, coefficient));
        });
        break;
      case 'concat': {
        let start = 0;
        for (const id of node.inputs) {
          const end = start + this.context.network.nodes[id].size;
          this.give(id, slice(forms, 2, start, end));
          start = end;
        }
        break;
      }
      case 'relu':
      case 'leakyRelu':
      case 'sigmoid':
      case 'tanh':
        this.throughActivation(below, forms, this.context.lines(node.id));
        break;
      case 'maxPool':
        this.throughMaxPool(node, below, sizeBelow, forms);
        break;
      default:
        unreachable(node);
    }
  }

  /** Positive coefficients take the line below, negative ones the line above. */
  private throughActivation(below: number, forms: Expression, lines: Lines): void {
    const positive = relu(forms);
    const negative = sub(forms, positive);
    this.give(below, add(mul(positive, lines.below.slope), mul(negative, lines.above.slope)));
    if (lines.below.intercept) this.addConstant(reduceSum(mul(positive, lines.below.intercept), [2]));
    if (lines.above.intercept) this.addConstant(reduceSum(mul(negative, lines.above.intercept), [2]));
  }

  private throughMaxPool(node: MaxPoolNode, below: number, sizeBelow: number, forms: Expression): void {
    const interval = this.context.intervals.get(node.id);
    if (!interval) throw new Error(`no bounds for ${node.name}`);
    const lines = maxPoolLines(node, interval, this.boxes);
    const positive = relu(forms);
    const negative = sub(forms, positive);
    // Each row's coefficient goes to every entry of its window, where the line's weights (0 or 1) pick one.
    const owner = new Int32Array(node.column.length);
    for (let row = 0; row < node.size; row++) owner.fill(row, node.rowStart[row], node.rowStart[row + 1]);
    const entries = (part: Expression, weight: Float32Array): Expression =>
      mul(gather(part, 2, owner), constant(weight, [this.boxes, 1, owner.length]));
    const onEntries = add(entries(positive, lines.below), entries(negative, lines.above));
    const rowStart = Int32Array.from({ length: owner.length + 1 }, (_, k) => k);
    this.give(below, sparse(onEntries, transposeRows({ rowStart, column: node.column, value: null }, sizeBelow)));
    this.addConstant(reduceSum(mul(negative, constant(lines.ceiling, [this.boxes, 1, node.size])), [2]));
  }
}

/** A convolution's bias, one per channel, as one per value. */
function perPosition(bias: Float64Array, shape: readonly [number, number, number]): Float64Array {
  const positions = sizeOf(shape.slice(1));
  return Float64Array.from({ length: bias.length * positions }, (_, i) => bias[Math.floor(i / positions)]);
}
