import { TimeChart } from '../kit/time-chart';
import { disclosure, element, Part, table, type Child } from '../kit/dom';
import { short } from '../kit/numbers';
import type { LabelRow, Work } from './protocol';

type Trace = Work['trace'];

/** Fewer points, or a shorter time, make no curve. */
const LEAST_POINTS = 3;
const LEAST_SECONDS = 0.3;

/** The certified bound and the open sub-problems over the time of a run; moved in place while it goes on. */
export class BoundCurve {
  readonly #chart = new TimeChart('Lower bound over time');
  readonly #title = element('h3', {}, 'Bound over time');
  readonly #numbers = new Part();
  readonly #folded = disclosure('bounds', 'As a table', this.#numbers.element);
  readonly #depth = element('p', { class: 'quiet' });
  readonly #section = element(
    'section',
    { class: 'curve' },
    this.#title,
    this.#chart.element,
    this.#depth,
    element('p', { class: 'quiet' }, 'Above the dashed line the property is proved; rounding is already subtracted.'),
    this.#folded,
  );
  #trace: Trace = [];

  constructor() {
    this.#folded.addEventListener('toggle', () => this.#list());
  }

  /** Null while there is too little to draw. */
  draw(trace: Trace): HTMLElement | null {
    if (!isCurve(trace)) return null;
    this.update(trace);
    return this.#section;
  }

  update(trace: Trace): void {
    this.#chart.draw(
      trace.map(({ seconds }) => seconds),
      [
        {
          label: 'Lower bound',
          values: trace.map(({ lowerBound }) => lowerBound),
          side: 'left',
          colour: '--vscode-charts-blue',
          format: short,
        },
        {
          label: 'Open sub-problems',
          values: trace.map(({ open }) => open),
          side: 'right',
          colour: '--vscode-charts-purple',
          format: value => String(Math.round(value)),
        },
      ],
    );
    this.#chart.description = describe(trace);
    this.#depth.textContent = treeOf(trace.at(-1)!);
    this.#trace = trace;
    this.#list();
  }

  /** The numbers are written down where somebody looks at them. */
  #list(): void {
    if (!this.#folded.open) return;
    this.#numbers.draw(this.#trace, () => [
      table(
        'Bound over time',
        ['Time', 'Lower bound', 'Open sub-problems'],
        this.#trace.map(({ seconds, lowerBound, open }) => [
          `${seconds.toFixed(1)} s`,
          lowerBound === null ? '–' : short(lowerBound),
          String(open),
        ]),
      ),
    ]);
  }
}

export function isCurve(trace: Trace): boolean {
  const known = trace.filter(({ lowerBound }) => lowerBound !== null);
  return known.length >= LEAST_POINTS && trace.at(-1)!.seconds >= LEAST_SECONDS;
}

/** E.g. "12 sub-problems open, 340 bounded; the tree is 7 splits deep." */
function treeOf({ open, subproblems, depth }: Trace[number]): string {
  return `${open} sub-problems open, ${subproblems} bounded; the tree is ${depth} ${depth === 1 ? 'split' : 'splits'} deep.`;
}

function describe(trace: Trace): string {
  const known = trace.filter(({ lowerBound }) => lowerBound !== null);
  const last = trace.at(-1)!;
  return `Lower bound over time: from ${short(known[0]!.lowerBound!)} to ${short(known.at(-1)!.lowerBound!)} in ${last.seconds.toFixed(1)} seconds. At the end ${treeOf(last)}`;
}

const SIGN: Record<LabelRow['outcome'], string> = {
  verified: '✓',
  discarded: '✓',
  falsified: '✗',
  unknown: '?',
  open: '?',
  'not tried': '·',
};

interface Column {
  readonly title: string;
  readonly cell: (label: LabelRow) => Child;
}

function outcomeOf({ outcome, reason }: LabelRow): HTMLElement {
  return element(
    'span',
    { class: outcome === 'discarded' ? 'verified' : outcome },
    element('span', { class: 'sign', 'aria-hidden': 'true' }, SIGN[outcome]),
    ` ${outcome}`,
    reason !== '' && element('span', { class: 'why quiet' }, reason),
  );
}

/** Every label that could have won, in the order in which they were taken. */
export function labelTable({ labels, labelsNote }: Work): HTMLElement | null {
  if (labels.length === 0) return null;
  const counts = new Map<string, number>();
  for (const { outcome } of labels) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const summary = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
  const columns: readonly Column[] = [
    { title: 'Label', cell: ({ name }) => name },
    { title: 'Outcome', cell: outcomeOf },
    { title: 'Margin ≥', cell: ({ margin }) => margin },
    { title: 'Time', cell: ({ seconds }) => seconds },
    { title: 'Sub-problems', cell: ({ subproblems }) => subproblems },
  ];
  // A column without anything in it only takes room.
  const used = columns.filter(({ cell }) => labels.some(label => cell(label)));
  const header = used.map(({ title }) => title);
  const rows = labels.map(label => used.map(({ cell }) => cell(label) || null));
  return element(
    'section',
    { class: 'labels' },
    element('h3', {}, 'Labels'),
    element('p', { class: 'quiet' }, `${summary}. The most dangerous first. ${labelsNote}`.trim()),
    table('Labels', header, rows),
  );
}

/** How many neurons of each activation may be on either side of 0 over the region. */
export function neuronTable({ neurons }: Work): HTMLElement | null {
  if (neurons.length === 0) return null;
  const total = neurons.reduce((sum, { size }) => sum + size, 0);
  const unstable = neurons.reduce((sum, node) => sum + node.unstable, 0);
  const rows = neurons.map((node): Child[] => [
    node.node,
    String(node.unstable),
    String(node.size),
    element('meter', {
      min: '0',
      max: String(node.size),
      value: String(node.unstable),
      'aria-label': `${node.unstable} of ${node.size} neurons of ${node.node} are unstable`,
    }),
  ]);
  return element(
    'section',
    { class: 'neurons' },
    element('h3', {}, 'Unstable neurons'),
    element('p', { class: 'quiet' }, `${unstable} of ${total} neurons can be on either side of 0 over the region.`),
    table('Unstable neurons', ['Activation', 'Unstable', 'Neurons', 'Part'], rows),
  );
}
