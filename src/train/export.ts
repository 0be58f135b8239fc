import { integers, model, node, tensor, valueInfo } from '../network/authoring';
import { encodeModel } from '../network/codec';
import { nameLayers, type Architecture, type Parameter } from './architecture';

/**
 * A trained classifier as a plain ONNX file (operator set 13: Conv, Relu, Reshape, Gemm): one image [1, C, H, W] in, its logits [1, classes]
 * out. The same parameters give the same bytes.
 */
export function exportClassifier(architecture: Architecture, parameters: readonly Parameter[]): Uint8Array {
  const nodes: ReturnType<typeof node>[] = [];
  const initializers = parameters.map(({ name, shape, data }) => tensor(name, shape, data));
  const layers = nameLayers(architecture);
  let value = 'image';
  let isFlat = false;
  layers.forEach(({ layer, name }, k) => {
    const output = k === layers.length - 1 ? 'logits' : name;
    if (layer.kind === 'dense' && !isFlat) {
      initializers.push(integers('flat', [1, -1]));
      nodes.push(node('Reshape', [value, 'flat'], ['flattened'], {}, 'flatten'));
      value = 'flattened';
      isFlat = true;
    }
    const inputs = [value, `${name}.weight`, `${name}.bias`];
    if (layer.kind === 'relu') nodes.push(node('Relu', [value], [output], {}, name));
    else if (layer.kind === 'dense') nodes.push(node('Gemm', inputs, [output], { transB: { int: 1 } }, name));
    else {
      const { stride, pad, kernel } = layer;
      const attributes = {
        kernel_shape: { ints: [kernel, kernel] },
        strides: { ints: [stride, stride] },
        pads: { ints: [pad, pad, pad, pad] },
      };
      nodes.push(node('Conv', inputs, [output], attributes, name));
    }
    value = output;
  });
  return encodeModel(
    model({
      nodes,
      inputs: [valueInfo('image', 'float32', [1, ...architecture.inputShape])],
      outputs: [valueInfo('logits', 'float32', [1, ...layers[layers.length - 1].shape])],
      initializers,
      opset: 13,
      irVersion: 7,
      name: 'classifier',
    }),
  );
}
