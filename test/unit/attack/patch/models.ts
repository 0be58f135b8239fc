import { model, node, tensor, valueInfo } from '../../../../src/network/authoring';
import { encodeModel } from '../../../../src/network/codec';
import { loadModelBytes, type LoadedModel } from '../../../../src/network/load';
import type { OutputConstraint } from '../../../../src/attack/patch/output-constraint';

export interface DenseLayer {
  /** Row by row, one row an output. */
  readonly weight: readonly (readonly number[])[];
  readonly bias?: readonly number[];
}

/** How a layer's matrix lies in the file. */
export type Storage = 'gemm' | 'gemm transposed' | 'matmul' | 'constant first';

/** A ReLU network of these layers, loaded from the ONNX file it makes. Layers are called fc_1, fc_2, …. */
export function denseModel(layers: readonly DenseLayer[], storage: Storage = 'gemm', alpha = 1): LoadedModel {
  const initializers = [];
  const nodes = [];
  const columns = storage === 'constant first';
  const shape = (size: number): number[] => (columns ? [size, 1] : [1, size]);
  let value = 'x';
  for (const [k, { weight, bias }] of layers.entries()) {
    const [outputs, inputs] = [weight.length, weight[0].length];
    const name = `fc_${k + 1}`;
    const byOutput = storage === 'gemm' || columns;
    const data = new Float32Array(outputs * inputs);
    weight.forEach((row, i) =>
      row.forEach(
        (w, j) => (data[byOutput ? i * inputs + j : j * outputs + i] = w / (storage.startsWith('gemm') ? alpha : 1)),
      ),
    );
    initializers.push(tensor(`w_${k}`, byOutput ? [outputs, inputs] : [inputs, outputs], data));
    const sum = `y_${k}`;
    const operands = columns ? [`w_${k}`, value] : [value, `w_${k}`];
    if (storage.startsWith('gemm'))
      nodes.push(
        node('Gemm', operands, [`p_${k}`], { transB: { int: byOutput ? 1 : 0 }, alpha: { float: alpha } }, name),
      );
    else nodes.push(node('MatMul', operands, [`p_${k}`], {}, name));
    initializers.push(tensor(`b_${k}`, shape(outputs), Float32Array.from(bias ?? weight.map(() => 0))));
    nodes.push(node('Add', [`p_${k}`, `b_${k}`], [sum], {}, `add_${k + 1}`));
    value = sum;
    if (k + 1 === layers.length) break;
    nodes.push(node('Relu', [sum], [`z_${k}`], {}, `relu_${k + 1}`));
    value = `z_${k}`;
  }
  const bytes = encodeModel(
    model({
      nodes,
      initializers,
      inputs: [valueInfo('x', 'float32', shape(layers[0].weight[0].length))],
      outputs: [valueInfo(value, 'float32', shape(layers[layers.length - 1].weight.length))],
    }),
  );
  const loaded = loadModelBytes(bytes, 'generated.onnx');
  if (!loaded.ok) throw new Error(loaded.error.message);
  return loaded.value;
}

/** y_small ≤ y_large. */
export function atMost(small: number, large: number): OutputConstraint {
  return { outputs: { index: Int32Array.of(small, large), value: Float64Array.of(1, -1) }, bound: 0 };
}

/** The value of a result that must be one. */
export function must<T>(result: { ok: true; value: T } | { ok: false; error: { message: string } }): T {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}
