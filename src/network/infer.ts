import { Constant } from './constant';
import type { ExternalData } from './external-data';
import type { Graph, GraphNode } from './graph';
import { Operation, type Value } from './operation';
import { operators } from './operators';
import { Refusal } from './refusal';
import { checkPayload, tensorHeader, tensorValues } from './tensor';

/** A node whose operator, or the form of it that the node uses, is not supported. */
export interface Unsupported {
  readonly node: GraphNode;
  readonly reason: string;
}

/** What is known of every value of a graph after shapes were inferred. A value is absent where an unsupported node keeps it unknown. */
export interface Inference {
  readonly values: ReadonlyMap<string, Value>;
  readonly unsupported: readonly Unsupported[];
}

/** Finds the shape of every value and folds constants, without building anything. Weights are not read unless a shape depends on them. */
export function inferShapes(graph: Graph, external: ExternalData): Inference {
  const values = new Map<string, Value>();
  for (const input of graph.inputs) values.set(input.name, { ...input, constant: null });
  const unreadable = new Map<string, string>();
  for (const [name, tensor] of graph.initializers) {
    const header = tensorHeader(tensor, name);
    if (typeof header === 'string') {
      unreadable.set(name, header);
      continue;
    }
    checkPayload(tensor, name, header);
    const { shape, type } = header;
    const constant = new Constant(shape, type, () => ({
      values: tensorValues(tensor, name, header, external),
      error: null,
    }));
    values.set(name, { name, shape, type, constant });
  }
  const unsupported: Unsupported[] = [];
  for (const node of graph.nodes) {
    const operator = node.domain === '' ? operators.get(node.opType) : undefined;
    if (!operator) {
      unsupported.push({
        node,
        reason:
          node.domain === ''
            ? 'this operator is not supported'
            : `operators of the domain ${node.domain} are not supported`,
      });
      continue;
    }
    const unread = node.inputs.find(name => unreadable.has(name));
    if (unread !== undefined) {
      unsupported.push({ node, reason: unreadable.get(unread)! });
      continue;
    }
    // Behind an unsupported node nothing is known; what it reads was reported already.
    if (node.inputs.some(name => name !== '' && !values.has(name))) continue;
    const operation = operationOf(node, graph, external, values);
    try {
      const inferred = operator.infer(operation);
      node.outputs.forEach((name, index) => {
        if (name === '') return;
        if (index >= inferred.length) {
          const isUsed = graph.consumers.has(name) || graph.outputs.includes(name);
          if (isUsed) operation.unsupported(`its output number ${index + 1} is used`);
          return;
        }
        const { shape, type = operation.input(0).type, constant = null } = inferred[index];
        values.set(name, { name, shape, type, constant });
      });
    } catch (error) {
      // When only shapes are looked at, a shape that depends on a large tensor stays unknown.
      if (error instanceof Refusal && error.code === 'not-read') continue;
      if (!(error instanceof Refusal && error.code === 'unsupported-operator')) throw error;
      unsupported.push({ node, reason: error.message });
    }
  }
  return { values, unsupported };
}

/** The operator call of a node. `draftIds` and `outputs` are only known when it is lowered. */
export function operationOf(
  node: GraphNode,
  graph: Graph,
  external: ExternalData,
  values: ReadonlyMap<string, Value>,
  outputs: readonly Value[] = [],
  draftIds: readonly number[] = [],
): Operation {
  const inputs = node.inputs.map(name => (name === '' ? null : values.get(name)!));
  return new Operation(node, inputs, outputs, draftIds, isLast(node, graph), external);
}

const reshaping = ['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Dropout'];
/** What may follow a trailing Softmax and keeps the order of the outputs, or only asks for it. */
const orderKeeping = new Set([...reshaping, 'Softmax', 'LogSoftmax', 'ArgMax']);
const afterArgMax = new Set(reshaping);

/** Whether the first output of `node` reaches the model's only output through nothing that changes the order, and goes nowhere else. */
function isLast(node: GraphNode, graph: Graph): boolean {
  const allowed = node.opType === 'ArgMax' ? afterArgMax : orderKeeping;
  let value = node.outputs[0];
  for (;;) {
    const readers = graph.consumers.get(value) ?? [];
    if (readers.length === 0) return graph.outputs.length === 1 && graph.outputs[0] === value;
    const [reader] = readers;
    if (
      readers.length > 1 ||
      graph.outputs.includes(value) ||
      !allowed.has(reader.opType) ||
      reader.inputs[0] !== value
    )
      return false;
    value = reader.outputs[0];
  }
}
