import { ok, problem, type Result } from '../base/result';
import { node } from '../network/authoring';
import { decodeModel, encodeModel } from '../network/codec';
import { loadModelBytes, readModelFile } from '../network/load';
import type { ModelProto, NodeProto, TensorProto } from '../network/proto/onnx';
import type { Graft, GraftedNetwork } from '../train/grafted-network';
import { rectifiers } from './neurons';
import { PARTS } from './write-model';

/**
 * Reads a model that `writeGraftedModel` wrote as what it was: a network and its linear neurons. Any other model is a network without linear neurons. Errors:
 * those of `loadModel`, and `graft/damaged` when the parts of a layer do not fit together.
 */
export function readGraftedModel(file: string): Result<GraftedNetwork> {
  const bytes = readModelFile(file);
  return bytes.ok ? readGraftedBytes(bytes.value, file) : bytes;
}

/** The same from bytes at hand; `file` says where they are from. */
export function readGraftedBytes(bytes: Uint8Array, file: string): Result<GraftedNetwork> {
  const decoded = decodeModel(bytes, file);
  if (!decoded.ok) return decoded;
  const layers = graftedLayers(decoded.value);
  if (layers.length === 0) {
    const loaded = loadModelBytes(bytes, file);
    return loaded.ok ? ok({ network: loaded.value.network, grafts: new Map() }) : loaded;
  }
  const damaged = (name: string): { ok: false; error: { code: string; message: string } } =>
    problem(
      'graft/damaged',
      `${file}: the linear neurons of layer "${name}" cannot be made out; save the grafted model again.`,
      { file },
    );
  const broken = layers.find(layer => !layer.input || !layer.output);
  if (broken) return damaged(broken.name);
  const loaded = loadModelBytes(encodeModel(withoutGrafts(decoded.value, layers)), file);
  if (!loaded.ok) return loaded;
  const { network } = loaded.value;
  const grafts = new Map<number, Graft>();
  for (const layer of layers) {
    const relu = rectifiers(network).find(({ name }) => name === layer.name);
    const graft = relu && graftOf(layer, relu.size);
    if (!relu || !graft) return damaged(layer.name);
    grafts.set(relu.id, graft);
  }
  return ok({ network, grafts });
}

interface GraftedLayer {
  readonly name: string;
  readonly slope: TensorProto;
  readonly intercept: TensorProto | undefined;
  readonly linearUnits: TensorProto | undefined;
  /** The value that the layer reads, and the one that it makes. */
  readonly input: string | undefined;
  readonly output: string | undefined;
}

function graftedLayers({ graph }: ModelProto): GraftedLayer[] {
  if (!graph) return [];
  const initializer = new Map(graph.initializer.map(each => [each.name, each]));
  const named = new Map(graph.node.map(each => [each.name, each]));
  const ending = `/${PARTS.slope}`;
  return graph.initializer.flatMap((slope): GraftedLayer[] => {
    if (!slope.name.endsWith(ending)) return [];
    const name = slope.name.slice(0, -ending.length);
    const part = (what: string): TensorProto | undefined => initializer.get(`${name}/${what}`);
    const step = (what: string): NodeProto | undefined => named.get(`${name}/${what}`);
    const intercept = part(PARTS.intercept);
    if (!intercept && !step('shift')) return [];
    const first = step(`take_${PARTS.linearUnits}`) ?? step('scale');
    const last = step(`take_${PARTS.order}`) ?? step('shift');
    const linearUnits = part(PARTS.linearUnits);
    return [{ name, slope, intercept, linearUnits, input: first?.input[0], output: last?.output[0] }];
  });
}

/** The model with one Relu in place of the parts of each layer. */
function withoutGrafts(model: ModelProto, layers: readonly GraftedLayer[]): ModelProto {
  const graph = model.graph!;
  const ofOutput = new Map(layers.map(layer => [layer.output, layer]));
  const nodes = graph.node.flatMap(each => {
    const layer = each.output.map(name => ofOutput.get(name)).find(found => found);
    if (layer) return [node('Relu', [layer.input!], [layer.output!], {}, layer.name)];
    return layers.some(({ name }) => each.name === name || each.name.startsWith(`${name}/`)) ? [] : [each];
  });
  return { ...model, graph: { ...graph, node: nodes } };
}

function graftOf({ slope, intercept, linearUnits }: GraftedLayer, size: number): Graft | null {
  const slopes = floatsOf(slope);
  const intercepts = intercept && floatsOf(intercept);
  const units = linearUnits ? wholeOf(linearUnits) : Array.from({ length: size }, (_, i) => i);
  if (slopes.length === 0 || intercepts?.length !== slopes.length || units.length !== slopes.length) return null;
  if (units.some(unit => !(unit >= 0 && unit < size))) return null;
  const graft = { mask: new Uint8Array(size), slope: new Float64Array(size), intercept: new Float64Array(size) };
  units.forEach((unit, k) => {
    graft.mask[unit] = 1;
    graft.slope[unit] = slopes[k];
    graft.intercept[unit] = intercepts[k];
  });
  return graft;
}

function floatsOf({ rawData }: TensorProto): Float32Array {
  return new Float32Array(copied(rawData, 4));
}

function wholeOf({ rawData }: TensorProto): number[] {
  return Array.from(new BigInt64Array(copied(rawData, 8)), Number);
}

/** Whole elements in memory of their own: where the file's bytes lie, elements need not be aligned. */
function copied(bytes: Uint8Array, width: number): ArrayBuffer {
  const copy = new Uint8Array(width * Math.floor(bytes.length / width));
  copy.set(bytes.subarray(0, copy.length));
  return copy.buffer;
}
