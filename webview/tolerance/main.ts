import {
  withPart,
  type LayerTolerance,
  type WeightToleranceReport,
} from '../../src/engine/study-protocols/weight-tolerance';
import { element, Part, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { counted } from '../kit/numbers';
import { beginButton, emptyPage, note, PageBody, whereLine, WorkBar } from '../kit/page';
import { button } from '../kit/toolkit';
import { choices } from './choices';
import { Curves } from './curves';
import { failureOf } from './failure';
import { layerTable } from './layer-table';
import { neuronMap } from './neurons';
import { INITIAL_STATE, type Choice, type FromPanel, type PanelState, type Shown, type ToPanel } from './protocol';
import './tolerance.css';

const extension = new Extension<FromPanel, ToPanel, PanelState>();
let state: PanelState = { ...INITIAL_STATE, ...extension.state };
let shown: Shown | null = null;
let report: WeightToleranceReport | null = null;
/** The layers that there are to choose from, once a run has named them. */
let known: readonly { readonly number: number; readonly name: string }[] = [];
let choice: Choice | null = state.choice;
let everything = false;
const curves = new Curves();
const head = new Part();
const work = new WorkBar(() => extension.post({ type: 'stop' }));
const options = new Part();
const layers = new Part('section');
const chosen = new Part('section');
const page = new PageBody(head.element, work.element, options.element, layers.element, chosen.element);

extension.listen({
  show: message => show(message.shown),
  progress: ({ busy }) => work.show(busy),
  layer: ({ layer }) => {
    const before = report?.layers.find(({ number }) => number === layer.number);
    report = withPart(report, { kind: 'layer', layer });
    if (layer.state === 'finished' && before?.state !== 'finished') page.announce(`${layer.name} is finished.`);
    draw();
  },
});
draw();
extension.post({ type: 'ready' });

function show(now: Shown | null): void {
  const isOther = shown !== null && JSON.stringify(now?.asked) !== JSON.stringify(shown.asked);
  shown = now;
  if (!now) return draw();
  keep({ asked: now.asked, ...(isOther ? { layer: null, choice: null } : {}) });
  if (isOther) {
    choice = now.choice;
    known = [];
    everything = false;
  }
  report = now.report;
  if (report && report.layers.length >= known.length)
    known = report.layers.map(({ number, name }) => ({ number, name }));
  page.announce(now.problem ?? '');
  draw();
}

function keep(change: Partial<PanelState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

function draw(): void {
  const now = shown;
  const layer = selected();
  head.draw(now && [now.model, now.specification, now.busy !== null, now.canRun, now.problem, report !== null], () =>
    now
      ? header(now)
      : [
          emptyPage(
            'Weight tolerance',
            'Right-click an ONNX model in the Explorer and choose Weight Tolerance to see how far the weights of each of its layers may move before an answer changes.',
            beginButton(() => extension.post({ type: 'begin' })),
          ),
        ],
  );
  work.show(now?.busy ?? null);
  // A choice is drawn from what a person has made of it: it is not drawn anew when they change it.
  options.draw(now && [known, report !== null, now.choice], () => (now ? [choicesOf(now)] : []));
  layers.draw([report, layer?.number, now?.busy !== null], () =>
    report ? [...summary(report), layerTable(report.layers, report.samples.length, layer, choose)] : [nothing()],
  );
  chosen.draw([layer, everything, report?.methods], () => (layer && report ? details(layer, report) : []));
}

function choicesOf(now: Shown): HTMLElement {
  const change = (some: Partial<Choice>): void => {
    choice = { ...(choice ?? now.choice), ...some };
    keep({ choice });
  };
  return choices({ choice: choice ?? now.choice, known, isAnswered: report !== null, change });
}

function nothing(): Child {
  return (
    shown !== null &&
    !shown.busy &&
    element(
      'p',
      { class: 'quiet' },
      'Nothing has been asked in this window yet. Answers of earlier runs are used again.',
    )
  );
}

function header(now: Shown): Child[] {
  return [
    element('h1', {}, 'Weight tolerance'),
    whereLine(now, () => extension.post({ type: 'openSpecification' })),
    element(
      'div',
      { class: 'state' },
      !now.busy &&
        now.canRun &&
        button({
          label: report ? 'Run again' : 'Run',
          kind: report ? 'secondary' : 'primary',
          onClick: () => extension.post({ type: 'run', choice: choice ?? now.choice }),
        }),
    ),
    note(now.problem),
  ];
}

function summary({ samples, leftOut, refused, finished }: WeightToleranceReport): Child[] {
  const out =
    leftOut.length === 0 ? '' : `; ${counted(leftOut.length, 'sample')} left out, wrong with the weights as they are`;
  return [
    element(
      'p',
      {},
      `How far the weights of each layer by itself may move, in percent of the range of its weights: up to the first number every change was proved harmless, for ${samples.length === 1 ? 'the sample' : `all ${samples.length} samples`}; at the last one a change was seen to fail${out}.`,
    ),
    !finished &&
      !shown?.busy &&
      note('Stopped before the end: what is missing was not asked. Run again to go on.', 'note'),
    ...refused.map(({ reason }) => element('p', { class: 'quiet' }, reason)),
  ];
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
