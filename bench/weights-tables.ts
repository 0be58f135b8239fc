import type { Answer, Answers, Method } from './weights-state';

/** One perturbation: what the methods said of every image. */
export interface Row {
  readonly layers: string;
  /** Percent of the range of the weights. */
  readonly magnitude: number;
  /** A magnitude of the paper's own grid. */
  readonly isPublished: boolean;
  readonly answers: Answers[];
}

/** Percent of the images asked for which a method gave this answer; null where none was asked. */
export function percent({ answers }: Row, method: Method, kind: Answer['kind']): number | null {
  const asked = answers.filter(each => each[method]);
  return asked.length === 0 ? null : (100 * asked.filter(each => each[method]!.kind === kind).length) / asked.length;
}

/** Mean over the answers that were computed. */
export function mean({ answers }: Row, method: Method, of: (answer: Answer) => number): number | null {
  const asked = answers.flatMap(each => (each[method] && !each[method].inferred ? [of(each[method])] : []));
  return asked.length === 0 ? null : asked.reduce((a, b) => a + b, 0) / asked.length;
}

function largest({ answers }: Row, method: Method, of: (answer: Answer) => number): number | null {
  const asked = answers.flatMap(each => (each[method] && !each[method].inferred ? [of(each[method])] : []));
  return asked.length === 0 ? null : Math.max(...asked);
}

/** Whether a method was asked about all images of a row: what it says of some is no line beside what others say of all. */
export function isWhole({ answers }: Row, method: Method): boolean {
  return answers.every(each => !each.star || each[method]);
}

const seconds = (answer: Answer): number => answer.seconds;
const processor = (answer: Answer): number => answer.processor;
const programs = (answer: Answer): number => answer.programs ?? 0;

type Column = readonly [string, (row: Row) => string];

const COMPLETE: readonly Column[] = [
  ['complete %', row => fixed(percent(row, 'complete', 'verified'), 1)],
  ['falsified %', row => fixed(percent(row, 'complete', 'falsified'), 1)],
  ['undecided %', row => fixed(undecided(row), 1)],
];
const COMPLETE_SECONDS: readonly Column[] = [
  ['complete s', row => fixed(mean(row, 'complete', seconds), 2)],
  ['most s', row => fixed(largest(row, 'complete', seconds), 1)],
];

/** These columns, of rows all of whose images were decided. */
function ofWhole(columns: readonly Column[]): Column[] {
  return columns.map(([title, cell]) => [title, row => (isWhole(row, 'complete') ? cell(row) : '-')]);
}

const MAIN: readonly Column[] = [
  ['layer', row => row.layers],
  ['% of range', row => String(row.magnitude)],
  ['images', row => String(row.answers.filter(each => each.star).length)],
  ['star %', row => fixed(percent(row, 'star', 'verified'), 1)],
  ...ofWhole(COMPLETE),
  ['Weng margin %', row => fixed(percent(row, 'wengMargin', 'verified'), 1)],
  ['Weng range %', row => fixed(percent(row, 'wengRange', 'verified'), 1)],
  ['Tsai %', row => fixed(percent(row, 'tsai', 'verified'), 1)],
  ['star s', row => fixed(mean(row, 'star', seconds), 2)],
  ['star CPU s', row => fixed(mean(row, 'star', processor), 2)],
  ['programs', row => fixed(mean(row, 'star', programs), 1)],
  ...ofWhole(COMPLETE_SECONDS),
  ['baselines CPU s', row => fixed(mean(row, 'tsai', processor), 2)],
];

function undecided(row: Row): number | null {
  const [verified, falsified] = [percent(row, 'complete', 'verified'), percent(row, 'complete', 'falsified')];
  return verified === null || falsified === null ? null : Math.max(0, 100 - verified - falsified);
}

export function mainTable(rows: readonly Row[], headed: boolean): string {
  return table(MAIN, rows, headed);
}

