import type { Result } from '../base/result';
import { type ElementType, elementTypeOf, isFloat } from './element-type';
import { UnreadData } from './external-data';
import { type Graph, readGraph } from './graph';
import { type Inference, inferShapes } from './infer';
import { operators } from './operators';
import type { BoundaryInfo, ModelInfo, NodeInfo, OperatorInfo } from './model-types';
import { type ModelProto, TensorProto_DataLocation, type TensorProto, type ValueInfoProto } from './proto/onnx';
import { catching } from './refusal';

export type { BoundaryInfo, ModelInfo, NodeInfo, OperatorInfo } from './model-types';

/** The graph of a model and what its values are; weights are not read. */
export interface Outline {
  readonly graph: Graph;
  readonly inference: Inference;
}

/** Infers the shapes of a decoded model, or says what is wrong with the graph as a whole. */
export function outlineOf(model: ModelProto, file: string): Result<Outline> {
  return catching(file, () => {
    const graph = readGraph(model);
    return { graph, inference: inferShapes(graph, new UnreadData()) };
  });
}

/** Describes a decoded model. `fileSize` is in bytes. */
export function describeModel(
  model: ModelProto,
  file: string,
  fileSize: number,
  known: Result<Outline> = outlineOf(model, file),
): ModelInfo {
  const shapes = known.ok ? known.value : null;
  const graph = model.graph;
  const initializers = new Map((graph?.initializer ?? []).map(tensor => [tensor.name, tensor]));
  const nodes = describeNodes(model, initializers, shapes);
  const constants = [...initializers.values(), ...(graph?.node ?? []).flatMap(constantOf)];
  const byType = new Map<string, number>();
  for (const tensor of constants) {
    const type = elementTypeOf(tensor.dataType);
    if (type && isFloat(type)) byType.set(type, (byType.get(type) ?? 0) + countOf(tensor));
  }
  const opsets = model.opsetImport.map(({ domain, version }) => ({
    domain: domain === 'ai.onnx' ? '' : domain,
    version: Number(version),
  }));
  return {
    path: file,
    fileSize,
    irVersion: Number(model.irVersion),
    opset: opsets.find(entry => entry.domain === '')?.version ?? null,
    opsets,
    producer: [model.producerName, model.producerVersion].filter(part => part !== '').join(' '),
    inputs: (graph?.input ?? [])
      .filter(input => !initializers.has(input.name))
      .map(input => boundary(input, shapes?.graph.inputs.find(other => other.name === input.name)?.shape)),
    outputs: (graph?.output ?? []).map(output => boundary(output, shapes?.inference.values.get(output.name)?.shape)),
    operators: summarize(nodes),
    nodes,
    parameterCount: [...byType.values()].reduce((sum, count) => sum + count, 0),
    parameterTypes: [...byType].map(([type, count]) => ({ type, count })),
    externalData: [...new Set(constants.flatMap(locationOf))],
    supported: known.ok && nodes.every(node => node.supported),
    problem: known.ok ? null : known.error,
  };
}

function constantOf(node: {
  readonly opType: string;
  readonly attribute: readonly { readonly t: TensorProto | undefined }[];
}): TensorProto[] {
  return node.opType === 'Constant' ? node.attribute.flatMap(({ t }) => (t ? [t] : [])) : [];
}

function countOf(tensor: TensorProto): number {
  return tensor.dims.reduce((product, dimension) => product * Number(dimension), 1);
}

function locationOf(tensor: TensorProto): string[] {
  if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) return [];
  return tensor.externalData.filter(entry => entry.key === 'location').map(entry => entry.value);
}

function describeNodes(
  model: ModelProto,
  initializers: ReadonlyMap<string, TensorProto>,
  shapes: Outline | null,
): NodeInfo[] {
  const reasons = new Map(shapes?.inference.unsupported.map(({ node, reason }) => [node.proto, reason]));
  return (model.graph?.node ?? []).map((node, index): NodeInfo => {
    // Without shapes only the operator itself can be judged.
    const unknown = !shapes && !operators.has(node.opType) ? 'this operator is not supported' : null;
    const reason = reasons.get(node) ?? unknown;
    return {
      name: node.name === '' ? `${node.opType}_${index}` : node.name,
      opType: node.opType,
      domain: node.domain === 'ai.onnx' ? '' : node.domain,
      inputs: node.input,
      outputs: node.output
        .filter(name => name !== '')
        .map(name => ({ name, shape: shapes?.inference.values.get(name)?.shape ?? null })),
      parameters: node.input.reduce((sum, name) => {
        const tensor = initializers.get(name);
        const type: ElementType | undefined = tensor && elementTypeOf(tensor.dataType);
        return sum + (tensor && type && isFloat(type) ? countOf(tensor) : 0);
      }, 0),
      supported: reason === null,
      reason,
    };
  });
}

function summarize(nodes: readonly NodeInfo[]): OperatorInfo[] {
  const kinds = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const key = `${node.domain}.${node.opType}`;
    kinds.set(key, [...(kinds.get(key) ?? []), node]);
  }
  return [...kinds.values()].map(members => {
    const reasons = [...new Set(members.flatMap(member => member.reason ?? []))];
    const [{ opType, domain }] = members;
    return { opType, domain, count: members.length, supported: reasons.length === 0, reasons };
  });
}

function boundary(info: ValueInfoProto, fixedShape: readonly number[] | undefined): BoundaryInfo {
  const tensor = info.type?.value?.$case === 'tensorType' ? info.type.value.value : undefined;
  const shape = (tensor?.shape?.dim ?? []).map(({ value }) =>
    value?.$case === 'dimValue'
      ? Number(value.value)
      : value?.$case === 'dimParam' && value.value !== ''
        ? value.value
        : '?',
  );
  return {
    name: info.name,
    type: elementTypeOf(tensor?.elemType ?? 0) ?? 'unknown',
    shape,
    fixedShape: fixedShape ?? null,
  };
}
