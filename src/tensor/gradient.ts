import { assert } from '../base/assert';
import { constant, describe, floatTypeOf, scalar, sizeOf, type Expression, type Shape } from './expression';
import { conv, convTranspose, convWeightGradient, matmul, sparse, transposeRows } from './linear';
import {
  add,
  div,
  equal,
  expand,
  greater,
  greaterOrEqual,
  mul,
  neg,
  pad,
  reduceSum,
  reshape,
  sign,
  slice,
  stopGradient,
  sub,
  sumTo,
  transpose,
  where,
} from './operators';

/**
 * Reverse mode as a transformation of expressions. The gradient is an expression like any other, so it can be differentiated again.
 *
 * Returns the gradients of the sum of all elements of `of`, one for each variable and of its shape. Zero where `of` does not depend on it.
 */
export function gradient(of: Expression, variables: readonly Expression[]): Expression[] {
  const type = floatTypeOf('gradient', of, ...variables);
  const relevant = dependents(of, new Set(variables));
  const collected = new Map<Expression, Expression>();
  if (relevant.has(of)) collected.set(of, expand(scalar(1, type), of.shape));
  for (const node of topologicalOrder([of]).reverse()) {
    const incoming = collected.get(node);
    if (!incoming || !relevant.has(node)) continue;
    const wanted = node.arguments.map(each => relevant.has(each));
    if (!wanted.includes(true)) continue;
    pullBack(node, incoming, wanted).forEach((contribution, k) => {
      const argument = node.arguments[k];
      if (!contribution || !wanted[k]) return;
      const before = collected.get(argument);
      collected.set(argument, before ? add(before, contribution) : contribution);
    });
  }
  return variables.map(variable => collected.get(variable) ?? zeros(variable.shape, type));
}

function zeros(shape: Shape, type: 'float32' | 'float64'): Expression {
  const size = sizeOf(shape);
  return constant(type === 'float32' ? new Float32Array(size) : new Float64Array(size), shape);
}

/** Every expression below the roots, arguments before what uses them. Without recursion: graphs get deep. */
export function topologicalOrder(roots: readonly Expression[]): Expression[] {
  const order: Expression[] = [];
  const seen = new Set<Expression>();
  const stack: { node: Expression; next: number }[] = [];
  for (const root of roots) {
    if (!seen.has(root)) stack.push({ node: root, next: 0 });
    seen.add(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      if (top.next === top.node.arguments.length) {
        order.push(top.node);
        stack.pop();
        continue;
      }
      const child = top.node.arguments[top.next++];
      if (!seen.has(child)) {
        seen.add(child);
        stack.push({ node: child, next: 0 });
      }
    }
  }
  return order;
}

/** The expressions below `of` that lie on a differentiable way to a variable. */
function dependents(of: Expression, variables: ReadonlySet<Expression>): Set<Expression> {
  const relevant = new Set<Expression>();
  for (const node of topologicalOrder([of])) {
    const differentiable = node.operation.name !== 'StopGradient' && node.type !== 'bool';
    if (variables.has(node) || (differentiable && node.arguments.some(each => relevant.has(each)))) relevant.add(node);
  }
  return relevant;
}

