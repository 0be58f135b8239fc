import { BOUND_METHODS, IMPORTANCES, type BoundMethod, type Importance } from '../../src/engine/study-protocols/graft';
import { disclosure, element, Part, replaceContent, table, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { percent, sizeOf } from '../kit/numbers';
import { beginButton, emptyPage, note, PageBody, whereLine, WorkBar } from '../kit/page';
import { ramp } from '../kit/ramp';
import { rangeField } from '../kit/range';
import { button, select, textField } from '../kit/toolkit';
import { VIEWS, type View } from './arrangement';
import { LayerMaps } from './layer-maps';
import { mostUnstable } from './most-unstable';
import { neuronDetail } from './neuron-detail';
import { INITIAL_STATE, type FromNeurons, type NeuronsState, type ShownNeurons, type ToNeurons } from './protocol';
import './neurons.css';

const METHOD_NAMES: Readonly<Record<BoundMethod, string>> = {
  intervals: 'intervals',
  crown: 'CROWN',
  'alpha-crown': 'α-CROWN',
};

const extension = new Extension<FromNeurons, ToNeurons, NeuronsState>();
let state: NeuronsState = { ...INITIAL_STATE, ...extension.state };
let shown: ShownNeurons | null = null;
let bounds: Extract<ToNeurons, { type: 'bounds' }> | null = null;
let importance: Float32Array | null = null;
const counts = new Map<string, Float32Array>();
const readout = element('output', { class: 'readout', 'aria-live': 'polite' });
const fullColour = element('span', {});
const maps = new LayerMaps({
  onScale: samples =>
    (fullColour.textContent = `on ${Number(samples.toPrecision(3))} of ${shown?.runs.at(-1)?.samples ?? 0} samples`),
  onMove: text => (readout.textContent = text),
  onChoose: choose,
});
const head = new Part();
const work = new WorkBar(() => extension.post({ type: 'stop' }));
const controls = new Part('div', { class: 'below' });
const layers = new Part('section');
const views = new Part('div', { class: 'below' });
const listed = new Part();
const chosen = element('section', { 'aria-live': 'off' });
const page = new PageBody(
  head.element,
  work.element,
  controls.element,
  layers.element,
  views.element,
  maps.element,
  listed.element,
  chosen,
);

extension.listen({
  show: message => show(message.shown),
  progress: ({ busy }) => work.show(busy),
  counts: message => {
    counts.set(message.epsilon, message.counts);
    drawMaps();
    drawDetail();
  },
  importance: message => {
    importance = message.values;
    drawDetail();
  },
  bounds: message => {
    bounds = message;
    drawDetail();
  },
});
draw();
extension.post({ type: 'ready' });
window.addEventListener('resize', () => drawMaps());

function keep(change: Partial<NeuronsState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

function show(now: ShownNeurons | null): void {
  const before = shown;
  shown = now;
  if (!now) return draw();
  const isOther = JSON.stringify(before?.request) !== JSON.stringify(now.request);
  if (before && isOther && before.model !== now.model) keep({ neuron: null, epsilon: null });
  if (before?.method !== now.method || before.stale !== now.stale) bounds = null;
  if (isOther) keep({ request: now.request });
  if (now.problem) page.announce(now.problem);
  else if (before?.busy && !now.busy) page.announce('All neurons are bounded.');
  draw();
}

/** The ε that is shown: the chosen one, else the largest that is there. */
function epsilon(): string | null {
  const measured = shown?.runs.map(run => run.epsilon) ?? [];
  return measured.find(each => each === state.epsilon) ?? measured.at(-1) ?? null;
}

function draw(): void {
  const now = shown;
  const run = now?.runs.find(each => each.epsilon === epsilon());
  head.draw(now && [now.model, now.specification, now.check, now.problem, now.stale], () =>
    now ? heading(now) : [empty()],
  );
  work.show(now?.busy ?? null);
  const idle = now !== null && now.busy === null && now.canRun;
  const measured = now?.runs.map(each => each.epsilon);
  controls.draw(now && [measured, idle, now.method, now.importance, now.checks, now.request.check], () =>
    now ? controlsOf(now, idle) : [],
  );
  layers.draw([run, now?.layers, now?.stale], () =>
    now && run ? [...statement(run), layerTable(now, run.perLayer)] : [],
  );
  views.draw(run && [now?.layers, state.view], () => (now && run ? viewBar(now) : []));
  drawMaps();
  drawDetail();
}

function empty(): HTMLElement {
  return emptyPage(
    'No neurons measured yet',
    'Right-click an ONNX model in the Explorer and choose Unstable Neurons.',
    beginButton(() => extension.post({ type: 'begin' })),
    state.request && button({ label: 'Measure Again', onClick: () => extension.post({ type: 'again' }) }),
  );
}

function heading(now: ShownNeurons): Child[] {
  return [
    element('h1', {}, 'Unstable neurons'),
    whereLine({ ...now, more: now.check }, () => extension.post({ type: 'openSpecification' })),
    element('p', {}, 'How often a neuron’s bounds leave open whether it is on: what makes a network hard to verify.'),
    note(now.problem),
    note(
      now.stale ? 'These numbers are of before; new ones take their place as soon as they are there.' : null,
      'note',
    ),
  ];
}

function statement(run: ShownNeurons['runs'][number]): Child[] {
  return [element('p', { class: 'quiet' }, run.statement)];
}

function controlsOf(now: ShownNeurons, idle: boolean): Child[] {
  const measured = now.runs.map(each => each.epsilon);
  const current = epsilon();
  const again = button({
    label: 'Measure again',
    kind: measured.length === 0 ? 'primary' : 'secondary',
    onClick: () => extension.post({ type: 'again' }),
  });
  return [
    // Of a single ε there is nothing to slide over.
    measured.length === 1 && element('span', {}, `ε = ${current}`),
    measured.length > 1 &&
      rangeField({
        label: 'ε',
        title: 'ε =',
        least: 0,
        most: measured.length - 1,
        step: 1,
        value: measured.indexOf(current!),
        words: place => measured[place]!,
        onMove: place => {
          keep({ epsilon: measured[place]! });
          draw();
          askForBounds();
        },
      }),
    idle &&
      textField({
        label: 'Another ε',
        value: '',
        placeholder: '0.1 or 8/255',
        size: 12,
        onChange: text => text.trim() && extension.post({ type: 'addEpsilon', epsilon: text.trim() }),
      }),
    idle &&
      now.checks.length > 1 &&
      select({
        label: 'Check',
        value: now.request.check ?? now.check,
        options: now.checks.map(value => ({ value, label: value })),
        onChange: check => extension.post({ type: 'check', check }),
      }),
    idle &&
      select<BoundMethod>({
        label: 'Bounds by',
        value: now.method,
        options: BOUND_METHODS.map(value => ({ value, label: METHOD_NAMES[value] })),
        onChange: method => extension.post({ type: 'method', method }),
      }),
    idle &&
      select<Importance>({
        label: 'Importance',
        value: now.importance?.kind ?? 'gap',
        options: IMPORTANCES.map(value => ({ value, label: value.toUpperCase() })),
        onChange: kind => extension.post({ type: 'importanceKind', kind }),
      }),
    idle && again,
    idle &&
      now.importance &&
      button({
        label: 'Graft…',
        kind: 'primary',
        title: 'Make neurons linear that are often unstable and matter little',
        onClick: () => extension.post({ type: 'graft' }),
      }),
  ];
}

function layerTable({ layers: all }: ShownNeurons, perLayer: readonly number[]): HTMLElement {
  const rows = all.map(({ name, shape }, k): Child[] => {
    const part = perLayer[k]! / sizeOf(shape);
    return [
      name,
      shape.join(' × '),
      perLayer[k]!.toFixed(1),
      element('meter', { value: String(part), min: '0', max: '1', 'aria-label': percent(part) }),
      percent(part),
    ];
  });
  return table('Unstable neurons by layer', ['Layer', 'Neurons', 'Unstable', '', '%'], rows);
}

function viewBar({ layers: all }: ShownNeurons): Child[] {
  const hasChannels = all.some(({ shape }) => shape.length > 1);
  return [
    element('h2', {}, 'Where they are'),
    hasChannels &&
      select<View>({
        label: 'By',
        value: state.view,
        options: VIEWS.map(value => ({ value, label: value.slice(0, -1) })),
        onChange: view => {
          keep({ view });
          drawMaps();
        },
      }),
    ramp('never', fullColour),
    readout,
  ];
}

function drawMaps(): void {
  const current = epsilon();
  const values = current === null ? undefined : counts.get(current);
  const run = shown?.runs.find(each => each.epsilon === current);
  maps.draw(
    shown && values && run
      ? {
          layers: shown.layers,
          view: state.view,
          values,
          samples: run.samples,
          reference: counts.get(shown.runs.at(-1)!.epsilon) ?? values,
          neuron: state.neuron,
        }
      : null,
  );
  // The numbers of one run never change: which run it is says all.
  listed.draw(run && values && [run, shown?.layers, values.length], () =>
    shown && run && values
      ? [disclosure('neurons', 'As a table', mostUnstable(shown.layers, values, run.samples, choose))]
      : [],
  );
}

function choose(neuron: number): void {
  keep({ neuron });
  askForBounds();
  drawMaps();
  drawDetail();
}

function askForBounds(): void {
  const current = epsilon();
  if (current === null || state.neuron === null) return;
  if (bounds?.epsilon === current && bounds.neuron === state.neuron) return;
  extension.post({ type: 'bounds', epsilon: current, neuron: state.neuron });
}

function drawDetail(): void {
  const current = epsilon();
  const values = current === null ? undefined : counts.get(current);
  if (!shown || !values || current === null) return replaceContent(chosen);
  if (state.neuron === null || state.neuron >= values.length)
    return replaceContent(
      chosen,
      element(
        'p',
        { class: 'quiet' },
        'Click a neuron, or walk to it with the arrow keys and press Enter, for its bounds.',
      ),
    );
  const known = bounds?.neuron === state.neuron && bounds.epsilon === current ? bounds : null;
  if (!known) askForBounds();
  const run = shown.runs.find(each => each.epsilon === current)!;
  replaceContent(
    chosen,
    ...neuronDetail({
      layers: shown.layers,
      neuron: state.neuron,
      count: values[state.neuron]!,
      samples: run.samples,
      epsilon: current,
      importance: shown.importance && importance ? { kind: shown.importance.kind, values: importance } : null,
      bounds: known,
    }),
  );
}
