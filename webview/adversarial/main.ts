import { element, replaceContent, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { brightness, layoutOf, photograph } from '../kit/picture';
import { putPixels } from '../kit/plates';
import { button, select, textField } from '../kit/toolkit';
import { VirtualGrid } from '../kit/virtual-grid';
import { ProgressBar } from '../results/progress-bar';
import { choices } from './choices';
import { classesOf, filtered, NORMS } from './filter';
import { metrics } from './metrics';
import {
  INITIAL_STATE,
  type Entry,
  type EntryTensors,
  type FromPage,
  type Gallery,
  type PageState,
  type ToPage,
} from './protocol';
import { short } from '../kit/numbers';
import { viewer } from './viewer';
import '../results/results.css';
import './adversarial.css';

const TILE_WIDTH = 92;
const TILE_HEIGHT = 112;
/** Inputs whose numbers are kept here; those seen longest ago go first. */
const MOST_KEPT = 400;
/** Numbers are asked for when scrolling has come to rest for so long. */
const REST_MILLISECONDS = 60;

const extension = new Extension<FromPage, ToPage, PageState>();
let state: PageState = { ...INITIAL_STATE, ...extension.state };
let gallery: Gallery | null = null;
let entries: Entry[] = [];
let listed: readonly Entry[] = [];
const tensors = new Map<number, EntryTensors>();
const asked = new Set<number>();
let problem = '';
let everything = false;
const open = { metrics: false, choices: false };
const main = element('main', { class: 'adversarial' });
const announcer = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });
document.body.append(main, announcer);

const grid = new VirtualGrid<Entry>({
  label: 'Adversarial inputs',
  tileWidth: TILE_WIDTH,
  tileHeight: TILE_HEIGHT,
  draw: tile,
  onView: seen => wanted(seen.flatMap(({ kind, sample }) => (kind === 'found' ? [sample] : []))),
  onChoose: place => {
    const entry = listed[place];
    if (!entry) return;
    everything = false;
    keep({ sample: entry.sample });
    draw();
  },
});
const progress = new ProgressBar();
const head = element('div', {});
const filters = element('div', { class: 'below' });
const detail = element('div', {});

extension.listen({
  show: message => show(message.gallery),
  add: message => {
    entries = [...entries, ...message.entries];
    drawList();
  },
  progress: ({ fraction, text }) => progress.update({ fraction, text, live: null }),
  choice: ({ choice }) => {
    if (gallery) gallery = { ...gallery, choice };
    drawHead();
  },
  tensors: message => {
    for (const input of message.inputs) {
      tensors.delete(input.sample);
      tensors.set(input.sample, input);
    }
    for (const oldest of [...tensors.keys()].slice(0, Math.max(0, tensors.size - MOST_KEPT))) tensors.delete(oldest);
    asked.clear();
    problem = message.problem;
    grid.refresh();
    if (message.inputs.some(({ sample }) => sample === state.sample) || problem !== '') drawDetail();
  },
});
draw();
extension.post({ type: 'ready', folder: state.folder });
window.addEventListener('resize', () => drawDetail());

function show(now: Gallery | null): void {
  const before = gallery?.run?.folder;
  gallery = now;
  entries = [...(now?.entries ?? [])];
  problem = '';
  if (now?.run && now.run.folder !== before) {
    tensors.clear();
    asked.clear();
    if (now.run.folder !== state.folder) keep({ folder: now.run.folder, sample: null, from: '', to: '', most: '' });
  }
  if (now?.summary) announcer.textContent = now.summary.statement;
  draw();
}

