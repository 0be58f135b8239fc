import { element, replaceContent, table, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { emptyPage, PageBody } from '../kit/page';
import { button, select } from '../kit/toolkit';
import { VirtualList } from '../kit/virtual-list';
import { detail } from '../results/detail';
import { layoutOf } from '../kit/picture';
import type { Row } from '../results/protocol';
import { BoundCurve } from '../results/work';
import {
  INITIAL_STATE,
  type Change,
  type Compared,
  type ComparedRow,
  type Filter,
  type FromPanel,
  type PanelState,
  type RunCard,
  type Side,
  type ToPanel,
  type Which,
} from './protocol';
import './compare.css';

const ROW_HEIGHT = 24;
/** Two columns of three pictures each, and what lies between and around them. */
const PLATES = 6;
const MARGINS_PIXELS = 190;

/** What a change is called, and the sign that stands for it: never a colour alone. */
const CHANGE: Readonly<Record<Change, { readonly sign: string; readonly one: string; readonly several: string }>> = {
  broken: { sign: '✗', one: 'new counterexample', several: 'new counterexamples' },
  worse: { sign: '↓', one: 'less decided', several: 'less decided' },
  better: { sign: '↑', one: 'further decided', several: 'further decided' },
  fixed: { sign: '✓', one: 'newly verified', several: 'newly verified' },
  added: { sign: '+', one: 'only in the later run', several: 'only in the later run' },
  removed: { sign: '−', one: 'only in the earlier run', several: 'only in the earlier run' },
  same: { sign: '=', one: 'the same', several: 'the same' },
};

const extension = new Extension<FromPanel, ToPanel, PanelState>();
let state: PanelState = { ...INITIAL_STATE, ...extension.state };
let compared: Compared | null = null;
let details: Extract<ToPanel, { type: 'details' }> | null = null;
let everything = false;
const top = element('div', {});
const counted = element('span', { class: 'quiet' });
const list = new VirtualList<ComparedRow>({
  label: 'Questions',
  rowHeight: ROW_HEIGHT,
  draw: drawRow,
  request: (first, end) => extension.post({ type: 'rows', filter: state.filter, first, end }),
  onChoose: choose,
});
const sides = element('div', { class: 'sides', 'aria-live': 'off' });
const curves = { before: new BoundCurve(), after: new BoundCurve() };
const columns = element(
  'div',
  { class: 'virtual-head quiet', 'aria-hidden': 'true' },
  ...['', 'Question', 'Verdict', 'Lower bound', 'Time'].map(title => element('span', {}, title)),
);
const page = new PageBody(top, columns, list.element, sides);

extension.listen({
  show: message => show(message.compared),
  rows: ({ filter, first, rows, total }) => {
    if (filter !== state.filter) return;
    list.reset(total, false);
    list.put(first, rows);
    counted.textContent = `${total} ${total === 1 ? 'question' : 'questions'}`;
  },
  select: ({ filter, place }) => {
    setFilter(filter);
    choose(place);
    list.choose(place);
  },
  details: message => {
    if (message.filter !== state.filter || message.place !== state.place) return;
    details = message;
    drawSides();
  },
});
show(null);
extension.post({ type: 'ready' });
// The pictures are drawn to fit.
window.addEventListener('resize', drawSides);

function show(now: Compared | null): void {
  const anew = now?.before?.id !== state.before || now.after.id !== state.after;
  compared = now;
  if (now && anew) keep({ before: now.before?.id ?? null, after: now.after.id, filter: firstFilter(now), place: 0 });
  replaceContent(
    top,
    ...(now
      ? header(now)
      : [emptyPage('No runs to compare', 'Select two runs in the Runs view of Certiscope and choose Compare.')]),
  );
  list.element.hidden = columns.hidden = now === null;
  if (!now) return;
  details = null;
  list.reset(totalOf(now, state.filter), true);
  list.choose(state.place);
  extension.post({ type: 'details', filter: state.filter, place: state.place });
  page.announce(summaryWords(now));
}

/** What changed; all where nothing did. */
function firstFilter(now: Compared): Filter {
  return totalOf(now, 'changed') > 0 && now.before ? 'changed' : 'all';
}

function totalOf({ counts }: Compared, filter: Filter): number {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (filter === 'all') return all;
  return filter === 'changed' ? all - counts.same : counts[filter];
}

function keep(change: Partial<PanelState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

function setFilter(filter: Filter): void {
  if (filter === state.filter || !compared) return;
  keep({ filter, place: 0 });
  details = null;
  list.reset(totalOf(compared, filter), true);
  list.choose(0);
  replaceContent(top, ...header(compared));
  drawSides();
  extension.post({ type: 'details', filter, place: 0 });
}

function choose(place: number): void {
  keep({ place });
  everything = false;
  extension.post({ type: 'details', filter: state.filter, place });
}

function header(now: Compared): Child[] {
  return [
    element('h1', {}, now.before ? 'Two runs compared' : 'A run'),
    facts(now.before, now.after),
    now.before && summary(now),
    element(
      'div',
      { class: 'below' },
      select<Filter>({ label: 'Show', value: state.filter, options: filters(now), onChange: setFilter }),
      counted,
      now.before &&
        button({
          label: 'Swap',
          title: 'Take the other run for the earlier one',
          onClick: () => extension.post({ type: 'swap' }),
        }),
      now.textsDiffer &&
        button({
          label: 'Show what changed in the specification',
          onClick: () => extension.post({ type: 'differences' }),
        }),
    ),
  ];
}

/** What the runs were, fact by fact; what is not the same in both stands out. */
function facts(before: RunCard | null, after: RunCard): HTMLElement {
  const names = [...new Set([...(before?.facts ?? []), ...after.facts].map(({ name }) => name))];
  const valueOf = (run: RunCard | null, name: string) => run?.facts.find(fact => fact.name === name)?.value ?? '';
  const rows = names.map((name): Child[] => [name, ...(before ? [valueOf(before, name)] : []), valueOf(after, name)]);
  const differs = (index: number) =>
    before !== null && valueOf(before, names[index]!) !== valueOf(after, names[index]!);
  const header = before ? ['', `Earlier: ${before.title}`, `Later: ${after.title}`] : ['', after.title];
  const made = table('The runs', header, rows, index => (differs(index) ? 'differs' : ''));
  made.classList.add('facts');
  return made;
}

function summary(now: Compared): HTMLElement {
  const parts = (Object.keys(CHANGE) as Change[]).filter(change => now.counts[change] > 0);
  return element(
    'p',
    { class: 'changes' },
    ...parts.map(change =>
      element(
        'span',
        { class: `change ${change}` },
        element('span', { class: 'sign', 'aria-hidden': 'true' }, CHANGE[change].sign),
        ` ${now.counts[change]} ${now.counts[change] === 1 ? CHANGE[change].one : CHANGE[change].several}`,
      ),
    ),
    now.times !== '' && element('span', { class: 'quiet' }, now.times),
  );
}

function summaryWords({ counts }: Compared): string {
  return (Object.keys(CHANGE) as Change[])
    .filter(change => counts[change] > 0)
    .map(change => `${counts[change]} ${counts[change] === 1 ? CHANGE[change].one : CHANGE[change].several}`)
    .join(', ');
}

function filters(now: Compared): { value: Filter; label: string }[] {
  const changes = (Object.keys(CHANGE) as Change[]).filter(change => now.counts[change] > 0);
  return [
    ...(now.before ? [{ value: 'changed' as const, label: 'what changed' }] : []),
    { value: 'all', label: 'all' },
    ...(now.before ? changes.map(change => ({ value: change, label: CHANGE[change].several })) : []),
  ];
}

function drawRow({ title, change, before, after, bounds, seconds }: ComparedRow): {
  content: Node[];
  className: string;
} {
  const { sign, one } = CHANGE[change];
  const alone = compared?.before === null;
  const verdicts = alone || before === after ? (after ?? '') : `${before ?? 'not asked'} → ${after ?? 'not asked'}`;
  return {
    className: change,
    content: [
      element('span', { class: 'sign', title: one, 'aria-label': alone ? '' : one }, alone ? '' : sign),
      element('span', { class: 'title' }, title),
      element('span', { class: `kind ${after ?? ''}` }, verdicts),
      element('span', { class: 'quiet number' }, bounds),
      element('span', { class: 'quiet number' }, seconds),
    ],
  };
}

function drawSides(): void {
  if (!details) return replaceContent(sides);
  const { before, after } = details;
  if (compared?.before === null) return replaceContent(sides, after && side(after, 'after'));
  replaceContent(sides, column('Earlier', before, 'before'), column('Later', after, 'after'));
}

function column(title: string, shown: Side | null, which: Which): HTMLElement {
  return element(
    'section',
    { class: 'side', 'aria-label': title },
    element('p', { class: 'quiet' }, title),
    shown ? side(shown, which) : element('p', {}, 'This run did not ask this question.'),
  );
}

function side({ row, tensors, problem, work }: Side, which: Which): HTMLElement {
  return detail({
    row,
    known: { tensors, problem, work },
    state: { question: null, index: row.index, filter: 'all', zoom: zoomOf(row), view: state.view },
    change: ({ view }) => {
      if (view) keep({ view });
      drawSides();
    },
    curve: curves[which],
    everything,
    showEverything: () => {
      everything = true;
      drawSides();
    },
    copy: () => extension.post({ type: 'copy', filter: state.filter, place: state.place, side: which }),
    save: () => extension.post({ type: 'saveModel', filter: state.filter, place: state.place, side: which }),
  });
}

/** The largest whole zoom at which both sides' pictures stand beside each other. */
function zoomOf({ inputShape, preprocess }: Row): number {
  const layout = layoutOf(inputShape, preprocess);
  const plates = compared?.before === null ? PLATES / 2 : PLATES;
  const room = Math.max(60, (window.innerWidth - MARGINS_PIXELS) / plates);
  return layout ? Math.max(1, Math.floor(room / Math.max(layout.width, layout.height))) : 0;
}
