import { Draft } from './draft';
import type { ExternalData } from './external-data';
import type { Graph } from './graph';
import { type Inference, operationOf } from './infer';
import type { TensorInfo } from './network';
import type { Value } from './operation';
import { operators } from './operators';
import { sizeOf } from './tensor';
import { counting } from './index-maps';

/** A draft of the whole network, and what its flat input and output vectors consist of. */
export interface Lowered {
  readonly draft: Draft;
  readonly output: number;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
}

/** Builds the draft of a graph in which every node is supported. */
export function lower(graph: Graph, { values }: Inference, external: ExternalData): Lowered {
  const inputs = tensorInfos(graph.inputs);
  const inputSize = inputs.reduce((sum, input) => sum + input.size, 0);
  const draft = new Draft(inputSize);
  const ids = new Map<string, number>();
  for (const { name, shape, offset, size } of inputs)
    ids.set(
      name,
      inputs.length === 1 ? 0 : draft.view(0, shape, name, { map: counting(size).map(index => index + offset) }),
    );

  for (const node of graph.nodes) {
    const outputs = node.outputs.map(name => values.get(name)!);
    if (outputs.every(output => output === undefined || output.constant)) continue;
    const operation = operationOf(
      node,
      graph,
      external,
      values,
      outputs,
      node.inputs.map(name => ids.get(name) ?? -1),
    );
    operators
      .get(node.opType)!
      .lower(operation, draft)
      .forEach((id, index) => ids.set(node.outputs[index], id));
  }

  const results = graph.outputs.map(name => values.get(name)!);
  const outputIds = results.map(value =>
    value.constant ? draft.constant(value.constant, value.name) : ids.get(value.name)!,
  );
  // An ArgMax that was taken off the end leaves the values it compares as the output.
  const outputs = tensorInfos(results).map(info => {
    const { size, shape } = draft.trailing === 'argmax' ? draft.nodes[outputIds[0]] : info;
    return { ...info, size, shape };
  });
  const total = outputs.reduce((sum, output) => sum + output.size, 0);
  const output = outputIds.length === 1 ? outputIds[0] : draft.concat(outputIds, [total], 'outputs');
  return { draft, output, inputs, outputs };
}

function tensorInfos(values: readonly Pick<Value, 'name' | 'shape' | 'type'>[]): TensorInfo[] {
  let offset = 0;
  return values.map(({ name, shape, type }) => {
    const info = { name, shape, type, offset, size: sizeOf(shape) };
    offset += info.size;
    return info;
  });
}
