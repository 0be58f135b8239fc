import * as vscode from 'vscode';
import path from 'node:path';
import type { Engine } from '../engine/run';
import { logEngine } from './log';
import { setting } from './settings';

/** Starts the engine's client with the first request: nothing of it is loaded, and no process runs, before a person asks for something. */
export class EngineDoor implements vscode.Disposable {
  #engine: Promise<Engine> | null = null;
  #memoryLimit = 0;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** Where finished results are kept, per workspace. */
  get storeFolder(): vscode.Uri {
    return vscode.Uri.joinPath(this.context.storageUri ?? this.context.globalStorageUri, 'verdicts');
  }

  /** The engine, started anew when its memory ceiling was changed in the settings; runs come one after the other, so none is lost. */
  open = async (): Promise<Engine> => {
    if (this.#engine && this.#memoryLimit !== setting('memoryLimit')) await this.#end();
    const opening = (this.#engine ??= this.#create());
    // What could not be set up (a folder that refuses to be written) is tried again the next time.
    opening.catch(() => {
      if (this.#engine === opening) this.#engine = null;
    });
    return opening;
  };

  /** The engine if somebody has asked for it before; null otherwise: nothing is started. */
  get opened(): Promise<Engine> | null {
    return this.#engine;
  }

  /** Kills the process; the next request starts another. */
  async restart(): Promise<void> {
    const opened = await this.#engine?.catch(() => null);
    await opened?.restart();
  }

  /** Ends the engine and removes what it has kept. */
  async clear(): Promise<void> {
    await this.#end();
    await vscode.workspace.fs
      .delete(this.storeFolder, { recursive: true, useTrash: false })
      .then(undefined, () => undefined);
  }

  dispose(): void {
    void this.#end();
  }

  async #end(): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    const opened = await engine?.catch(() => null);
    await opened?.dispose();
  }

  async #create(): Promise<Engine> {
    this.#memoryLimit = setting('memoryLimit');
    const { EngineClient } = await import('../engine/client');
    const started = performance.now();
    await vscode.workspace.fs.createDirectory(this.storeFolder);
    const engine = new EngineClient({
      script: path.join(this.context.extensionPath, 'dist', 'engine.js'),
      storeFolder: this.storeFolder.fsPath,
      storeLimitMegabytes: setting('cacheLimit'),
      memoryLimitMegabytes: this.#memoryLimit,
      environment: { CERTISCOPE_BACKGROUND: '1' },
    });
    engine.onLog(entry => logEngine(this.log, entry));
    engine.onState(state => {
      if (state.kind === 'running')
        this.log.info(
          `Engine runs as process ${state.processId} after ${(performance.now() - started).toFixed(0)} ms.`,
        );
      else if (state.kind === 'failed') this.log.error(`Engine: ${state.reason}\n${state.logTail}`);
    });
    return engine;
  }
}
