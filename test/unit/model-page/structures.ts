import type { ModelStructure } from '../../../src/engine/protocol';

/** One operator call of a made-up model: its name, operator, and the calls (by place) that it reads; −1 is the model's input. */
export interface Call {
  readonly name: string;
  readonly operator: string;
  readonly reads: readonly number[];
  readonly weight?: string;
  readonly supported?: boolean;
}

/** A structure as the engine would tell it. Calls that nobody reads lead to outputs. */
export function structureOf(calls: readonly Call[]): ModelStructure {
  const value = (place: number): string => (place < 0 ? 'x' : `v${place}`);
  const read = new Set(calls.flatMap(({ reads }) => reads));
  const shape = [1, 8, 4, 4];
  const boundary = (name: string) => ({ name, type: 'float32', shape, fixedShape: shape });
  const weights = [...new Set(calls.flatMap(({ weight }) => weight ?? []))];
  return {
    info: {
      path: 'made-up.onnx',
      fileSize: 1000,
      irVersion: 8,
      opset: 17,
      opsets: [{ domain: '', version: 17 }],
      producer: '',
      inputs: [boundary('x')],
      outputs: calls.flatMap((_, k) => (read.has(k) ? [] : [boundary(value(k))])),
      operators: [],
      nodes: calls.map(({ name, operator, reads, weight, supported = true }, k) => ({
        name,
        opType: operator,
        domain: '',
        inputs: [...reads.map(value), ...(weight ? [weight] : [])],
        outputs: [{ name: value(k), shape }],
        parameters: weight ? 64 : 0,
        supported,
        reason: supported ? null : 'this operator is not supported',
      })),
      parameterCount: 64 * weights.length,
      parameterTypes: [],
      externalData: [],
      supported: true,
      problem: null,
    },
    details: calls.map(() => ({ opset: 17, attributes: [], outputTypes: ['float32' as const] })),
    tensors: weights.map(name => ({ name, type: 'float32', shape: [8, 8], bytes: 256, location: null, values: null })),
  };
}

/** A chain of residual units of five calls each, with paths in their names or without. */
export function residual(units: number, named: boolean): Call[] {
  return Array.from({ length: units }, (_, unit): Call[] => {
    const first = 5 * unit;
    const scope = named ? `/stage${Math.floor(unit / 8)}/unit${unit}` : '';
    const call = (name: string, operator: string, reads: number[], weight?: string): Call => ({
      name: named ? `${scope}/${name}` : `${operator}_${first}`,
      operator,
      reads,
      ...(weight ? { weight } : {}),
    });
    return [
      call('conv1/Conv', 'Conv', [first - 1], `w${unit}`),
      call('relu/Relu', 'Relu', [first]),
      call('conv2/Conv', 'Conv', [first + 1], `u${unit}`),
      call('Add', 'Add', [first + 2, first - 1]),
      call('relu_1/Relu', 'Relu', [first + 3]),
    ];
  }).flat();
}
