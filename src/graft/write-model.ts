import { unreachable } from '../base/assert';
import { ok, problem, type Result } from '../base/result';
import { integers, model, node, tensor, valueInfo, type AttributeValue } from '../network/authoring';
import { encodeModel } from '../network/codec';
import type { ActivationNode, MaxPoolNode, NetworkNode, SparseNode } from '../network/network';
import type { NodeProto, TensorProto } from '../network/proto/onnx';
import type { Graft, GraftedNetwork } from '../train/grafted-network';

/**
 * A grafted network as a plain ONNX file (operator set 13), which every runtime reads. The linear neurons of a layer are gathered, scaled and
 * shifted, the others gathered and rectified, and both put in order again; so whoever verifies the file sees a Relu on the rectified neurons only.
 */

/** What the parts of one layer are called; `readGraftedModel` knows them by it. */
export const PARTS = {
  rectifiedUnits: 'rectified_units',
  linearUnits: 'linear_units',
  slope: 'slope',
  intercept: 'intercept',
  order: 'order',
} as const;

/** A sparse map that is no rearrangement is written as a matrix of at most so many numbers. */
const MOST_MATRIX_ENTRIES = 2 ** 24;

export interface WriteOptions {
  /** Rectify the linear neurons too, without using it: whoever bounds the file then bounds what they read as well. For statistics only. */
  readonly rectifyAll?: boolean;
}

/**
 * The bytes of the file; weights are rounded to float32 where they are not float32 already. A Softmax at the end of the original is not written: the outputs
 * are the logits. Error `graft/export`: a layer that no plain operator stands for.
 */
export function writeGraftedModel(grafted: GraftedNetwork, options: WriteOptions = {}): Result<Uint8Array> {
  const { network } = grafted;
  const tooLarge = network.nodes.find(
    each =>
      each.kind === 'sparse' &&
      !isRearrangement(each) &&
      each.size * network.nodes[each.inputs[0]].size > MOST_MATRIX_ENTRIES,
  );
  if (tooLarge)
    return problem(
      'graft/export',
      `Layer "${tooLarge.name}" cannot be written as a plain ONNX operator: its map of ${network.nodes[tooLarge.inputs[0]].size} values to ${tooLarge.size} is too large.`,
    );
  if (network.inputs.length > 1)
    return problem(
      'graft/export',
      `The network has ${network.inputs.length} inputs; only networks of one input can be grafted and saved.`,
    );
  return ok(new Writer(grafted, options.rectifyAll ?? false).write());
}

/** Every value of the result is one value of the input, scaled and shifted, or none. */
function isRearrangement({ rowStart, size }: SparseNode): boolean {
  for (let i = 0; i < size; i++) if (rowStart[i + 1] - rowStart[i] > 1) return false;
  return true;
}

class Writer {
  private readonly nodes: NodeProto[] = [];
  private readonly initializers: TensorProto[] = [];
  /** Names of the flat values [1, size], by node. */
  private readonly names: string[] = [];
  private readonly taken = new Set<string>();

  constructor(
    private readonly grafted: GraftedNetwork,
    private readonly rectifyAll: boolean,
  ) {}

  write(): Uint8Array {
    const { network, grafts } = this.grafted;
    const [given] = network.inputs;
    this.taken.add(given.name);
    const output = this.fresh(network.outputs.length === 1 ? network.outputs[0].name : 'outputs');
    for (const each of network.nodes) {
      if (each.kind === 'input')
        this.names.push(this.call('Reshape', [given.name, this.whole('flat', [1, -1])], 'input'));
      else {
        const graft = grafts.get(each.id);
        this.names.push(
          each.kind === 'relu' && graft?.mask.includes(1)
            ? this.layer(each, graft)
            : this.plain(each, this.unique(each.name)),
        );
      }
    }
    this.nodes.push(node('Identity', [this.names[this.names.length - 1]], [output], {}, 'answer'));
    return encodeModel(
      model({
        nodes: this.nodes,
        initializers: this.initializers,
        inputs: [valueInfo(given.name, 'float32', given.shape)],
        outputs: [valueInfo(output, 'float32', [1, network.outputSize])],
        opset: 13,
        irVersion: 7,
        name: 'grafted',
      }),
    );
  }

