import { assert } from '../../base/assert';
import { ok, problem, type Result } from '../../base/result';
import { tensor, valueInfo } from '../../network/authoring';
import { decodeModel, encodeModel } from '../../network/codec';
import { elementTypeOf } from '../../network/element-type';
import { loadModelBytes, type LoadedModel } from '../../network/load';
import type { DenseNode } from '../../network/network';
import type { ModelProto, NodeProto } from '../../network/proto/onnx';
import type { WeightPatch } from './minimal-modification';

/** The ONNX file of a patched model, and what float32 left of the patch. */
export interface PatchedModel {
  /** The file; weights that the original keeps in files beside it stay there, so it belongs into the same folder. */
  readonly bytes: Uint8Array;
  readonly model: LoadedModel;
  /** Per patch, the change that was really made: differences of stored weights. */
  readonly stored: readonly WeightPatch[];
}

/**
 * Writes changed weights into a copy of the model's file. Each layer gets a tensor of its own, so that weights shared with another layer change in this
 * layer alone. Errors: `patch/weights-computed` when the layer's weights cannot be replaced (they are computed inside of the file, or of a type other than float32 and
 * float64), `patch/layer-unknown`.
 */
export function patchedModel(model: LoadedModel, patches: readonly WeightPatch[]): Result<PatchedModel> {
  const decoded = decodeModel(model.bytes, model.path);
  if (!decoded.ok) return decoded;
  const wanted = patches.map(patch => {
    const node = denseNode(model, patch.layer);
    return node && { patch, node, weights: node.weight.map((w, k) => w + patch.change[k]) };
  });
  for (const [k, each] of wanted.entries()) {
    if (!each) return unknownLayer(model, patches[k].layer);
    const refused = replaceWeights(decoded.value, each.node, each.weights, model.path);
    if (refused) return refused;
  }
  const bytes = encodeModel(decoded.value);
  const reloaded = loadModelBytes(bytes, model.path);
  if (!reloaded.ok) return reloaded;
  const stored: WeightPatch[] = [];
  for (const each of wanted) {
    assert(each, () => 'unknown layers have been refused');
    const after = denseNode(reloaded.value, each.patch.layer);
    // The file decides how the layer reads its tensor; what it reads now is compared with what was meant.
    const isMeant = after?.weight.every(
      (w, k) => Math.abs(w - each.weights[k]) <= 2 ** -22 * Math.abs(each.weights[k]) + 1e-37,
    );
    if (!after || !isMeant) return computedWeights(model.path, each.patch.layer);
    stored.push({ ...each.patch, change: after.weight.map((w, k) => w - each.node.weight[k]) });
  }
  return ok({ bytes, model: reloaded.value, stored });
}

function denseNode(model: LoadedModel, name: string): DenseNode | undefined {
  return model.written.nodes.find((node): node is DenseNode => node.kind === 'dense' && node.name === name);
}

function unknownLayer(model: LoadedModel, layer: string): ReturnType<typeof problem> {
  return problem('patch/layer-unknown', `${model.path} has no fully connected layer "${layer}".`, { file: model.path });
}

function computedWeights(file: string, layer: string): ReturnType<typeof problem> {
  return problem(
    'patch/weights-computed',
    `The weights of "${layer}" in ${file} are no tensor of float32 or float64 that could be replaced; export the model with its weights as plain initializers.`,
    { file },
  );
}

function replaceWeights(
  model: ModelProto,
  node: DenseNode,
  weights: Float64Array,
  file: string,
): ReturnType<typeof problem> | null {
  const graph = model.graph;
  assert(graph, () => 'a model that was loaded has a graph');
  const call = graph.node.find((each, k) => (each.name === '' ? `${each.opType}_${k}` : each.name) === node.name);
  const at = call?.input.findIndex(name => graph.initializer.some(each => each.name === name)) ?? -1;
  const before = graph.initializer.find(each => each.name === call?.input[at]);
  const type = before && elementTypeOf(before.dataType);
  if (!call || !before || at > 1 || (type !== 'float32' && type !== 'float64')) return computedWeights(file, node.name);
  const inputs = weights.length / node.size;
  const isByOutput = layoutOf(call, at) === 'outputs×inputs';
  const scale = call.attribute.find(each => each.name === 'alpha')?.f ?? 1;
  const data = type === 'float32' ? new Float32Array(weights.length) : new Float64Array(weights.length);
  for (let i = 0; i < node.size; i++)
    for (let j = 0; j < inputs; j++)
      data[isByOutput ? i * inputs + j : j * node.size + i] = weights[i * inputs + j] / scale;
  const name = freshName(model, `${node.name}.patched`);
  graph.initializer.push(tensor(name, before.dims.map(Number), data));
  call.input[at] = name;
  const isRead =
    graph.node.some(each => each.input.includes(before.name)) || graph.output.some(each => each.name === before.name);
  if (!isRead) {
    graph.initializer.splice(graph.initializer.indexOf(before), 1);
    // Older files list initializers among the inputs too: without its value the name would become a real input.
    graph.input = graph.input.filter(each => each.name !== before.name);
  }
  if (model.irVersion < 4n) graph.input.push(valueInfo(name, type, before.dims.map(Number)));
  return null;
}

/** How the constant operand of a Gemm or MatMul holds the layer's matrix. */
function layoutOf(call: NodeProto, operand: number): 'outputs×inputs' | 'inputs×outputs' {
  const isTransposed = call.attribute.find(each => each.name === (operand === 1 ? 'transB' : 'transA'))?.i === 1n;
  return isTransposed === (operand === 1) ? 'outputs×inputs' : 'inputs×outputs';
}

function freshName(model: ModelProto, wish: string): string {
  const graph = model.graph!;
  const taken = new Set([
    ...graph.initializer.map(each => each.name),
    ...graph.node.flatMap(each => [...each.input, ...each.output]),
  ]);
  let name = wish;
  for (let k = 2; taken.has(name); k++) name = `${wish}.${k}`;
  return name;
}
