import { startGuard, type Guard } from '../engine/guard-handle';
import { runJob, type JobEnvironment } from '../engine/job';
import { verdictKey } from '../engine/key';
import { describeTasks, type Plan } from '../engine/plan';
import { engineVersion, packageVersion } from '../engine/version';
import type { ExecutionEnd, ExecutionListener, StopSignal } from './execution';

export interface HereOptions {
  /** Folder of this program, where the guard's file lies. */
  readonly folder: string;
  readonly memoryLimit: number;
  /** Whether anyone reads the content keys. */
  readonly keys: boolean;
  /** Where the guard writes that the time is over, should this process be unable to. */
  readonly resultFile?: string;
}

/** Starting the guard costs 30 ms of a core, which most questions need less of than that. */
const GUARD_AFTER_MILLISECONDS = 300;
/** What a question may take beyond its limit before the guard ends the process. */
const GRACE_MILLISECONDS = 3000;

/** Runs a plan in this process: no second start, the shortest way to an answer. A guard thread watches the clock and the memory. */
export async function runHere(
  plan: Plan,
  options: HereOptions,
  listener: ExecutionListener,
  signal: StopSignal,
): Promise<ExecutionEnd> {
  const watch = new Watch(plan, options);
  const version = options.keys ? await engineVersion(packageVersion, options.folder) : '';
  const environment: JobEnvironment<Float32Array> = {
    cancelled: () => signal.stopped,
    memoryLimit: options.memoryLimit,
    key: async (task, prepared) => (options.keys ? verdictKey(await plan.modelHash(), task, prepared, version) : ''),
    recall: () => Promise.resolve(undefined),
    keep: (_key, verdict) => Promise.resolve(verdict),
    tensor: (_name, values) => Promise.resolve(values),
  };
  listener.onPlan({ model: plan.model, tasks: describeTasks(plan) }, plan.warnings);
  try {
    const outcome = await runJob(plan, { skip: new Set(), recallOnly: false }, environment, {
      onAccuracy: accuracy => listener.onAccuracy(accuracy),
      onProgress: (task, progress) => {
        watch.see(task);
        listener.onProgress(task, progress);
      },
      onResult: result => listener.onResult(result),
    });
    return { kind: outcome };
  } finally {
    await watch.stop();
    await plan.close();
  }
}

/** The guard of this process, started when a run turns out to take a while, and told of every new question. */
class Watch {
  private guard: Guard | undefined;
  private task = -1;
  private deadline = Infinity;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly plan: Plan,
    private readonly options: HereOptions,
  ) {
    this.timer = setTimeout(() => {
      this.guard = startGuard(options.folder, { memoryLimit: options.memoryLimit, endWithParent: false });
      this.order();
    }, GUARD_AFTER_MILLISECONDS);
  }

  /** Called with the question in work. */
  see(task: number): void {
    if (task === this.task) return;
    this.task = task;
    this.deadline = Date.now() + 1000 * this.plan.tasks[task].options.timeout + GRACE_MILLISECONDS;
    this.order();
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    await this.guard?.stop();
  }

  private order(): void {
    if (this.guard === undefined || this.task < 0) return;
    const { resultFile } = this.options;
    const { check, options } = this.plan.tasks[this.task];
    this.guard.order({
      deadline: this.deadline,
      lastWords: {
        ...(resultFile === undefined ? {} : { file: { path: resultFile, text: 'timeout\n' } }),
        message: `certiscope: ${check}: the solver did not stop by itself at its limit of ${options.timeout} s and was ended. Run it again with --isolated to keep the other results.`,
      },
    });
  }
}