  /** A name that nothing has yet, as close to `wanted` as can be. */
  private fresh(wanted: string): string {
    let name = wanted;
    for (let k = 2; this.taken.has(name); k++) name = `${wanted}_${k}`;
    this.taken.add(name);
    return name;
  }

  /** The same for a layer: its parts' names begin with it. A slash would look like a part. */
  private unique(name: string): string {
    return this.fresh(name.replaceAll('/', '.'));
  }

  private floats(name: string, shape: readonly number[], values: ArrayLike<number>): string {
    const own = this.fresh(name);
    this.initializers.push(tensor(own, shape, Float32Array.from(values)));
    return own;
  }

  private whole(name: string, values: readonly number[]): string {
    const own = this.fresh(name);
    this.initializers.push(integers(own, values));
    return own;
  }

  private call(op: string, inputs: string[], name: string, attributes: Record<string, AttributeValue> = {}): string {
    const output = this.fresh(`${name}:out`);
    this.nodes.push(node(op, inputs, [output], attributes, output.replace(':out', '')));
    return output;
  }

  /** A layer some of whose neurons are linear. */
  private layer(each: ActivationNode, { mask, slope, intercept }: Graft): string {
    const name = this.unique(each.name);
    const part = (what: string): string => `${name}/${what}`;
    const x = this.names[each.inputs[0]];
    if (this.rectifyAll) {
      const per = (what: string, values: ArrayLike<number>): string => this.floats(part(what), [1, each.size], values);
      const kept = per(
        'kept',
        mask.map(grafted => 1 - grafted),
      );
      const positive = this.call('Mul', [this.call('Relu', [x], name), kept], part('keep'));
      const scaled = this.call('Mul', [x, per('slopes', slope)], part('scale'));
      const line = this.call('Add', [scaled, per('intercepts', intercept)], part('shift'));
      return this.call('Add', [positive, line], part('sum'));
    }
    const units = (wanted: number): number[] => Array.from(mask.keys()).filter(i => mask[i] === wanted);
    const [rectified, linear] = [units(0), units(1)];
    const of = (values: Float64Array): number[] => linear.map(i => values[i]);
    const gather = (value: string, what: string, places: number[]): string =>
      this.call('Gather', [value, this.whole(part(what), places)], part(`take_${what}`), { axis: { int: 1 } });
    const chosen = rectified.length === 0 ? x : gather(x, PARTS.linearUnits, linear);
    const scaled = this.call(
      'Mul',
      [chosen, this.floats(part(PARTS.slope), [1, linear.length], of(slope))],
      part('scale'),
    );
    const line = this.call(
      'Add',
      [scaled, this.floats(part(PARTS.intercept), [1, linear.length], of(intercept))],
      part('shift'),
    );
    if (rectified.length === 0) return line;
    const positive = this.call('Relu', [gather(x, PARTS.rectifiedUnits, rectified)], name);
    const joined = this.call('Concat', [positive, line], part('join'), { axis: { int: 1 } });
    const order = new Array<number>(each.size);
    [...rectified, ...linear].forEach((unit, k) => (order[unit] = k));
    return gather(joined, PARTS.order, order);
  }

