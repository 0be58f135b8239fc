import { ok, problem, type Result } from '../../base/result';
import type { LoadedModel } from '../../network/load';
import type { Network } from '../../network/network';
import { sourceOf } from '../attacked-model';
import { Replayer } from '../replay';
import {
  closestPatch,
  patchableLayers,
  smallestPatch,
  sizesOf,
  type PatchCase,
  type PatchOptions,
  type PatchOutcome,
  type PatchSizes,
  type WeightPatch,
} from './minimal-modification';
import type { OutputConstraint } from './output-constraint';
import { patchedModel, type PatchedModel } from './patched-model';

/** Patches of a model's file: found, written, and replayed in ONNX Runtime. */

/** What ONNX Runtime says of one input on the patched file. */
export interface PatchReplay {
  readonly output: Float64Array;
  /** The least of bound − outputs·y over the property; +∞ for one without constraints. */
  readonly margin: number;
  readonly holds: boolean;
}

export interface WrittenPatch {
  readonly file: PatchedModel;
  /** Sizes of what the file really changes, in float32, over all its layers. */
  readonly sizes: PatchSizes;
  readonly replays: readonly PatchReplay[];
  /** Every property holds in ONNX Runtime. */
  readonly holds: boolean;
  /** What the properties had to be overfulfilled by, so that they survive float32. */
  readonly slack: number;
}

export interface Modification {
  /** By the slack that was asked for: what is said about smallest patches is said of this one. */
  readonly outcome: PatchOutcome;
  /** Null when there is no patch. */
  readonly written: WrittenPatch | null;
}

/** Slacks that are tried until the patch survives being written in float32, as parts of the largest output. */
const SLACKS = [0, 1e-6, 1e-5, 1e-4, 1e-3];

/**
 * The smallest change of one layer and the patched file. Errors: those of `smallestPatch` and `patchedModel`, and those of ONNX Runtime on the patched file.
 */
export async function modifyLayer(
  model: LoadedModel,
  layer: string,
  cases: readonly PatchCase[],
  options: PatchOptions,
): Promise<Result<Modification>> {
  const unfit = softmaxProblem(model, cases);
  if (unfit) return unfit;
  let asked: PatchOutcome | null = null;
  let written: WrittenPatch | null = null;
  let scale = 1;
  for (const part of SLACKS) {
    const slack = (options.slack ?? 0) + part * scale;
    const outcome = await smallestPatch(model.written, layer, cases, { ...options, slack });
    if (!outcome.ok) return outcome;
    asked ??= outcome.value;
    if (outcome.value.kind !== 'patched') break;
    const replayed = await write(model, [outcome.value.patch], cases, slack);
    if (!replayed.ok) return replayed;
    written = replayed.value;
    if (written.holds) break;
    scale = Math.max(...written.replays.flatMap(({ output }) => Array.from(output, Math.abs)));
  }
  return ok({ outcome: asked!, written });
}

export interface LayerModification extends Modification {
  readonly layer: string;
  readonly seconds: number;
}

/** `modifyLayer` for every fully connected layer, in the model's order. */
export async function compareLayers(
  model: LoadedModel,
  cases: readonly PatchCase[],
  options: PatchOptions,
  onLayer?: (done: LayerModification) => void,
): Promise<Result<LayerModification[]>> {
  const all: LayerModification[] = [];
  for (const { name: layer } of patchableLayers(model.written)) {
    const started = performance.now();
    const modification = await modifyLayer(model, layer, cases, options);
    if (!modification.ok) return modification;
    const done = { layer, ...modification.value, seconds: (performance.now() - started) / 1000 };
    all.push(done);
    onLayer?.(done);
  }
  if (all.length > 0) return ok(all);
  // Says that there is no layer to compare.
  const none = await smallestPatch(model.written, '', cases, options);
  return none.ok ? ok(all) : none;
}

/**
 * Several layers in turn, each patched on top of those before: where a layer alone cannot meet the properties, it comes as close as its limit and its phases let it, and the
 * next one goes on with the phases as they then are. A layer may be named more than once. Smallest is only the last patch, given those before.
 */
