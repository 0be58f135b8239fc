import * as vscode from 'vscode';

/** Messages are objects told apart by `type`; both directions have a union of their own. */
export interface Message {
  readonly type: string;
}

export interface PageOptions<From extends Message, State> {
  /** Where the extension is installed. */
  readonly extensionUri: vscode.Uri;
  /** Type of the panel as package.json and a serializer know it; `certiscope.NAME` loads dist/webview/NAME.js and NAME.css. */
  readonly viewType: `certiscope.${string}`;
  readonly title: string;
  /** Folders beside the extension's own from which the page may load pictures. */
  readonly resources?: readonly vscode.Uri[];
  /** The page can be told things: after it was opened, after a reload, after it was moved to another window. */
  onReady(): void | Promise<void>;
  /** A message of the page other than `ready`. */
  onMessage(message: Exclude<From, { type: 'ready' }>): void | Promise<void>;
  /** A window was reloaded and the page came back with what it had kept; absent where a page is not worth bringing back. */
  onRestore?(state: State | undefined): void | Promise<void>;
  onClose?(): void;
}

/**
 * The extension's side of one webview panel: made when it is first shown, beside the editor and without taking the focus; strict content policy; typed messages
 * both ways; brought back after a reload. The page says `{ type: 'ready' }` first; nothing is posted before.
 */
export class Page<From extends Message, To extends Message, State = never> implements vscode.Disposable {
  readonly #options: PageOptions<From, State>;
  readonly #serializer: vscode.Disposable | undefined;
  #panel: vscode.WebviewPanel | null = null;
  #ready = false;

  constructor(options: PageOptions<From, State>) {
    this.#options = options;
    const { onRestore } = options;
    this.#serializer =
      onRestore &&
      vscode.window.registerWebviewPanelSerializer(options.viewType, {
        deserializeWebviewPanel: (panel: vscode.WebviewPanel, state: State | undefined) => {
          this.#panel?.dispose();
          panel.webview.options = this.#webviewOptions();
          this.#adopt(panel);
          void told(() => onRestore(state));
          return Promise.resolve();
        },
      });
  }

  dispose(): void {
    this.#serializer?.dispose();
    this.#panel?.dispose();
  }

  get isOpen(): boolean {
    return this.#panel !== null;
  }

  /** The page is there and listens. */
  get isReady(): boolean {
    return this.#ready;
  }

  set title(title: string) {
    if (this.#panel) this.#panel.title = title;
  }

  /** Shows the page where it is, or beside the editor. */
  reveal(): void {
    if (this.#panel) return this.#panel.reveal(undefined, true);
    const { viewType, title } = this.#options;
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    this.#adopt(vscode.window.createWebviewPanel(viewType, title, place, this.#webviewOptions()));
  }

  /** Dropped while no page listens: `onReady` is the moment to say what matters. Typed arrays travel as bytes. */
  post(message: To): void {
    if (this.#ready) void this.#panel?.webview.postMessage(message);
  }

  /** Address under which the page can load a file of one of its folders. */
  address(file: vscode.Uri): string | undefined {
    return this.#panel?.webview.asWebviewUri(file).toString();
  }

  #webviewOptions(): vscode.WebviewOptions {
    const { extensionUri, resources = [] } = this.#options;
    return {
      enableScripts: true,
      enableForms: false,
      localResourceRoots: [vscode.Uri.joinPath(extensionUri, 'dist', 'webview'), ...resources],
    };
  }

  #adopt(panel: vscode.WebviewPanel): void {
    const { extensionUri, viewType, title, onReady, onMessage, onClose } = this.#options;
    this.#panel = panel;
    this.#ready = false;
    panel.iconPath = vscode.Uri.joinPath(extensionUri, 'media', 'icon.svg');
    panel.webview.onDidReceiveMessage((message: From) => {
      if (message.type !== 'ready') return void told(() => onMessage(message as Exclude<From, { type: 'ready' }>));
      this.#ready = true;
      void told(onReady);
    });
    panel.onDidDispose(() => {
      if (this.#panel !== panel) return;
      this.#panel = null;
      this.#ready = false;
      onClose?.();
    });
    panel.webview.html = pageHtml(panel.webview, extensionUri, viewType.replace('certiscope.', ''), title);
  }
}

/** Does what a page asks for; what goes wrong is said to the person who asked, and is no unhandled rejection. */
async function told(act: () => void | Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    void vscode.window.showErrorMessage(`Certiscope: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The document of a panel: its script and its style, and nothing else may run or load. Pictures come as bytes that the page draws, or from its folders. */
export function pageHtml(webview: vscode.Webview, extensionUri: vscode.Uri, name: string, title: string): string {
  const nonce = crypto.randomUUID();
  const asset = (file: string) =>
    webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, 'dist', 'webview', file)).toString();
  // The nonce for styles is for the component library's own style elements; there is no 'unsafe-inline' anywhere.
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
    `img-src ${webview.cspSource}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<link rel="stylesheet" href="${asset(`${name}.css`)}">
<title>${title}</title>
</head>
<body><script type="module" nonce="${nonce}" src="${asset(`${name}.js`)}"></script></body>
</html>`;
}
