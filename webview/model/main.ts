import type { TensorStatistics } from '../../src/engine/protocol';
import { element, replaceContent } from '../kit/dom';
import { Extension } from '../kit/messages';
import { badge, busy, button, searchField, select } from '../kit/toolkit';
import { VirtualTable, type TableColumn } from '../kit/virtual-table';
import {
  fillOf,
  kindLegend,
  legendOf,
  localColourings,
  measureColouring,
  scaleOf,
  valueOfTree,
  valueText,
  type Colouring,
  type Scale,
} from './colouring';
import { details, READ_AT_ONCE_BYTES } from './details';
import { Drawing, type Look } from './drawing';
import { graphOf, kindOf, shapeText, type ModelGraph, type Vertex } from './graph';
import {
  contents,
  groupsOf,
  hierarchyOf,
  leavesOf,
  openAtFirst,
  pathTo,
  type Group,
  type Leaf,
  type Tree,
} from './hierarchy';
import { FONT, Layouter, placedBoxes, shownAs, type Layout } from './layout';
import { step, type Direction } from './navigation';
import { INITIAL_STATE, type FromPage, type Measure, type PageState, type ShownModel, type ToPage } from './protocol';
import './model.css';

/** Everything that follows from the structure of the model that is shown. */
interface Picture {
  readonly graph: ModelGraph;
  readonly root: Group;
  readonly leaves: readonly Leaf[];
  readonly layouter: Layouter;
}

/** Tensors that are asked for at a time when all are read: many small ones, or a few large ones. */
const BATCH = { tensors: 64, bytes: 64 << 20 } as const;

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
const known = new Map<string, TensorStatistics>();
const reading = new Set<string>();
let toRead: string[] = [];

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
  look,
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
    for (const name of message.tensors) reading.delete(name);
    for (const answer of message.answers) known.set(answer.name, answer);
    if (message.problem !== null) toRead = [];
    ribbon.textContent = message.problem ?? '';
    readNext();
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
  known.clear();
  reading.clear();
  toRead = [];
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
  announcer.textContent = `${model.name}: ${leaves.length} nodes`;
}

function find(id: string): Tree | null {
  if (!picture) return null;
  const leaf = picture.leaves.find(candidate => candidate.id === id);
  return leaf ?? [...groupsOf(picture.root)].find(group => group.id === id) ?? null;
}

//#region looks

const pen = document.createElement('canvas').getContext('2d');

function measureText(text: string, size: number): number {
  if (!pen) return text.length * size * 0.55;
  const { fontFamily } = getComputedStyle(document.body);
  pen.font = `${size === FONT.titleSize ? FONT.title : FONT.small} ${size}px ${fontFamily}`;
  return pen.measureText(text).width;
}

/** The two lines of a box that is not coloured by a number. */
function textsOf(tree: Tree): readonly [string, string] {
  if (tree.kind === 'group') return [tree.name, `${tree.last - tree.first + 1} nodes: ${contents(tree, 2)}`];
  const { vertex } = tree;
  if (vertex.kind !== 'node') return [`${vertex.operator} ${vertex.name}`, ''];
  return [vertex.operator, tree.name];
}

function look(tree: Tree): Look {
  const [heading, name] = textsOf(tree);
  const value = colouring && valueOfTree(colouring, tree);
  const number = value !== null && colouring ? valueText(value, colouring.format) : null;
  const isUnsupported = [...leavesOf(tree)].some(({ vertex }) => vertex.node?.supported === false);
  const shapes = tree.kind === 'leaf' ? tree.vertex.makes.map(({ shape }) => shapeText(shape)).join(', ') : '';
  const spoken = [
    tree.kind === 'group' ? `Group ${tree.name}, ${name}` : `${heading} ${name}`.trim(),
    shapes === '' ? '' : `makes ${shapes}`,
    number === null ? '' : `${colouring!.label}: ${number}`,
    isUnsupported ? 'not supported' : '',
  ];
  const kind =
    tree.kind === 'leaf' ? (tree.vertex.kind === 'node' ? kindOf(tree.vertex.operator) : 'boundary') : 'group';
  return {
    title: isUnsupported ? `⚠ ${heading}` : heading,
    small: number ?? name,
    spoken: spoken.filter(part => part !== '').join('; '),
    classes: `${kind} ${isUnsupported ? 'unsupported' : ''} ${colouring && value === null && kind !== 'boundary' ? 'unknown' : ''}`,
    fill: value !== null && scale ? fillOf(scale, value) : null,
  };
}

