// A page of a panel by itself in a browser, with the content policy of the extension and without VS Code: what it is told and what it says is up to the test.
import { build } from 'esbuild';
import { mkdtempSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from '../host/server.mjs';

const ORIGIN = 'http://page.test';
const NONCE = 'nonce-of-the-test';
/** What a page puts off by a timer of its own comes within this. */
const TIMERS_MS = 120;

/** Bundles the pages; returns the folder with them. */
export async function buildPages(names) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-pages-'));
  await build({
    absWorkingDir: ROOT,
    entryPoints: names.map(name => ({ in: `webview/${name}/main.ts`, out: name })),
    outdir: folder,
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    logLevel: 'warning',
  });
  return folder;
}

/** One open page. */
export class TestPage {
  /** What the page has said to the extension. */
  posted = [];
  /** Errors of its script, and what the content policy refused. */
  trouble = [];
  #answer;
  /** Messages of the page whose answers are on their way. */
  #answering = 0;

  /**
   * @param {import('playwright-core').Page} page
   * @param {(message: any) => any[]} answer what the extension answers to a message
   */
  constructor(page, answer) {
    this.page = page;
    this.#answer = answer;
  }

  /**
   * Opens a page and tells it the messages of a scene.
   * @param {import('playwright-core').Browser} browser
   * @param {{ folder: string, name: string, scene: { messages: any[], answer?: (message: any) => any[], state?: unknown }, width?: number }} options
   */
  static async open(browser, { folder, name, scene, width = 760 }) {
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    const opened = new TestPage(await context.newPage(), scene.answer ?? (() => []));
    await opened.#load(folder, name, scene.state);
    await opened.tell(...scene.messages);
    return opened;
  }

  async close() {
    await this.page.context().close();
  }

  /** Tells the page some messages, one after the other, and waits until they are drawn. Numbers cross as typed arrays. */
  async tell(...messages) {
    for (const message of messages) await this.#send(message);
    await this.page.waitForTimeout(TIMERS_MS);
    // A busy machine is no fault: two frames are drawn, however late, after everything that was asked for in the meantime has been answered.
    let said;
    do {
      said = this.posted.length;
      await this.page.evaluate(() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    } while (this.#answering > 0 || this.posted.length > said);
  }

  /** What the page would come back with after a reload of the window. */
  kept() {
    return this.page.evaluate('window.kept');
  }

  /** The last message of a type. */
  last(type) {
    return this.posted.filter(message => message.type === type).at(-1);
  }

  async #load(folder, name, state) {
    const { page } = this;
    page.setDefaultTimeout(5000);
    page.on('pageerror', error => this.trouble.push(String(error.stack ?? error)));
    page.on('console', said => ['error', 'warning'].includes(said.type()) && this.trouble.push(said.text()));
    await page.exposeFunction('toExtension', async message => {
      this.posted.push(message);
      this.#answering++;
      for (const each of this.#answer(message)) await this.#send(each);
      this.#answering--;
    });
    await page.route(`${ORIGIN}/**`, route => {
      const file = new URL(route.request().url()).pathname;
      if (file === '/') return route.fulfill({ contentType: 'text/html', body: documentOf(name, state) });
      const contentType = file.endsWith('.css') ? 'text/css' : 'text/javascript';
      return route.fulfill({ contentType, body: readFileSync(path.join(folder, file)) });
    });
    await page.goto(ORIGIN);
  }

  async #send(message) {
    const text = JSON.stringify(message, (_, value) =>
      value instanceof Float32Array ? { float32: Array.from(value) } : value,
    );
    await this.page
      .evaluate(
        json =>
          window.postMessage(
            JSON.parse(json, (_, value) => (value?.float32 ? Float32Array.from(value.float32) : value)),
            '*',
          ),
        text,
      )
      .catch(error => this.trouble.push(String(error)));
  }
}

/** The same policy as `pageHtml` of the extension. */
function documentOf(name, state) {
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${NONCE}'`,
    `style-src ${ORIGIN} 'nonce-${NONCE}'`,
    `font-src ${ORIGIN}`,
    `img-src ${ORIGIN}`,
  ].join('; ');
  const api = `
    window.kept = ${JSON.stringify(state ?? null)} ?? undefined;
    window.acquireVsCodeApi = () => ({
      postMessage: message => void window.toExtension(message),
      getState: () => window.kept,
      setState: state => { window.kept = state; },
    });`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${NONCE}">
<link rel="stylesheet" href="/${name}.css">
<script nonce="${NONCE}">${api}</script>
</head>
<body class="vscode-light"><script type="module" nonce="${NONCE}" src="/${name}.js"></script></body>
</html>`;
}
