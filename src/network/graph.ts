import type { ModelProto, NodeProto, TensorProto, ValueInfoProto } from './proto/onnx';
import { type ElementType, elementTypeOf, isFloat } from './element-type';
import { refuse } from './refusal';
import { largestTensor, sizeOf } from './tensor';

/** One ONNX operator call. Empty names stand for optional inputs and outputs that are left out. */
export interface GraphNode {
  /** The node's own name, or `Op_k` (k counts the file's nodes from 0) when it has none. */
  readonly name: string;
  readonly opType: string;
  /** '' for the standard operators. */
  readonly domain: string;
  /** Version of the operator set that this node's domain has in the file. */
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly proto: NodeProto;
}

/** An input of the graph with dynamic dimensions fixed. */
export interface GraphInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** A model's main graph with its names checked and its nodes in an order in which every value is made before it is used. */
export interface Graph {
  readonly opset: number;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly string[];
  readonly initializers: ReadonlyMap<string, TensorProto>;
  /** The nodes that the outputs depend on. */
  readonly nodes: readonly GraphNode[];
  /** Nodes that read each value, among `nodes`. */
  readonly consumers: ReadonlyMap<string, readonly GraphNode[]>;
}

export const smallestOpset = 7;
/** Later sets may give an operator another meaning; this is also the last one that ONNX Runtime vouches for. */
const largestOpset = 26;

/** Reads the main graph of a model. Refuses what no operator could repair: names that clash or lead nowhere, cycles, dimensions left open. */
export function readGraph(model: ModelProto): Graph {
  const graph = model.graph;
  if (!graph || (graph.node.length === 0 && graph.output.length === 0))
    refuse('model-no-graph', 'this is no ONNX model: it holds no graph. Check that the right file was chosen.');
  const opsets = new Map(
    model.opsetImport.map(entry => [entry.domain === 'ai.onnx' ? '' : entry.domain, Number(entry.version)]),
  );
  const opset = opsets.get('');
  if (opset === undefined)
    refuse('model-no-opset', 'the file does not say which ONNX operator set it uses; export the model again.');
  if (opset < smallestOpset)
    refuse(
      'model-old-opset',
      `the model uses ONNX operator set ${opset}; ${smallestOpset} or newer is needed. Export it again with a newer one.`,
    );
  if (opset > largestOpset)
    refuse(
      'model-new-opset',
      `the model uses ONNX operator set ${opset}, and ${largestOpset} is the newest that is known. Export it again with an older one.`,
    );

  const made = new Map<string, string>();
  const claim = (name: string, what: string): void => {
    const before = made.get(name);
    if (before !== undefined)
      refuse(
        'graph-duplicate-name',
        `the name "${name}" is given twice, by ${before} and by ${what}; export the model again.`,
      );
    made.set(name, what);
  };
  const initializers = new Map<string, TensorProto>();
  for (const tensor of graph.initializer) {
    claim(tensor.name, 'an initializer');
    initializers.set(tensor.name, tensor);
  }
  if (graph.sparseInitializer.length > 0)
    refuse(
      'graph-sparse-initializer',
      'the model keeps weights as sparse tensors, which is not supported; export it with plain tensors.',
    );
  // Older files list initializers among the inputs too: those are defaults, no inputs to a network that is verified as it stands.
  const inputs = graph.input.filter(input => !initializers.has(input.name)).map(readInput);
  for (const input of inputs) claim(input.name, 'an input');
  if (inputs.length === 0) refuse('graph-no-input', 'the model has no input, so there is nothing to verify.');

  const nodes = graph.node.map((proto, index): GraphNode => {
    const domain = proto.domain === 'ai.onnx' ? '' : proto.domain;
    return {
      name: proto.name === '' ? `${proto.opType}_${index}` : proto.name,
      opType: proto.opType,
      domain,
      opset: opsets.get(domain) ?? 1,
      inputs: proto.input,
      outputs: proto.output,
      proto,
    };
  });
  for (const node of nodes) for (const output of node.outputs) if (output !== '') claim(output, `node "${node.name}"`);
  for (const node of nodes)
    for (const input of node.inputs)
      if (input !== '' && !made.has(input))
        refuse(
          'graph-missing-value',
          `node "${node.name}" (${node.opType}) reads "${input}", which nothing in the file makes; export the model again.`,
        );
  const outputs = graph.output.map(output => output.name);
  if (outputs.length === 0) refuse('graph-no-output', 'the model has no output, so there is nothing to verify.');
  for (const output of outputs)
    if (!made.has(output))
      refuse('graph-missing-value', `the output "${output}" is made by no node of the file; export the model again.`);
  const ready = new Set([...initializers.keys(), ...inputs.map(input => input.name), '']);
  const live = needed(nodes, outputs);
  const consumers = consumersOf(live);
  return { opset, inputs, outputs, initializers, nodes: inOrder(live, consumers, ready), consumers };
}

