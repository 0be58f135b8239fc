import { element, Part, replaceContent, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { counted, short } from '../kit/numbers';
import { beginButton, emptyPage, note, PageBody, whereLine, WorkBar } from '../kit/page';
import { brightness, layoutOf, photograph } from '../kit/picture';
import { putPixels } from '../kit/plates';
import { button } from '../kit/toolkit';
import { VirtualGrid } from '../kit/virtual-grid';
import { choices } from './choices';
import { filtered } from './filter';
import { Filters } from './filters';
import { metrics } from './metrics';
import {
  INITIAL_STATE,
  OTHER_MODELS,
  type Choice,
  type Entry,
  type EntryTensors,
  type FromPage,
  type Gallery,
  type OtherModel,
  type PageState,
  type ToPage,
} from './protocol';
import { viewer } from './viewer';
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
const head = new Part();
const work = new WorkBar(() => extension.post({ type: 'stop' }));
const options = new Part();
const filters = new Filters(change => {
  keep(change);
  drawList();
});
const listedCount = element('p', { class: 'quiet' });
const detail = element('div', {});
const page = new PageBody(
  head.element,
  work.element,
  options.element,
  filters.element,
  grid.element,
  listedCount,
  detail,
);

extension.listen({
  show: message => show(message.gallery),
  add: message => {
    entries = [...entries, ...message.entries];
    drawList();
  },
  progress: ({ busy }) => work.show(busy),
  choice: ({ choice }) => {
    if (gallery) gallery = { ...gallery, choice };
    drawOptions();
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
    const looked = selected()?.sample;
    if (message.inputs.some(({ sample }) => sample === looked) || problem !== '') drawDetail();
  },
});
draw();
extension.post({ type: 'ready' });
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
  if (now && JSON.stringify(now.asked) !== JSON.stringify(state.asked)) keep({ asked: now.asked });
  page.announce(now?.problem ?? now?.summary?.statement ?? '');
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
  drawHead();
  work.show(gallery?.busy ?? null);
  drawOptions();
  drawList();
}

function drawHead(): void {
  const now = gallery;
  const found = entries.filter(({ kind }) => kind === 'found').length;
  const busy = now?.busy !== null;
  const shown = now && [now.specification, now.model, now.summary, now.problem, now.canRun];
  head.draw(shown && [...shown, busy, found], () => {
    if (!now)
      return [
        emptyPage(
          'No adversarial inputs yet',
          'Right-click an ONNX model in the Explorer and choose Find Adversarial Inputs.',
          beginButton(() => extension.post({ type: 'begin' })),
        ),
      ];
    const said = now.summary?.statement ?? (entries.length > 0 ? `${found} found so far.` : '');
    return [
      element('h1', {}, 'Adversarial inputs'),
      whereLine(now, () => extension.post({ type: 'openSpecification' })),
      element(
        'div',
        { class: 'state' },
        said !== '' && element('span', { class: 'quiet' }, said),
        !busy &&
          now.canRun &&
          button({
            label: entries.length > 0 ? 'Run again' : 'Run',
            kind: entries.length > 0 ? 'secondary' : 'primary',
            onClick: () => extension.post({ type: 'run' }),
          }),
        found > 0 &&
          !busy &&
          button({
            label: 'Patch the model',
            title: 'Look for the smallest change of weights that puts these inputs right',
            onClick: () => extension.post({ type: 'patch' }),
          }),
      ),
      note(now.problem),
    ];
  });
}

function drawOptions(): void {
  const now = gallery;
  options.element.hidden = now === null;
  options.draw(now && [now.choice, now.summary], () => {
    if (!now) return [];
    const chooseModel = (use: OtherModel): void => extension.post({ type: 'chooseModel', use });
    return [choices(now.choice, choose, chooseModel), now.summary && metrics(now.summary)];
  });
}

function choose(change: Partial<Choice>): void {
  if (!gallery) return;
  const choice = { ...gallery.choice, ...change };
  gallery = { ...gallery, choice };
  // Fields show what they were made to; the lines about other models do not.
  if (OTHER_MODELS.every(use => change[use] === undefined)) options.shows([choice, gallery.summary]);
  else drawOptions();
  extension.post({ type: 'choice', choice });
}

function drawList(): void {
  listed = filtered(entries, state);
  const chosen = selected();
  filters.draw({ entries, state, name, isCounting: Boolean(gallery?.busy) });
  grid.element.hidden = listed.length === 0;
  listedCount.hidden = entries.length === 0;
  listedCount.textContent =
    listed.length === 0
      ? 'No input passes the filter.'
      : `${listed.length} of ${counted(entries.length, 'input')} listed.`;
  grid.show(listed, chosen ? listed.indexOf(chosen) : -1);
  if (gallery?.busy) drawHead();
  drawDetail();
}

/** The input whose details are shown: the chosen one, else the first that is listed. */
function selected(): Entry | null {
  return listed.find(({ sample }) => sample === state.sample) ?? listed[0] ?? null;
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
  if (!entry || !run) return replaceContent(detail);
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
