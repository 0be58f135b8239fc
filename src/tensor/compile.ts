import { assert } from '../base/assert';
import { ok, type Result } from '../base/result';
import { integers, model, node, tensor, valueInfo, type AttributeValue } from '../network/authoring';
import { encodeModel } from '../network/codec';
import type { NodeProto, TensorProto, ValueInfoProto } from '../network/proto/onnx';
import { describe, type Expression, type FloatType, type Shape } from './expression';
import { topologicalOrder } from './gradient';
import { Session, type SessionOptions, type Value } from './session';

/** From expressions to a graph that runs. */

export interface CompileOptions extends SessionOptions {
  /**
   * Constants with more elements than this are fed at every run instead of being written into the graph: a session then neither copies
   * them nor rearranges them, which makes it much cheaper to open and a little slower to run. Kernels of convolutions are always written
   * into the graph, since ONNX Runtime arranges them for speed.
   */
  readonly feedAbove?: number;
}

const FEED_ABOVE = 32_768;

interface ArrayOf {
  float32: Float32Array;
  float64: Float64Array;
}

/** A compiled set of expressions of one element type, ready to run. */
export class Program<T extends FloatType, Output extends string> {
  private constructor(
    private readonly session: Session,
    private readonly type: T,
    private readonly shapes: ReadonlyMap<string, Shape>,
    private readonly constants: Readonly<Record<string, Value>>,
    private readonly outputs: readonly (readonly [Output, string])[],
  ) {}

  /** Opens a session for these outputs. Errors as for `Session.open`; an expression that ONNX Runtime rejects is one of ours gone wrong. */
  static async compile<T extends FloatType, Output extends string>(
    type: T,
    outputs: Readonly<Record<Output, Expression>>,
    options: CompileOptions = {},
  ): Promise<Result<Program<T, Output>>> {
    const author = new Author(options.feedAbove ?? FEED_ABOVE);
    const entries = Object.entries<Expression>(outputs) as [Output, Expression][];
    for (const [label, expression] of entries) {
      assert(expression.type === type, () => `output '${label}' of a ${type} program is ${describe(expression)}`);
    }
    const { bytes, names } = author.write(entries.map(([, expression]) => expression));
    const session = await Session.open({ bytes, name: 'a graph written by this program' }, options);
    if (!session.ok) {
      assert(session.error.code !== 'runtime-rejected-model', () => session.error.message);
      return session;
    }
    const fetches = entries.map(([label], k) => [label, names[k]] as const);
    return ok(new Program(session.value, type, author.inputs, author.fed, fetches));
  }

  /**
   * One run, on the calling thread. Every input label needs an array of the right length, which must not change until the promise
   * resolves. Errors as for `Session.run`.
   */
  async run(feeds: Readonly<Record<string, ArrayOf[T]>>): Promise<Result<Record<Output, ArrayOf[T]>>> {
    const values: Record<string, Value> = { ...this.constants };
    for (const [label, shape] of this.shapes) {
      const data = feeds[label];
      assert(data, () => `input '${label}' is not fed`);
      values[label] = { type: this.type, data, shape } as Value;
    }
    const results = await this.session.run(
      values,
      this.outputs.map(([, name]) => name),
    );
    if (!results.ok) return results;
    const named = this.outputs.map(([label, name]) => [label, results.value[name].data]);
    return ok(Object.fromEntries(named) as Record<Output, ArrayOf[T]>);
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}

type Attribute = number | readonly number[];

/** Writes expressions as ONNX nodes. */
class Author {
  readonly inputs = new Map<string, Shape>();
  readonly fed: Record<string, Value> = {};
  private readonly names = new Map<Expression, string>();
  private readonly nodes: NodeProto[] = [];
  private readonly initializers = new Map<string, TensorProto>();

  constructor(private readonly feedAbove: number) {}

  write(roots: readonly Expression[]): { bytes: Uint8Array; names: string[] } {
    const order = topologicalOrder(roots);
    const kernels = new Set(order.filter(isConvolution).map(each => each.arguments[1]));
    for (const node of order) this.names.set(node, this.writeOne(node, kernels));
    // A graph's output has to come out of a node.
    const names = roots.map(root =>
      root.arguments.length === 0 ? this.node('Identity', [this.name(root)]) : this.name(root),
    );
    const info = (name: string, { type, shape }: Expression): ValueInfoProto => valueInfo(name, type, shape);
    const outputs = [...new Set(names)].map(name => info(name, roots[names.indexOf(name)]));
    const inputs = order.filter(each => this.isFed(each)).map(each => info(this.name(each), each));
    const written = model({ nodes: this.nodes, inputs, outputs, initializers: [...this.initializers.values()] });
    return { bytes: encodeModel(written), names };
  }

