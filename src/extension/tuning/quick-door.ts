import path from 'node:path';
import * as vscode from 'vscode';
import type { Answer } from '../../engine/protocol';
import type { QuickClient } from '../../engine/quick/client';
import {
  SUPERSEDED,
  type QuickBound,
  type QuickBoundParams,
  type QuickBracket,
  type QuickBracketParams,
} from '../../engine/quick/protocol';
import type { VerdictStore } from '../core/verdict-store';
import { filePath } from '../documents/uris';
import { logEngine } from '../log';
import { setting } from '../settings';

/** Memory of the quick lane at most, whatever the engine may take. */
const MOST_MEMORY_MEGABYTES = 2048;

/**
 * The way to the quick lane. Nothing runs before a person has asked for something with a specification (or has set that it may), never in a workspace that is not
 * trusted, and never for files that are on no disk.
 */
export class QuickDoor implements vscode.Disposable {
  readonly #asked = new Set<string>();
  readonly #subscription: { dispose(): void };
  #client: Promise<QuickClient> | null = null;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
    store: VerdictStore,
  ) {
    this.#subscription = store.onChange(({ event }) => {
      // A verdict of an earlier session was asked for then.
      if (event.kind === 'queued' && !event.quiet) this.#asked.add(event.specification);
      else if (event.kind === 'result')
        for (const { id, questions } of store.specifications())
          if (questions.some(each => store.question(each)?.evidence)) this.#asked.add(id);
    });
  }

  dispose(): void {
    this.#subscription.dispose();
    void this.#client?.then(
      client => client.dispose(),
      () => undefined,
    );
    this.#client = null;
  }

  /** A person asked for something that has to do with this specification. */
  noteAsked(specification: vscode.Uri): void {
    this.#asked.add(specification.toString());
  }

  /** Whether answers may be computed for a specification without being asked for each. */
  mayAnswer(specification: vscode.Uri): boolean {
    if (!vscode.workspace.isTrusted || filePath(specification) === null) return false;
    const wanted = setting('quickBounds', specification);
    return wanted === 'always' || (wanted === 'afterFirstRun' && this.#asked.has(specification.toString()));
  }

  /** Null where a newer question has taken its place. */
  async bound(params: QuickBoundParams): Promise<Answer<QuickBound> | null> {
    return this.#ask(client => client.bound(params));
  }

  async bracket(params: QuickBracketParams): Promise<Answer<QuickBracket> | null> {
    return this.#ask(client => client.bracket(params));
  }

  /** Never rejects: where no lane can be had, that is the answer. */
  async #ask<T>(ask: (client: QuickClient) => Promise<Answer<T>>): Promise<Answer<T> | null> {
    try {
      return current(await ask(await this.#open()));
    } catch (error) {
      this.#client = null;
      const message = `Quick bounds cannot be had: ${error instanceof Error ? error.message : String(error)}.`;
      this.log.error(message);
      return { ok: false, problems: [{ code: 'quick/unavailable', message }] };
    }
  }

  #open(): Promise<QuickClient> {
    this.#client ??= this.#create();
    return this.#client;
  }

  async #create(): Promise<QuickClient> {
    const { QuickClient } = await import('../../engine/quick/client');
    const script = path.join(this.context.extensionPath, 'dist', 'quick.js');
    const memoryLimitMegabytes = Math.min(MOST_MEMORY_MEGABYTES, setting('memoryLimit'));
    return new QuickClient({ script, memoryLimitMegabytes }, entry => logEngine(this.log, entry));
  }
}

function current<T>(answer: Answer<T>): Answer<T> | null {
  return !answer.ok && answer.problems.some(({ code }) => code === SUPERSEDED) ? null : answer;
}
