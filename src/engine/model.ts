import type { Replayer } from '../attack/replay';
import { stateWord, type FileState } from '../base/file-state';
import type { Result } from '../base/result';
import { loadModel, type LoadedModel } from '../network/load';
import type { Network } from '../network/network';
import type { Solver } from '../verify/decide';
import type { Backend } from '../verify/options';
import { fileState } from './file-state';
import type { Plan, ResultFacts } from './plan';

/** A model with its solver: what the plans of all kinds of specification have in common. */
export class PlannedModel {
  private solver: Promise<Solver> | undefined;

  private constructor(
    readonly loaded: LoadedModel,
    private readonly file: FileState,
  ) {}

  static load(file: string): Result<PlannedModel> {
    // Looked at before it is read: what is written meanwhile makes a later look differ.
    const state = fileState(file);
    const loaded = loadModel(file);
    return loaded.ok ? { ok: true, value: new PlannedModel(loaded.value, state) } : loaded;
  }

  /** The model's file and those beside it that hold its weights, as they were when they were read. */
  get files(): readonly FileState[] {
    return [this.file, ...this.loaded.externalData.map(file => ({ path: file.path, state: stateWord(file) }))];
  }

  get network(): Network {
    return this.loaded.network;
  }

  /** The shapes of inputs and outputs; where there are several tensors, the length of all of them together. */
  get shapes(): Pick<ResultFacts, 'inputShape' | 'outputShape'> {
    const shape = (tensors: Network['inputs']): readonly number[] =>
      tensors.length === 1 ? tensors[0].shape : [tensors.reduce((size, tensor) => size + tensor.size, 0)];
    return { inputShape: shape(this.network.inputs), outputShape: shape(this.network.outputs) };
  }

  /** What a plan says of its model. */
  get parts(): Pick<Plan, 'model' | 'files' | 'decide' | 'close' | 'multiplications' | 'modelHash'> {
    return {
      model: this.loaded.path,
      files: this.files,
      decide: async (...question) => (await this.useSolver()).decide(...question),
      close: async () => (await this.solver)?.close(),
      multiplications: multiplicationsOf(this.network),
      modelHash: () => Promise.resolve(this.loaded.hash),
    };
  }

  /** The original file in ONNX Runtime. */
  async openReplayer(): Promise<Result<Replayer>> {
    return (await this.useSolver()).openReplayer();
  }

  /** What ONNX Runtime answers on the original file. */
  async forward(input: Float32Array): Promise<Result<Float32Array>> {
    const replayer = await this.openReplayer();
    if (!replayer.ok) return replayer;
    const answer = await replayer.value.forward(input);
    return answer.ok ? { ok: true, value: Float32Array.from(answer.value.output) } : answer;
  }

  /** Why a back end cannot take this model, as a sentence; null when it can. */
  async backendRefusal(backend: Backend): Promise<string | null> {
    // These two take everything that can be loaded at all: then the solver's code may wait.
    if (backend === 'auto' || backend === 'crown') return null;
    const { backendRefusal } = await import('../verify/create-prover');
    return backendRefusal(backend, this.network);
  }

  /** Its code is loaded when the first question comes: reading files and finding their mistakes goes without. */
  private useSolver(): Promise<Solver> {
    this.solver ??= import('../verify/decide').then(module => new module.Solver(this.loaded));
    return this.solver;
  }
}

/** Multiplications of one forward pass. */
function multiplicationsOf(network: Network): number {
  let total = 0;
  for (const node of network.nodes) {
    if (node.kind === 'dense') total += node.weight.length;
    else if (node.kind === 'conv') total += (node.size / node.outputShape[0]) * node.weight.length;
    else if (node.kind === 'sparse') total += node.column.length;
    else total += node.size;
  }
  return total;
}
