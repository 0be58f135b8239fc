import { integers, model, node, tensor, valueInfo, type AttributeValue } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import type { Network, NetworkNode } from '../../../src/network/network';

/** The ONNX file of a network of any node kinds: flat values [1, size] between all nodes. Weights must be float32 numbers. */
export function onnxOf(network: Network): Uint8Array {
  const nodes: ReturnType<typeof node>[] = [];
  const initializers: ReturnType<typeof tensor>[] = [];
  let count = 0;
  const fresh = () => `t${count++}`;
  const floats = (shape: number[], values: ArrayLike<number>) => {
    const name = fresh();
    initializers.push(tensor(name, shape, Float32Array.from(values)));
    return name;
  };
  const whole = (values: number[]) => {
    const name = fresh();
    initializers.push(integers(name, values));
    return name;
  };
  const call = (op: string, inputs: string[], attributes: Record<string, AttributeValue> = {}) => {
    const name = fresh();
    nodes.push(node(op, inputs, [name], attributes));
    return name;
  };
  const names: string[] = [];
  const write = (it: NetworkNode): string => {
    const [a] = it.inputs.map(id => names[id]);
    switch (it.kind) {
      case 'input':
        return 'x';
      case 'constant':
        return floats([1, it.size], it.bias);
      case 'dense': {
        const inner = it.weight.length / it.size;
        return call('Gemm', [a, floats([it.size, inner], it.weight), floats([it.size], it.bias!)], {
          transB: { int: 1 },
        });
      }
      case 'conv': {
        const [c] = it.inputShape;
        const image = call('Reshape', [a, whole([1, ...it.inputShape])]);
        const weight = floats([it.outputShape[0], c / it.groups, ...it.kernel], it.weight);
        const y = call('Conv', [image, weight, floats([it.outputShape[0]], it.bias!)], {
          kernel_shape: { ints: it.kernel },
          strides: { ints: it.strides },
          dilations: { ints: it.dilations },
          pads: { ints: it.pads },
          group: { int: it.groups },
        });
        return call('Reshape', [y, whole([1, it.size])]);
      }
      case 'scale': {
        const scaled = it.scale ? call('Mul', [a, floats([1, it.size], it.scale)]) : a;
        return it.bias ? call('Add', [scaled, floats([1, it.size], it.bias)]) : scaled;
      }
      case 'sparse': {
        const inner = network.nodes[it.inputs[0]].size;
        const weight = new Float32Array(inner * it.size);
        for (let i = 0; i < it.size; i++)
          for (let k = it.rowStart[i]; k < it.rowStart[i + 1]; k++)
            weight[it.column[k] * it.size + i] += it.value?.[k] ?? 1;
        const y = call('MatMul', [a, floats([inner, it.size], weight)]);
        return it.bias ? call('Add', [y, floats([1, it.size], it.bias)]) : y;
      }
      case 'add':
        return it.inputs
          .map((id, k) =>
            it.coefficients[k] === 1 ? names[id] : call('Mul', [names[id], floats([1], [it.coefficients[k]])]),
          )
          .reduce((sum, term) => call('Add', [sum, term]));
      case 'concat':
        return call(
          'Concat',
          it.inputs.map(id => names[id]),
          { axis: { int: 1 } },
        );
      case 'maxPool': {
        // The k-th entry of every window; shorter windows repeat their first.
        const longest = Math.max(...Array.from({ length: it.size }, (_, i) => it.rowStart[i + 1] - it.rowStart[i]));
        const parts = Array.from({ length: longest }, (_, k) => {
          const picked = Array.from({ length: it.size }, (_, i) => {
            const at = it.rowStart[i] + k;
            return it.column[at < it.rowStart[i + 1] ? at : it.rowStart[i]];
          });
          return call('Gather', [a, whole(picked)], { axis: { int: 1 } });
        });
        return parts.length === 1 ? parts[0] : call('Max', parts);
      }
      case 'relu':
        return call('Relu', [a]);
      case 'leakyRelu':
        return call('LeakyRelu', [a], { alpha: { float: it.slope } });
      case 'sigmoid':
        return call('Sigmoid', [a]);
      case 'tanh':
        return call('Tanh', [a]);
    }
  };
  for (const it of network.nodes) names.push(write(it));
  const output = names[names.length - 1];
  return encodeModel(
    model({
      nodes,
      initializers,
      inputs: [valueInfo('x', 'float32', [1, network.inputSize])],
      outputs: [valueInfo(output, 'float32', [1, network.outputSize])],
    }),
  );
}
