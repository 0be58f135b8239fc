// A person at VS Code's window, as far as the journeys need one: menus, the Explorer, quick picks, panels, pictures of it all.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, workbenchUrl } from '../host/server.mjs';

const ARTEFACTS = path.join(ROOT, 'test/artefacts/journey');
const PATIENCE_MS = 30_000;
/** VS Code ignores a mouse-up on a menu that opened less than this ago. */
const MENU_REST_MS = 150;

export const THEMES = {
  light: 'Default Light Modern',
  dark: 'Default Dark Modern',
  'high-contrast': 'Default High Contrast',
};

export class Workbench {
  /**
   * @param {import('playwright-core').Page} page
   * @param {string} folder what is opened in it
   */
  constructor(page, folder) {
    this.page = page;
    this.folder = folder;
    this.explorer = page.locator('.explorer-folders-view');
  }

  /**
   * Opens a folder in a fresh window.
   * @param {import('playwright-core').Browser} browser
   * @param {Awaited<ReturnType<import('../host/server.mjs').startServer>>} server
   * @param {string} folder
   */
  static async open(browser, server, folder) {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(workbenchUrl(server.origin, { folder }));
    await page.locator('.monaco-workbench').waitFor();
    const workbench = new Workbench(page, folder);
    await workbench.explorer.waitFor();
    return workbench;
  }

  async close() {
    await this.page.context().close();
  }

  /** Keeps a picture of the window. */
  async picture(name) {
    mkdirSync(ARTEFACTS, { recursive: true });
    await this.page.screenshot({ path: path.join(ARTEFACTS, `${name}.png`) });
  }

  /** A file in the Explorer; folders on the way are opened. */
  async file(...steps) {
    const item = name => this.explorer.getByRole('treeitem', { name, exact: true });
    for (const folder of steps.slice(0, -1)) {
      await item(folder).waitFor();
      if ((await item(folder).getAttribute('aria-expanded')) !== 'true') await item(folder).click();
    }
    const file = item(steps.at(-1));
    await file.waitFor();
    return file;
  }

  /** Right-clicks and chooses; a picture of the open menu is kept under `picture`. */
  async contextMenu(target, name, picture) {
    const item = this.page.locator('.monaco-menu').getByRole('menuitem', { name, exact: true });
    // A window that has only just opened may not know its extensions' menu items yet: open the menu again, as a person would.
    for (let attempt = 0; attempt < 5 && !(await item.isVisible()); attempt++) {
      await this.page.keyboard.press('Escape');
      await target.click({ button: 'right' });
      await item.waitFor({ timeout: 3000 }).catch(() => {});
    }
    if (picture) {
      await item.hover();
      await this.picture(picture);
    }
    for (let attempt = 0; attempt < 10 && (await item.isVisible()); attempt++) {
      await this.page.waitForTimeout(MENU_REST_MS);
      await item.click({ timeout: 1000 }).catch(() => {});
      await item.waitFor({ state: 'hidden', timeout: 1000 }).catch(() => {});
    }
    assert.equal(await item.isVisible(), false, `the menu item ${name} was not taken`);
  }

  get quickInput() {
    return this.page.locator('.quick-input-widget:visible');
  }

  /** Takes the item of a quick pick whose text contains `text`. */
  async pick(text, picture) {
    const row = this.quickInput.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
    await row.waitFor();
    if (picture) await this.picture(picture);
    await row.click();
  }

  async answer(text, picture) {
    const input = this.quickInput.locator('input:visible').first();
    await input.fill(text);
    if (picture) await this.picture(picture);
    await input.press('Enter');
  }

  /** Text of the lenses in the editor, once one matches. */
  async lens(pattern, timeout = PATIENCE_MS) {
    const lens = this.page.locator('.codelens-decoration a, .codelens-decoration span', { hasText: pattern }).first();
    await lens.waitFor({ timeout });
    return lens;
  }

  /** Presses Run above the property in the editor; again when the lens was just being drawn anew. */
  async runFromLens() {
    const run = await this.lens(/\bRun\b/);
    for (let attempt = 0; attempt < 10; attempt++) {
      await run.click({ timeout: 1000 }).catch(() => {});
      const started = await this.lens(/verifying|queued|verified|falsified|unknown/, 1500).catch(() => null);
      if (started) return;
    }
    throw new Error('pressing Run did nothing');
  }

  /** Shows the Problems view by its counter in the status bar: a key chord could be lost while a new panel takes the focus. */
  async problems() {
    const panel = this.page.locator('.markers-panel');
    if (!(await panel.isVisible())) await this.page.locator('[id="status.problems"] a').click();
    await panel.waitFor();
    return panel;
  }

  /** The page inside the results panel. */
  get results() {
    return this.page.frameLocator('iframe.webview.ready').first().frameLocator('iframe#active-frame');
  }

  /** Reloads the window in order: VS Code keeps what is open, which a reload of the page under it may lose. */
  async reload() {
    const loaded = this.page.waitForEvent('load');
    await this.run('Developer: Reload Window');
    await loaded;
    await this.explorer.waitFor();
  }

  /** Opens a view container by its icon in the activity bar. */
  async activity(name) {
    await this.page.locator('.activitybar').getByRole('tab', { name }).first().click();
  }

  async run(command) {
    await this.page.keyboard.press('F1');
    const input = this.quickInput.locator('input:visible').first();
    await input.waitFor();
    await input.fill(`>${command}`);
    await this.quickInput.locator('.quick-input-list .monaco-list-row', { hasText: command }).first().click();
  }
}

/** Changes the person's colour theme, live. */
export function setTheme(server, theme) {
  const settings = { ...server.settings, 'workbench.colorTheme': THEMES[theme] };
  writeFileSync(server.settingsFile, JSON.stringify(settings, null, 2));
}
