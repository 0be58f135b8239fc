import { DEFAULT_GRAFT_TRAINING, DEFAULT_MASK_SOURCE } from '../../src/engine/study-protocols/graft';
import { scorePlane, selectNeurons, type ScorePlane } from '../../src/graft/mask';
import { graftedPerLayer, type NeuronLayer } from '../../src/graft/neurons';
import { disclosure, element, Part, replaceContent, table, type Child } from '../kit/dom';
import { LineChart } from '../kit/line-chart';
import { Extension } from '../kit/messages';
import { percent, sizeOf } from '../kit/numbers';
import { beginButton, emptyPage, note, PageBody, whereLine, WorkBar } from '../kit/page';
import { button, numberField } from '../kit/toolkit';
import { maskFields } from './mask-fields';
import { outcomesSection } from './outcomes';
import { MaskPlane } from './plane';
import type { FromGrafting, GraftingState, ScoredMask, ShownGraft, ShownTraining, ToGrafting } from './protocol';
import { trainingFields } from './training-fields';
import './grafting.css';

const INITIAL_STATE: GraftingState = {
  request: null,
  mask: DEFAULT_MASK_SOURCE,
  training: DEFAULT_GRAFT_TRAINING,
  timeout: 30,
};
/** Restarts of the attack of a comparison, as the thesis's quick look has them. */
const RESTARTS = 5;

const extension = new Extension<FromGrafting, ToGrafting, GraftingState>();
let state: GraftingState = { ...INITIAL_STATE, ...extension.state };
let shown: ShownGraft | null = null;
let scores: { readonly instability: Float64Array; readonly significance: Float64Array } | null = null;
/** Ranked scores; they change with the rankings and the scope alone. */
let ranked: { readonly of: string; readonly plane: ScorePlane } | null = null;

const head = new Part();
const work = new WorkBar(() => extension.post({ type: 'stop' }));
const maskControls = new Part('div', { class: 'below' });
const plane = new MaskPlane();
const counts = element('div', {});
const told = element('p', { class: 'quiet' });
const maskSection = element(
  'section',
  {},
  maskControls.element,
  told,
  element('div', { class: 'mask' }, plane.element, counts),
);
const trainingPart = new Part('section');
const outcomePart = new Part('section');
const curves = new LineChart({
  label: 'Training',
  height: 190,
  x: { label: 'epoch', format: value => (Number.isInteger(value) ? String(value) : '') },
  y: { label: 'loss, and part right', format: value => value.toFixed(2) },
});
const page = new PageBody(head.element, work.element, maskSection, trainingPart.element, outcomePart.element);

extension.listen({
  show: message => show(message.shown),
  progress: ({ busy }) => work.show(busy),
  scores: ({ instability, significance }) => {
    scores = { instability: Float64Array.from(instability), significance: Float64Array.from(significance) };
    ranked = null;
    draw();
  },
});
draw();
extension.post({ type: 'ready' });

