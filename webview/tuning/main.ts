import { disclosure, element, link, Part, replaceContent, table } from '../kit/dom';
import { Extension } from '../kit/messages';
import { short } from '../kit/numbers';
import { brightness, layoutOf, photograph } from '../kit/picture';
import { emptyPage, PageBody } from '../kit/page';
import { fittingZoom, pixelText, Plates, READOUT } from '../kit/plates';
import { button, textField } from '../kit/toolkit';
import { margins } from './margins';
import type { Bound, Bracket, Counterexample, FromPanel, PanelState, Pictures, Subject, ToPanel } from './protocol';
import { Track } from './track';
import './tuning.css';

/** Pictures beside each other, and what lies between and around them. */
const PLATES = 4;
const MARGINS_PIXELS = 110;
/** Features in the table of an input that is no picture. */
const MOST_FEATURES = 60;

const extension = new Extension<FromPanel, ToPanel, PanelState>();
let subject: Subject | null = null;
let bound: Bound | null = null;
let pictures: Pictures | null = null;
let bracket: Bracket | null = null;
let counterexample: Counterexample | null = null;
let problem = '';
/** The slider is where a person put it; else it follows the text. */
let moved = false;

const track = new Track(epsilon => {
  moved = true;
  extension.post({ type: 'epsilon', epsilon });
  drawState();
  drawActions();
});
const head = new Part('header');
const state = element('div', { class: 'state', role: 'status', 'aria-live': 'polite' });
const actions = new Part('div', { class: 'state' });
const images = element('section', {});
const ways = element('section', {});
const { main } = new PageBody(head.element, track.element, state, actions.element, images, ways);

extension.listen({
  subject: message => {
    const before = subject;
    subject = message.subject;
    if (subject) {
      const other = before?.name !== subject.name || before.specification !== subject.specification;
      extension.state = subject.state;
      if (other || before.written !== subject.written) moved = false;
      track.show(subject.steps, moved ? track.epsilon : subject.written);
      if (other) bound = pictures = bracket = counterexample = null;
    }
    problem = '';
    draw();
  },
  bound: message => {
    bound = message.bound;
    pictures = message.pictures ?? pictures;
    problem = '';
    draw();
  },
  bracket: message => {
    bracket = message.bracket;
    track.bracket = bracket;
    drawState();
    drawActions();
  },
  counterexample: message => {
    counterexample = message.counterexample;
    drawImages();
  },
  problem: ({ text }) => {
    problem = text;
    drawState();
  },
});
draw();
extension.post({ type: 'ready' });
// The pictures are drawn to fit.
window.addEventListener('resize', drawImages);

function draw(): void {
  drawHead();
  drawState();
  drawActions();
  drawImages();
  drawWays();
}

function drawHead(): void {
  main.classList.toggle('nothing', subject === null);
  const now = subject;
  const sample = String(bound?.sample ?? now?.sample ?? '');
  head.draw(now && { name: now.name, in: now.specification, written: now.written, sample }, () =>
    now
      ? [
          element('h1', {}, now.name),
          element(
            'p',
            { class: 'where' },
            'In ',
            link(now.specification, () => extension.post({ type: 'openSpecification' }), {
              title: 'Open the specification',
              'data-focus': 'specification',
            }),
            `, where ε is ${now.written}`,
          ),
          element(
            'div',
            { class: 'state' },
            textField({
              label: 'Sample',
              value: sample,
              size: 6,
              onChange: text => /^\s*\d+\s*$/.test(text) && extension.post({ type: 'sample', sample: Number(text) }),
            }),
          ),
        ]
      : [emptyPage('Tune ε', 'Choose Tune above the ε of a perturbation specification.')],
  );
}

/** Whether what is shown is about the ε at which the slider stands. */
function isCurrent(): boolean {
  return bound !== null && bound.meaning === subject?.meaning && bound.epsilon === track.epsilon;
}

