// How the results page takes ten thousand results: `node bench/results-list.mjs`. In a headless Chromium, with the rows answered as the extension does; by the clock
// from a filter that is chosen to the frame with its rows, and the frames while the list is scrolled from end to end.
import { rmSync } from 'node:fs';
import { launchBrowser } from '../test/host/launch.mjs';
import { TestPage, buildPages } from '../test/pages/page.mjs';
import { SCENES } from '../test/pages/scenes.mjs';

const TOTAL = 10_000;
const FILTERS = ['falsified', 'verified', 'all', 'falsified', 'verified', 'all'];
const SCROLLS = 200;

const [{ shown }] = SCENES.results.done.messages;
const kinds = ['falsified', 'verified'];
const rows = Array.from({ length: TOTAL }, (_, k) => ({
  index: k,
  title: `Sample ${k}`,
  kind: kinds[k % 2],
  seconds: '0.10 s',
}));
const scene = {
  messages: [
    {
      type: 'show',
      shown: { ...shown, planned: TOTAL, counts: kinds.map(kind => ({ kind, count: TOTAL / kinds.length })) },
    },
  ],
  answer: message => {
    if (message.type !== 'rows') return SCENES.results.done.answer(message);
    const { question, filter, first, end } = message;
    const some = rows.filter(({ kind }) => filter === 'all' || kind === filter).slice(first, end);
    return [{ type: 'rows', question, filter, first, rows: some }];
  },
};

const folder = await buildPages(['results']);
const browser = await launchBrowser();
const { page, close } = await opened();
const filtered = [];
for (const filter of FILTERS) filtered.push(await page.evaluate(chooseFilter, filter));
const frames = await page.evaluate(scrollThrough, SCROLLS);
await close();
await browser.close();
rmSync(folder, { recursive: true, force: true });

const told = (name, times) => {
  const sorted = [...times].sort((a, b) => a - b);
  const at = part => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))].toFixed(1).padStart(7);
  console.log(`${name.padEnd(52)}${at(0)}${at(0.5)}${at(0.95)}${at(1)}`);
};
console.log(`${'milliseconds'.padEnd(52)}  least median   95 %   most`);
told('a filter, to the frame with its rows', filtered);
told('a frame while the list is scrolled', frames);

async function opened() {
  const test = await TestPage.open(browser, { folder, name: 'results', scene });
  return { page: test.page, close: () => test.close() };
}

/** Runs in the page. */
async function chooseFilter(filter) {
  const list = document.querySelector('[role=listbox][aria-label="Results"]');
  const choice = document.querySelector('[aria-label="Show"]');
  const drawn = () => list.querySelector('[role=option]')?.textContent ?? '';
  const started = performance.now();
  choice.value = filter;
  choice.dispatchEvent(new Event('change', { bubbles: true }));
  do await new Promise(next => requestAnimationFrame(next));
  while (!/Sample/.test(drawn()) || (filter !== 'all' && !drawn().includes(filter)));
  return performance.now() - started;
}

/** Runs in the page. */
async function scrollThrough(steps) {
  const list = document.querySelector('[role=listbox][aria-label="Results"]');
  const whole = list.scrollHeight - list.clientHeight;
  const frames = [];
  let before = await new Promise(next => requestAnimationFrame(next));
  for (let k = 1; k <= steps; k++) {
    list.scrollTop = (whole * k) / steps;
    const now = await new Promise(next => requestAnimationFrame(next));
    frames.push(now - before);
    before = now;
  }
  return frames;
}
