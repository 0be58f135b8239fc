import {
  DEFAULT_GRAFT_TRAINING,
  DEFAULT_MASK_SOURCE,
  IMPORTANCES,
  RANKINGS,
  type GraftTraining,
  type Importance,
  type Ranking,
} from '../../src/engine/study-protocols/graft';
import { scorePlane, selectNeurons, type ScorePlane } from '../../src/graft/mask';
import { graftedPerLayer, type NeuronLayer } from '../../src/graft/neurons';
import { element, replaceContent, table, type Child } from '../kit/dom';
import { LineChart } from '../kit/line-chart';
import { Extension } from '../kit/messages';
import { button, checkbox, select, textField } from '../kit/toolkit';
import { outcomesSection, percent } from './outcomes';
import { MaskPlane } from './plane';
import type { FromGrafting, GraftingState, ScoredMask, ShownGraft, ShownTraining, ToGrafting } from './protocol';
import '../results/results.css';
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

const top = element('div', {});
const maskControls = element('div', { class: 'controls' });
const plane = new MaskPlane();
const counts = element('div', {});
const note = element('p', { class: 'quiet' });
const maskSection = element(
  'section',
  {},
  maskControls,
  note,
  element('div', { class: 'mask' }, plane.element, counts),
);
const trainingSection = element('section', {});
const outcomeSection = element('section', {});
const curves = new LineChart({
  label: 'Training',
  height: 190,
  x: { label: 'epoch', format: value => (Number.isInteger(value) ? String(value) : '') },
  y: { label: 'loss, and part right', format: value => value.toFixed(2) },
  legend: true,
});
const main = element('main', { class: 'wide' }, top, maskSection, trainingSection, outcomeSection);
const announcer = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });
document.body.append(main, announcer);

