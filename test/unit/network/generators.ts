import fc from 'fast-check';
import { type AttributeValue, integers, model, node, tensor, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import type { NodeProto, TensorProto } from '../../../src/network/proto/onnx';
import { randomValues } from './onnx-runtime';

/** A small model around one operator, made from random attributes. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly label: string;
}

export interface SampleParts {
  readonly op: string;
  readonly input: readonly number[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Further inputs: constants, or names of values; '' leaves one out. */
  readonly inputs?: readonly (TensorProto | string)[];
  /** Puts the model's input at this place of the node's inputs. */
  readonly place?: number;
  readonly opset?: number;
  readonly outputs?: number;
  /** ONNX element type of the outputs; float32 unless given. */
  readonly outputType?: number;
  readonly before?: readonly NodeProto[];
  /** Name of the value that the operator reads, when `before` makes one. */
  readonly reads?: string;
}

/** A model x → op → y. */
export function sample({
  op,
  input,
  attributes = {},
  inputs = [],
  place = 0,
  opset = 17,
  outputs = 1,
  outputType = 1,
  before = [],
  reads = 'x',
}: SampleParts): Sample {
  const names = inputs.map(other => (typeof other === 'string' ? other : other.name));
  names.splice(place, 0, reads);
  const results = Array.from({ length: outputs }, (_, k) => `y${k}`);
  const initializers = inputs.filter(other => typeof other !== 'string');
  const parts = {
    nodes: [...before, node(op, names, results, attributes, 'the_node')],
    inputs: [valueInfo('x', 'float32', input)],
    outputs: results.map(name => openOutput(name, outputType)),
    initializers,
    opset,
  };
  return {
    bytes: encodeModel(model(parts)),
    label: JSON.stringify(
      { op, input, attributes, shapes: initializers.map(t => t.dims.map(Number)), opset },
      (_k, v: unknown) => (typeof v === 'bigint' ? Number(v) : v instanceof Uint8Array ? [...v].slice(0, 8) : v),
    ),
  };
}

/** An output whose shape the file leaves to the reader. */
function openOutput(name: string, elemType: number): ReturnType<typeof valueInfo> {
  const info = valueInfo(name, 'float32', []);
  return {
    ...info,
    type: { denotation: '', value: { $case: 'tensorType', value: { elemType, shape: undefined } } },
  };
}

/** A constant of random float32 values. */
export function weights(name: string, shape: readonly number[], seed: number, low = -1, high = 1): TensorProto {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return tensor(
    name,
    shape,
    Float32Array.from(randomValues(size, seed), value => low + ((value + 1) / 2) * (high - low)),
  );
}

export { integers };

export const seed = fc.integer({ min: 1, max: 1_000_000 });
const dimension = fc.integer({ min: 1, max: 5 });

/** A shape of 1 to 4 small dimensions. */
export const anyShape = fc.array(dimension, { minLength: 1, maxLength: 4 });

/** A shape that broadcasts against `shape`: some dimensions 1, some leading ones left out. */
export function broadcastable(shape: readonly number[]): fc.Arbitrary<number[]> {
  return fc
    .tuple(
      fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
      fc.integer({ min: 0, max: shape.length }),
    )
    .map(([ones, skip]) => shape.map((size, axis) => (ones[axis] ? 1 : size)).slice(skip));
}

/** An axis of a tensor with `rank` dimensions, counted from either end. */
export function axisOf(rank: number): fc.Arbitrary<number> {
  return fc.integer({ min: -rank, max: rank - 1 });
}

/** Some axes, each once, in any order. */
export function axesOf(rank: number): fc.Arbitrary<number[]> {
  return fc
    .uniqueArray(fc.integer({ min: 0, max: rank - 1 }), { minLength: 1, maxLength: rank })
    .chain(axes => fc.tuple(...axes.map(axis => fc.constantFrom(axis, axis - rank))));
}
