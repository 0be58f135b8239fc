import type { AdversarialRun } from '../../src/engine/study-protocols/adversarial-inputs';
import { element, facts, type Child, type Fact } from '../kit/dom';
import { counted, short } from '../kit/numbers';
import { viewOption } from '../kit/options';
import { note as noteOf } from '../kit/page';
import { brightness, differencePicture, layoutOf, photograph, type Layout } from '../kit/picture';
import { fittingZoom, pixelText, Plates, READOUT, zoomOption } from '../kit/plates';
import { rangeField } from '../kit/range';
import { badge, busy, button, checkbox, divider } from '../kit/toolkit';
import { featureTable, outputTable } from '../results/pictures';
import { EXPORTS, type Entry, type EntryTensors, type ExportKind, type FoundEntry, type PageState } from './protocol';

const PLATES = 3;
const AROUND_PIXELS = 90;
export const MOST_GAIN = 64;

const EXPORT_NAMES: Readonly<Record<ExportKind, readonly [label: string, title: string]>> = {
  png: ['PNG', 'Save the picture, one pixel of the file for each of the input'],
  npy: ['NPY', 'Save the numbers as the model takes them'],
  vnnlib: ['VNN-LIB', 'Copy the input and the outputs as a VNN-LIB assignment'],
  test: ['Test case', 'Save a specification that fails as long as the model is fooled by this input'],
};

export interface ViewerOptions {
  readonly run: AdversarialRun;
  readonly entry: Entry;
  readonly name: (index: number) => string;
  /** Null until they have come. */
  readonly tensors: EntryTensors | null;
  readonly problem: string;
  readonly state: PageState;
  readonly change: (change: Partial<PageState>) => void;
  readonly everything: boolean;
  readonly showEverything: () => void;
  readonly save: (kind: ExportKind) => void;
}

/** One input: what it was, what it became, and everything that is known about the change. */
export function viewer(options: ViewerOptions): HTMLElement {
  const { entry, name } = options;
  if (entry.kind !== 'found')
    return element(
      'article',
      { 'aria-label': `Sample ${entry.sample}` },
      divider(),
      element('h2', {}, `Sample ${entry.sample} `, badge(entry.kind === 'skipped' ? 'left out' : 'not found')),
      entry.from !== null && element('p', {}, `The model answers ${name(entry.from)}.`),
      element('p', { class: 'reason' }, entry.reason),
    );
  return element(
    'article',
    { 'aria-label': `Sample ${entry.sample}` },
    divider(),
    element('h2', {}, `Sample ${entry.sample}: ${name(entry.from)} → ${name(entry.to)}`),
    ...input(options),
    norms(entry),
    element('p', {}, entry.replay),
    element('p', {}, entry.scope),
    entry.optimum && element('p', {}, entry.optimum.statement),
    options.tensors && outputs(options, entry, options.tensors),
    element('h3', {}, 'Facts'),
    facts(factsOf(entry, name)),
  );
}

function input(options: ViewerOptions): Child[] {
  const { run, tensors, problem, state, change, everything, showEverything, save } = options;
  if (problem !== '') return [noteOf(problem)];
  if (!tensors) return [element('div', { class: 'progress' }, busy('Reading the input'))];
  const layout = layoutOf(run.inputShape, run.preprocess);
  const asPicture = layout !== null && state.view === 'picture';
  return [
    asPicture && pictures(options, layout, tensors),
    !asPicture && featureTable(tensors, showEverything, everything, 'Adversarial'),
    element(
      'div',
      { class: 'below' },
      layout && viewOption(state.view, view => change({ view })),
      element('span', { class: 'quiet' }, 'Export'),
      ...EXPORTS.filter(kind => kind !== 'png' || layout).map(kind => {
        const [label, title] = EXPORT_NAMES[kind];
        const made = button({ label, title, onClick: () => save(kind) });
        made.dataset['focus'] = `export-${kind}`;
        return made;
      }),
    ),
  ];
}