extension.listen({
  show: message => show(message.shown),
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
  const said = now?.problem ?? now?.training?.message ?? '';
  if (said !== '' && said !== (before?.problem ?? before?.training?.message)) announcer.textContent = said;
  // What a person may be about to press stays where it is while work only goes on.
  if (before && now && sameButForWork(before, now)) return drawWork(now);
  draw();
}

function sameButForWork(before: ShownGraft, now: ShownGraft): boolean {
  const rest = (each: ShownGraft): string => JSON.stringify({ ...each, busy: each.busy?.what ?? null });
  return rest(before) === rest(now);
}

function drawWork({ busy }: ShownGraft): void {
  const bar = document.querySelector<HTMLProgressElement>('.progress progress');
  const text = document.querySelector('.progress .quiet');
  if (!bar || !text || !busy) return;
  if (busy.fraction === null) bar.removeAttribute('value');
  else bar.value = busy.fraction;
  text.textContent = busy.text;
}

function draw(): void {
  replaceContent(top, ...(shown ? heading(shown) : [empty()]));
  const ready = shown !== null && scores !== null;
  maskSection.hidden = trainingSection.hidden = !ready;
  if (ready) {
    replaceContent(maskControls, ...maskFields());
    drawMask();
    replaceContent(trainingSection, ...training(shown!));
  }
  outcomeSection.hidden = !shown?.training?.model;
  if (shown) replaceContent(outcomeSection, ...comparison(shown));
}

function empty(): HTMLElement {
  return element(
    'section',
    { class: 'empty' },
    element('h1', {}, 'No mask yet'),
    element('p', {}, 'Right-click an ONNX model in the Explorer and choose Graft.'),
    state.request && button({ label: 'Measure Again', onClick: () => extension.post({ type: 'again' }) }),
  );
}

function heading(now: ShownGraft): Child[] {
  const open = element('button', { class: 'link', type: 'button', 'data-focus': 'specification' }, now.specification);
  open.addEventListener('click', () => extension.post({ type: 'openSpecification' }));
  return [
    element(
      'header',
      {},
      element('h1', {}, 'Linearity grafting'),
      element('p', { class: 'where' }, `${now.model} · `, open, now.check ? ` · ${now.check}` : ''),
      element(
        'p',
        {},
        'Neurons that are often unstable and matter little become linear: the network is then easier to verify.',
      ),
    ),
    now.problem && element('p', { class: 'note', role: 'note' }, now.problem),
    now.busy && work(now.busy),
  ];
}

function work({ fraction, text }: NonNullable<ShownGraft['busy']>): HTMLElement {
  return element(
    'div',
    { class: 'progress' },
    element('progress', { 'aria-label': 'Progress', ...(fraction === null ? {} : { value: String(fraction) }) }),
    element('span', { class: 'quiet' }, text),
    button({ label: 'Stop', onClick: () => extension.post({ type: 'stop' }) }),
  );
}

function changeMask(change: Partial<ScoredMask>): void {
  keep({ mask: { ...state.mask, ...change } });
  drawMask();
}

function maskFields(): Child[] {
  const { mask } = state;
  const ratio = element('input', {
    type: 'range',
    min: '0',
    max: '100',
    step: '1',
    value: String(Math.round(100 * mask.ratio)),
    'aria-label': 'Part of the neurons that becomes linear, in percent',
    'data-focus': 'ratio',
  });
  const part = element('output', { class: 'epsilon' }, `${Math.round(100 * mask.ratio)} % linear`);
  ratio.addEventListener('input', () => {
    part.textContent = `${ratio.value} % linear`;
    changeMask({ ratio: Number(ratio.value) / 100 });
  });
  const ranking = (label: string, value: Ranking, change: (ranking: Ranking) => Partial<ScoredMask>): HTMLElement =>
    select<Ranking>({
      label,
      value,
      options: RANKINGS.map(each => ({ value: each, label: each })),
      onChange: chosen => changeMask(change(chosen)),
    });
  return [
    element('label', { class: 'field' }, ratio, part),
    textField({
      label: 'γ of the stages',
      value: mask.schedule.map(gamma => (gamma === 'infinity' ? '∞' : gamma)).join(', '),
      placeholder: '2, 1.5, 1, 0',
      size: 14,
      onChange: text =>
        changeMask({ schedule: text.split(',').map(word => (/∞|inf/i.test(word) ? 'infinity' : Number(word))) }),
    }),
    ranking('Instability ranked', mask.instabilityRanking, instabilityRanking => ({ instabilityRanking })),
    ranking('Significance ranked', mask.significanceRanking, significanceRanking => ({ significanceRanking })),
    select<Importance>({
      label: 'Significance by',
      value: mask.importance,
      options: IMPORTANCES.map(value => ({ value, label: value.toUpperCase() })),
      onChange: importance => {
        keep({ mask: { ...mask, importance } });
        extension.post({ type: 'importance', kind: importance });
      },
    }),
    select<'global' | 'layer'>({
      label: 'Chosen',
      value: mask.scope,
      options: [
        { value: 'global', label: 'among all neurons' },
        { value: 'layer', label: 'in every layer' },
      ],
      onChange: scope => changeMask({ scope }),
    }),
  ];
}

/** Ranks where that is needed, selects, and draws: what happens at every move of a slider. */
function drawMask(): void {
  if (!shown || !scores) return;
  const started = performance.now();
  const { mask } = state;
  const layers: NeuronLayer[] = shown.layers.map(({ name, shape }) => ({
    name,
    shape,
    size: shape.reduce((a, b) => a * b, 1),
  }));
  const of = [mask.instabilityRanking, mask.significanceRanking, mask.scope].join();
  if (ranked?.of !== of) {
    const made = scorePlane({ layers, values: scores.instability }, { layers, values: scores.significance }, mask);
    if (!made.ok) return void (note.textContent = made.error.message);
    ranked = { of, plane: made.value };
  }
  const schedule = mask.schedule.map(gamma => (gamma === 'infinity' ? Infinity : gamma));
  const selected = selectNeurons(ranked.plane, { ...mask, schedule });
  if (!selected.ok) {
    note.textContent = selected.error.message;
    note.className = 'note';
    return;
  }
  note.className = 'quiet';
  note.textContent = `Instability on ${shown.samples} samples at ε = ${shown.epsilon}; ${mask.importance.toUpperCase()} on ${shown.importanceOf}. Orange: becomes linear; the dashed lines are where each stage stops.`;
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

function training(now: ShownGraft): Child[] {
  const settings = state.training;
  const change = (changed: Partial<GraftTraining>): void =>
    keep({ training: { ...settings, ...state.training, ...changed } });
  const number = (
    label: string,
    value: number,
    size: number,
    set: (value: number) => Partial<GraftTraining>,
  ): HTMLElement =>
    textField({ label, value: String(value), size, onChange: text => Number(text) > 0 && change(set(Number(text))) });
  const idle = now.busy === null && now.canRun;
  return [
    element('h2', {}, 'Train'),
    element(
      'div',
      { class: 'controls' },
      number('Epochs', settings.epochs, 4, epochs => ({ epochs: Math.round(epochs) })),
      number('Samples at most', settings.samples, 7, samples => ({ samples: Math.round(samples) })),
      number('Batch', settings.batch, 4, batch => ({ batch: Math.round(batch) })),
      number('Rate of slopes', settings.lineRate, 6, lineRate => ({ lineRate })),
      checkbox('Retrain the weights', settings.weightRate !== null, checked => {
        change({ weightRate: checked ? DEFAULT_GRAFT_TRAINING.weightRate : null });
        draw();
      }),
      settings.weightRate !== null && number('at rate', settings.weightRate, 6, weightRate => ({ weightRate })),
      checkbox('Under attack', settings.adversarial, adversarial => change({ adversarial })),
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
        { label: 'loss', values: history.map(({ meanLoss }) => meanLoss), colour: '--vscode-charts-orange' },
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
    ...now.problems.map(problem => element('p', { class: 'note', role: 'note' }, problem)),
    history.length > 0 && curves.element,
    history.length > 0 &&
      element(
        'details',
        {},
        element('summary', {}, 'As a table'),
        table('Epochs', ['Epoch', 'Loss', 'Right', 'Time'], rows),
      ),
    now.message !== '' && element('p', {}, now.message),
    now.model &&
      element(
        'div',
        { class: 'below' },
        button({ label: 'Save Grafted Model…', kind: 'primary', onClick: () => extension.post({ type: 'save' }) }),
      ),
  ];
}

function comparison(now: ShownGraft): Child[] {
  if (!now.training?.model) return [];
  const idle = now.busy === null && now.canRun;
  return [
    element('h2', {}, 'Compare base and graft'),
    element(
      'div',
      { class: 'controls' },
      textField({
        label: 'Seconds of the verifier for a sample',
        value: String(state.timeout),
        size: 5,
        onChange: text => Number(text) > 0 && keep({ timeout: Number(text) }),
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