function drawState(): void {
  const tone = isCurrent() && bound ? bound.tone : 'open';
  const headline = problem !== '' ? 'no answer' : bound && isCurrent() ? bound.headline : 'bounding…';
  replaceContent(
    state,
    subject &&
      element('span', { class: `verdict ${problem === '' ? tone : 'open'} ${isCurrent() ? '' : 'stale'}` }, headline),
    problem !== '' && element('span', {}, problem),
    problem === '' && bound && isCurrent() && element('span', { class: 'quiet' }, `${bound.units} · ${bound.time}`),
    bracket && element('p', { class: 'bracket' }, bracket.text),
    problem === '' && bound && isCurrent() && element('p', { class: 'claim' }, bound.claim),
  );
}

function drawActions(): void {
  const now = subject;
  const here = track.epsilon;
  const certified = bracket?.certified ?? null;
  const post = (message: FromPanel) => () => extension.post(message);
  actions.draw(now && { here, written: now.written, searching: now.searching, certified }, () => {
    if (!now) return [];
    return [
      here !== now.written &&
        button({
          label: `Write ${here}`,
          kind: 'primary',
          title: 'Into the specification, as one edit',
          onClick: post({ type: 'write', epsilon: here }),
        }),
      certified !== null &&
        certified !== now.written &&
        certified !== here &&
        button({
          label: `Write ${certified}, certified`,
          onClick: post({ type: 'write', epsilon: certified }),
        }),
      !now.searching &&
        button({
          label: 'Largest ε, this sample',
          title: 'Bisection with the complete verifier; the result is written into the specification',
          onClick: post({ type: 'largest', samples: 'this' }),
        }),
      !now.searching &&
        button({
          label: 'Largest ε, worst sample',
          title: 'The same for every sample that the specification selects',
          onClick: post({ type: 'largest', samples: 'all' }),
        }),
      now.searching && element('span', { class: 'quiet' }, 'Looking for the largest ε…'),
      button({
        label: 'Verify the check',
        title: 'A complete run of the check as it is written',
        onClick: post({ type: 'verify' }),
      }),
    ];
  });
}

function drawImages(): void {
  if (!pictures) return replaceContent(images);
  const { original, lower, upper, shape, preprocess } = pictures;
  const layout = layoutOf(shape, preprocess);
  const failing = counterexample !== null && track.step >= counterexample.step ? counterexample : null;
  if (!layout || original.length !== layout.width * layout.height * layout.channels)
    return replaceContent(images, featureRanges(pictures, failing), failing && element('p', {}, failing.text));
  const scale = fittingZoom(layout, PLATES, MARGINS_PIXELS);
  const shown = [original, lower, upper, ...(failing ? [failing.input] : [])];
  const bright = brightness(layout, preprocess, ...shown);
  const readout = element('output', { class: 'readout', 'aria-live': 'polite' }, READOUT);
  const plates = new Plates(layout, scale, (line, column) => {
    const found = failing ? `; counterexample: ${pixelText(layout, original, failing.input, line, column)}` : '';
    readout.textContent = `${pixelText(layout, lower, upper, line, column)}${found}`;
  });
  const titles = ['Sample', 'Darkest', 'Brightest', 'Counterexample'];
  replaceContent(
    images,
    element(
      'div',
      { class: 'plates' },
      ...bright.map((each, k) => plates.figure({ title: titles[k]!, pixels: photograph(layout, each), note: '' })),
    ),
    element('p', { class: 'quiet' }, readout),
    disclosure('ranges', 'As a table', featureRanges(pictures, failing)),
    failing && element('p', {}, failing.text),
  );
}

function featureRanges({ original, lower, upper }: Pictures, failing: Counterexample | null): HTMLElement {
  const rows = Array.from({ length: Math.min(MOST_FEATURES, original.length) }, (_, k) => [
    `X_${k}`,
    short(original[k]!),
    short(lower[k]!),
    short(upper[k]!),
    ...(failing ? [short(failing.input[k]!)] : []),
  ]);
  const more = original.length - rows.length;
  return element(
    'div',
    {},
    table('Ranges', ['Feature', 'Sample', 'Smallest', 'Largest', ...(failing ? ['Counterexample'] : [])], rows),
    more > 0 && element('p', { class: 'quiet' }, `and ${more} more`),
  );
}

function drawWays(): void {
  ways.classList.toggle('stale', !isCurrent());
  replaceContent(ways, bound && margins(bound.ways));
}
