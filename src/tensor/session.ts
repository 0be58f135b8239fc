import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { assert } from '../base/assert';
import { ok, problem, type Result } from '../base/result';

/**
 * The only door to ONNX Runtime. What every caller has to know about it:
 *
 * - `run` computes on the calling thread and returns when it is done, whatever its promise suggests. A run is kept under 100 ms so that
 *   cancellation, progress and timers get their turn between runs.
 * - A process or a worker that ends while a run is in flight is aborted by a signal. Whoever stops a worker waits for its run first.
 * - Feeds are read in place, so they must stay unchanged until the run returned; outputs are always copied. Shared memory is refused as a feed.
 * - ReduceMax and ReduceMin drop NaN. No verdict is ever reduced inside a graph.
 * - A graph whose inputs are all initializers is executed while its session is created. What varies is fed.
 */

/** Element types that cross this boundary, with the array each one is held in. */
export interface ElementArrays {
  float32: Float32Array;
  float64: Float64Array;
  /** IEEE binary16 bit patterns. */
  float16: Uint16Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  /** One byte an element, 0 or 1. */
  bool: Uint8Array;
}

export type PortType = keyof ElementArrays;

/** A tensor that goes into or comes out of a session; `data.length` is the product of `shape`. */
export type Value = {
  [T in PortType]: { readonly type: T; readonly data: ElementArrays[T]; readonly shape: readonly number[] };
}[PortType];

/** An input or output of a session. A dimension the model leaves open is a string (its symbol, which may be empty). */
export interface Port {
  readonly name: string;
  readonly type: PortType;
  readonly shape: readonly (number | string)[];
}

export interface SessionOptions {
  /** Threads inside one operator; 1 unless given. */
  readonly threads?: number;
  /** Graph optimisation; `all` unless given. Graphs that are run a few times only are cheaper with less. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
}

/** Where a model comes from. Only a path finds external data by itself; bytes need it given beside them. */
export type ModelSource =
  | { readonly path: string }
  | {
      readonly bytes: Uint8Array;
      readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[];
      /** Named in messages. */
      readonly name?: string;
    };

type Runtime = typeof import('onnxruntime-node');

let runtime: Promise<Runtime> | undefined;

/** Loading the native library takes some tens of milliseconds, so it happens at the first session and not before. */
function loadRuntime(): Promise<Runtime> {
  runtime ??= import('onnxruntime-node').then(module => {
    // The package is CommonJS: a bundler hands it out under `default`, Node under both.
    const ort = 'default' in module ? (module.default as Runtime) : module;
    ort.env.logLevel = 'error';
    return ort;
  });
  return runtime;
}

/** Version of the native library that this machine runs; rejects when it cannot be loaded. */
export async function runtimeVersion(): Promise<string> {
  const { versions } = (await loadRuntime()).env;
  return versions.node ?? versions.common;
}

const PORT_TYPES: ReadonlySet<string> = new Set<PortType>([
  'float32',
  'float64',
  'float16',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
]);

function toPort(metadata: InferenceSession.ValueMetadata): Port | string {
  if (!metadata.isTensor) return `'${metadata.name}' is not a tensor`;
  if (!PORT_TYPES.has(metadata.type)) return `'${metadata.name}' has element type ${metadata.type}`;
  return { name: metadata.name, type: metadata.type as PortType, shape: metadata.shape };
}

/** What ONNX Runtime says about a failure, on one line and without its C++ source positions. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text
    .split('\n')[0]
    .replace(/^\S*\.(cc|h):\d+\s+\S+\s*/, '')
    .trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

function isOutOfMemory(reason: string): boolean {
  return /bad_alloc|failed to allocate|out of memory|Allocation failed/i.test(reason);
}

/** A model that ONNX Runtime has loaded. */
export class Session {
  private constructor(
    private readonly ort: Runtime,
    private readonly inner: InferenceSession,
    readonly inputs: readonly Port[],
    readonly outputs: readonly Port[],
    private readonly name: string,
  ) {}

  /**
   * Loads a model. Errors: `runtime-unavailable` (the native library does not load on this machine), `runtime-rejected-model`,
   * `out-of-memory`.
   */
  static async open(source: ModelSource, options: SessionOptions = {}): Promise<Result<Session>> {
    const name = 'path' in source ? source.path : (source.name ?? 'the model');
    const place = 'path' in source ? { file: source.path } : {};
    let ort: Runtime;
    try {
      ort = await loadRuntime();
    } catch (error) {
      return problem(
        'runtime-unavailable',
        `ONNX Runtime could not be loaded for ${process.platform} ${process.arch}: ${reasonOf(error)}. Reinstall the packages on this machine.`,
      );
    }
    const settings: InferenceSession.SessionOptions = {
      intraOpNumThreads: options.threads ?? 1,
      interOpNumThreads: 1,
      graphOptimizationLevel: options.optimization ?? 'all',
      // Waiting threads that spin take the core away from whoever has work.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    };
    try {
      const inner =
        'path' in source
          ? await ort.InferenceSession.create(source.path, settings)
          : await ort.InferenceSession.create(unshared(source.bytes), {
              ...settings,
              ...(source.externalData ? { externalData: source.externalData.map(each => ({ ...each })) } : {}),
            });
      const inputs = inner.inputMetadata.map(toPort);
      const outputs = inner.outputMetadata.map(toPort);
      const unusable = [...inputs, ...outputs].find(port => typeof port === 'string');
      if (unusable !== undefined) {
        await inner.release();
        return problem('runtime-rejected-model', `${name}: ${unusable as string}, which cannot be run here.`, place);
      }
      return ok(new Session(ort, inner, inputs as Port[], outputs as Port[], name));
    } catch (error) {
      const reason = reasonOf(error);
      return isOutOfMemory(reason)
        ? problem('out-of-memory', `${name} does not fit into memory: ${reason}`, place)
        : problem('runtime-rejected-model', `ONNX Runtime does not accept ${name}: ${reason}`, place);
    }
  }

  /**
   * Runs the model. Feeds are read in place and must not change until the promise resolves; outputs are fresh copies.
   * Errors: `out-of-memory`, `runtime-failed`.
   */
  async run(
    feeds: Readonly<Record<string, Value>>,
    fetches?: readonly string[],
  ): Promise<Result<Record<string, Value>>> {
    const tensors: Record<string, Tensor> = {};
    for (const [name, value] of Object.entries(feeds)) {
      assert(!(value.data.buffer instanceof SharedArrayBuffer), () => `feed '${name}' lies in shared memory`);
      tensors[name] = new this.ort.Tensor(value.type, value.data, value.shape) as Tensor;
    }
    try {
      const results = await (fetches ? this.inner.run(tensors, fetches) : this.inner.run(tensors));
      const values: Record<string, Value> = {};
      for (const [name, tensor] of Object.entries(results)) {
        values[name] = { type: tensor.type, data: tensor.data, shape: tensor.dims } as Value;
      }
      return ok(values);
    } catch (error) {
      const reason = reasonOf(error);
      return isOutOfMemory(reason)
        ? problem('out-of-memory', `There is not enough memory to run ${this.name}: ${reason}`)
        : problem('runtime-failed', `ONNX Runtime failed to run ${this.name}: ${reason}`);
    }
  }

  /** Gives the model's memory back. The session cannot be used afterwards. */
  async close(): Promise<void> {
    await this.inner.release();
  }
}

function unshared(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof SharedArrayBuffer ? bytes.slice() : bytes;
}
