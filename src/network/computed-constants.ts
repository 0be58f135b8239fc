import type { ModelProto } from './proto/onnx';

const ARITHMETIC = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Pow',
  'Sqrt',
  'Exp',
  'Log',
  'Sum',
  'Mean',
  'ReduceSum',
  'ReduceMean',
  'MatMul',
  'Gemm',
]);
/** TensorProto.DataType of the floating types. */
const FLOATING = new Set([1, 10, 11, 16]);

/**
 * Whether the file computes floating constants from constants (before any input is seen). The runtime does that in float32, where it may lose any
 * number of digits to cancellation; nothing in the finished network shows it. Shapes, which are integers, do not count.
 */
export function computesConstants(model: ModelProto): boolean {
  const graph = model.graph;
  if (!graph) return false;
  /** Constant tensors by name, and whether each is floating. */
  const known = new Map<string, boolean>();
  for (const tensor of graph.initializer) known.set(tensor.name, FLOATING.has(tensor.dataType));
  // The nodes of a file need not be in order: go over them until nothing new is known.
  for (let before = -1; before !== known.size;) {
    before = known.size;
    for (const node of graph.node) {
      if (known.has(node.output[0])) continue;
      const inputs = node.input.filter(name => name !== '');
      if (node.opType !== 'Constant' && (inputs.length === 0 || !inputs.every(name => known.has(name)))) continue;
      const floating = floatingResult(
        node,
        inputs.some(name => known.get(name)),
      );
      if (floating && ARITHMETIC.has(node.opType)) return true;
      for (const output of node.output) known.set(output, floating);
    }
  }
  return false;
}

function floatingResult(node: NonNullable<ModelProto['graph']>['node'][number], fromInputs: boolean): boolean {
  if (node.opType === 'Shape' || node.opType === 'Size') return false;
  if (node.opType === 'Cast') return FLOATING.has(Number(node.attribute.find(({ name }) => name === 'to')?.i ?? 1));
  if (node.opType === 'Constant') {
    const value = node.attribute.find(({ name }) => name === 'value')?.t;
    return value ? FLOATING.has(value.dataType) : node.attribute.some(({ name }) => name.startsWith('value_float'));
  }
  return fromInputs;
}