function readInput(input: ValueInfoProto): GraphInput {
  const tensor = input.type?.value?.$case === 'tensorType' ? input.type.value.value : undefined;
  if (!tensor) refuse('input-kind', `input "${input.name}" is no tensor, which is not supported.`);
  const type = elementTypeOf(tensor.elemType);
  if (type === undefined || !isFloat(type))
    refuse(
      'input-type',
      `input "${input.name}" holds ${type ?? `elements of type number ${tensor.elemType}`}; a floating-point input is needed.`,
    );
  if (!tensor.shape)
    refuse(
      'input-dynamic',
      `input "${input.name}" has no shape in the file; export the model with the shape of its input.`,
    );
  const shape = tensor.shape.dim.map((dimension, index) => {
    const size = dimension.value?.$case === 'dimValue' ? Number(dimension.value.value) : 0;
    if (size > 0 && size <= 0x7fffffff) return size;
    // The first dimension is the batch: one input is verified at a time.
    if (index === 0) return 1;
    const name =
      dimension.value?.$case === 'dimParam' && dimension.value.value !== '' ? ` ("${dimension.value.value}")` : '';
    refuse(
      'input-dynamic',
      `dimension ${index}${name} of input "${input.name}" is left open in the file; only the first (the batch) may be. Export the model with a fixed size.`,
    );
  });
  if (sizeOf(shape) > largestTensor)
    refuse(
      'input-too-large',
      `input "${input.name}" of shape [${shape.join(', ')}] has too many values to be verified.`,
    );
  return { name: input.name, shape, type };
}

/** The nodes that some output depends on, in the file's order. */
function needed(nodes: readonly GraphNode[], outputs: readonly string[]): GraphNode[] {
  const maker = new Map(nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const live = new Set<GraphNode>();
  const pending = [...outputs];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = name === '' ? undefined : maker.get(name);
    if (!node || live.has(node)) continue;
    live.add(node);
    pending.push(...node.inputs);
  }
  return nodes.filter(node => live.has(node));
}

function consumersOf(nodes: readonly GraphNode[]): Map<string, GraphNode[]> {
  const consumers = new Map<string, GraphNode[]>();
  for (const node of nodes)
    for (const input of node.inputs) {
      const readers = consumers.get(input);
      if (readers) readers.push(node);
      else consumers.set(input, [node]);
    }
  return consumers;
}

/** Orders nodes so that each comes after what it reads. Files are nearly always in order already; then that order stays. */
function inOrder(
  nodes: readonly GraphNode[],
  consumers: ReadonlyMap<string, readonly GraphNode[]>,
  ready: ReadonlySet<string>,
): GraphNode[] {
  const made = new Set(ready);
  const isOrdered = nodes.every(node => {
    const isReady = node.inputs.every(name => made.has(name));
    for (const output of node.outputs) made.add(output);
    return isReady;
  });
  if (isOrdered) return [...nodes];
  const missing = new Map<GraphNode, number>(
    nodes.map(node => [node, node.inputs.filter(name => !ready.has(name)).length]),
  );
  const queue = nodes.filter(node => missing.get(node) === 0);
  for (let next = 0; next < queue.length; next++)
    for (const output of queue[next].outputs) {
      if (output === '') continue;
      for (const reader of consumers.get(output) ?? []) {
        const left = missing.get(reader)! - 1;
        missing.set(reader, left);
        if (left === 0) queue.push(reader);
      }
    }
  if (queue.length < nodes.length)
    refuse(
      'graph-cycle',
      `the graph runs in a circle: ${circle(nodes.filter(node => missing.get(node)! > 0))}; export the model again.`,
    );
  return queue;
}

/** Names the nodes of one cycle among nodes that all wait for each other. */
function circle(waiting: readonly GraphNode[]): string {
  const maker = new Map(
    waiting.flatMap(node => node.outputs.filter(name => name !== '').map(output => [output, node] as const)),
  );
  const path: GraphNode[] = [];
  let node = waiting[0];
  while (!path.includes(node)) {
    path.push(node);
    node = maker.get(node.inputs.find(name => maker.has(name))!)!;
  }
  const loop = path.slice(path.indexOf(node)).reverse();
  const names = loop.slice(0, 4).map(member => `"${member.name}"`);
  return `${names.join(' → ')}${loop.length > 4 ? ' → …' : ''} → ${names[0]}`;
}
