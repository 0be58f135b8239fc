import { assert } from '../base/assert';
import { Random } from '../base/random';
import { input, sizeOf, type Expression } from '../tensor/expression';
import { conv, dense } from '../tensor/linear';
import { add, relu, reshape } from '../tensor/operators';

/** Small classifiers: which layers they have, their parameters, and their logits as an expression. */

export type Layer =
  | { readonly kind: 'dense'; readonly size: number }
  | {
      readonly kind: 'conv';
      readonly channels: number;
      readonly kernel: number;
      readonly stride: number;
      readonly pad: number;
    }
  | { readonly kind: 'relu' };

export interface Architecture {
  /** Channels, height, width of one input. */
  readonly inputShape: readonly [number, number, number];
  /** From the input to the logits. Before a dense layer the values are flattened. */
  readonly layers: readonly Layer[];
}

/** One array of numbers that training changes. */
export interface Parameter {
  /** `NAME.weight` or `NAME.bias`, NAME as the layer is called in the exported file. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A layer with its name and the shape of its values, batch left out. */
export interface NamedLayer {
  readonly layer: Layer;
  readonly name: string;
  readonly shape: readonly number[];
}

/** Layers with names like `fc_1`, `conv_2`, `relu_1` (counted by kind) and checked shapes. */
export function nameLayers({ inputShape, layers }: Architecture): NamedLayer[] {
  const counts = { dense: 0, conv: 0, relu: 0 };
  let shape: readonly number[] = inputShape;
  return layers.map(layer => {
    const name = `${layer.kind === 'dense' ? 'fc' : layer.kind}_${++counts[layer.kind]}`;
    if (layer.kind === 'dense') shape = [layer.size];
    if (layer.kind === 'conv') {
      assert(shape.length === 3, () => `${name} comes after a dense layer`);
      const lengths = shape
        .slice(1)
        .map(length => Math.floor((length + 2 * layer.pad - layer.kernel) / layer.stride) + 1);
      shape = [layer.channels, ...lengths];
    }
    return { layer, name, shape };
  });
}

/** Shapes of a layer's weight, from the shape of what it reads; null for a layer without parameters. */
function weightShape(layer: Layer, below: readonly number[]): readonly number[] | null {
  if (layer.kind === 'dense') return [layer.size, sizeOf(below)];
  if (layer.kind === 'conv') return [layer.channels, below[0], layer.kernel, layer.kernel];
  return null;
}

/** Parameters to begin with: weights normal with variance 2/fan-in (He et al.), biases 0. */
export function initialParameters(architecture: Architecture, seed: number): Parameter[] {
  const random = new Random(seed, 0x1417);
  let below: readonly number[] = architecture.inputShape;
  return nameLayers(architecture).flatMap(({ layer, name, shape }) => {
    const weight = weightShape(layer, below);
    below = shape;
    if (!weight) return [];
    const scale = Math.sqrt(2 / sizeOf(weight.slice(1)));
    const data = Float32Array.from({ length: sizeOf(weight) }, () => scale * random.normal());
    return [
      { name: `${name}.weight`, shape: weight, data },
      { name: `${name}.bias`, shape: [weight[0]], data: new Float32Array(weight[0]) },
    ];
  });
}

/** The logits of a batch of flat inputs [batch, size], with every parameter an input of the same label; and those inputs by label. */
export function logits(
  architecture: Architecture,
  parameters: readonly Parameter[],
  x: Expression,
): { logits: Expression; variables: Map<string, Expression> } {
  const variables = new Map(parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const of = (name: string): Expression => {
    const variable = variables.get(name);
    assert(variable, () => `no parameter '${name}'`);
    return variable;
  };
  const [batch] = x.shape;
  let value = reshape(x, [batch, ...architecture.inputShape]);
  for (const { layer, name, shape } of nameLayers(architecture)) {
    if (layer.kind === 'relu') value = relu(value);
    else if (layer.kind === 'dense') {
      value = dense(reshape(value, [batch, sizeOf(value.shape.slice(1))]), of(`${name}.weight`), of(`${name}.bias`));
    } else {
      const { stride, pad } = layer;
      const geometry = { strides: [stride, stride], dilations: [1, 1], pads: [pad, pad, pad, pad], groups: 1 } as const;
      value = add(conv(value, of(`${name}.weight`), geometry), reshape(of(`${name}.bias`), [shape[0], 1, 1]));
    }
  }
  return { logits: value, variables };
}