//#endregion

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
  const boxes = [...(function* () { const layout = layoutNow(); if (layout) yield* placedBoxes(layout); })()]; // prettier-ignore
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
  const statistics = new Map([...known].flatMap(([name, { statistics: all }]) => (all ? [[name, all] as const] : [])));
  const unread = unreadTensors().length;
  return [...measures.map(measureColouring), ...localColourings(statistics, unread)];
}

function unreadTensors(): readonly string[] {
  const tensors = new Set(
    picture?.leaves.flatMap(({ vertex }) => vertex.tensors.filter(isWeight).map(({ name }) => name)),
  );
  return [...tensors].filter(name => !known.has(name));
}

/** A tensor of one number or of integers (shapes, axes) is no weight. */
function isWeight({ type, shape }: { readonly type: string; readonly shape: readonly number[] }): boolean {
  return type.includes('float') && shape.some(size => size > 1);
}

function drawTitle(): void {
  if (!shown) return;
  const { name, folder, structure, problem, actions, notRunning } = shown;
  const unsupported = structure?.info.nodes.filter(node => !node.supported).length ?? 0;
  const trouble = structure?.info.problem;
  const state_ = trouble
    ? element('span', { class: 'state bad' }, '✗ cannot be verified')
    : unsupported > 0
      ? element(
          'span',
          { class: 'state bad' },
          `✗ ${unsupported} ${unsupported === 1 ? 'node is' : 'nodes are'} not supported`,
        )
      : element('span', { class: 'state good' }, '✓ can be verified');
  const acts = actions.map(({ command, label }, k) =>
    button({ label, kind: k === 0 ? 'primary' : 'secondary', onClick: () => extension.post({ type: 'act', command }) }),
  );
  acts.forEach((act, k) => (act.dataset['focus'] = `act ${k}`));
  replaceContent(
    title,
    element('h1', {}, name, folder === '' ? null : element('span', { class: 'quiet' }, ` ${folder}`)),
    structure && state_,
    structure &&
      structure.info.operators.length > 0 &&
      badge(`${structure.info.nodes.length.toLocaleString('en')} nodes`),
    element('span', { class: 'actions' }, ...acts),
    notRunning !== null && element('span', { class: 'quiet' }, notRunning),
    problem !== null && element('p', { class: 'note problem', role: 'alert' }, problem),
    trouble && element('p', { class: 'note problem', role: 'alert' }, trouble.message),
  );
}

