import { element, replaceContent } from '../kit/dom';
import { Extension } from '../kit/messages';
import { busy, button, searchField, select } from '../kit/toolkit';
import { VirtualTable } from '../kit/virtual-table';
import {
  localColourings,
  measureColouring,
  scaleOf,
  valueOfTree,
  valueText,
  type Colouring,
  type Scale,
} from './colouring';
import { kindLegend, legendOf } from './legend';
import { columnsOf } from './columns';
import { details, READ_AT_ONCE_BYTES } from './details';
import { Drawing } from './drawing';
import { graphOf, type ModelGraph, type Vertex } from './graph';
import { groupsOf, hierarchyOf, leavesOf, openAtFirst, pathTo, type Group, type Leaf, type Tree } from './hierarchy';
import { FONT, Layouter, placedBoxes, shownAs, type Layout } from './layout';
import { lookOf, textsOf, titleOf } from './looks';
import { step, type Direction } from './navigation';
import { INITIAL_STATE, type FromPage, type Measure, type PageState, type ShownModel, type ToPage } from './protocol';
import { WeightReading } from './weight-reading';
import './model.css';

/** Everything that follows from the structure of the model that is shown. */
interface Picture {
  readonly graph: ModelGraph;
  readonly root: Group;
  readonly leaves: readonly Leaf[];
  readonly layouter: Layouter;
}

const extension = new Extension<FromPage, ToPage, PageState>();
let state: PageState = { ...INITIAL_STATE, ...extension.state };
let shown: ShownModel | null = null;
let picture: Picture | null = null;
let open: ReadonlySet<string> = new Set();
let selected: Tree | null = null;
let measures: readonly Measure[] = [];
let colouring: Colouring | null = null;
let scale: Scale | null = null;
let found: readonly Leaf[] = [];
const weights = new WeightReading(tensors => extension.post({ type: 'weights', tensors }));

const title = element('div', { class: 'title-bar' });
const tools = element('div', { class: 'tools' });
const legend = element('div', { class: 'legends' });
const ribbon = element('p', { class: 'ribbon', role: 'status' });
const stage = element('div', { class: 'stage' });
const side = element('aside', { 'aria-label': 'Details' });
const announcer = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });
const drawing = new Drawing(stage, {
  onSelect: tree => choose(tree, false),
  onToggle: tree => tree.kind === 'group' && toggle(tree),
  onView: view => keep({ view }),
  look: tree => lookOf(tree, colouring, scale),
});
const nodes = new VirtualTable<Leaf>('Nodes', {
  idOf: ({ id }) => id,
  onSelect: leaf => choose(leaf, true),
  onSort: sort => {
    keep({ sort });
    drawTable();
  },
  onOpen: leaf => {
    keep({ tab: 'graph' });
    drawTools();
    choose(leaf, true);
    drawing.focus();
  },
});
const main = element('main', {}, stage, nodes.element, side);
document.body.append(title, tools, legend, ribbon, main, announcer);

extension.listen({
  reading: () => {
    ribbon.textContent = shown ? 'The file has changed and is being read again…' : '';
    if (!shown)
      replaceContent(title, element('div', { class: 'progress' }, busy('Reading the model'), 'Reading the model…'));
  },
  show: ({ model }) => show(model),
  measures: message => {
    ({ measures } = message);
    recolour();
  },
  weights: message => {
    weights.answered(message.tensors, message.answers, message.problem !== null);
    ribbon.textContent = message.problem ?? '';
    recolour();
  },
});
document.addEventListener('keydown', onKey);
// Another theme, other widths of text.
new MutationObserver(() => picture && drawGraph()).observe(document.body, { attributeFilter: ['class'] });
extension.post({ type: 'ready' });