export async function modifyInTurn(
  model: LoadedModel,
  layers: readonly string[],
  cases: readonly PatchCase[],
  options: PatchOptions,
): Promise<Result<Modification>> {
  const unfit = softmaxProblem(model, cases);
  if (unfit) return unfit;
  const patches = new Map<string, WeightPatch>();
  let network = model.written;
  let outcome: PatchOutcome = { kind: 'undecided', reason: 'No layers were named.' };
  for (const layer of layers) {
    const solved = await smallestPatch(network, layer, cases, options);
    if (!solved.ok) return solved;
    outcome = solved.value;
    let patch = outcome.kind === 'patched' ? outcome.patch : null;
    if (!patch) {
      const closest = await closestPatch(network, layer, cases, options);
      if (!closest.ok) return closest;
      patch = closest.value;
    }
    if (!patch) break;
    network = withPatch(network, patch);
    const before = patches.get(layer);
    const change = patch.change.map((each, k) => each + (before?.change[k] ?? 0));
    patches.set(layer, { ...patch, change });
    if (outcome.kind === 'patched') {
      const written = await write(model, [...patches.values()], cases, options.slack ?? 0);
      return written.ok ? ok({ outcome, written: written.value }) : written;
    }
  }
  return ok({ outcome, written: null });
}

/** A softmax at the end keeps the order of the outputs and nothing else, and patches are made before it. */
function softmaxProblem(
  { network, path }: LoadedModel,
  cases: readonly PatchCase[],
): ReturnType<typeof problem> | null {
  const isOrder = ({ outputs, bound }: OutputConstraint): boolean =>
    bound === 0 && outputs.index.length === 2 && outputs.value[0] === -outputs.value[1];
  if (network.trailing === 'none' || cases.every(({ property }) => property.every(isOrder))) return null;
  return problem(
    'patch/softmax',
    `${path} ends in a ${network.trailing === 'softmax' ? 'Softmax' : 'ArgMax'}. Properties of its outputs can only say which is the larger of two; patch a file that ends in the logits for others.`,
    { file: path },
  );
}

/** A network with one layer's weights changed. */
export function withPatch(network: Network, { layer, change }: WeightPatch): Network {
  const nodes = network.nodes.map(node =>
    node.kind === 'dense' && node.name === layer ? { ...node, weight: node.weight.map((w, k) => w + change[k]) } : node,
  );
  return { ...network, nodes };
}

async function write(
  model: LoadedModel,
  patches: readonly WeightPatch[],
  cases: readonly PatchCase[],
  slack: number,
): Promise<Result<WrittenPatch>> {
  const file = patchedModel(model, patches);
  if (!file.ok) return file;
  const replays = await replayPatch(file.value.model, cases);
  if (!replays.ok) return replays;
  const changes = file.value.stored.flatMap(each => Array.from(each.change));
  const sizes = sizesOf(Float64Array.from(changes));
  return ok({ file: file.value, sizes, replays: replays.value, holds: replays.value.every(each => each.holds), slack });
}

/** Runs a patched file on the inputs it was patched for. */
export async function replayPatch(model: LoadedModel, cases: readonly PatchCase[]): Promise<Result<PatchReplay[]>> {
  const opened = await Replayer.open(sourceOf(model), model.network);
  if (!opened.ok) return opened;
  try {
    const replays: PatchReplay[] = [];
    for (const { input, property } of cases) {
      const answer = await opened.value.forward(Float32Array.from(input));
      if (!answer.ok) return answer;
      const { output } = answer.value;
      const margin = property.reduce((least, { outputs, bound }) => {
        const sum = outputs.index.reduce((total, index, k) => total + outputs.value[k] * output[index], 0);
        return Math.min(least, bound - sum);
      }, Infinity);
      replays.push({ output, margin, holds: margin >= 0 });
    }
    return ok(replays);
  } finally {
    await opened.value.close();
  }
}