  private plain(each: Exclude<NetworkNode, { kind: 'input' }>, name: string): string {
    const inputs = each.inputs.map(id => this.names[id]);
    const [x] = inputs;
    const shifted = (value: string, bias: Float64Array | null): string =>
      bias ? this.call('Add', [value, this.floats(`${name}.bias`, [1, each.size], bias)], `${name}.shift`) : value;
    switch (each.kind) {
      case 'constant':
        return this.floats(`${name}.value`, [1, each.size], each.bias);
      case 'dense': {
        const weight = this.floats(`${name}.weight`, [each.size, each.weight.length / each.size], each.weight);
        const bias = each.bias ? [this.floats(`${name}.bias`, [each.size], each.bias)] : [];
        return this.call('Gemm', [x, weight, ...bias], name, { transB: { int: 1 } });
      }
      case 'conv': {
        const { inputShape, outputShape, kernel, strides, dilations, pads, groups } = each;
        const image = this.call('Reshape', [x, this.whole(`${name}.image`, [1, ...inputShape])], `${name}.unflatten`);
        const weight = this.floats(`${name}.weight`, [outputShape[0], inputShape[0] / groups, ...kernel], each.weight);
        const bias = each.bias ? [this.floats(`${name}.bias`, [outputShape[0]], each.bias)] : [];
        const attributes = {
          kernel_shape: { ints: kernel },
          strides: { ints: strides },
          dilations: { ints: dilations },
          pads: { ints: pads },
          group: { int: groups },
        };
        const y = this.call('Conv', [image, weight, ...bias], name, attributes);
        return this.call('Reshape', [y, this.whole(`${name}.flat`, [1, -1])], `${name}.flatten`);
      }
      case 'scale': {
        const scaled = each.scale
          ? this.call('Mul', [x, this.floats(`${name}.scale`, [1, each.size], each.scale)], name)
          : x;
        return shifted(scaled, each.bias);
      }
      case 'sparse':
        return shifted(isRearrangement(each) ? this.rearranged(each, name, x) : this.matrix(each, name, x), each.bias);
      case 'add':
        return each.coefficients
          .map((factor, k) =>
            factor === 1
              ? inputs[k]
              : this.call('Mul', [inputs[k], this.floats(`${name}.factor`, [1], [factor])], `${name}.times`),
          )
          .reduce((sum, term) => this.call('Add', [sum, term], `${name}.sum`));
      case 'concat':
        return this.call('Concat', inputs, name, { axis: { int: 1 } });
      case 'maxPool':
        return this.maxPool(each, name, x);
      case 'relu':
        return this.call('Relu', [x], name);
      case 'leakyRelu':
        return this.call('LeakyRelu', [x], name, { alpha: { float: each.slope } });
      case 'sigmoid':
        return this.call('Sigmoid', [x], name);
      case 'tanh':
        return this.call('Tanh', [x], name);
      default:
        return unreachable(each);
    }
  }

  /** One value each; where a row reads nothing it reads a zero that is put behind the values. */
  private rearranged({ size, rowStart, column, value, inputs }: SparseNode, name: string, x: string): string {
    const inner = this.grafted.network.nodes[inputs[0]].size;
    const reads = (i: number): boolean => rowStart[i + 1] > rowStart[i];
    const places = Array.from({ length: size }, (_, i) => (reads(i) ? column[rowStart[i]] : inner));
    const padded = places.includes(inner)
      ? this.call('Concat', [x, this.floats(`${name}.zero`, [1, 1], [0])], `${name}.pad`, { axis: { int: 1 } })
      : x;
    const taken = this.call('Gather', [padded, this.whole(`${name}.places`, places)], name, { axis: { int: 1 } });
    if (!value) return taken;
    const factors = places.map((place, i) => (place === inner ? 0 : value[rowStart[i]]));
    return this.call('Mul', [taken, this.floats(`${name}.scale`, [1, size], factors)], `${name}.times`);
  }

  private matrix({ size, rowStart, column, value, inputs }: SparseNode, name: string, x: string): string {
    const inner = this.grafted.network.nodes[inputs[0]].size;
    const weight = new Float32Array(inner * size);
    for (let i = 0; i < size; i++)
      for (let k = rowStart[i]; k < rowStart[i + 1]; k++) weight[column[k] * size + i] += value?.[k] ?? 1;
    return this.call('MatMul', [x, this.floats(`${name}.weight`, [inner, size], weight)], name);
  }

  /** Every window as a row of its own, the shorter ones repeating their first entry. */
  private maxPool({ size, rowStart, column }: MaxPoolNode, name: string, x: string): string {
    let longest = 0;
    for (let i = 0; i < size; i++) longest = Math.max(longest, rowStart[i + 1] - rowStart[i]);
    const places = Array.from({ length: size * longest }, (_, at) => {
      const first = rowStart[Math.floor(at / longest)];
      const place = first + (at % longest);
      return column[place < rowStart[Math.floor(at / longest) + 1] ? place : first];
    });
    const taken = this.call('Gather', [x, this.whole(`${name}.places`, places)], `${name}.take`, { axis: { int: 1 } });
    const shape = this.whole(`${name}.windows`, [1, size, longest]);
    const windows = this.call('Reshape', [taken, shape], `${name}.unflatten`);
    const attributes = { kernel_shape: { ints: [longest] }, strides: { ints: [longest] } };
    const largest = this.call('MaxPool', [windows], name, attributes);
    return this.call('Reshape', [largest, this.whole(`${name}.flat`, [1, -1])], `${name}.flatten`);
  }
}