function drawTools(): void {
  const choices = colourings();
  const tab = (id: PageState['tab'], label: string): HTMLElement => {
    const made = element('button', { type: 'button', role: 'tab', 'aria-selected': String(state.tab === id), 'data-focus': `tab ${id}` }, label); // prettier-ignore
    made.addEventListener('click', () => {
      keep({ tab: id });
      drawTools();
      if (id === 'table') drawTable();
    });
    return made;
  };
  main.classList.toggle('as-table', state.tab === 'table');
  const zoomed = (label: string, name: string, act: () => void): HTMLElement => {
    const made = element('button', { type: 'button', class: 'small-button', title: name, 'aria-label': name, 'data-focus': name }, label); // prettier-ignore
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
  const act = action !== null && current && (shown?.notRunning === null || isLocal(current.id))
    ? button({ label: reading.size > 0 && isLocal(current.id) ? 'Reading…' : action, onClick: () => measure(current) })
    : null; // prettier-ignore
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
  toRead = [...unreadTensors()];
  readNext();
}

function drawSide(): void {
  if (!picture || !shown?.structure) return;
  const { graph } = picture;
  replaceContent(
    side,
    ...details(selected, {
      structure: shown.structure,
      graph,
      weights: { known, reading },
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
  const current = colouring;
  const columns: TableColumn<Leaf>[] = [
    { id: 'order', title: '#', width: '52px', numeric: true, key: ({ first }) => first, cell: ({ first }) => String(first + 1) },
    { id: 'operator', title: 'Operator', width: 'minmax(110px, 1fr)', key: ({ vertex }) => vertex.operator, cell: ({ vertex }) => vertex.operator },
    { id: 'name', title: 'Name', width: 'minmax(120px, 2fr)', key: ({ vertex }) => vertex.name, cell: ({ vertex }) => vertex.name },
    { id: 'shape', title: 'Output', width: 'minmax(110px, 1fr)', cell: ({ vertex }) => (vertex.makes.length > 0 ? vertex.makes.map(({ shape }) => shapeText(shape)).join(', ') : shapeText(vertex.reads[0]?.shape ?? null)) },
    { id: 'parameters', title: 'Parameters', width: '110px', numeric: true, key: ({ vertex }) => vertex.node?.parameters ?? 0, cell: ({ vertex }) => (vertex.node?.parameters ? vertex.node.parameters.toLocaleString('en') : '') },
    ...(current && current.id !== 'parameters'
      ? [{ id: 'measure', title: current.label, width: '140px', numeric: true, key: ({ vertex }: Leaf) => current.valueOf(vertex) ?? -Infinity, cell: ({ vertex }: Leaf) => { const value = current.valueOf(vertex); return value === null ? '' : valueText(value, current.format); } }]
      : []),
    { id: 'supported', title: 'Supported', width: 'minmax(110px, 2fr)', key: ({ vertex }) => (vertex.node?.supported === false ? 0 : 1), cell: ({ vertex }) => (vertex.node?.supported === false ? `✗ ${vertex.node.reason ?? ''}` : '✓') },
  ]; // prettier-ignore
  nodes.show(columns, state.search === '' ? picture.leaves : found, state.sort);
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
  if (tree) announcer.textContent = look(tree).spoken;
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
  const inside = around.slice(0, around.findIndex(({ first, last }) => first >= tree.first && last <= tree.last) + 1 || undefined); // prettier-ignore
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
  drawing.setView({ scale: zoom, x: x + (before.x + before.width / 2 - after.x - after.width / 2) * zoom, y: y + (before.y - after.y) * zoom }); // prettier-ignore
}

function recolourScale(): void {
  const layout = layoutNow();
  if (layout && colouring)
    scale = scaleOf(colouring, [...placedBoxes(layout)].filter(({ box }) => !box.inside).map(({ box }) => box.tree)); // prettier-ignore
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
  read(tree.vertex.tensors.filter(({ values, bytes }) => values === null && bytes <= READ_AT_ONCE_BYTES).map(({ name }) => name)); // prettier-ignore
}

function read(names: readonly string[]): void {
  const tensors = names.filter(name => !known.has(name) && !reading.has(name));
  if (tensors.length === 0) return;
  for (const name of tensors) reading.add(name);
  extension.post({ type: 'weights', tensors });
  drawSide();
}

/** Reads the next tensors of all that are to be read, when those before have come. */
function readNext(): void {
  if (reading.size > 0 || !picture) return;
  const batch: string[] = [];
  let bytes = 0;
  while (toRead.length > 0 && batch.length < BATCH.tensors && bytes < BATCH.bytes) {
    const name = toRead.shift()!;
    bytes += picture.graph.tensors.get(name)?.bytes ?? 0;
    batch.push(name);
  }
  read(batch);
}

const DIRECTIONS: Readonly<Record<string, Direction>> = { ArrowUp: 'up', ArrowDown: 'down', ArrowLeft: 'left', ArrowRight: 'right' }; // prettier-ignore

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
