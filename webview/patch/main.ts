import type { Correct, LayerPatch, PatchBegun } from '../../src/engine/study-protocols/patch-model';
import { element, replaceContent, table, type Child } from '../kit/dom';
import { Extension } from '../kit/messages';
import { short, signed } from '../kit/numbers';
import { button, checkbox, divider, select, textField } from '../kit/toolkit';
import { ProgressBar } from '../results/progress-bar';
import type { Choice, FromPage, PageState, Shown, ToPage } from './protocol';
import '../results/results.css';
import './patch.css';

/** Inputs that are listed at first. */
const LISTED_INPUTS = 12;

const extension = new Extension<FromPage, ToPage, PageState>();
let state: PageState = extension.state ?? { layer: null };
let shown: Shown | null = null;
let everything = false;
let choicesOpen = false;
const main = element('main', { class: 'patch' });
const announcer = element('div', { class: 'announcer', role: 'status', 'aria-live': 'polite' });
document.body.append(main, announcer);
const progress = new ProgressBar();

extension.listen({
  show: message => {
    if (message.shown?.statement && message.shown.statement !== shown?.statement)
      announcer.textContent = message.shown.statement;
    shown = message.shown;
    draw();
  },
  progress: ({ fraction, text }) => progress.update({ fraction, text, live: null }),
});
draw();
extension.post({ type: 'ready' });

function draw(): void {
  replaceContent(main, ...(shown ? page(shown) : [empty()]));
}

function empty(): HTMLElement {
  return element(
    'section',
    { class: 'empty' },
    element('h1', {}, 'No patch yet'),
    element('p', {}, 'Right-click an ONNX model in the Explorer and choose Patch This Model.'),
  );
}

function page(now: Shown): Child[] {
  const { specification, model, about, run, layers, busy, statement, problem } = now;
  const where = element(
    'button',
    { class: 'link', type: 'button', title: 'Open the specification', 'data-focus': 'specification' },
    specification,
  );
  where.addEventListener('click', () => extension.post({ type: 'openSpecification' }));
  const chosen =
    layers.find(({ layer }) => layer === state.layer) ?? layers.find(({ layer }) => layer === now.best) ?? layers[0];
  return [
    element('h1', {}, 'Patch of the model'),
    element('p', { class: 'where' }, where, model ? ` · ${model}` : '', about ? ` · ${about}` : ''),
    element(
      'div',
      { class: 'state' },
      element('span', {}, statement ?? ''),
      busy
        ? button({ label: 'Stop', onClick: () => extension.post({ type: 'stop' }) })
        : button({ label: 'Run again', onClick: () => extension.post({ type: 'run' }) }),
    ),
    problem !== '' && element('p', { class: 'note', role: 'alert' }, problem),
    choices(now.choice),
    busy && progress.draw({ fraction: null, text: 'Reading the model and the data', live: null }),
    run && layers.length > 0 && layerTable(now, run, chosen),
    chosen && detail(chosen, run),
    run && inputs(run, chosen),
  ];
}

function choices(choice: Choice): HTMLElement {
  const change = (to: Partial<Choice>): void => extension.post({ type: 'choice', choice: { ...choice, ...to } });
  const field = (label: string, key: 'margin' | 'keep' | 'seconds', placeholder: string): HTMLElement =>
    textField({ label, value: choice[key], placeholder, size: 7, onChange: text => change({ [key]: text }) });
  const box = element(
    'details',
    { ...(choicesOpen ? { open: '' } : {}) },
    element('summary', { 'data-focus': 'choices' }, 'What is asked'),
    element(
      'div',
      { class: 'below' },
      select<Choice['mode']>({
        label: 'Layers',
        value: choice.mode,
        options: [
          { value: 'each', label: 'each by itself' },
          { value: 'in turn', label: 'several in turn' },
        ],
        onChange: mode => change({ mode }),
      }),
      select<Choice['measure']>({
        label: 'To be small',
        value: choice.measure,
        options: [
          { value: 'inf', label: 'largest change' },
          { value: 'one', label: 'sum of changes' },
          { value: 'count', label: 'number of weights' },
        ],
        onChange: measure => change({ measure }),
      }),
      select<Choice['phases']>({
        label: 'Phases',
        value: choice.phases,
        options: [
          { value: 'fixed', label: 'kept' },
          { value: 'free', label: 'free (small networks)' },
        ],
        onChange: phases => change({ phases }),
      }),
      checkbox('Mark which way neurons may move', choice.marking, marking => change({ marking })),
    ),
    element(
      'div',
      { class: 'below' },
      field('Margin of the wanted class', 'margin', '0.001'),
      field('Right samples to keep', 'keep', '0'),
      field('Seconds a layer', 'seconds', '60'),
    ),
  );
  box.addEventListener('toggle', () => (choicesOpen = box.open));
  return box;
}

const OUTCOME: Readonly<Record<LayerPatch['outcome'], readonly [sign: string, kind: string]>> = {
  patched: ['✓', 'verified'],
  infeasible: ['✗', 'falsified'],
  undecided: ['?', 'unknown'],
};

function layerTable({ best }: Shown, run: PatchBegun, chosen: LayerPatch | undefined): HTMLElement {
  const { layers } = shown!;
  const header = ['Layer', 'Patch', 'Largest change', 'Sum', 'Weights', 'Accuracy after', 'Time', ''];
  const rows = layers.map((patch): Child[] => {
    const { layer, outcome, sizes, accuracy, seconds, holds, file } = patch;
    const choose = element(
      'button',
      { class: 'link', type: 'button', 'data-focus': `layer-${layer}`, 'aria-pressed': String(patch === chosen) },
      layer,
    );
    choose.addEventListener('click', () => {
      state = { layer };
      extension.state = state;
      draw();
    });
    const [sign, kind] = outcome === 'patched' && !holds ? (['!', 'unknown'] as const) : OUTCOME[outcome];
    const word = outcome === 'patched' ? (holds ? 'holds' : 'does not survive float32') : outcome;
    const save = button({
      label: 'Save…',
      title: `Save the model with ${layer} patched`,
      onClick: () => extension.post({ type: 'save', layer }),
    });
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
      accuracy ? percent(accuracy) : '–',
      `${seconds.toFixed(2)} s`,
      file && save,
    ];
  });
  const before = run.accuracy
    ? `Accuracy before: ${percent(run.accuracy)} (${run.accuracy.correct} of ${run.accuracy.total}). `
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

function detail({ layer, statement, changes, changed, accuracy }: LayerPatch, run: PatchBegun | null): HTMLElement {
  const gained = accuracy && run?.accuracy ? accuracy.correct - run.accuracy.correct : null;
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
  const more = element('button', { class: 'link', type: 'button' }, `Show ${all.length - listed.length} more`);
  more.addEventListener('click', () => {
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

function percent({ correct, total }: Correct): string {
  return `${((100 * correct) / total).toFixed(2)} %`;
}
