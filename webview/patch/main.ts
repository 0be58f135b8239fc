import type { Correct, LayerPatch, PatchBegun } from '../../src/engine/study-protocols/patch-model';
import { element, link, Part, table, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { percent, short, signed } from '../kit/numbers';
import { beginButton, emptyPage, note, PageBody, whereLine, WorkBar } from '../kit/page';
import { button, divider } from '../kit/toolkit';
import { choices } from './choices';
import { INITIAL_STATE, type Choice, type FromPage, type PageState, type Shown, type ToPage } from './protocol';
import './patch.css';

/** Inputs that are listed at first. */
const LISTED_INPUTS = 12;

const extension = new Extension<FromPage, ToPage, PageState>();
let state: PageState = { ...INITIAL_STATE, ...extension.state };
let shown: Shown | null = null;
let everything = false;
const head = new Part();
const work = new WorkBar(() => extension.post({ type: 'stop' }));
const options = new Part();
const results = new Part();
const page = new PageBody(head.element, work.element, options.element, results.element);

extension.listen({
  show: message => {
    shown = message.shown;
    if (shown && JSON.stringify(shown.kept) !== JSON.stringify(state.kept)) keep({ kept: shown.kept });
    page.announce(shown?.problem ?? shown?.statement ?? '');
    draw();
  },
  progress: ({ busy }) => work.show(busy),
});
draw();
extension.post({ type: 'ready' });

function keep(change: Partial<PageState>): void {
  state = { ...state, ...change };
  extension.state = state;
}

function draw(): void {
  const now = shown;
  head.draw(now && { ...now, kept: null, busy: now.busy !== null, layers: now.layers.length, choice: null }, () =>
    now
      ? header(now)
      : [
          emptyPage(
            'No patch yet',
            'Right-click an ONNX model in the Explorer and choose Patch This Model.',
            beginButton(() => extension.post({ type: 'begin' })),
          ),
        ],
  );
  work.show(now?.busy ?? null);
  options.draw(now?.choice, () => (now ? [choices(now.choice, choose)] : []));
  results.draw([now?.run, now?.layers, now?.best, state.layer, everything], () =>
    now?.run ? found(now, now.run) : [],
  );
}

function choose(change: Partial<Choice>): void {
  if (!shown) return;
  const choice = { ...shown.choice, ...change };
  shown = { ...shown, choice };
  options.shows(choice);
  extension.post({ type: 'choice', choice });
}

function header(now: Shown): Child[] {
  return [
    element('h1', {}, 'Patch of the model'),
    whereLine({ ...now, more: now.about }, () => extension.post({ type: 'openSpecification' })),
    element(
      'div',
      { class: 'state' },
      now.statement !== null && element('span', {}, now.statement),
      !now.busy &&
        now.canRun &&
        button({
          label: now.run ? 'Run again' : 'Run',
          kind: now.run ? 'secondary' : 'primary',
          onClick: () => extension.post({ type: 'run' }),
        }),
    ),
    note(now.problem),
  ];
}

function found(now: Shown, run: PatchBegun): Child[] {
  const { layers } = now;
  const chosen =
    layers.find(({ layer }) => layer === state.layer) ?? layers.find(({ layer }) => layer === now.best) ?? layers[0];
  return [layers.length > 0 && layerTable(now, run, chosen), chosen && detail(chosen, run), inputs(run, chosen)];
}

const OUTCOME: Readonly<Record<LayerPatch['outcome'], readonly [sign: string, kind: string]>> = {
  patched: ['✓', 'verified'],
  infeasible: ['✗', 'falsified'],
  undecided: ['?', 'unknown'],
};

function layerTable({ best, layers }: Shown, run: PatchBegun, chosen: LayerPatch | undefined): HTMLElement {
  const header = ['Layer', 'Patch', 'Largest change', 'Sum', 'Weights', 'Accuracy after', 'Time'];
  const rows = layers.map((patch): Child[] => {
    const { layer, outcome, sizes, accuracy, seconds, holds } = patch;
    const choose = link(
      layer,
      () => {
        keep({ layer });
        draw();
      },
      { 'data-focus': `layer-${layer}`, 'aria-pressed': String(patch === chosen) },
    );
    const [sign, kind] = outcome === 'patched' && !holds ? (['!', 'unknown'] as const) : OUTCOME[outcome];
    const word = outcome === 'patched' ? (holds ? 'holds' : 'does not survive float32') : outcome;
    return [
      choose,
      element(
        'span',
        { class: kind },
        element('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
        ` ${word}${layer === best ? ', smallest' : ''}`,
      ),
      sizes ? short(sizes.inf) : '–',
      sizes ? short(sizes.one) : '–',
      sizes ? String(sizes.count) : '–',
      accuracy ? share(accuracy) : '–',
      `${seconds.toFixed(2)} s`,
    ];
  });
  const before = run.accuracy
    ? `Accuracy before: ${share(run.accuracy)} (${run.accuracy.correct} of ${run.accuracy.total}). `
    : '';
  const kept = run.kept > 0 ? `${run.kept} samples that were right are held to stay right.` : '';
  return element(
    'section',
    { class: 'layers' },
    element('h3', {}, 'Layers'),
    table('Patches by layer', header, rows, index => (layers[index] === chosen ? 'chosen' : '')),
    element('p', { class: 'quiet' }, `${before}${kept}`),
  );
}

function detail({ layer, statement, changes, changed, accuracy, file }: LayerPatch, run: PatchBegun): HTMLElement {
  const gained = accuracy && run.accuracy ? accuracy.correct - run.accuracy.correct : null;
  const rows = changes.map(change => [
    changes.some(other => other.layer !== change.layer)
      ? `${change.layer} [${change.output}, ${change.input}]`
      : `[${change.output}, ${change.input}]`,
    short(change.before),
    short(change.after),
    signed(change.after - change.before),
  ]);
  return element(
    'article',
    { 'aria-label': layer },
    divider(),
    element('h2', {}, layer),
    element('p', {}, statement),
    gained !== null &&
      element(
        'p',
        {},
        gained === 0
          ? 'As many samples are right as before.'
          : `${Math.abs(gained)} ${gained > 0 ? 'more' : 'fewer'} of ${accuracy!.total} samples are right than before.`,
      ),
    file !== null &&
      element(
        'div',
        { class: 'state' },
        button({
          label: 'Save patched model…',
          title: `Keep the ONNX file with ${layer} patched`,
          onClick: () => extension.post({ type: 'save', layer }),
        }),
      ),
    rows.length > 0 && element('h3', {}, 'Changed weights'),
    rows.length > 0 &&
      element(
        'p',
        { class: 'quiet' },
        `${rows.length < changed ? `The ${rows.length} largest of ${changed} changes. ` : ''}The first number is the output of the layer, the second its input.`,
      ),
    rows.length > 0 && table('Changed weights', ['Weight', 'Before', 'After', 'Change'], rows),
  );
}

function inputs({ inputs: all, classes }: PatchBegun, chosen: LayerPatch | undefined): HTMLElement {
  const name = (index: number): string => classes?.[index] ?? `class ${index}`;
  const listed = everything ? all : all.slice(0, LISTED_INPUTS);
  const rows = listed.map(({ title, before, wanted }, k): Child[] => {
    const after = chosen?.answers[k];
    return [title, name(before), name(wanted), after === undefined ? '–' : name(after)];
  });
  const more = link(`Show ${all.length - listed.length} more`, () => {
    everything = true;
    draw();
  });
  return element(
    'section',
    {},
    element('h3', {}, 'Inputs that get another answer'),
    table('Inputs', ['Input', 'Before', 'Wanted', chosen ? `With ${chosen.layer} patched` : 'After'], rows),
    listed.length < all.length && more,
    element('p', { class: 'quiet' }, 'All answers are ONNX Runtime’s, on the patched file.'),
  );
}

function share({ correct, total }: Correct): string {
  return percent(correct / total, 2);
}