/** Contributions to the arguments' gradients from the gradient `g` of a node. Undefined: none, or not wanted. */
function pullBack(node: Expression, g: Expression, wanted: readonly boolean[]): (Expression | undefined)[] {
  const operation = node.operation;
  const [a, b] = node.arguments;
  const back = (k: number, contribution: () => Expression): Expression | undefined =>
    wanted[k] ? sumTo(contribution(), node.arguments[k].shape) : undefined;
  switch (operation.name) {
    case 'input':
    case 'constant':
    case 'StopGradient':
    case 'Sign':
      return [];
    case 'Neg':
      return [neg(g)];
    case 'Abs':
      return [mul(g, sign(a))];
    case 'Exp':
      return [mul(g, node)];
    case 'Log':
      return [div(g, a)];
    case 'Sqrt':
      return [div(mul(g, 0.5), node)];
    case 'Sigmoid':
      return [mul(g, mul(node, sub(1, node)))];
    case 'Tanh':
      return [mul(g, sub(1, mul(node, node)))];
    case 'Relu':
      return [where(greater(a, 0), g, 0)];
    case 'Add':
      return [back(0, () => g), back(1, () => g)];
    case 'Sub':
      return [back(0, () => g), back(1, () => neg(g))];
    case 'Mul':
      return [back(0, () => mul(g, b)), back(1, () => mul(g, a))];
    case 'Div':
      return [back(0, () => div(g, b)), back(1, () => neg(div(mul(g, node), b)))];
    case 'Max':
      return [back(0, () => where(greaterOrEqual(a, b), g, 0)), back(1, () => where(greaterOrEqual(a, b), 0, g))];
    case 'Min':
      return [back(0, () => where(greaterOrEqual(b, a), g, 0)), back(1, () => where(greaterOrEqual(b, a), 0, g))];
    case 'Where':
      return [undefined, back(1, () => where(a, g, 0)), back(2, () => where(a, 0, g))];
    case 'MatMul': {
      const { transposeA, transposeB } = operation;
      return [
        back(0, () => (transposeA ? matmul(b, g, transposeB, true) : matmul(g, b, false, !transposeB))),
        back(1, () => (transposeB ? matmul(g, a, true, transposeA) : matmul(a, g, !transposeA, false))),
      ];
    }
    case 'Conv': {
      const { geometry } = operation;
      return [
        back(0, () => convTranspose(g, b, geometry, [a.shape[2], a.shape[3]])),
        back(1, () => convWeightGradient(a, g, geometry, [b.shape[2], b.shape[3]])),
      ];
    }
    case 'ConvTranspose': {
      const { geometry } = operation;
      return [
        back(0, () => conv(g, b, geometry)),
        back(1, () => convWeightGradient(g, a, geometry, [b.shape[2], b.shape[3]])),
      ];
    }
    case 'ReduceSum':
      return [expand(g, a.shape)];
    case 'ReduceMax': {
      const largest = where(equal(a, node), scalar(1, floatTypeOf('ReduceMax', a)), 0);
      const share = stopGradient(div(largest, reduceSum(largest, operation.axes)));
      return [mul(g, share)];
    }
    case 'Expand':
      return [sumTo(g, a.shape)];
    case 'Reshape':
      return [reshape(g, a.shape)];
    case 'Transpose': {
      const inverse = operation.permutation.map((_, axis) => operation.permutation.indexOf(axis));
      return [transpose(g, inverse)];
    }
    case 'Concat': {
      let start = 0;
      return node.arguments.map((part, k) => {
        const end = start + part.shape[operation.axis];
        const piece = wanted[k] ? slice(g, operation.axis, start, end) : undefined;
        start = end;
        return piece;
      });
    }
    case 'Slice':
      return [pad(g, operation.axis, operation.start, a.shape[operation.axis] - operation.end)];
    case 'Pad':
      return [slice(g, operation.axis, operation.before, operation.before + a.shape[operation.axis])];
    case 'Gather':
      return [scatterAdd(g, operation.axis, operation.indices, a.shape[operation.axis])];
    case 'Greater':
    case 'GreaterOrEqual':
    case 'Equal':
      assert(false, () => `gradient through ${describe(node)}`);
  }
}

/** The transpose of a gather: element k along the axis is added at position indices[k] of `length`. */
function scatterAdd(g: Expression, axis: number, indices: Int32Array, length: number): Expression {
  const rowStart = Int32Array.from({ length: indices.length + 1 }, (_, k) => k);
  const rows = transposeRows({ rowStart, column: indices, value: null }, length);
  const last = g.shape.length - 1;
  if (axis === last) return sparse(g, rows);
  const permutation = g.shape.map((_, k) => (k === axis ? last : k === last ? axis : k));
  return transpose(sparse(transpose(g, permutation), rows), permutation);
}
