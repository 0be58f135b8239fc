import { dataTypeOf, type ElementType } from './element-type';
import {
  AttributeProto_AttributeType,
  type AttributeProto,
  type ModelProto,
  type NodeProto,
  TensorProto_DataLocation,
  type TensorProto,
  type ValueInfoProto,
} from './proto/onnx';

/**
 * Small constructors for ONNX models that are made at run time: gradient graphs, bounds, the trainer's networks, edited models. Names of
 * values are the caller's; nothing is checked here that ONNX Runtime checks when it loads the model.
 */

/** The value of a node's attribute, with the kind that ONNX gives it. */
export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly text: string }
  | { readonly tensor: TensorProto }
  | { readonly graph: NonNullable<ModelProto['graph']> };

/** One operator call. Empty strings stand for optional inputs and outputs that are left out. */
export function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  name = '',
): NodeProto {
  return {
    input: [...inputs],
    output: [...outputs],
    name,
    opType,
    domain: '',
    overload: '',
    attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    docString: '',
    metadataProps: [],
    deviceConfigurations: [],
  };
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  const empty: AttributeProto = {
    name,
    refAttrName: '',
    docString: '',
    type: AttributeProto_AttributeType.UNDEFINED,
    f: 0,
    i: 0n,
    s: new Uint8Array(0),
    t: undefined,
    g: undefined,
    sparseTensor: undefined,
    tp: undefined,
    floats: [],
    ints: [],
    strings: [],
    tensors: [],
    graphs: [],
    sparseTensors: [],
    typeProtos: [],
  };
  if ('int' in value) return { ...empty, type: AttributeProto_AttributeType.INT, i: BigInt(value.int) };
  if ('ints' in value) return { ...empty, type: AttributeProto_AttributeType.INTS, ints: value.ints.map(BigInt) };
  if ('float' in value) return { ...empty, type: AttributeProto_AttributeType.FLOAT, f: value.float };
  if ('floats' in value) return { ...empty, type: AttributeProto_AttributeType.FLOATS, floats: [...value.floats] };
  if ('text' in value)
    return { ...empty, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value.text) };
  if ('tensor' in value) return { ...empty, type: AttributeProto_AttributeType.TENSOR, t: value.tensor };
  return { ...empty, type: AttributeProto_AttributeType.GRAPH, g: value.graph };
}

type NumberArray =
  Float32Array | Float64Array | Int32Array | Uint8Array | Int8Array | Int16Array | Uint16Array | BigInt64Array;

const typeOfArray: readonly (readonly [new (size: number) => NumberArray, ElementType])[] = [
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int32Array, 'int32'],
  [Uint8Array, 'uint8'],
  [Int8Array, 'int8'],
  [Int16Array, 'int16'],
  [Uint16Array, 'uint16'],
  [BigInt64Array, 'int64'],
];

/**
 * A tensor whose raw data is the memory of `data` itself, not a copy. The element type is that of the array, unless `type` says
 * what the bits mean (`float16` in a Uint16Array, `bool` in a Uint8Array).
 */
export function tensor(name: string, shape: readonly number[], data: NumberArray, type?: ElementType): TensorProto {
  const own = type ?? typeOfArray.find(([array]) => data instanceof array)![1];
  return tensorOfBytes(name, shape, own, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** A tensor of int64, which ONNX wants for shapes and axes. */
export function integers(name: string, values: readonly number[]): TensorProto {
  return tensor(name, [values.length], BigInt64Array.from(values, BigInt));
}

/** A tensor of raw little-endian bytes. */
export function tensorOfBytes(
  name: string,
  shape: readonly number[],
  type: ElementType,
  rawData: Uint8Array,
): TensorProto {
  return {
    dims: shape.map(BigInt),
    dataType: dataTypeOf(type),
    segment: undefined,
    floatData: [],
    int32Data: [],
    stringData: [],
    int64Data: [],
    name,
    docString: '',
    rawData,
    externalData: [],
    dataLocation: TensorProto_DataLocation.DEFAULT,
    doubleData: [],
    uint64Data: [],
    metadataProps: [],
  };
}

/** An input or output. A dimension given as text is left open under that name. */
export function valueInfo(name: string, type: ElementType, shape: readonly (number | string)[]): ValueInfoProto {
  const dim = shape.map(dimension => ({
    value:
      typeof dimension === 'number'
        ? ({ $case: 'dimValue', value: BigInt(dimension) } as const)
        : ({ $case: 'dimParam', value: dimension } as const),
    denotation: '',
  }));
  const tensorType = { elemType: dataTypeOf(type), shape: { dim } };
  return {
    name,
    type: { value: { $case: 'tensorType', value: tensorType }, denotation: '' },
    docString: '',
    metadataProps: [],
  };
}

/** What a model consists of. */
export interface ModelParts {
  readonly nodes: readonly NodeProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly initializers?: readonly TensorProto[];
  /** Version of the standard operator set; 17 unless given. */
  readonly opset?: number;
  /** Version of the file format; 8 unless given, which goes with operator set 17. */
  readonly irVersion?: number;
  readonly name?: string;
}

/** A whole model; `encodeModel` makes it bytes. */
export function model({
  nodes,
  inputs,
  outputs,
  initializers = [],
  opset = 17,
  irVersion = 8,
  name = 'network',
}: ModelParts): ModelProto {
  return {
    irVersion: BigInt(irVersion),
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    producerName: 'certiscope',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    docString: '',
    graph: {
      node: [...nodes],
      name,
      initializer: [...initializers],
      sparseInitializer: [],
      docString: '',
      input: [...inputs],
      output: [...outputs],
      valueInfo: [],
      quantizationAnnotation: [],
      metadataProps: [],
    },
    metadataProps: [],
    trainingInfo: [],
    functions: [],
    configuration: [],
  };
}