function keep(change: Partial<GraftingState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

function show(now: ShownGraft | null): void {
  const before = shown;
  shown = now;
  if (now && JSON.stringify(now.request) !== JSON.stringify(state.request)) {
    const { importance, method, epsilon } = now.request;
    keep({
      request: now.request,
      mask: { ...state.mask, importance, method, ...(epsilon === null ? {} : { epsilon }) },
    });
  }
  // Scores of another model are of other neurons.
  if (before && now && JSON.stringify(before.layers) !== JSON.stringify(now.layers)) scores = null;
  page.announce(now?.problem ?? now?.training?.message ?? '');
  draw();
}

function draw(): void {
  const now = shown;
  head.draw(now && [now.model, now.specification, now.check, now.problem, scores === null && !now.busy], () =>
    now ? heading(now) : [empty()],
  );
  work.show(now?.busy ?? null);
  const ready = now !== null && scores !== null && now.layers.length > 0;
  maskSection.hidden = trainingPart.element.hidden = !ready;
  outcomePart.element.hidden = !ready || !now.training?.model;
  if (!ready) return;
  const idle = now.busy === null && now.canRun;
  drawMaskFields();
  drawMask();
  trainingPart.draw([now.training, idle, state.training.weightRate === null], () => training(now, idle));
  outcomePart.draw([now.training?.model, now.outcomes, idle], () => (now.training?.model ? comparison(now, idle) : []));
}

function empty(): HTMLElement {
  return emptyPage(
    'No mask yet',
    'Right-click an ONNX model in the Explorer and choose Graft.',
    beginButton(() => extension.post({ type: 'begin' })),
    state.request && again(),
  );
}

function again(): HTMLElement {
  return button({ label: 'Measure Again', kind: 'primary', onClick: () => extension.post({ type: 'again' }) });
}

function heading(now: ShownGraft): Child[] {
  return [
    element('h1', {}, 'Linearity grafting'),
    whereLine({ ...now, more: now.check }, () => extension.post({ type: 'openSpecification' })),
    element(
      'p',
      {},
      'Neurons that are often unstable and matter little become linear: the network is then easier to verify.',
    ),
    note(now.problem),
    scores === null && !now.busy && now.canRun && again(),
  ];
}

function changeMask(change: Partial<ScoredMask>): void {
  keep({ mask: { ...state.mask, ...change } });
  drawMask();
}

function drawMaskFields(): void {
  // What the fields themselves change is not drawn anew: a slider stays under the hand that moves it.
  maskControls.draw([shown?.request, state.mask.importance], () =>
    maskFields(state.mask, changeMask, importance => {
      keep({ mask: { ...state.mask, importance } });
      extension.post({ type: 'importance', kind: importance });
    }),
  );
}

/** Ranks where that is needed, selects, and draws: what happens at every move of a slider. */
function drawMask(): void {
  if (!shown || !scores) return;
  const started = performance.now();
  const { mask } = state;
  const layers: NeuronLayer[] = shown.layers.map(({ name, shape }) => ({
    name,
    shape,
    size: sizeOf(shape),
  }));
  const of = [mask.instabilityRanking, mask.significanceRanking, mask.scope].join();
  if (ranked?.of !== of) {
    const made = scorePlane({ layers, values: scores.instability }, { layers, values: scores.significance }, mask);
    if (!made.ok) return tell(made.error.message, 'note');
    ranked = { of, plane: made.value };
  }
  const schedule = mask.schedule.map(gamma => (gamma === 'infinity' ? Infinity : gamma));
  const selected = selectNeurons(ranked.plane, { ...mask, schedule });
  if (!selected.ok) return tell(selected.error.message, 'note');
  tell(
    `Instability on ${shown.samples} samples at ε = ${shown.epsilon}; ${shown.importance?.toUpperCase() ?? 'significance'} on ${shown.importanceOf}. Orange: becomes linear; the dashed lines are where each stage stops.`,
    'quiet',
  );
  plane.draw(ranked.plane, selected.value, schedule);
  const each = graftedPerLayer(selected.value.mask);
  const row = (name: string, grafted: number, size: number): Child[] => [
    name,
    String(size),
    String(grafted),
    percent(grafted / size),
  ];
  const all = layers.reduce((sum, { size }) => sum + size, 0);
  replaceContent(
    counts,
    table(
      'Linear neurons by layer',
      ['Layer', 'Neurons', 'Linear', '%'],
      [
        ...layers.map(({ name, size }, k) => row(name, each[k]!, size)),
        row(
          'all',
          each.reduce((a, b) => a + b, 0),
          all,
        ),
      ],
    ),
  );
  performance.measure('certiscope-mask', { start: started, end: performance.now() });
}

function tell(text: string, look: 'quiet' | 'note'): void {
  told.textContent = text;
  told.className = look;
}

function training(now: ShownGraft, idle: boolean): Child[] {
  return [
    element('h2', {}, 'Train'),
    element(
      'div',
      { class: 'below' },
      ...trainingFields(state.training, change => {
        keep({ training: { ...state.training, ...change } });
        draw();
      }),
      idle &&
        button({
          label: now.training ? 'Train Again' : 'Train',
          kind: now.training ? 'secondary' : 'primary',
          onClick: () =>
            extension.post({
              type: 'train',
              mask: state.mask,
              training: state.training,
              fresh: now.training?.model === true,
            }),
        }),
    ),
    ...(now.training ? run(now.training) : []),
  ];
}

function run(now: ShownTraining): Child[] {
  const { history } = now;
  if (history.length > 0) {
    curves.draw(
      history.map(({ epoch }) => epoch),
      [
        { label: 'loss', values: history.map(({ meanLoss }) => meanLoss), colour: '--certiscope-orange' },
        {
          label: 'part of the held-out samples right',
          values: history.map(({ score }) => score),
          colour: '--vscode-charts-blue',
          dash: [6, 4],
        },
      ],
    );
    const last = history.at(-1)!;
    curves.description = `Training: ${history.length} epochs, the last with loss ${last.meanLoss.toFixed(3)}`;
  }
  const rows = history.map(({ epoch, meanLoss, score, seconds }): Child[] => [
    `epoch ${epoch}`,
    meanLoss.toFixed(4),
    score === null ? '–' : percent(score),
    `${seconds.toFixed(1)} s`,
  ]);
  return [
    now.mask !== '' && element('p', { class: 'quiet' }, now.mask),
    now.data !== '' && element('p', { class: 'quiet' }, `Trains on ${now.data}`),
    ...now.problems.map(problem => note(problem, 'note')),
    history.length > 0 && curves.element,
    history.length > 0 && disclosure('epochs', 'As a table', table('Epochs', ['Epoch', 'Loss', 'Right', 'Time'], rows)),
    now.message !== '' && element('p', {}, now.message),
    now.model &&
      element(
        'div',
        { class: 'below' },
        button({ label: 'Save Grafted Model…', kind: 'primary', onClick: () => extension.post({ type: 'save' }) }),
      ),
  ];
}

function comparison(now: ShownGraft, idle: boolean): Child[] {
  return [
    element('h2', {}, 'Compare base and graft'),
    element(
      'div',
      { class: 'below' },
      numberField({
        label: 'Seconds of the verifier for a sample',
        value: state.timeout,
        size: 5,
        onChange: timeout => keep({ timeout }),
      }),
      idle &&
        button({
          label: now.outcomes ? 'Compare Again' : 'Compare Outcomes',
          onClick: () => extension.post({ type: 'compare', timeout: state.timeout, restarts: RESTARTS }),
        }),
    ),
    ...(now.outcomes ? outcomesSection(now.outcomes) : []),
  ];
}
