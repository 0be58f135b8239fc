import { BOUND_METHODS, IMPORTANCES, type BoundMethod, type Importance } from '../../src/engine/study-protocols/graft';
import { element, replaceContent, table, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { button, select, textField } from '../kit/toolkit';
import { VIEWS, type View } from './arrangement';
import { LayerMaps } from './layer-maps';
import { neuronDetail } from './neuron-detail';
import { INITIAL_STATE, type FromNeurons, type NeuronsState, type ShownNeurons, type ToNeurons } from './protocol';
import { epsilonSlider } from './slider';
import '../results/results.css';
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
  onChoose: neuron => {
    keep({ neuron });
    askForBounds();
    drawDetail();
  },
});
const top = element('div', {});
const chosen = element('section', { 'aria-live': 'off' });
const main = element('main', { class: 'wide' }, top, maps.element, chosen);
const announcer = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });
document.body.append(main, announcer);

extension.listen({
  show: message => show(message.shown),
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
  if (before?.method !== now.method) bounds = null;
  if (isOther) keep({ request: now.request });
  if (now.problem && now.problem !== before?.problem) announcer.textContent = now.problem;
  else if (before?.busy && !now.busy) announcer.textContent = 'All neurons are bounded.';
  draw();
}

/** The ε that is shown: the chosen one, else the largest that is there. */
function epsilon(): string | null {
  const measured = shown?.runs.map(run => run.epsilon) ?? [];
  return measured.find(each => each === state.epsilon) ?? measured.at(-1) ?? null;
}

function draw(): void {
  replaceContent(top, ...(shown ? heading(shown) : [empty()]));
  drawMaps();
  drawDetail();
}

function empty(): HTMLElement {
  return element(
    'section',
    { class: 'empty' },
    element('h1', {}, 'No neurons measured yet'),
    element('p', {}, 'Right-click an ONNX model in the Explorer and choose Unstable Neurons.'),
    state.request && button({ label: 'Measure Again', onClick: () => extension.post({ type: 'again' }) }),
  );
}

function heading(now: ShownNeurons): Child[] {
  const open = element('button', { class: 'link', type: 'button', 'data-focus': 'specification' }, now.specification);
  open.addEventListener('click', () => extension.post({ type: 'openSpecification' }));
  const run = now.runs.find(each => each.epsilon === epsilon());
  return [
    element(
      'header',
      {},
      element('h1', {}, 'Unstable neurons'),
      element('p', { class: 'where' }, `${now.model} · `, open, now.check ? ` · ${now.check}` : ''),
      element('p', {}, 'How often a neuron’s bounds leave open whether it is on: what makes a network hard to verify.'),
    ),
    now.problem && element('p', { class: 'note', role: 'note' }, now.problem),
    now.busy && work(now.busy),
    run ? controls(now, run.epsilon) : null,
    run ? element('p', { class: 'quiet' }, run.statement) : null,
    run ? layerTable(now, run.perLayer) : null,
    run ? element('h2', {}, 'Where they are') : null,
    run ? viewBar(now) : null,
  ];
}

function work({ fraction, text }: NonNullable<ShownNeurons['busy']>): HTMLElement {
  return element(
    'div',
    { class: 'progress' },
    element('progress', { 'aria-label': 'Progress', ...(fraction === null ? {} : { value: String(fraction) }) }),
    element('span', { class: 'quiet' }, text),
    button({ label: 'Stop', onClick: () => extension.post({ type: 'stop' }) }),
  );
}

function controls(now: ShownNeurons, current: string): HTMLElement {
  const idle = now.busy === null && now.canRun;
  return element(
    'div',
    { class: 'controls' },
    epsilonSlider({
      values: now.runs.map(each => each.epsilon),
      value: current,
      onChange: value => {
        keep({ epsilon: value });
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
    idle &&
      now.importance &&
      button({
        label: 'Graft…',
        kind: 'primary',
        title: 'Make neurons linear that are often unstable and matter little',
        onClick: () => extension.post({ type: 'graft' }),
      }),
  );
}

function layerTable({ layers }: ShownNeurons, perLayer: readonly number[]): HTMLElement {
  const rows = layers.map(({ name, shape }, k): Child[] => {
    const size = shape.reduce((a, b) => a * b, 1);
    const part = perLayer[k]! / size;
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

function viewBar({ layers }: ShownNeurons): HTMLElement {
  const hasChannels = layers.some(({ shape }) => shape.length > 1);
  return element(
    'div',
    { class: 'below' },
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
    element(
      'span',
      { class: 'legend' },
      'never',
      element('span', { class: 'ramp', 'aria-hidden': 'true' }),
      fullColour,
    ),
    readout,
  );
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

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}