function pictures(
  { run, state, change }: ViewerOptions,
  layout: Layout,
  { original, input }: EntryTensors,
): HTMLElement {
  const scale = state.zoom || fittingZoom(layout, PLATES, AROUND_PIXELS);
  const [before, after] = brightness(layout, run.preprocess, original, input) as [Float32Array, Float32Array];
  const difference = after.map((value, index) => value - before[index]!);
  const readout = element('output', { class: 'readout', 'aria-live': 'polite' }, READOUT);
  const plates = new Plates(layout, scale, (line, column) => {
    readout.textContent = pixelText(layout, original, input, line, column);
  });
  const outlined = state.outline ? changedPixels(layout, original, input) : new Set<number>();
  // Redrawn in place while the slider moves: the slider itself must stay.
  const signed = element('div', {});
  const drawDifference = (gain: number): void => {
    const note = `±${Number((255 / gain).toPrecision(3))} of 255 levels`;
    const pixels = differencePicture(layout, difference, 1 / gain);
    signed.replaceChildren(plates.figure({ title: 'Difference', pixels, note, outlined }));
  };
  drawDifference(state.gain);
  return element(
    'div',
    { class: 'pictures' },
    element(
      'div',
      { class: 'plates' },
      plates.figure({ title: 'Original', pixels: photograph(layout, before), note: '' }),
      plates.figure({ title: 'Adversarial', pixels: photograph(layout, after), note: '', outlined }),
      signed,
    ),
    element('div', { class: 'below' }, readout),
    element(
      'div',
      { class: 'below' },
      // Powers of two from 1 to `MOST_GAIN`.
      rangeField({
        title: 'Gain',
        label: 'Gain of the difference',
        least: 0,
        most: Math.log2(MOST_GAIN),
        step: 0.5,
        value: Math.log2(state.gain),
        words: power => `${short(gainOf(power))}×`,
        onMove: power => drawDifference(gainOf(power)),
        onSet: power => change({ gain: gainOf(power) }),
      }),
      checkbox('Outline changed pixels', state.outline, outline => change({ outline })),
      zoomOption(state.zoom, zoom => change({ zoom })),
    ),
  );
}

function gainOf(power: number): number {
  return Number((2 ** power).toPrecision(3));
}

/** Pixels of which any channel changed. */
export function changedPixels(
  { width, height, channels, order }: Layout,
  original: Float32Array,
  input: Float32Array,
): Set<number> {
  const plane = width * height;
  const changed = new Set<number>();
  input.forEach((value, index) => {
    if (value !== original[index]) changed.add(order === 'CHW' ? index % plane : Math.floor(index / channels));
  });
  return changed;
}

function norms({ norms: { values, pixels, pixelPercent, one, two, inf } }: FoundEntry): HTMLElement {
  return element(
    'p',
    { class: 'norms', title: 'Distance from the original, in the model’s own units' },
    element('strong', {}, `${counted(values, 'value')} changed`),
    ` · ${counted(pixels, 'pixel')} (${short(pixelPercent)} %) · L∞ ${short(inf)} · L2 ${short(two)} · L1 ${short(one)}`,
  );
}

function outputs(
  { run, name }: ViewerOptions,
  { label }: FoundEntry,
  { originalLogits, logits }: EntryTensors,
): HTMLElement | null {
  const outputNames = run.classes ?? Array.from(logits.keys(), name);
  const shown = outputTable({ outputNames, label }, { originalOutput: originalLogits, output: logits }, 'Adversarial');
  return shown && element('section', {}, element('h3', {}, 'Outputs'), shown);
}

function factsOf(entry: FoundEntry, name: (index: number) => string): Fact[] {
  const found = Object.entries(entry.found).map(([stage, count]) => `${stage} ${counted(count, 'value')}`);
  return [
    { name: 'Found by', value: entry.foundBy },
    { name: 'Answers of all', value: found.join(', ') },
    { name: 'Layers patched on the way', value: entry.patched.join(', ') },
    { name: 'Label', value: entry.label === null ? '' : name(entry.label) },
    { name: 'Time', value: `${entry.seconds.toFixed(2)} s` },
  ].filter(({ value }) => value !== '');
}
