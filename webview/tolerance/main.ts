import {
  withPart,
  type LayerTolerance,
  type WeightToleranceReport,
} from '../../src/engine/study-protocols/weight-tolerance';
import { element, replaceContent, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { button } from '../kit/toolkit';
import { choices } from './choices';
import { Curves } from './curves';
import { failureOf } from './failure';
import { layerTable } from './layer-table';
import { neuronMap } from './neurons';
import {
  INITIAL_STATE,
  type Busy,
  type Choice,
  type FromPanel,
  type PanelState,
  type Shown,
  type ToPanel,
} from './protocol';
import { counted } from './words';
import '../results/results.css';
import './tolerance.css';

const extension = new Extension<FromPanel, ToPanel, PanelState>();
let state: PanelState = { ...INITIAL_STATE, ...extension.state };
let shown: Shown | null = null;
let report: WeightToleranceReport | null = null;
/** The layers that there are to choose from, once a run has named them. */
let known: readonly { readonly number: number; readonly name: string }[] = [];
let choice: Choice | null = state.choice;
let choosing = false;
let everything = false;
const curves = new Curves();
const bar = element('progress', { max: '1', 'aria-label': 'Part of the work that is done' });
const work = element('span', { class: 'quiet' });
const announcer = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });
const main = element('main', {});
document.body.append(main, announcer);

extension.listen({
  show: message => show(message.shown),
  progress: ({ busy }) => progress(busy),
  layer: ({ layer }) => {
    const before = report?.layers.find(({ number }) => number === layer.number);
    report = withPart(report, { kind: 'layer', layer });
    if (layer.state === 'finished' && before?.state !== 'finished')
      announcer.textContent = `${layer.name} is finished.`;
    draw();
  },
});
draw();
extension.post({ type: 'ready' });

function show(now: Shown | null): void {
  const isOther = shown !== null && (now?.address !== shown.address || now.modelAddress !== shown.modelAddress);
  shown = now;
  if (!now) return draw();
  keep({ specification: now.address, model: now.modelAddress, ...(isOther ? { layer: null, choice: null } : {}) });
  if (isOther) {
    choice = now.choice;
    known = [];
    everything = false;
  }
  report = now.report;
  if (report && report.layers.length >= known.length)
    known = report.layers.map(({ number, name }) => ({ number, name }));
  if (now.busy) progress(now.busy);
  draw();
}

function progress({ fraction, text }: Busy): void {
  if (fraction === null) bar.removeAttribute('value');
  else bar.value = fraction;
  work.textContent = text;
}

function keep(change: Partial<PanelState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

function draw(): void {
  replaceContent(main, ...(shown ? page(shown) : [empty()]));
}

function empty(): HTMLElement {
  return element(
    'section',
    { class: 'empty' },
    element('h1', {}, 'Weight tolerance'),
    element(
      'p',
      {},
      'Right-click an ONNX model in the Explorer and choose Weight Tolerance to see how far the weights of each of its layers may move before an answer changes.',
    ),
  );
}

function page(now: Shown): Child[] {
  const layer = selected();
  return [
    header(now),
    now.problem !== null && element('p', { class: 'note', role: 'alert' }, now.problem),
    now.busy && element('div', { class: 'progress' }, bar, work),
    choices(
      choice ?? now.choice,
      report,
      known,
      choosing,
      change => {
        choice = { ...(choice ?? now.choice), ...change };
        keep({ choice });
      },
      open => (choosing = open),
    ),
    ...(report ? [summary(report), layerTable(report.layers, report.samples.length, layer, choose)] : []),
    ...(layer && report ? details(layer, report) : []),
    !report &&
      !now.busy &&
      element(
        'p',
        { class: 'quiet' },
        'Nothing has been asked in this window yet. Answers of earlier runs are used again.',
      ),
  ];
}

function header(now: Shown): HTMLElement {
  const specification = element(
    'button',
    { class: 'link', type: 'button', title: 'Open the specification', 'data-focus': 'specification' },
    now.specification,
  );
  specification.addEventListener('click', () => extension.post({ type: 'openSpecification' }));
  const run = now.busy
    ? button({ label: 'Stop', onClick: () => extension.post({ type: 'stop' }) })
    : now.canRun &&
      button({
        label: report ? 'Run again' : 'Run',
        kind: report ? 'secondary' : 'primary',
        onClick: () => extension.post({ type: 'run', choice: choice ?? now.choice }),
      });
  return element(
    'header',
    {},
    element('h1', {}, 'Weight tolerance'),
    element('p', { class: 'where' }, `${now.model} · samples of `, specification),
    element('div', { class: 'state' }, run),
  );
}

function summary({ samples, leftOut, refused, finished }: WeightToleranceReport): HTMLElement {
  const out =
    leftOut.length === 0 ? '' : `; ${counted(leftOut.length, 'sample')} left out, wrong with the weights as they are`;
  return element(
    'section',
    {},
    element(
      'p',
      {},
      `How far the weights of each layer by itself may move, in percent of the range of its weights: up to the first number every change was proved harmless, for all ${counted(samples.length, 'sample')}; at the last one a change was seen to fail${out}.`,
    ),
    !finished &&
      !shown?.busy &&
      element('p', { class: 'note' }, 'Stopped before the end: what is missing was not asked. Run again to go on.'),
    ...refused.map(({ reason }) => element('p', { class: 'quiet' }, reason)),
  );
}

/** The layer whose details are shown: the chosen one, else the last with anything to show. */
function selected(): LayerTolerance | null {
  const layers = report?.layers ?? [];
  const any = [...layers].reverse().find(layer => layer.samples.length > 0) ?? layers[0];
  return layers.find(({ number }) => number === state.layer) ?? any ?? null;
}

function choose({ number }: LayerTolerance): void {
  everything = false;
  keep({ layer: number });
  draw();
}

function details(layer: LayerTolerance, { methods }: WeightToleranceReport): Child[] {
  return [
    element('h2', {}, layer.name),
    element(
      'p',
      { class: 'quiet' },
      `Layer ${layer.number}, ${layer.opType}, ${counted(layer.weights, 'weight')} over a range of ${Number(layer.range.toPrecision(4))}.`,
    ),
    ...curves.draw(layer, methods),
    ...layer.notes.map(note => element('p', { class: 'quiet' }, note)),
    ...failureOf(layer, {
      everything,
      showEverything: () => {
        everything = true;
        draw();
      },
      save: () => extension.post({ type: 'saveModel', layer: layer.number }),
      open: () => extension.post({ type: 'openModel', layer: layer.number }),
    }),
    ...neuronMap(layer),
  ];
}
