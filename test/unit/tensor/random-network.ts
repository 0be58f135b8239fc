import { Random } from '../../../src/base/random';
import type { ConvNode, Network, NetworkNode } from '../../../src/network/network';

/** Small random networks of every node kind, and a plain evaluation of them to compare with. */

type Draft<N> = N extends NetworkNode ? Omit<N, 'id' | 'name'> : never;

const EXACT = { relativeError: 0, biasError: null };

class Builder {
  readonly nodes: NetworkNode[] = [];
  constructor(readonly random: Random) {}

  push(draft: Draft<NetworkNode>): number {
    const id = this.nodes.length;
    this.nodes.push({ ...draft, id, name: `${draft.kind}_${id}` } as NetworkNode);
    return id;
  }

  normals(count: number, scale: number): Float64Array {
    return Float64Array.from({ length: count }, () => Math.fround(scale * this.random.normal()));
  }

  dense(input: number, size: number): number {
    const inner = this.nodes[input].size;
    const weight = this.normals(size * inner, 1 / Math.sqrt(inner));
    return this.push({
      kind: 'dense',
      inputs: [input],
      size,
      shape: [size],
      weight,
      bias: this.normals(size, 0.2),
      ...EXACT,
    });
  }

  conv(input: number, channels: number): number {
    const { random } = this;
    const [c, h, w] = this.nodes[input].shape;
    const kernel: [number, number] = [1 + random.integer(Math.min(3, h)), 1 + random.integer(Math.min(3, w))];
    const strides: [number, number] = [1 + random.integer(2), 1 + random.integer(2)];
    const dilations: [number, number] = [1, 1];
    const pads: [number, number, number, number] = [
      random.integer(2),
      random.integer(2),
      random.integer(2),
      random.integer(2),
    ];
    const groups = c % 2 === 0 && channels % 2 === 0 ? 1 + random.integer(2) : 1;
    const out = (k: 0 | 1, length: number) => Math.floor((length + pads[k] + pads[k + 2] - kernel[k]) / strides[k]) + 1;
    const outputShape: [number, number, number] = [channels, out(0, h), out(1, w)];
    const taps = (c / groups) * kernel[0] * kernel[1];
    return this.push({
      kind: 'conv',
      inputs: [input],
      size: outputShape[0] * outputShape[1] * outputShape[2],
      shape: outputShape,
      weight: this.normals(channels * taps, 1 / Math.sqrt(taps)),
      bias: this.normals(channels, 0.2),
      inputShape: [c, h, w],
      outputShape,
      kernel,
      strides,
      dilations,
      pads,
      groups,
      ...EXACT,
    });
  }

  activation(input: number, kinds: readonly ('relu' | 'leakyRelu' | 'sigmoid' | 'tanh')[]): number {
    const kind = kinds[this.random.integer(kinds.length)];
    const { size, shape } = this.nodes[input];
    return this.push({ kind, inputs: [input], size, shape, slope: kind === 'leakyRelu' ? 0.1 : 0 });
  }

  scale(input: number): number {
    const { size, shape } = this.nodes[input];
    return this.push({
      kind: 'scale',
      inputs: [input],
      size,
      shape,
      scale: this.normals(size, 1),
      bias: this.normals(size, 0.2),
      ...EXACT,
    });
  }

  /** Windows of one to three neighbours. */
  windows(input: number, size: number): { rowStart: Int32Array; column: Int32Array } {
    const rows = Array.from({ length: size }, () => {
      const first = this.random.integer(this.nodes[input].size);
      return [0, 1, 2].slice(0, 1 + this.random.integer(3)).map(k => (first + k) % this.nodes[input].size);
    });
    const rowStart = Int32Array.from([0, ...rows.map((_, r) => rows.slice(0, r + 1).flat().length)]);
    return { rowStart, column: Int32Array.from(rows.flat()) };
  }

  sparse(input: number, size: number): number {
    const rows = this.windows(input, size);
    const value = this.normals(rows.column.length, 1);
    return this.push({
      kind: 'sparse',
      inputs: [input],
      size,
      shape: [size],
      ...rows,
      value,
      bias: this.normals(size, 0.1),
      ...EXACT,
    });
  }

  maxPool(input: number, size: number): number {
    return this.push({ kind: 'maxPool', inputs: [input], size, shape: [size], ...this.windows(input, size) });
  }
}

export type Kinds = readonly ('relu' | 'leakyRelu' | 'sigmoid' | 'tanh')[];

