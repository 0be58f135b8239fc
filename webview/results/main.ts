import { element, Part, replaceContent } from '../kit/dom';
import { Extension } from '../kit/messages';
import { beginButton, emptyPage, note, PageBody, whereLine } from '../kit/page';
import { button, select } from '../kit/toolkit';
import { VirtualList } from '../kit/virtual-list';
import { detail, type Known } from './detail';
import { ProgressBar } from './progress-bar';
import {
  INITIAL_STATE,
  type FromPanel,
  type ListedRow,
  type PanelState,
  type Row,
  type Shown,
  type ToPanel,
} from './protocol';
import { BoundCurve } from './work';
import './results.css';

const ROW_HEIGHT = 22;

const extension = new Extension<FromPanel, ToPanel, PanelState>();
let state: PanelState = { ...INITIAL_STATE, ...extension.state };
let shown: Shown | null = null;
let loaded: (Known & { readonly question: string; readonly row: Row }) | null = null;
let everything = false;
const head = new Part();
const rows = new VirtualList<ListedRow>({
  label: 'Results',
  rowHeight: ROW_HEIGHT,
  draw: drawRow,
  request: (first, end) => {
    if (shown) extension.post({ type: 'rows', question: shown.question, filter: state.filter, first, end });
  },
  onChoose: (_, row) => row && choose(row.index),
  isChosen: row => row.index === selected()?.index,
});
const listHead = element('div', { class: 'below' });
const list = element('section', { class: 'list', hidden: '' }, listHead, rows.element);
const body = element('div', {});
const progress = new ProgressBar(() => shown && extension.post({ type: 'stop', question: shown.question }));
const curve = new BoundCurve();
const page = new PageBody(head.element, progress.element, list, body);

extension.listen({
  show: message => show(message.shown),
  select: ({ index }) => choose(index),
  rows: ({ question, filter, first, rows: some }) => {
    if (question === shown?.question && filter === state.filter) rows.put(first, some);
  },
  details: message => {
    if (message.question !== shown?.question || message.asked !== state.index) return;
    loaded = message;
    rows.redraw();
    drawBody();
  },
});
draw();
extension.post({ type: 'ready' });
// The pictures are drawn to fit.
window.addEventListener('resize', drawBody);

function show(now: Shown | null): void {
  const before = shown;
  shown = now;
  const other = before?.question !== now?.question;
  if (now && now.question !== state.question) {
    keep({ question: now.question, index: null });
    everything = false;
  }
  const counted = JSON.stringify(before?.counts) !== JSON.stringify(now?.counts);
  if (now && (other || counted)) {
    rows.reset(totalOf(now), other);
    if (!other) rows.refresh();
    drawList(now);
  }
  // A run that only went on moves its bar: nothing a person may be about to press is drawn anew under the pointer.
  if (now?.busy && before?.busy && onlyProgressed(before, now)) {
    progress.show(now.busy);
    if (counted) askForDetails();
    return;
  }
  if (now && (before?.label !== now.label || other)) page.announce(`${now.name}: ${now.label} ${now.detail}`);
  draw();
  // What a run has ended with is read anew, also where the same result was looked at before.
  askForDetails(Boolean(before?.busy && now && !now.busy));
}

function onlyProgressed(before: Shown, now: Shown): boolean {
  const rest = (some: Shown) => JSON.stringify({ ...some, busy: null, counts: decidedOf(some) > 0 });
  return rest(before) === rest(now);
}

function decidedOf({ counts }: Shown): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}

/** Rows that the filter lets through. */
function totalOf(now: Shown): number {
  if (state.filter === 'all') return decidedOf(now);
  return now.counts.find(({ kind }) => kind === state.filter)?.count ?? 0;
}

function keep(change: Partial<PanelState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

function choose(index: number): void {
  keep({ index });
  rows.redraw();
  askForDetails();
}

/** The result whose details are shown, once they have come: the chosen one, else the worst. */
function selected(): Row | null {
  return shown && loaded?.question === shown.question ? loaded.row : null;
}

function askForDetails(anew = false): void {
  if (!shown || decidedOf(shown) === 0) return;
  const known = anew ? null : selected();
  // What is shown stays until a person chooses something else: details do not jump while worse results come.
  if (known && (state.index === known.index || (state.index === null && shown.busy))) return;
  extension.post({ type: 'details', question: shown.question, index: state.index });
}

function draw(): void {
  head.draw(shown && { ...shown, busy: shown.busy !== null }, () =>
    shown
      ? [header(shown), ...shown.notes.map(text => note(text, 'note'))]
      : [
          emptyPage(
            'No results yet',
            'Right-click an ONNX model in the Explorer and choose Verify, or press Run above a property of a specification.',
            beginButton(() => extension.post({ type: 'begin' })),
          ),
        ],
  );
  progress.show(shown?.busy ?? null);
  list.hidden = shown === null || decidedOf(shown) < 2;
  if (shown) drawList(shown);
  drawBody();
}

function drawBody(): void {
  const row = selected();
  replaceContent(body, shown && (row ? detailOf(shown, row) : nothingDecided(shown)));
}

function header(now: Shown): HTMLElement {
  const { question } = now;
  const run =
    !now.busy &&
    now.canRun &&
    button({
      label: decidedOf(now) > 0 ? 'Run again' : 'Run',
      kind: now.stale || decidedOf(now) === 0 ? 'primary' : 'secondary',
      onClick: () => extension.post({ type: 'run', question }),
    });
  if (run) run.dataset['focus'] = 'run';
  return element(
    'header',
    {},
    element('h1', {}, now.name),
    whereLine(now, () => extension.post({ type: 'openSpecification', question })),
    element(
      'div',
      { class: 'state' },
      element('span', { class: `verdict ${now.stale ? 'stale' : now.tone}` }, now.label),
      element('span', { class: 'quiet' }, now.detail),
      run,
    ),
    now.stale &&
      note('The specification or the model has changed since these results. They speak of the earlier text.', 'note'),
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

/** What stands above the list: how many results there are, and which of them are listed. */
function drawList(now: Shown): void {
  const decided = decidedOf(now);
  const counted = decided < now.planned ? `${decided} of ${now.planned} decided` : `${now.planned} results`;
  replaceContent(
    listHead,
    element('span', { class: 'quiet' }, counted),
    now.counts.length > 1 &&
      select<PanelState['filter']>({
        label: 'Show',
        value: state.filter,
        options: [
          { value: 'all', label: 'all' },
          ...now.counts.map(({ kind, count }) => ({ value: kind, label: `${kind} (${count})` })),
        ],
        onChange: filter => {
          keep({ filter });
          rows.reset(totalOf(now), true);
        },
      }),
  );
}

function drawRow(row: ListedRow): { content: Node[]; className: string } {
  return {
    className: row.kind,
    content: [
      element('span', { class: 'sign', 'aria-hidden': 'true' }, SIGN[row.kind]),
      element('span', {}, row.title),
      element('span', { class: 'kind' }, row.kind),
      element('span', { class: 'quiet' }, row.seconds),
    ],
  };
}

function detailOf(now: Shown, row: Row): HTMLElement {
  return detail({
    row,
    known: loaded,
    state,
    change: change => {
      keep(change);
      drawBody();
    },
    curve,
    everything,
    showEverything: () => {
      everything = true;
      drawBody();
    },
    copy: () => extension.post({ type: 'copy', question: now.question, index: row.index }),
    save: () => extension.post({ type: 'saveModel', question: now.question, index: row.index }),
  });
}