/** The images that complete verdicts were asked about, where those are not all; the star on the same images. Empty where there are none. */
export function sampleTable(rows: readonly Row[]): string {
  const sampled = rows
    .filter(row => !isWhole(row, 'complete'))
    .map((row): Row => ({ ...row, answers: row.answers.filter(each => each.complete) }))
    .filter(row => row.answers.length > 0);
  if (sampled.length === 0) return '';
  return table(
    [
      ['layer', row => row.layers],
      ['% of range', row => String(row.magnitude)],
      ['images', row => String(row.answers.length)],
      ['star %', row => fixed(percent(row, 'star', 'verified'), 1)],
      ...COMPLETE,
      ...COMPLETE_SECONDS,
    ],
    sampled,
    true,
  );
}

/** The images for which the star with every linear program was run, beside the other one on the same images. */
export function fullTable(rows: readonly Row[]): string {
  const sampled = rows
    .map((row): Row => ({ ...row, answers: row.answers.filter(each => each.full) }))
    .filter(row => row.answers.length > 0);
  return table(
    [
      ['layer', row => row.layers],
      ['% of range', row => String(row.magnitude)],
      ['images', row => String(row.answers.length)],
      ['every program %', row => fixed(percent(row, 'full', 'verified'), 1)],
      ['near the threshold %', row => fixed(percent(row, 'star', 'verified'), 1)],
      ['s', row => fixed(mean(row, 'full', seconds), 2)],
      ['CPU s', row => fixed(mean(row, 'full', processor), 2)],
      ['programs', row => fixed(mean(row, 'full', programs), 1)],
      [
        'most MiB',
        row =>
          fixed(
            largest(row, 'full', answer => answer.memory ?? NaN),
            0,
          ),
      ],
    ],
    sampled,
    true,
  );
}

/** What the paper says in words, with these figures. */
export function comparison(rows: readonly Row[]): string {
  const lines: string[] = [];
  const gap = (row: Row): number =>
    (percent(row, 'star', 'verified') ?? NaN) -
    Math.max(percent(row, 'wengRange', 'verified') ?? NaN, percent(row, 'tsai', 'verified') ?? NaN);
  const widest = (among: readonly Row[]): Row | null =>
    among.reduce<Row | null>((best, row) => (gap(row) > (best ? gap(best) : -Infinity) ? row : best), null);
  for (const [what, row] of [
    ["on the paper's grid", widest(rows.filter(each => each.isPublished))],
    ['on all points', widest(rows)],
  ] as const)
    if (row)
      lines.push(
        `- Up to 60 points more images than either baseline as published (abstract): ${what} ${gap(row).toFixed(1)} points here, ${row.layers} at ${row.magnitude} %.`,
      );
  const named = rows.find(row => row.layers === 'fc_1' && row.magnitude === 0.03);
  if (named) {
    const verified = (method: Method) => named.answers.filter(each => each[method]?.kind === 'verified').length;
    lines.push(
      `- fc_1 at 0.03 %, 189 against 52 of 200 (text): ${verified('star')} against ${verified('wengRange')} (ranges) and ${verified('wengMargin')} (margins) of ${named.answers.filter(each => each.star).length} here.`,
    );
  }
  const failures = rows.flatMap(row => row.answers.flatMap(({ complete }) => complete?.replayed ?? []));
  lines.push(
    `- Changed files that were opened anew, compared with the bounds and run in ONNX Runtime: ${failures.length}, of which ${failures.filter(each => each).length} fail.`,
  );
  const broken = rows.flatMap(row =>
    row.answers.flatMap(({ star, complete, wengMargin, wengRange, tsai }) => {
      const below = [wengMargin, wengRange, tsai].some(each => each?.kind === 'verified');
      const isBroken =
        (star && below && star.kind !== 'verified') ||
        (star?.kind === 'verified' && complete?.kind === 'falsified') ||
        (star?.kind === 'verified' && complete && complete.kind !== 'verified');
      return isBroken ? [`${row.layers} ${row.magnitude}`] : [];
    }),
  );
  lines.push(
    `- Images that a baseline verifies and the star does not, or the star and the complete verdict does not: ${broken.length === 0 ? 'none' : broken.join(', ')}.`,
  );
  return lines.join('\n');
}

function table(columns: readonly Column[], rows: readonly Row[], headed: boolean): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    ...(headed ? [line(columns.map(([title]) => title)), line(columns.map(() => '---'))] : []),
    ...rows.map(row => line(columns.map(([, cell]) => cell(row)))),
  ].join('\n');
}

function fixed(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}
