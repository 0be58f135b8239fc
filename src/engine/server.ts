import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { MessageConnection } from 'vscode-jsonrpc';
import type { Problem } from '../base/result';
import { worst, type VerdictKind } from '../report/verdict';
import { runJob, type JobEnvironment } from './job';
import { verdictKey } from './key';
import { describeTasks, type Plan } from './plan';
import * as protocol from './protocol';
import type { Answer, FinishedParams, TensorReference, VerifyParams, VerifyPlan } from './protocol';
import { VerdictStore } from './store';
import { paced } from './studies/pace';
import type { Study, StudyEnvironment } from './studies/study';
import type { StudyKind } from './study-protocols/kinds';

/** What the engine process can do; injected, so that the protocol is tested without networks. */
export interface EngineServices {
  /** Version of the package. */
  readonly version: string;
  /** Bytes the process may hold. */
  readonly memoryLimit: number;
  /** Version for content keys. */
  engineVersion(): Promise<string>;
  plan(params: VerifyParams): Promise<Answer<Plan>>;
  info(params: protocol.InfoParams): Promise<Answer<protocol.ModelInfo>>;
  graph(params: protocol.InfoParams): Promise<Answer<protocol.PackedStructure>>;
  weights(params: protocol.WeightsParams): Promise<Answer<readonly protocol.TensorStatistics[]>>;
  inspect(params: protocol.InspectParams): Promise<Answer<protocol.Inspection>>;
  setup(): Promise<Answer<protocol.SetupReport>>;
  /** The work of a kind of study. */
  loadStudy<K extends StudyKind>(kind: K): Promise<Study<K>>;
  exit(): void;
}

/** What follows from the content alone: it is not decided again unless someone asks. */
const DECIDED: readonly VerdictKind[] = ['verified', 'falsified'];
/** What says at least how far this content got: it is shown again, and decided again when asked. */
const KEPT: readonly VerdictKind[] = [...DECIDED, 'unknown', 'timeout'];

/** Answers a client until the connection closes. One run at a time: the cores are shared, and the client queues. */
export function serve(connection: MessageConnection, services: EngineServices): void {
  const server = new EngineServer(connection, services);
  connection.onRequest(protocol.initializeRequest, params => server.initialize(params));
  connection.onRequest(protocol.infoRequest, params => services.info(params));
  connection.onRequest(protocol.graphRequest, params => services.graph(params));
  connection.onRequest(protocol.weightsRequest, params => services.weights(params));
  connection.onRequest(protocol.inspectRequest, params => services.inspect(params));
  connection.onRequest(protocol.setupRequest, () => services.setup());
  connection.onRequest(protocol.verifyRequest, params => server.verify(params));
  connection.onRequest(protocol.studyRequest, params => server.study(params));
  connection.onRequest(protocol.cancelRequest, params => server.cancel(params.runId));
  connection.onRequest(protocol.shutdownRequest, () => void setImmediate(() => services.exit()));
  connection.listen();
}

/** The run or the study in work. */
interface Run {
  readonly runId: string;
  cancelled: boolean;
  /** Settles when nothing of the run is left in work. */
  readonly stopped: Promise<void>;
  readonly stop: () => void;
}

class EngineServer {
  private store: VerdictStore | undefined;
  private run: Run | undefined;

  constructor(
    private readonly connection: MessageConnection,
    private readonly services: EngineServices,
  ) {}

  initialize(params: protocol.InitializeParams): Answer<protocol.InitializeResult> {
    const { version } = this.services;
    if (params.protocol !== protocol.PROTOCOL_VERSION || params.version !== version)
      return refusal(
        'engine/version',
        `The engine has version ${version} and its client ${params.version}. Reload the window, or install again.`,
      );
    this.store = new VerdictStore(params.storeFolder, params.storeLimitMegabytes, message => {
      void this.connection.sendNotification(protocol.logNotification, { level: 'warning', message });
    });
    void this.store.trim();
    return { ok: true, value: { protocol: protocol.PROTOCOL_VERSION, version, processId: process.pid }, warnings: [] };
  }

  async verify(params: VerifyParams): Promise<Answer<VerifyPlan>> {
    if (this.store === undefined)
      return refusal('engine/order', 'The engine was asked to verify before it was initialised.');
    if (this.run !== undefined) return refusal('engine/busy', `The engine is still at work on ${this.run.runId}.`);
    const run = (this.run = beginRun(params.runId));
    const planned = await this.services.plan(params);
    if (!planned.ok || run.cancelled) {
      this.end(run);
      return planned.ok ? refusal('engine/cancelled', 'The run was cancelled while its files were read.') : planned;
    }
    const value = await describePlan(run.runId, planned.value);
    const environment = this.environment(run, planned.value, params, this.store, await this.services.engineVersion());
    // The plan goes first: whoever reads a result must know what it is a result of.
    setImmediate(() => void this.execute(run, planned.value, params, environment));
    return { ok: true, value, warnings: planned.warnings };
  }

