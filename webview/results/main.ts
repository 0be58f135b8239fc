import { element, replaceContent, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { badge, busy, button, divider, select } from '../kit/toolkit';
import { distance, layoutOf } from './picture';
import { featureTable, outputTable, pictures, short } from './pictures';
import {
  INITIAL_STATE,
  type FromPanel,
  type PanelState,
  type Row,
  type Shown,
  type Tensors,
  type ToPanel,
} from './protocol';
import './results.css';

/** Results in the list at first; a check over a whole data set has thousands. */
const LISTED_ROWS = 300;

const extension = new Extension<FromPanel, ToPanel, PanelState>();
let state: PanelState = { ...INITIAL_STATE, ...extension.state };
let shown: Shown | null = null;
let loaded: {
  readonly question: string;
  readonly index: number;
  readonly tensors: Tensors;
  readonly problem: string | null;
} | null = null;
let everything = false;
const main = element('main', {});
const announcer = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });
document.body.append(main, announcer);

extension.listen({
  show: message => {
    const before = shown;
    shown = message.shown;
    if (shown && shown.question !== state.question) {
      keep({ question: shown.question, index: null });
      everything = false;
    }
    if (shown && (before?.label !== shown.label || before.question !== shown.question))
      announcer.textContent = `${shown.name}: ${shown.label} ${shown.detail}`;
    draw();
    askForTensors();
  },
  select: ({ index }) => choose(index),
  tensors: message => {
    loaded = message;
    draw();
  },
});
draw();
extension.post({ type: 'ready', question: state.question });

function keep(change: Partial<PanelState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

function choose(index: number): void {
  keep({ index });
  draw();
  askForTensors();
}

/** The result whose details are shown: the chosen one, else the first that is worth looking at. */
function selected(): Row | null {
  if (!shown) return null;
  const { rows } = shown;
  return (
    rows.find(row => row.index === state.index) ??
    rows.find(row => row.kind === 'falsified') ??
    rows.find(row => row.kind !== 'verified') ??
    rows[0] ??
    null
  );
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
    progress(now),
    list(now, row),
    row ? detail(now, row) : nothingDecided(now),
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

function progress({ busy: work }: Shown): HTMLElement | null {
  if (!work) return null;
  const bar = element('progress', { max: '1', 'aria-label': 'Part of the work that is done' });
  if (work.fraction !== null) bar.value = work.fraction;
  return element('div', { class: 'progress' }, busy('Verifying'), bar, element('span', { class: 'quiet' }, work.text));
}

function nothingDecided({ busy: work }: Shown): HTMLElement {
  return element(
    'p',
    { class: 'quiet' },
    work ? 'Results appear here as soon as they are decided.' : 'This property has not been run yet.',
  );
}

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
      element('span', { class: 'dot', 'aria-hidden': 'true' }),
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

function detail(now: Shown, row: Row): HTMLElement {
  const facts = row.facts.map(({ name, value, title }) => [
    element('dt', {}, name),
    element('dd', title ? { title } : {}, value),
  ]);
  const known = loaded?.question === now.question && loaded.index === row.index ? loaded : null;
  return element(
    'article',
    { 'aria-label': row.title },
    divider(),
    element('h2', {}, row.title, ' ', badge(row.kind)),
    element(
      'p',
      { class: 'claim' },
      element(
        'span',
        { class: 'quiet' },
        row.kind === 'falsified' ? 'Not true: ' : row.kind === 'verified' ? 'Holds: ' : 'Asked: ',
      ),
      row.claim,
      '.',
    ),
    row.reason !== '' && element('p', { class: 'reason' }, row.reason),
    element('dl', {}, ...facts.flat()),
    row.counterexample && counterexample(now, row, known),
    !row.counterexample && known && outputTable(row, known.tensors),
  );
}

function counterexample(now: Shown, row: Row, known: typeof loaded): HTMLElement {
  const title = element('h3', {}, 'Counterexample');
  if (!known)
    return element('section', {}, title, element('div', { class: 'progress' }, busy('Reading the counterexample')));
  if (known.problem)
    return element('section', {}, title, element('p', { class: 'note', role: 'alert' }, known.problem));
  const { tensors } = known;
  const drawable = layoutOf(row.inputShape, row.preprocess) !== null;
  const asPicture = drawable && state.view === 'picture';
  const redraw = (change: Partial<PanelState>) => {
    keep(change);
    draw();
  };
  return element(
    'section',
    { class: 'counterexample' },
    element(
      'div',
      { class: 'below' },
      title,
      drawable &&
        select<PanelState['view']>({
          label: 'Input as',
          value: state.view,
          options: [
            { value: 'picture', label: 'picture' },
            { value: 'table', label: 'table' },
          ],
          onChange: view => redraw({ view }),
        }),
      button({
        label: 'Copy as VNN-LIB assignment',
        onClick: () => extension.post({ type: 'copy', question: now.question, index: row.index }),
      }),
    ),
    norms(tensors),
    asPicture && pictures({ row, tensors, zoom: state.zoom, onZoom: zoom => redraw({ zoom }) }),
    !asPicture &&
      featureTable(
        tensors,
        () => {
          everything = true;
          draw();
        },
        everything,
      ),
    element('h3', {}, 'Outputs'),
    outputTable(row, tensors),
  );
}

function norms({ input, original }: Tensors): HTMLElement | null {
  if (!input || !original) return null;
  const { changed, largest, euclidean, sum } = distance(input.map((value, index) => value - original[index]!));
  const facts = [
    ['Changed', `${changed} of ${input.length} values`],
    ['L∞', short(largest)],
    ['L2', short(euclidean)],
    ['L1', short(sum)],
  ];
  return element(
    'dl',
    { title: 'Distance from the original, in the model’s own units' },
    ...facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
  );
}