function keep(change: Partial<PageState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

/** Asks for the numbers of inputs that are in view and not known. */
let waiting: ReturnType<typeof setTimeout> | undefined;
let inView: readonly number[] = [];
function wanted(samples: readonly number[]): void {
  inView = samples;
  clearTimeout(waiting);
  waiting = setTimeout(() => ask(inView), REST_MILLISECONDS);
}

function ask(samples: readonly number[]): void {
  const missing = samples.filter(sample => !tensors.has(sample) && !asked.has(sample));
  if (missing.length === 0) return;
  missing.forEach(sample => asked.add(sample));
  extension.post({ type: 'tensors', samples: missing });
}

function name(index: number): string {
  return gallery?.run?.classes?.[index] ?? `class ${index}`;
}

function draw(): void {
  if (!gallery) return replaceContent(main, empty());
  replaceContent(main, head, gallery.busy && progressBar(), filters, grid.element, detail);
  drawHead();
  drawList();
}

function progressBar(): HTMLElement {
  return progress.draw({ fraction: null, text: 'Reading the model and the data', live: null });
}

function empty(): HTMLElement {
  return element(
    'section',
    { class: 'empty' },
    element('h1', {}, 'No adversarial inputs yet'),
    element('p', {}, 'Right-click an ONNX model in the Explorer and choose Find Adversarial Inputs.'),
  );
}

function drawHead(): void {
  if (!gallery) return;
  const { specification, model, summary, busy, choice } = gallery;
  const where = element(
    'button',
    { class: 'link', type: 'button', title: 'Open the specification', 'data-focus': 'specification' },
    specification,
  );
  where.addEventListener('click', () => extension.post({ type: 'openSpecification' }));
  const found = entries.filter(({ kind }) => kind === 'found').length;
  replaceContent(
    head,
    element('h1', {}, 'Adversarial inputs'),
    element('p', { class: 'where' }, where, model ? ` · ${model}` : ''),
    element(
      'div',
      { class: 'state' },
      element('span', { class: 'quiet' }, summary?.statement ?? (busy ? `${found} found so far.` : '')),
      busy
        ? button({ label: 'Stop', onClick: () => extension.post({ type: 'stop' }) })
        : button({ label: 'Run again', onClick: () => extension.post({ type: 'run' }) }),
      found > 0 &&
        !busy &&
        button({
          label: 'Patch the model',
          title: 'Look for the smallest change of weights that puts these inputs right',
          onClick: () => extension.post({ type: 'patch' }),
        }),
    ),
    gallery.problem !== '' && element('p', { class: 'note', role: 'alert' }, gallery.problem),
    choices({
      choice,
      open: open.choices,
      change: change => gallery && extension.post({ type: 'choice', choice: { ...gallery.choice, ...change } }),
      onToggle: now => (open.choices = now),
      chooseTransfer: () => extension.post({ type: 'chooseTransfer' }),
    }),
    summary && metrics(summary, open.metrics, now => (open.metrics = now)),
  );
}

function drawList(): void {
  listed = filtered(entries, state);
  const chosen = selected();
  drawFilters();
  grid.element.hidden = listed.length === 0;
  grid.show(listed, chosen ? listed.indexOf(chosen) : -1);
  if (gallery?.busy) drawCount();
  drawDetail();
}

function drawCount(): void {
  const quiet = head.querySelector('.state .quiet');
  const found = entries.filter(({ kind }) => kind === 'found').length;
  if (quiet && !gallery?.summary) quiet.textContent = `${found} found so far.`;
}

/** The input whose details are shown: the chosen one, else the first that is listed. */
function selected(): Entry | null {
  return listed.find(({ sample }) => sample === state.sample) ?? listed[0] ?? null;
}

function drawFilters(): void {
  const change = (to: Partial<PageState>): void => {
    keep(to);
    drawList();
  };
  const classes = (side: 'from' | 'to', label: string): HTMLElement =>
    select({
      label,
      value: state[side],
      options: [
        { value: '', label: 'any' },
        ...classesOf(entries, side).map(value => ({ value: String(value), label: name(value) })),
      ],
      onChange: value => change({ [side]: value }),
    });
  const count = (kind: PageState['shown']): number =>
    kind === 'all' ? entries.length : entries.filter(entry => entry.kind === kind).length;
  const kinds = (
    [
      ['found', 'found'],
      ['not found', 'not found'],
      ['skipped', 'left out'],
      ['all', 'all'],
    ] as const
  )
    .filter(([kind]) => kind === 'found' || kind === 'all' || count(kind) > 0)
    .map(([value, label]) => ({ value, label: `${label} (${count(value)})` }));
  replaceContent(
    filters,
    select<PageState['shown']>({
      label: 'Show',
      value: state.shown,
      options: kinds,
      onChange: shown => change({ shown }),
    }),
    classes('from', 'Class'),
    classes('to', 'Taken for'),
    select({ label: 'By', value: state.norm, options: NORMS, onChange: norm => change({ norm, most: '' }) }),
    textField({
      label: 'at most',
      value: state.most,
      placeholder: 'any',
      size: 5,
      onChange: text => change({ most: Number.isNaN(Number(text)) ? '' : text }),
    }),
    element('span', { class: 'quiet' }, `${listed.length} listed`),
  );
}

function tile(entry: Entry): { readonly content: readonly Node[]; readonly label: string } {
  const caption = (text: string, quiet: string): Child[] => [
    element('span', { class: 'caption' }, text),
    element('span', { class: 'quiet' }, quiet),
  ];
  if (entry.kind !== 'found') {
    const what = entry.kind === 'skipped' ? 'left out' : 'not found';
    const content = [
      element('span', { class: 'blank', 'aria-hidden': 'true' }, '–'),
      ...caption(`sample ${entry.sample}`, what),
    ];
    return { content: content as Node[], label: `Sample ${entry.sample}, ${what}` };
  }
  const size = short(entry.norms[state.norm]);
  const one = entry.norms[state.norm] === 1 ? '' : 's';
  const unit = { values: ` value${one}`, pixels: ` pixel${one}`, inf: ' L∞', two: ' L2', one: ' L1' }[state.norm];
  const change = `${name(entry.from).replace('class ', '')} → ${name(entry.to).replace('class ', '')}`;
  return {
    content: [thumbnail(entry.sample), ...(caption(change, `${size}${unit}`) as Node[])],
    label: `Sample ${entry.sample}, ${name(entry.from)} taken for ${name(entry.to)}, ${size}${unit}`,
  };
}

/** The adversarial picture, small; a sign where the input is none or has not come yet. */
function thumbnail(sample: number): HTMLElement {
  const run = gallery?.run;
  const layout = run ? layoutOf(run.inputShape, run.preprocess) : null;
  const known = tensors.get(sample);
  if (!run || !layout || !known)
    return element('span', { class: 'blank', 'aria-hidden': 'true' }, layout ? '' : `#${sample}`);
  const canvas = element('canvas', {
    width: String(layout.width),
    height: String(layout.height),
    'aria-hidden': 'true',
  });
  const [, bright] = brightness(layout, run.preprocess, known.original, known.input) as [Float32Array, Float32Array];
  putPixels(canvas, layout, photograph(layout, bright));
  return canvas;
}

function drawDetail(): void {
  const entry = selected();
  const run = gallery?.run;
  if (!entry || !run) {
    const nothing = entries.length > 0 && 'No input passes the filter.';
    return replaceContent(detail, nothing && element('p', { class: 'quiet' }, nothing));
  }
  if (entry.kind === 'found') ask([entry.sample]);
  replaceContent(
    detail,
    viewer({
      run,
      entry,
      name,
      tensors: tensors.get(entry.sample) ?? null,
      problem: tensors.has(entry.sample) ? '' : problem,
      state,
      change: change => {
        keep(change);
        drawDetail();
      },
      everything,
      showEverything: () => {
        everything = true;
        drawDetail();
      },
      save: kind => extension.post({ type: 'export', sample: entry.sample, kind }),
    }),
  );
}