  async study({ runId, kind, params }: protocol.StudyParams): Promise<Answer<unknown>> {
    const { store, connection } = this;
    if (store === undefined)
      return refusal('engine/order', 'The engine was asked for a study before it was initialised.');
    if (this.run !== undefined) return refusal('engine/busy', `The engine is still at work on ${this.run.runId}.`);
    const run = (this.run = beginRun(runId));
    // A client that is gone ends this process through its channel; there is no one left to tell.
    const send = (sending: Promise<void>): void => void sending.catch(() => undefined);
    try {
      const study = (await this.services.loadStudy(kind)) as (
        params: unknown,
        environment: StudyEnvironment<unknown>,
      ) => Promise<Answer<unknown>>;
      const program = await this.services.engineVersion();
      const folder = path.join(store.filesFolder, kind);
      await mkdir(folder, { recursive: true });
      return await study(params, {
        cancelled: () => run.cancelled,
        program,
        memoryLimit: this.services.memoryLimit,
        folder,
        onProgress: paced((fraction, text) =>
          send(connection.sendNotification(protocol.studyProgressNotification, { runId, fraction, text })),
        ),
        onPart: part => send(connection.sendNotification(protocol.studyPartNotification, { runId, part })),
        tensor: (name, values, shape) => store.tensor(`${runId}.${process.pid}.${name}`, values, shape),
      });
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      const reason = error instanceof Error ? error.message : String(error);
      return refusal('engine/failed', `The study stopped: ${reason}. Please report it; the log has the details.`);
    } finally {
      this.end(run);
    }
  }

  async cancel(runId: string): Promise<boolean> {
    const run = this.run;
    if (run === undefined || run.runId !== runId) return false;
    run.cancelled = true;
    await run.stopped;
    return true;
  }

  private async execute(
    run: Run,
    plan: Plan,
    params: VerifyParams,
    environment: JobEnvironment<TensorReference>,
  ): Promise<void> {
    const { connection } = this;
    const { runId } = run;
    const started = performance.now();
    const kinds: VerdictKind[] = [];
    // A client that is gone ends this process through its channel; there is no one left to tell.
    const send = (sending: Promise<void>): void => void sending.catch(() => undefined);
    let ending: Pick<FinishedParams, 'outcome' | 'problem'>;
    try {
      const selection = { skip: new Set(params.skip), recallOnly: params.cache === 'only' };
      const outcome = await runJob(plan, selection, environment, {
        onAccuracy: accuracy => send(connection.sendNotification(protocol.accuracyNotification, { runId, accuracy })),
        onProgress: (task, progress) =>
          send(
            connection.sendNotification(protocol.progressNotification, {
              runId,
              task,
              decided: kinds.length,
              progress,
            }),
          ),
        onResult: result => {
          kinds.push(result.verdict.kind);
          send(connection.sendNotification(protocol.resultNotification, { runId, result }));
        },
      });
      ending = { outcome };
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      const reason = error instanceof Error ? error.message : String(error);
      ending = {
        outcome: 'failed',
        problem: {
          code: 'engine/failed',
          message: `The run stopped: ${reason}. Please report it; the log has the details.`,
        },
      };
    }
    await plan.close().catch(() => undefined);
    this.end(run);
    const verdict = kinds.length === 0 ? null : worst(kinds);
    send(
      connection.sendNotification(protocol.finishedNotification, {
        runId,
        ...ending,
        verdict,
        seconds: (performance.now() - started) / 1000,
      }),
    );
  }

  private end(run: Run): void {
    this.run = undefined;
    run.stop();
  }

  private environment(
    run: Run,
    plan: Plan,
    params: VerifyParams,
    store: VerdictStore,
    engineVersion: string,
  ): JobEnvironment<TensorReference> {
    const cache = params.cache ?? 'read';
    return {
      cancelled: () => run.cancelled,
      memoryLimit: this.services.memoryLimit,
      key: async (task, prepared) => verdictKey(await plan.modelHash(), task, prepared, engineVersion),
      recall: async key => {
        if (cache === 'refresh') return undefined;
        const verdict = await store.read(key);
        return verdict !== undefined && (cache === 'only' ? KEPT : DECIDED).includes(verdict.kind)
          ? verdict
          : undefined;
      },
      // What an attack alone leaves open says nothing about how far this content got.
      keep: (key, verdict, facts) =>
        store.write(key, verdict, facts, (params.options?.attackOnly ? DECIDED : KEPT).includes(verdict.kind)),
      tensor: (name, values, shape) => store.tensor(name, values, shape),
    };
  }
}

function beginRun(runId: string): Run {
  let stop = (): void => undefined;
  const stopped = new Promise<void>(resolve => (stop = resolve));
  return { runId, cancelled: false, stopped, stop };
}

/** Kinds of failure that are about this conversation, not about the user's files. */
function refusal(code: string, message: string): { ok: false; problems: Problem[] } {
  return { ok: false, problems: [{ code, message }] };
}

async function describePlan(runId: string, plan: Plan): Promise<VerifyPlan> {
  const tasks = describeTasks(plan);
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([await plan.modelHash(), tasks]))
    .digest('hex');
  return { runId, model: plan.model, files: plan.files, tasks, counts: plan.counts, fingerprint };
}