function keep(change: Partial<PageState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

function show(model: ShownModel): void {
  const first = picture === null;
  shown = model;
  ribbon.textContent = '';
  weights.forget();
  drawTitle();
  document.body.classList.toggle('broken', model.structure === null);
  if (!model.structure) {
    picture = null;
    return;
  }
  const graph = graphOf(model.structure);
  const root = hierarchyOf(graph);
  const leaves = [...leavesOf(root)];
  picture = { graph, root, leaves, layouter: new Layouter(measureText, textsOf) };
  const groups = new Set([...groupsOf(root)].map(({ id }) => id));
  open = state.open ? new Set(state.open.filter(id => groups.has(id))) : openAtFirst(root);
  selected = state.selected === null ? null : find(state.selected);
  drawing.label = `Graph of ${model.name}. Arrow keys follow the edges, Enter opens and closes a group.`;
  search(state.search);
  recolour();
  if (state.view && (first || selected !== null)) drawing.setView(state.view);
  else drawing.fit(true);
  readWhatIsSmall(selected);
  announcer.textContent = `${model.name}: ${leaves.length} nodes`;
}

function find(id: string): Tree | null {
  if (!picture) return null;
  const leaf = picture.leaves.find(candidate => candidate.id === id);
  return leaf ?? [...groupsOf(picture.root)].find(group => group.id === id) ?? null;
}

const pen = document.createElement('canvas').getContext('2d');

function measureText(text: string, size: number): number {
  if (!pen) return text.length * size * 0.55;
  const { fontFamily } = getComputedStyle(document.body);
  pen.font = `${size === FONT.titleSize ? FONT.title : FONT.small} ${size}px ${fontFamily}`;
  return pen.measureText(text).width;
}

//#region what is drawn

function layoutNow(): Layout | null {
  return picture && picture.layouter.layout(picture.root, open);
}

function drawGraph(): void {
  const layout = layoutNow();
  if (!layout) return;
  drawing.draw(layout);
  drawing.select(selected?.id ?? null);
  markFound();
}

/** Draws everything that depends on what layers are coloured by. */
function recolour(): void {
  if (!picture || !shown?.structure) return;
  const choices = colourings();
  colouring = choices.find(({ id }) => id === state.colour) ?? null;
  const boxes = [
    ...(function* () {
      const layout = layoutNow();
      if (layout) yield* placedBoxes(layout);
    })(),
  ];
  // Closed groups have their number on the scale, too; open ones show those of what they hold.
  scale =
    colouring &&
    scaleOf(
      colouring,
      boxes.filter(({ box }) => !box.inside).map(({ box }) => box.tree),
    );
  drawGraph();
  drawTools();
  drawLegend(choices);
  drawTable();
  drawSide();
}

function colourings(): readonly Colouring[] {
  if (!picture) return [];
  const unread = weights.unread(picture.graph.vertices).length;
  return [...measures.map(measureColouring), ...localColourings(weights.statistics, unread)];
}

function drawTitle(): void {
  if (shown) replaceContent(title, ...titleOf(shown, command => extension.post({ type: 'act', command })));
}

function drawTools(): void {
  const choices = colourings();
  const tab = (id: PageState['tab'], label: string): HTMLElement => {
    const made = element(
      'button',
      { type: 'button', role: 'tab', 'aria-selected': String(state.tab === id), 'data-focus': `tab ${id}` },
      label,
    );
    made.addEventListener('click', () => {
      keep({ tab: id });
      drawTools();
      if (id === 'table') drawTable();
    });
    return made;
  };
  main.classList.toggle('as-table', state.tab === 'table');
  const zoomed = (label: string, name: string, act: () => void): HTMLElement => {
    const made = element(
      'button',
      { type: 'button', class: 'small-button', title: name, 'aria-label': name, 'data-focus': name },
      label,
    );
    made.addEventListener('click', act);
    return made;
  };
  const isGrouped = picture !== null && picture.root.children.some(({ kind }) => kind === 'group');
  replaceContent(
    tools,
    element('div', { role: 'tablist', class: 'tabs' }, tab('graph', 'Graph'), tab('table', 'Table')),
    searchBox,
    counter,
    select<string>({
      label: 'Colour',
      value: colouring?.id ?? 'kind',
      options: [
        { value: 'kind', label: 'Kind of operator' },
        ...choices.map(({ id, label }) => ({ value: id, label })),
      ],
      onChange: colour => {
        keep({ colour });
        recolour();
      },
    }),
    state.tab === 'graph' &&
      element(
        'div',
        { class: 'zoom' },
        isGrouped && zoomed('⊞', 'Open all groups', () => openAll(true)),
        isGrouped && zoomed('⊟', 'Close all groups', () => openAll(false)),
        zoomed('−', 'Zoom out', () => drawing.zoom(1 / 1.3)),
        zoomed('+', 'Zoom in', () => drawing.zoom(1.3)),
        zoomed('Fit', 'Fit the graph into the page', () => drawing.fit()),
      ),
  );
}

const searchBox = searchField({
  label: 'Search nodes',
  value: state.search,
  onInput: text => {
    keep({ search: text });
    search(text);
    drawTable();
  },
  onStep: direction => stepFound(direction),
});
searchBox.dataset['focus'] = 'search';
const counter = element('span', { class: 'quiet counter', 'aria-live': 'polite' });

function drawLegend(choices: readonly Colouring[]): void {
  if (!picture) return;
  const current = choices.find(({ id }) => id === colouring?.id);
  const { action } = current ?? { action: null };
  const act =
    action !== null && current && (shown?.notRunning === null || isLocal(current.id))
      ? button({
          label: weights.reading.size > 0 && isLocal(current.id) ? 'Reading…' : action,
          onClick: () => measure(current),
        })
      : null;
  if (act) act.dataset['focus'] = 'measure';
  replaceContent(
    legend,
    current ? legendOf(current, scale) : kindLegend(picture.graph.vertices),
    act,
    current?.stale && element('span', { class: 'stale' }, 'The file has changed since.'),
    current && scale && element('span', { class: 'quiet about' }, current.about),
  );
}

function isLocal(id: string): boolean {
  return !measures.some(measure => measure.id === id);
}

function measure({ id }: Colouring): void {
  if (!isLocal(id)) return extension.post({ type: 'measure', id });
  if (picture) weights.readAll(weights.unread(picture.graph.vertices));
}

function drawSide(): void {
  if (!picture || !shown?.structure) return;
  const { graph } = picture;
  replaceContent(
    side,
    ...details(selected, {
      structure: shown.structure,
      graph,
      weights,
      measured: tree => {
        const value = colouring && valueOfTree(colouring, tree);
        return value === null || !colouring ? null : `${colouring.label}: ${valueText(value, colouring.format)}`;
      },
      read,
      choose: vertex => goTo(vertex),
      toggle: group => toggle(group),
      isOpen: group => open.has(group.id),
    }),
  );
}

function drawTable(): void {
  if (!picture || state.tab !== 'table') return;
  nodes.show(columnsOf(colouring), state.search === '' ? picture.leaves : found, state.sort);
  nodes.select(selected?.id ?? null, true);
}

//#endregion

//#region what a person does

function choose(tree: Tree | null, reveal: boolean): void {
  selected = tree;
  keep({ selected: tree?.id ?? null });
  if (tree && reveal) uncover(tree);
  drawing.select(tree?.id ?? null);
  if (tree && reveal) drawing.reveal(tree.id);
  if (state.tab === 'table') nodes.select(tree?.id ?? null, true);
  if (tree) announcer.textContent = lookOf(tree, colouring, scale).spoken;
  readWhatIsSmall(tree);
  drawSide();
}

function goTo(vertex: Vertex): void {
  const leaf = picture?.leaves.find(({ id }) => id === vertex.id);
  if (leaf) choose(leaf, true);
}

/** Opens the groups around a box that is to be seen. */
function uncover(tree: Tree): void {
  if (!picture || state.tab !== 'graph') return;
  const around = pathTo(picture.root, tree.first).filter(({ kind, id }) => kind === 'group' && id !== tree.id);
  const inside = around.slice(
    0,
    around.findIndex(({ first, last }) => first >= tree.first && last <= tree.last) + 1 || undefined,
  );
  const closed = inside.filter(group => !open.has(group.id) && group.first <= tree.first && tree.last <= group.last);
  if (closed.length === 0) return;
  setOpen(new Set([...open, ...closed.map(({ id }) => id)]), tree);
}

function toggle(group: Group): void {
  const next = new Set(open);
  if (!next.delete(group.id)) next.add(group.id);
  setOpen(next, group);
  drawSide();
}

function openAll(all: boolean): void {
  if (!picture) return;
  setOpen(new Set(all ? [...groupsOf(picture.root)].map(({ id }) => id) : []), null);
  drawing.fit(true);
}

/** Opens and closes groups; what a person points at stays where it is on the screen. */
function setOpen(next: ReadonlySet<string>, anchor: Tree | null): void {
  const before = anchor && drawing.placeOf(anchor.id);
  open = next;
  keep({ open: [...next] });
  recolourScale();
  const after = anchor && drawing.placeOf(anchor.id);
  if (!before || !after) return;
  const { x, y, scale: zoom } = drawing.view;
  drawing.setView({
    scale: zoom,
    x: x + (before.x + before.width / 2 - after.x - after.width / 2) * zoom,
    y: y + (before.y - after.y) * zoom,
  });
}

function recolourScale(): void {
  const layout = layoutNow();
  if (layout && colouring)
    scale = scaleOf(
      colouring,
      [...placedBoxes(layout)].filter(({ box }) => !box.inside).map(({ box }) => box.tree),
    );
  drawGraph();
  if (colouring) drawLegend(colourings());
}

function search(text: string): void {
  const wanted = text.trim().toLowerCase();
  const hits = (leaf: Leaf): boolean => {
    const { operator, name, makes } = leaf.vertex;
    return [operator, name, ...makes.map(value => value.name)].some(word => word.toLowerCase().includes(wanted));
  };
  found = wanted === '' || !picture ? [] : picture.leaves.filter(hits);
  counter.textContent = wanted === '' ? '' : found.length === 0 ? 'nothing found' : `${found.length} found`;
  markFound();
}

/** What is found, and the groups around it, stand out. */
function markFound(): void {
  if (!picture || state.search.trim() === '') return drawing.mark(null);
  const ids = new Set<string>();
  const { root } = picture;
  for (const leaf of found) for (const tree of pathTo(root, leaf.first)) ids.add(tree.id);
  drawing.mark(ids);
}

function stepFound(direction: 1 | -1): void {
  if (found.length === 0) return;
  const now = found.findIndex(({ id }) => id === selected?.id);
  const next = now < 0 ? (direction > 0 ? 0 : found.length - 1) : (now + direction + found.length) % found.length;
  counter.textContent = `${next + 1} of ${found.length}`;
  choose(found[next]!, true);
}

function readWhatIsSmall(tree: Tree | null): void {
  if (tree?.kind !== 'leaf') return;
  read(
    tree.vertex.tensors
      .filter(({ values, bytes }) => values === null && bytes <= READ_AT_ONCE_BYTES)
      .map(({ name }) => name),
  );
}

function read(names: readonly string[]): void {
  if (weights.read(names)) drawSide();
}

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};

function onKey(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key === 'f') {
    event.preventDefault();
    searchBox.focus();
    return;
  }
  if (!(event.target instanceof Element) || !event.target.closest('.drawing') || !picture) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { root } = picture;
  const layout = layoutNow();
  const direction = DIRECTIONS[event.key];
  if (direction && layout) {
    const next = selected
      ? step(root, open, [...placedBoxes(layout)], selected, direction)
      : (root.children[0] ?? null);
    if (next) choose(next, true);
  } else if (event.key === 'Enter' || event.key === ' ') {
    if (selected?.kind === 'group') toggle(selected);
  } else if (event.key === 'Home') choose(root.children[0] ?? null, true);
  else if (event.key === 'End') choose(shownAs(pathTo(root, root.last), open) ?? null, true);
  else if (event.key === 'Escape') choose(null, false);
  else if (event.key === '+' || event.key === '=') drawing.zoom(1.3);
  else if (event.key === '-') drawing.zoom(1 / 1.3);
  else if (event.key === '0') drawing.fit();
  else if (event.key === '/') searchBox.focus();
  else return;
  event.preventDefault();
}

//#endregion
