import { fork, type ChildProcess } from 'node:child_process';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { ok, problem, type Result } from '../base/result';
import { MEMORY_MARK } from './guard-orders';
import { initializeRequest, logNotification, PROTOCOL_VERSION, type LogParams } from './protocol';

export interface ProcessOptions {
  /** Path of dist/engine.js. */
  readonly script: string;
  /** Version of the package the client belongs to. */
  readonly version: string;
  readonly storeFolder: string;
  readonly storeLimitMegabytes: number;
  readonly memoryLimitMegabytes: number;
  /** Added to the child's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** How an engine process ended. */
export interface Exit {
  readonly reason: string;
  /** The guard ended it because it held too much memory. */
  readonly memory: boolean;
  /** It was ended on purpose. */
  readonly killed: boolean;
  /** The end of what it wrote. */
  readonly logTail: string;
}

const LOG_TAIL_CHARACTERS = 16_384;
const HANDSHAKE_MILLISECONDS = 20_000;
/** Of the memory ceiling, what JavaScript's own heap may take; the rest is for native code and WebAssembly. */
const HEAP_PART = 0.75;

/** One engine process, from start to end. */
export class EngineProcess {
  readonly connection: MessageConnection;
  /** Settles when the process is gone, whatever the reason. Never rejects. */
  readonly exited: Promise<Exit>;
  private logTail = '';
  private killed = false;
  private gone = false;

  private constructor(
    private readonly child: ChildProcess,
    onLog: (log: LogParams) => void,
  ) {
    const collect = (level: LogParams['level']) => (chunk: Buffer) => {
      const message = chunk.toString('utf8');
      this.logTail = (this.logTail + message).slice(-LOG_TAIL_CHARACTERS);
      onLog({ level, message: message.trimEnd() });
    };
    child.stdout?.on('data', collect('info'));
    child.stderr?.on('data', collect('error'));
    this.connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    this.connection.onNotification(logNotification, onLog);
    // A broken pipe is told by `exited`; without a listener it would end this process.
    this.connection.onError(() => undefined);
    this.exited = new Promise(resolve => {
      const end = (what: string): void => {
        this.gone = true;
        const memory = this.logTail.includes(MEMORY_MARK) || this.logTail.includes('JavaScript heap out of memory');
        resolve({
          reason: memory ? 'it reached its memory ceiling' : what,
          memory,
          killed: this.killed,
          logTail: this.logTail,
        });
        this.connection.dispose();
      };
      child.once('error', error => end(`it could not be started (${error.message})`));
      // `close` comes after the last of its output was read, which may say why it ended.
      child.once('close', (code, signal) =>
        end(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`),
      );
    });
    this.connection.listen();
  }

  /** Starts a process and agrees on the version with it. */
  static async start(options: ProcessOptions, onLog: (log: LogParams) => void): Promise<Result<EngineProcess>> {
    const child = fork(options.script, [], {
      execArgv: [`--max-old-space-size=${Math.round(HEAP_PART * options.memoryLimitMegabytes)}`],
      env: {
        ...process.env,
        // In a desktop VS Code the program that runs this code is Electron.
        ELECTRON_RUN_AS_NODE: '1',
        CERTISCOPE_MEMORY_LIMIT: String(options.memoryLimitMegabytes * 2 ** 20),
        ...options.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const engine = new EngineProcess(child, onLog);
    const { version, storeFolder, storeLimitMegabytes } = options;
    const answer = await Promise.race([
      engine.connection
        .sendRequest(initializeRequest, { protocol: PROTOCOL_VERSION, version, storeFolder, storeLimitMegabytes })
        .catch(() => undefined),
      engine.exited.then(() => undefined),
      delay(HANDSHAKE_MILLISECONDS),
    ]);
    if (answer?.ok) return ok(engine);
    engine.kill();
    if (answer !== undefined) return { ok: false, error: answer.problems[0] };
    const { reason, logTail } = await engine.exited;
    return problem('engine/start', `The engine did not start: ${reason}. ${lastLine(logTail)}`.trim());
  }

  /** False from the moment it was told to end, or has ended. */
  get alive(): boolean {
    return !this.killed && !this.gone;
  }

  get processId(): number {
    return this.child.pid ?? 0;
  }

  /** Ends the process at once, with all its threads. */
  kill(): void {
    this.killed = true;
    this.child.kill('SIGKILL');
  }
}

/** The last line of a log that says something. */
export function lastLine(log: string): string {
  return log.trimEnd().split('\n').at(-1)?.trim() ?? '';
}

/** Resolves to undefined after a time that does not keep this process alive. */
export function delay(milliseconds: number): Promise<undefined> {
  return new Promise(resolve => void setTimeout(() => resolve(undefined), milliseconds).unref());
}
