import { element, replaceContent, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { button, select } from '../kit/toolkit';
import { detail, type Known } from './detail';
import { ProgressBar } from './progress-bar';
import { INITIAL_STATE, type FromPanel, type PanelState, type Row, type Shown, type ToPanel } from './protocol';
import { BoundCurve } from './work';
import './results.css';

/** Results in the list at first; a check over a whole data set has thousands. */
const LISTED_ROWS = 300;

const extension = new Extension<FromPanel, ToPanel, PanelState>();
let state: PanelState = { ...INITIAL_STATE, ...extension.state };
let shown: Shown | null = null;
let loaded: (Known & { readonly question: string; readonly index: number }) | null = null;
let everything = false;
const main = element('main', {});
const progress = new ProgressBar();
const curve = new BoundCurve();
const announcer = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });
document.body.append(main, announcer);

extension.listen({
  show: message => show(message.shown),
  select: ({ index }) => choose(index),
  tensors: message => {
    loaded = message;
    draw();
  },
});
draw();
extension.post({ type: 'ready', question: state.question });
// The pictures are drawn to fit.
window.addEventListener('resize', draw);

function show(now: Shown | null): void {
  const before = shown;
  shown = now;
  if (now && now.question !== state.question) {
    keep({ question: now.question, index: null });
    everything = false;
  }
  // A run that only went on moves its bar: nothing a person may be about to press is drawn anew under the pointer.
  if (now?.busy && before?.busy && onlyProgressed(before, now)) return progress.update(now.busy);
  if (now && (before?.label !== now.label || before.question !== now.question))
    announcer.textContent = `${now.name}: ${now.label} ${now.detail}`;
  draw();
  askForTensors();
}

function onlyProgressed(before: Shown, now: Shown): boolean {
  const rest = (some: Shown) => JSON.stringify({ ...some, busy: null });
  return rest(before) === rest(now);
}

function keep(change: Partial<PanelState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

function choose(index: number): void {
  keep({ index });
  draw();
  askForTensors();
}

/** The result whose details are shown: the chosen one, else the worst. */
function selected(): Row | null {
  if (!shown) return null;
  const { rows } = shown;
  return rows.find(row => row.index === state.index) ?? rows[0] ?? null;
}

function askForTensors(): void {
  const row = selected();
  if (!shown || !row || (loaded?.question === shown.question && loaded.index === row.index)) return;
  extension.post({ type: 'tensors', question: shown.question, index: row.index });
}

function draw(): void {
  replaceContent(main, ...(shown ? page(shown) : [empty()]));
}

function empty(): HTMLElement {
  return element(
    'section',
    { class: 'empty' },
    element('h1', {}, 'No results yet'),
    element(
      'p',
      {},
      'Right-click an ONNX model in the Explorer and choose Verify, or press Run above a property of a specification.',
    ),
  );
}

function page(now: Shown): Child[] {
  const row = selected();
  return [
    header(now),
    ...now.notes.map(note => element('p', { class: 'note', role: 'note' }, note)),
    now.busy && progress.draw(now.busy),
    list(now, row),
    row ? detailOf(now, row) : nothingDecided(now),
  ];
}

function header(now: Shown): HTMLElement {
  const { question } = now;
  const open = element(
    'button',
    { class: 'link', type: 'button', title: 'Open the specification', 'data-focus': 'specification' },
    now.specification,
  );
  open.addEventListener('click', () => extension.post({ type: 'openSpecification', question }));
  const run = now.busy
    ? button({ label: 'Stop', onClick: () => extension.post({ type: 'stop', question }) })
    : now.canRun &&
      button({
        label: now.rows.length > 0 ? 'Run again' : 'Run',
        kind: now.stale || now.rows.length === 0 ? 'primary' : 'secondary',
        onClick: () => extension.post({ type: 'run', question }),
      });
  if (run) run.dataset['focus'] = 'run';
  return element(
    'header',
    {},
    element('h1', {}, now.name),
    element('p', { class: 'where' }, open, now.model ? ` · ${now.model}` : ''),
    element(
      'div',
      { class: 'state' },
      element('span', { class: `verdict ${now.stale ? 'stale' : now.tone}` }, now.label),
      element('span', { class: 'quiet' }, now.detail),
      run,
    ),
    now.stale &&
      element(
        'p',
        { class: 'note' },
        'The specification or the model has changed since these results. They speak of the earlier text.',
      ),
  );
}

function nothingDecided({ busy: work }: Shown): HTMLElement {
  return element(
    'p',
    { class: 'quiet' },
    work ? 'Results appear here as soon as they are decided.' : 'This property has not been run yet.',
  );
}

const SIGN: Record<Row['kind'], string> = {
  verified: '✓',
  falsified: '✗',
  misclassified: '≠',
  unknown: '?',
  timeout: '?',
  error: '!',
};

/** The list of results, when there is more than one. */
function list(now: Shown, current: Row | null): HTMLElement | null {
  if (now.rows.length < 2) return null;
  const kinds = [...new Set(now.rows.map(row => row.kind))];
  const wanted = now.rows.filter(row => state.filter === 'all' || row.kind === state.filter);
  const listed = everything ? wanted : wanted.slice(0, LISTED_ROWS);
  const options = listed.map(row => {
    const option = element(
      'li',
      {
        role: 'option',
        id: `row-${row.index}`,
        class: row.kind,
        'aria-selected': String(row.index === current?.index),
      },
      element('span', { class: 'sign', 'aria-hidden': 'true' }, SIGN[row.kind]),
      element('span', {}, row.title),
      element('span', { class: 'kind' }, row.kind),
      element('span', { class: 'quiet' }, row.seconds),
    );
    option.addEventListener('click', () => choose(row.index));
    return option;
  });
  const box = element(
    'ul',
    {
      role: 'listbox',
      tabindex: '0',
      'aria-label': 'Results',
      'data-focus': 'results',
      ...(current ? { 'aria-activedescendant': `row-${current.index}` } : {}),
    },
    ...options,
  );
  box.addEventListener('keydown', event => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = listed[listed.findIndex(row => row.index === current?.index) + step];
    if (next) choose(next.index);
  });
  queueMicrotask(() => box.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }));
  const more = element('button', { class: 'link', type: 'button' }, `Show ${wanted.length - listed.length} more`);
  more.addEventListener('click', () => {
    everything = true;
    draw();
  });
  const counted =
    now.rows.length < now.planned ? `${now.rows.length} of ${now.planned} decided` : `${now.planned} results`;
  return element(
    'section',
    { class: 'list' },
    element(
      'div',
      { class: 'below' },
      element('span', { class: 'quiet' }, counted),
      kinds.length > 1 &&
        select<PanelState['filter']>({
          label: 'Show',
          value: state.filter,
          options: [{ value: 'all', label: 'all' }, ...kinds.map(kind => ({ value: kind, label: kind }))],
          onChange: filter => {
            keep({ filter });
            draw();
          },
        }),
    ),
    box,
    wanted.length > listed.length && more,
  );
}

function detailOf(now: Shown, row: Row): HTMLElement {
  return detail({
    row,
    known: loaded?.question === now.question && loaded.index === row.index ? loaded : null,
    state,
    change: change => {
      keep(change);
      draw();
    },
    curve,
    everything,
    showEverything: () => {
      everything = true;
      draw();
    },
    copy: () => extension.post({ type: 'copy', question: now.question, index: row.index }),
    save: () => extension.post({ type: 'saveModel', question: now.question, index: row.index }),
  });
}