  private isFed(expression: Expression): boolean {
    const name = this.name(expression);
    return expression.operation.name === 'input' || name in this.fed;
  }

  private name(expression: Expression): string {
    const name = this.names.get(expression);
    assert(name !== undefined, () => `${describe(expression)} is used before it is written`);
    return name;
  }

  private node(operator: string, inputs: readonly string[], attributes?: Readonly<Record<string, Attribute>>): string {
    const output = `v${this.nodes.length}`;
    const values = Object.entries(attributes ?? {}).map(([name, value]): [string, AttributeValue] => {
      return [name, typeof value === 'number' ? { int: value } : { ints: value }];
    });
    this.nodes.push(node(operator, inputs, [output], Object.fromEntries(values)));
    return output;
  }

  /** An initializer of integers, shared between equal short ones. */
  private integers(values: readonly number[] | Int32Array): string {
    const key = values.length <= 16 ? `i${values.join('_').replaceAll('-', 'm')}` : `i#${this.initializers.size}`;
    if (!this.initializers.has(key)) this.initializers.set(key, integers(key, [...values]));
    return key;
  }

  private writeOne(expression: Expression, kernels: ReadonlySet<Expression>): string {
    const { operation } = expression;
    const args = expression.arguments.map(each => this.name(each));
    switch (operation.name) {
      case 'input': {
        const shape = this.inputs.get(operation.label);
        assert(shape === undefined, () => `two inputs are labelled '${operation.label}'`);
        this.inputs.set(operation.label, expression.shape);
        return operation.label;
      }
      case 'constant': {
        const name = `c${this.initializers.size + Object.keys(this.fed).length}`;
        const { type, shape } = expression;
        const { data } = operation;
        if (data.length > this.feedAbove && !kernels.has(expression)) this.fed[name] = { type, shape, data } as Value;
        else this.initializers.set(name, tensor(name, shape, data));
        return name;
      }
      case 'StopGradient':
        return args[0];
      case 'MatMul':
        return this.matmul(expression, operation.transposeA, operation.transposeB);
      case 'Conv': {
        const { strides, dilations, pads, groups: group } = operation.geometry;
        return this.node('Conv', args, { strides, dilations, pads, group });
      }
      case 'ConvTranspose': {
        const { strides, dilations, pads, groups: group } = operation.geometry;
        return this.node('ConvTranspose', args, {
          strides,
          dilations,
          pads,
          group,
          output_padding: operation.outputPadding,
        });
      }
      case 'ReduceSum':
        return this.node('ReduceSum', [...args, this.integers(operation.axes)], { keepdims: 1 });
      case 'ReduceMax':
        return this.node('ReduceMax', args, { axes: operation.axes, keepdims: 1 });
      case 'Transpose':
        return this.node('Transpose', args, { perm: operation.permutation });
      case 'Concat':
        return this.node('Concat', args, { axis: operation.axis });
      case 'Slice': {
        const places = [[operation.start], [operation.end], [operation.axis]].map(each => this.integers(each));
        return this.node('Slice', [...args, ...places]);
      }
      case 'Pad': {
        const rank = expression.shape.length;
        const pads = new Array<number>(2 * rank).fill(0);
        pads[operation.axis] = operation.before;
        pads[rank + operation.axis] = operation.after;
        return this.node('Pad', [...args, this.integers(pads)]);
      }
      case 'Gather':
        return this.node('Gather', [...args, this.integers(operation.indices)], { axis: operation.axis });
      case 'Reshape':
      case 'Expand':
        return this.node(operation.name, [...args, this.integers(expression.shape)]);
      default:
        return this.node(operation.name, args);
    }
  }

  /** Two matrices are one Gemm; more axes need their transposes written out. */
  private matmul(expression: Expression, transposeA: boolean, transposeB: boolean): string {
    const flags = [transposeA, transposeB];
    const names = expression.arguments.map(each => this.name(each));
    if (expression.arguments.every(each => each.shape.length === 2) && (transposeA || transposeB)) {
      return this.node('Gemm', names, { transA: Number(transposeA), transB: Number(transposeB) });
    }
    const operands = expression.arguments.map((each, k) => {
      if (!flags[k]) return names[k];
      const rank = each.shape.length;
      const perm = each.shape.map((_, axis) => (axis < rank - 2 ? axis : axis === rank - 2 ? rank - 1 : rank - 2));
      return this.node('Transpose', [names[k]], { perm });
    });
    return this.node('MatMul', operands);
  }
}

function isConvolution(expression: Expression): boolean {
  return expression.operation.name === 'Conv' || expression.operation.name === 'ConvTranspose';
}
