/** What VS Code gives a webview's script. */
interface WebviewApi<S> {
  postMessage(message: unknown): void;
  getState(): S | undefined;
  setState(state: S): void;
}

declare function acquireVsCodeApi<S>(): WebviewApi<S>;

/** Messages are objects told apart by `type`; both directions have a union of their own. */
export interface Message {
  readonly type: string;
}

/** The webview's end of the line: typed both ways, with the state that survives a reload. */
export class Extension<To extends Message, From extends Message, S> {
  readonly #api = acquireVsCodeApi<S>();

  post(message: To): void {
    this.#api.postMessage(message);
  }

  /** One handler for each kind of message. */
  listen(handlers: { readonly [T in From['type']]: (message: Extract<From, { type: T }>) => void }): void {
    window.addEventListener('message', event => {
      const message = event.data as From;
      const handle = handlers[message.type as From['type']] as ((message: From) => void) | undefined;
      handle?.(message);
    });
  }

  get state(): S | undefined {
    return this.#api.getState();
  }

  set state(state: S | undefined) {
    if (state !== undefined) this.#api.setState(state);
  }
}
