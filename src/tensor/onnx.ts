import { encodeModel } from '../network/codec';
import {
  AttributeProto,
  AttributeProto_AttributeType,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  TensorProto,
  TensorProto_DataType,
  ValueInfoProto,
} from '../network/proto/onnx';

/** Writes graphs that live for one session only. */

export type Attribute = number | readonly number[] | string;

export interface GraphNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export interface GraphTensor {
  readonly name: string;
  readonly type: 'float32' | 'float64' | 'int64' | 'bool';
  readonly shape: readonly number[];
}

export interface Graph {
  readonly inputs: readonly GraphTensor[];
  readonly outputs: readonly GraphTensor[];
  readonly initializers: readonly (GraphTensor & { readonly data: Float32Array | Float64Array | BigInt64Array })[];
  readonly nodes: readonly GraphNode[];
}

const NOTHING = new Uint8Array(0);

const DATA_TYPE = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

export function encodeGraph(graph: Graph): Uint8Array {
  const info = (tensor: GraphTensor): ValueInfoProto => {
    const dim = tensor.shape.map(each => ({
      value: { $case: 'dimValue' as const, value: BigInt(each) },
      denotation: '',
    }));
    const value = { elemType: DATA_TYPE[tensor.type], shape: { dim } };
    return {
      ...ValueInfoProto.decode(NOTHING),
      name: tensor.name,
      type: { value: { $case: 'tensorType', value }, denotation: '' },
    };
  };
  return encodeModel({
    ...ModelProto.decode(NOTHING),
    irVersion: 8n,
    opsetImport: [{ ...OperatorSetIdProto.decode(NOTHING), version: 17n }],
    graph: {
      ...GraphProto.decode(NOTHING),
      name: 'g',
      node: graph.nodes.map(node => ({
        ...NodeProto.decode(NOTHING),
        opType: node.operator,
        input: [...node.inputs],
        output: [node.output],
        attribute: Object.entries(node.attributes ?? {}).map(([name, value]) => attribute(name, value)),
      })),
      input: graph.inputs.map(info),
      output: graph.outputs.map(info),
      initializer: graph.initializers.map(each => ({
        ...TensorProto.decode(NOTHING),
        name: each.name,
        dims: each.shape.map(BigInt),
        dataType: DATA_TYPE[each.type],
        rawData: new Uint8Array(each.data.buffer, each.data.byteOffset, each.data.byteLength),
      })),
    },
  });
}

function attribute(name: string, value: Attribute): AttributeProto {
  const base = { ...AttributeProto.decode(NOTHING), name };
  if (typeof value === 'number') return { ...base, type: AttributeProto_AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string')
    return { ...base, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) };
  return { ...base, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) };
}