/** A network with a convolution, residual sum, concatenation, constant, scaling, sparse map and max pooling; the seed draws the details. */
export function randomNetwork(
  seed: number,
  kinds: Kinds = ['relu', 'leakyRelu', 'sigmoid', 'tanh'],
  outputs = 3,
): Network {
  const b = new Builder(new Random(seed));
  const input = b.push({ kind: 'input', inputs: [], size: 18, shape: [2, 3, 3] });
  const first = b.activation(b.conv(b.scale(input), 2), kinds);
  const left = b.activation(b.dense(first, 6), kinds);
  const right = b.dense(left, 6);
  const sum = b.push({ kind: 'add', inputs: [right, left], size: 6, shape: [6], coefficients: [1, -0.5] });
  const pooled = b.maxPool(b.activation(sum, kinds), 5);
  const constant = b.push({ kind: 'constant', inputs: [], size: 2, shape: [2], bias: b.normals(2, 1), ...EXACT });
  const joined = b.push({ kind: 'concat', inputs: [pooled, constant, right], size: 13, shape: [13] });
  b.dense(b.activation(b.sparse(joined, 7), kinds), outputs);
  const tensor = (name: string, size: number) => ({ name, shape: [1, size], type: 'float32', offset: 0, size });
  return {
    nodes: b.nodes,
    inputs: [tensor('x', 18)],
    outputs: [tensor('y', outputs)],
    inputSize: 18,
    outputSize: outputs,
    trailing: 'none',
  };
}

/** A network whose activations read the input, and one another, without anything affine between. */
export function stackedActivations(seed: number): Network {
  const b = new Builder(new Random(seed));
  const input = b.push({ kind: 'input', inputs: [], size: 4, shape: [4] });
  const first = b.activation(b.activation(input, ['relu']), ['tanh']);
  b.dense(b.activation(b.dense(b.activation(first, ['sigmoid']), 5), ['relu']), 3);
  const tensor = (name: string, size: number) => ({ name, shape: [1, size], type: 'float32', offset: 0, size });
  return {
    nodes: b.nodes,
    inputs: [tensor('x', 4)],
    outputs: [tensor('y', 3)],
    inputSize: 4,
    outputSize: 3,
    trailing: 'none',
  };
}

/** Values of every node on one input, in float64. */
export function evaluate(network: Network, x: ArrayLike<number>): Float64Array[] {
  const values: Float64Array[] = [];
  for (const node of network.nodes)
    values.push(
      evaluateNode(
        node,
        node.inputs.map(id => values[id]),
        x,
      ),
    );
  return values;
}

export function activate(kind: 'relu' | 'leakyRelu' | 'sigmoid' | 'tanh', slope: number, x: number): number {
  if (kind === 'sigmoid') return 1 / (1 + Math.exp(-x));
  if (kind === 'tanh') return Math.tanh(x);
  return x > 0 ? x : slope * x;
}

export function evaluateNode(node: NetworkNode, inputs: Float64Array[], x: ArrayLike<number>): Float64Array {
  const [a] = inputs;
  const each = (f: (i: number) => number) => Float64Array.from({ length: node.size }, (_, i) => f(i));
  switch (node.kind) {
    case 'input':
      return Float64Array.from(x);
    case 'constant':
      return node.bias;
    case 'dense':
      return each(i => a.reduce((sum, v, k) => sum + node.weight[i * a.length + k] * v, node.bias?.[i] ?? 0));
    case 'conv':
      return convolve(node, a);
    case 'scale':
      return each(i => (node.scale?.[i] ?? 1) * a[i] + (node.bias?.[i] ?? 0));
    case 'sparse':
    case 'maxPool':
      return each(i => {
        const window = Array.from({ length: node.rowStart[i + 1] - node.rowStart[i] }, (_, k) => node.rowStart[i] + k);
        if (node.kind === 'maxPool') return Math.max(...window.map(k => a[node.column[k]]));
        return window.reduce((sum, k) => sum + (node.value?.[k] ?? 1) * a[node.column[k]], node.bias?.[i] ?? 0);
      });
    case 'add':
      return each(i => inputs.reduce((sum, v, k) => sum + node.coefficients[k] * v[i], 0));
    case 'concat':
      return Float64Array.from(inputs.flatMap(v => [...v]));
    default:
      return each(i => activate(node.kind, node.slope, a[i]));
  }
}

function convolve(node: ConvNode, a: Float64Array): Float64Array {
  const [channels, height, width] = node.inputShape;
  const [outputs, rows, columns] = node.outputShape;
  const perGroup = channels / node.groups;
  const y = new Float64Array(node.size);
  for (let o = 0; o < outputs; o++)
    for (let r = 0; r < rows; r++)
      for (let q = 0; q < columns; q++) {
        let sum = node.bias?.[o] ?? 0;
        const group = Math.floor(o / (outputs / node.groups));
        for (let c = 0; c < perGroup; c++)
          for (let u = 0; u < node.kernel[0]; u++)
            for (let v = 0; v < node.kernel[1]; v++) {
              const i = r * node.strides[0] - node.pads[0] + u * node.dilations[0];
              const j = q * node.strides[1] - node.pads[1] + v * node.dilations[1];
              if (i < 0 || j < 0 || i >= height || j >= width) continue;
              sum +=
                node.weight[((o * perGroup + c) * node.kernel[0] + u) * node.kernel[1] + v] *
                a[((group * perGroup + c) * height + i) * width + j];
            }
        y[(o * rows + r) * columns + q] = sum;
      }
  return y;
}
