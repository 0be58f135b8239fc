import { delay, EngineProcess, type ProcessOptions } from '../engine-process';
import type { Answer, LogParams } from '../protocol';
import { packageVersion } from '../version';
import {
  quickBoundRequest,
  quickBracketRequest,
  type QuickBound,
  type QuickBoundParams,
  type QuickBracket,
  type QuickBracketParams,
} from './protocol';

export type QuickOptions = Pick<ProcessOptions, 'script' | 'memoryLimitMegabytes'>;

/** An answer that takes longer than its own time and this is not quick: the process is ended. */
const GRACE_MILLISECONDS = 20_000;
/** After so many deaths in a row nothing is started any more: quick answers are a help, not a need. */
const MOST_DEATHS = 3;

/** The quick lane as the editor sees it. Its process starts with the first question and anew after it has died, but not for ever. */
export class QuickClient {
  private running: Promise<EngineProcess | undefined> | undefined;
  private deaths = 0;
  private ended = false;

  constructor(
    private readonly options: QuickOptions,
    private readonly onLog: (log: LogParams) => void = () => {},
  ) {}

  bound(params: QuickBoundParams): Promise<Answer<QuickBound>> {
    return this.ask(params.milliseconds, lane => lane.connection.sendRequest(quickBoundRequest, params));
  }

  bracket(params: QuickBracketParams): Promise<Answer<QuickBracket>> {
    return this.ask(params.milliseconds, lane => lane.connection.sendRequest(quickBracketRequest, params));
  }

  async dispose(): Promise<void> {
    this.ended = true;
    const lane = await this.running;
    lane?.kill();
    await lane?.exited;
  }

  private async ask<T>(milliseconds: number, request: (lane: EngineProcess) => Promise<Answer<T>>): Promise<Answer<T>> {
    const lane = await this.acquire();
    if (lane === undefined) return unavailable('The quick lane does not run; the log says why.');
    const answer = await Promise.race([
      request(lane).catch(() => undefined),
      lane.exited.then(() => undefined),
      delay(milliseconds + GRACE_MILLISECONDS),
    ]);
    if (answer !== undefined) {
      this.deaths = 0;
      return answer;
    }
    if (lane.alive) lane.kill();
    return unavailable('The quick lane ended, or took too long.');
  }

  private async acquire(): Promise<EngineProcess | undefined> {
    const known = this.running;
    const lane = await known;
    if (lane?.alive) return lane;
    if (this.ended || this.deaths >= MOST_DEATHS) return undefined;
    if (this.running === known) this.running = this.start();
    return this.running;
  }

  private async start(): Promise<EngineProcess | undefined> {
    this.deaths++;
    const { script, memoryLimitMegabytes } = this.options;
    // It keeps nothing on the disk.
    const store = { storeFolder: '', storeLimitMegabytes: 0 };
    const started = await EngineProcess.start(
      { script, memoryLimitMegabytes, version: packageVersion, ...store },
      this.onLog,
    );
    if (started.ok) return started.value;
    this.onLog({ level: 'error', message: started.error.message });
    return undefined;
  }
}

function unavailable(message: string): {
  readonly ok: false;
  readonly problems: readonly [{ code: string; message: string }];
} {
  return { ok: false, problems: [{ code: 'quick/unavailable', message }] };
}
