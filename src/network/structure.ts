import type { Result } from '../base/result';
import { elementBytes, type ElementType, elementTypeOf } from './element-type';
import { describeModel, outlineOf } from './info';
import { readWithoutWeights } from './load';
import type { ModelStructure, NodeDetail, StoredTensor } from './model-types';
import { AttributeProto_AttributeType, type AttributeProto, type ModelProto, type TensorProto } from './proto/onnx';
import { catching } from './refusal';
import { leftOut } from './skim';
import { tensorHeader, tensorValues } from './tensor';
import { UnreadData } from './external-data';

/** Reads the structure of an `.onnx` or `.onnx.gz` file. Weights are passed over, so this is quick for files of any size. */
export function readStructure(file: string): Result<ModelStructure> {
  const read = readWithoutWeights(file);
  if (!read.ok) return read;
  const { model, fileSize } = read.value;
  return catching(file, () => describeStructure(model, file, fileSize));
}

function describeStructure(model: ModelProto, file: string, fileSize: number): ModelStructure {
  const known = outlineOf(model, file);
  const info = describeModel(model, file, fileSize, known);
  const values = known.ok ? known.value.inference.values : new Map<string, { readonly type: ElementType }>();
  const opsets = new Map(info.opsets.map(({ domain, version }) => [domain, version]));
  const details = (model.graph?.node ?? []).map((node, index): NodeDetail => ({
    opset: opsets.get(info.nodes[index].domain) ?? null,
    attributes: node.attribute.map(attribute => ({ name: attribute.name, text: attributeText(attribute) })),
    outputTypes: info.nodes[index].outputs.map(({ name }) => values.get(name)?.type ?? null),
  }));
  return { info, details, tensors: storedTensors(model).map(([name, tensor]) => describeTensor(name, tensor)) };
}

/** Every constant tensor of a model's main graph, by the name under which nodes read it. */
export function storedTensors(model: ModelProto): [name: string, tensor: TensorProto][] {
  const constants = (model.graph?.node ?? [])
    .filter(node => node.opType === 'Constant')
    .flatMap(node => node.attribute.flatMap(({ t }): [string, TensorProto][] => (t ? [[node.output[0], t]] : [])));
  return [
    ...(model.graph?.initializer ?? []).map((tensor): [string, TensorProto] => [tensor.name, tensor]),
    ...constants,
  ];
}

/** Tensors of up to this many numbers are shown as they are. */
const mostShownValues = 16;

function describeTensor(name: string, tensor: TensorProto): StoredTensor {
  const type = elementTypeOf(tensor.dataType);
  const shape = tensor.dims.map(Number);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const location = tensor.externalData.find(entry => entry.key === 'location')?.value ?? null;
  return {
    name,
    type: type ?? `type ${tensor.dataType}`,
    shape,
    bytes: type ? count * elementBytes(type) : 0,
    location,
    values: type && count <= mostShownValues && location === null ? shownValues(name, tensor) : null,
  };
}

function shownValues(name: string, tensor: TensorProto): readonly number[] | null {
  const header = tensorHeader(tensor, name);
  if (typeof header === 'string' || header.type === 'string' || leftOut(tensor)) return null;
  const values = catching('', () => [...tensorValues(tensor, name, header, new UnreadData())]);
  return values.ok ? values.value : null;
}

/** Longest list or text of an attribute that is shown whole. */
const mostShownEntries = 24;
const longestShownText = 200;

function attributeText(attribute: AttributeProto): string {
  const list = (entries: readonly (number | bigint | string)[]): string =>
    `[${entries.slice(0, mostShownEntries).join(', ')}${entries.length > mostShownEntries ? `, … (${entries.length})` : ''}]`;
  const text = (bytes: Uint8Array): string => {
    const decoded = new TextDecoder().decode(bytes);
    return decoded.length > longestShownText ? `${decoded.slice(0, longestShownText)}…` : decoded;
  };
  switch (attribute.type) {
    case AttributeProto_AttributeType.FLOAT:
      return shortFloat(attribute.f);
    case AttributeProto_AttributeType.INT:
      return String(attribute.i);
    case AttributeProto_AttributeType.STRING:
      return text(attribute.s);
    case AttributeProto_AttributeType.TENSOR:
      return attribute.t ? tensorText(attribute.t) : 'a tensor';
    case AttributeProto_AttributeType.GRAPH:
      return `a graph of ${attribute.g?.node.length ?? 0} nodes`;
    case AttributeProto_AttributeType.FLOATS:
      return list(attribute.floats.map(shortFloat));
    case AttributeProto_AttributeType.INTS:
      return list(attribute.ints);
    case AttributeProto_AttributeType.STRINGS:
      return list(attribute.strings.map(text));
    case AttributeProto_AttributeType.TENSORS:
      return `${attribute.tensors.length} tensors`;
    case AttributeProto_AttributeType.GRAPHS:
      return `${attribute.graphs.length} graphs`;
    default:
      return 'a value of a kind that is not shown';
  }
}

function tensorText(tensor: TensorProto): string {
  return `${elementTypeOf(tensor.dataType) ?? `type ${tensor.dataType}`} [${tensor.dims.join(', ')}]`;
}

/** A float32 as a person would have written it: 1e-5 and not 0.000009999999747378752. */
function shortFloat(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return String(shorter);
  }
  return String(value);
}
