import { element, replaceContent } from '../kit/dom';
import { Extension } from '../kit/messages';
import { busy, button, searchField } from '../kit/toolkit';
import { VirtualTable } from '../kit/virtual-table';
import type { Colouring } from './colouring';
import { Colours } from './colours';
import { kindLegend, legendOf } from './legend';
import { columnsOf } from './columns';
import { details, READ_AT_ONCE_BYTES } from './details';
import { Drawing } from './drawing';
import { Finder } from './finder';
import { graphOf, type ModelGraph, type Vertex } from './graph';
import { groupsOf, hierarchyOf, leavesOf, openAtFirst, pathTo, type Group, type Leaf, type Tree } from './hierarchy';
import { onKeyOf } from './keys';
import { Layouter, placedBoxes, shownAs, type Layout } from './layout';
import { textsOf, titleOf } from './looks';
import { step, type Direction } from './navigation';
import { unpacked } from './packed';
import {
  INITIAL_STATE,
  type FromPage,
  type PackedModel,
  type PageState,
  type ShownModel,
  type ToPage,
} from './protocol';
import { measureText } from './text-width';
import { toolsOf } from './tools';
import { WeightReading } from './weight-reading';
import '../kit/base.css';
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
/** Counts what came of the file: a graph that is unpacked late is dropped. */
let arrived = 0;
const finder = new Finder();
const weights = new WeightReading(tensors => extension.post({ type: 'weights', tensors }));
const colours = new Colours(weights);

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
  look: tree => colours.look(tree),
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
  show: ({ model }) => void receive(model),
  measures: message => {
    colours.measures = message.measures;
    recolour();
  },
  weights: message => {
    weights.answered(message.tensors, message.answers, message.problem !== null);
    ribbon.textContent = message.problem ?? '';
    recolour();
  },
});
document.addEventListener(
  'keydown',
  onKeyOf({
    hasGraph: () => picture !== null,
    focusSearch: () => searchBox.focus(),
    move,
    first: () => choose(picture?.root.children[0] ?? null, true),
    last: () => choose(picture && (shownAs(pathTo(picture.root, picture.root.last), open) ?? null), true),
    toggle: () => selected?.kind === 'group' && toggle(selected),
    deselect: () => choose(null, false),
    zoom: factor => drawing.zoom(factor),
    fit: () => drawing.fit(),
  }),
);
// Another theme, other widths of text.
new MutationObserver(() => picture && drawGraph()).observe(document.body, { attributeFilter: ['class'] });
extension.post({ type: 'ready' });

function keep(change: Partial<PageState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

async function receive(packed: PackedModel): Promise<void> {
  const mine = ++arrived;
  const model = await unpacked(packed);
  if (mine === arrived) show(model);
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
  const layout = layoutNow();
  if (!picture || !layout) return;
  colours.choose(state.colour, weights.unread(picture.graph.vertices));
  colours.rescale(layout);
  drawGraph();
  drawTools();
  drawLegend();
  drawTable();
  drawSide();
}

function drawTitle(): void {
  if (shown) replaceContent(title, ...titleOf(shown, command => extension.post({ type: 'act', command })));
}

function drawTools(): void {
  main.classList.toggle('as-table', state.tab === 'table');
  replaceContent(
    tools,
    ...toolsOf({
      tab: state.tab,
      colour: colours.chosen?.id ?? 'kind',
      colourings: colours.choices,
      isGrouped: picture !== null && picture.root.children.some(({ kind }) => kind === 'group'),
      search: [searchBox, counter],
      onTab: tab => {
        keep({ tab });
        drawTools();
        if (tab === 'table') drawTable();
      },
      onColour: colour => {
        keep({ colour });
        recolour();
      },
      onOpenAll: openAll,
      onZoom: factor => drawing.zoom(factor),
      onFit: () => drawing.fit(),
    }),
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

function drawLegend(): void {
  if (!picture) return;
  const { chosen, scale } = colours;
  const isLocal = chosen !== null && colours.isLocal(chosen.id);
  const act =
    chosen?.action && (shown?.notRunning === null || isLocal)
      ? button({
          label: weights.reading.size > 0 && isLocal ? 'Reading…' : chosen.action,
          onClick: () => measure(chosen),
        })
      : null;
  if (act) act.dataset['focus'] = 'measure';
  replaceContent(
    legend,
    chosen ? legendOf(chosen, scale) : kindLegend(picture.graph.vertices),
    act,
    chosen?.stale && element('span', { class: 'stale' }, 'The file has changed since.'),
    chosen && scale && element('span', { class: 'quiet about' }, chosen.about),
  );
}

function measure({ id }: Colouring): void {
  if (!colours.isLocal(id)) return extension.post({ type: 'measure', id });
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
      measured: tree => colours.words(tree),
      read,
      choose: vertex => goTo(vertex),
      toggle: group => toggle(group),
      isOpen: group => open.has(group.id),
    }),
  );
}

function drawTable(): void {
  if (!picture || state.tab !== 'table') return;
  nodes.show(columnsOf(colours.chosen), finder.isSearching ? finder.found : picture.leaves, state.sort);
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
  if (tree) announcer.textContent = colours.look(tree).spoken;
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
  if (layout) colours.rescale(layout);
  drawGraph();
  if (colours.chosen) drawLegend();
}

function search(text: string): void {
  finder.search(text, picture?.leaves ?? []);
  counter.textContent = finder.words;
  markFound();
}

/** What is found, and the groups around it, stand out. */
function markFound(): void {
  drawing.mark(picture && finder.marks(picture.root));
}

function stepFound(direction: 1 | -1): void {
  const next = finder.step(selected?.id ?? null, direction);
  if (!next) return;
  counter.textContent = next.words;
  choose(next.leaf, true);
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

function move(direction: Direction): void {
  const layout = layoutNow();
  if (!picture || !layout) return;
  const { root } = picture;
  const next = selected ? step(root, open, [...placedBoxes(layout)], selected, direction) : (root.children[0] ?? null);
  if (next) choose(next, true);
}

//#endregion
