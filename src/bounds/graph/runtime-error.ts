import { problem, type Result, ok } from '../../base/result';
import { unreachable } from '../../base/assert';
import type { Network, NetworkNode } from '../../network/network';
import { FLOAT32 } from '../tolerances';
import { intervalBounds, type NodeBounds } from './interval';
import { inflate } from '../../base/rounding';
import { PreparedGraph } from './prepared-graph';

/**
 * How far ONNX Runtime's float32 answer can be from the network in exact arithmetic, per output, for every float32 input of the box. `written` is the
 * network without any folding, so that every node rounds where the runtime rounds. Sums are taken in any order, with or without fused multiply-add;
 * each node may round a few times more (`FLOAT32.extraRoundings`) for what the runtime's own optimiser fuses.
 *
 * Refused where no such bound is known: Sigmoid and Tanh (the runtime's approximations promise nothing) and numbers near float32's limits.
 */
export function runtimeError(written: Network, lower: Float64Array, upper: Float64Array): Result<Float64Array> {
  const smooth = written.nodes.find(node => node.kind === 'sigmoid' || node.kind === 'tanh');
  if (smooth)
    return problem(
      'runtime-soundness',
      `"soundness": "runtime" is not available for this network: the error of ONNX Runtime's ${smooth.kind} (node ${smooth.name}) is not known. Use "real".`,
    );
  const graph = new PreparedGraph(written);
  const bounds = intervalBounds(graph, lower, upper);
  const errors: Float64Array[] = [];
  for (const node of written.nodes) errors.push(nodeError(graph, node, bounds, errors));
  const last = errors[errors.length - 1];
  const largest = bounds.upper.reduce(
    (most, values, id) => values.reduce((m, u, i) => Math.max(m, Math.abs(u), Math.abs(bounds.lower[id][i])), most),
    0,
  );
  if (!(largest < FLOAT32.magnitudeLimit) || last.some(error => !(error < FLOAT32.magnitudeLimit)))
    return problem(
      'runtime-soundness',
      '"soundness": "runtime" is not available here: values come too close to the limits of float32 on this region. Use "real".',
    );
  return ok(last);
}

/** γ_n for float32, with room for a few roundings more. */
function gamma32(n: number): number {
  return ((n + FLOAT32.extraRoundings) * FLOAT32.unit) / (1 - (n + FLOAT32.extraRoundings) * FLOAT32.unit);
}

function nodeError(
  graph: PreparedGraph,
  node: NetworkNode,
  bounds: NodeBounds,
  errors: readonly Float64Array[],
): Float64Array {
  const magnitude = (id: number, i: number) =>
    Math.max(Math.abs(bounds.lower[id][i]), Math.abs(bounds.upper[id][i])) + (errors[id]?.[i] ?? 0);
  const each = (f: (i: number) => number) =>
    Float64Array.from({ length: node.size }, (_, i) => inflate(f(i)) + FLOAT32.underflow);
  switch (node.kind) {
    case 'input':
      // The region's points are float32 numbers.
      return new Float64Array(node.size);
    case 'constant':
      return each(i => gamma32(1) * Math.abs(node.bias[i]) + (node.biasError?.[i] ?? 0));
    case 'dense':
    case 'conv':
    case 'scale':
    case 'sparse': {
      const input = node.inputs[0];
      const product = gamma32(graph.maps[node.id]!.forwardTerms + 1) + graph.relativeError(node.id);
      const through = graph.absolute(
        node.id,
        errors[input].map((e, i) => e + product * magnitude(input, i)),
      );
      const bias = graph.bias[node.id];
      const biasError = graph.biasError[node.id];
      return each(i => through[i] + product * Math.abs(bias?.[i] ?? 0) + (biasError?.[i] ?? 0));
    }
    case 'add':
      return each(i =>
        node.inputs.reduce((sum, input, k) => {
          const c = Math.abs(node.coefficients[k]);
          return sum + c * (errors[input][i] + gamma32(node.inputs.length) * magnitude(input, i));
        }, 0),
      );
    case 'concat':
      return Float64Array.from(node.inputs.flatMap(input => Array.from(errors[input])));
    case 'relu':
    case 'leakyRelu': {
      const input = node.inputs[0];
      const steepest = Math.max(1, Math.abs(node.slope));
      return each(
        i => steepest * errors[input][i] + (node.slope === 0 ? 0 : gamma32(1) * steepest * magnitude(input, i)),
      );
    }
    case 'maxPool': {
      const from = errors[node.inputs[0]];
      return each(i => {
        let most = 0;
        for (let k = node.rowStart[i]; k < node.rowStart[i + 1]; k++) most = Math.max(most, from[node.column[k]]);
        return most;
      });
    }
    case 'sigmoid':
    case 'tanh':
      return unreachable(node as never);
    default:
      return unreachable(node);
  }
}
