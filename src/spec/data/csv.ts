import { fail, ok, type Result } from '../../base/result';
import { wholeLabels } from './array';
import type { LoadProblem, Samples } from './data-set';

/** Where the label stands in a row: a column from 0, or null when there is none. */
export type LabelColumn = number | null;

/** A row that is not blank: its place in the text, and its line from 1. */
interface Row {
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The rows of a CSV file: numbers with commas, semicolons, tabs or spaces between them. A first row of names is skipped. Rows are read when
 * they are asked for; only the labels are read at once.
 */
export function readCsv(text: string, labelColumn: LabelColumn): Result<Samples, LoadProblem> {
  const rows = rowsOf(text);
  if (rows.length === 0) return fail({ code: 'data/empty', message: 'holds no rows' });
  const separator = separatorOf(text.slice(rows[0].start, rows[0].end));
  const cells = ({ start, end }: Row): string[] => text.slice(start, end).trim().split(separator);
  const isNumeric = (row: Row): boolean => cells(row).every(isNumber);
  if (!isNumeric(rows[0])) {
    if (rows.length === 1 || !isNumeric(rows[1])) {
      const { line } = rows[Math.min(1, rows.length - 1)];
      return fail({ code: 'data/csv', message: `has text where numbers are expected (line ${line})` });
    }
    rows.shift();
  }
  const width = cells(rows[0]).length;
  const read = (row: Row): Result<Float64Array, LoadProblem> => {
    const values = cells(row);
    if (values.length !== width) {
      const message = `has ${values.length} columns in line ${row.line}, but ${width} in line ${rows[0].line}`;
      return fail({ code: 'data/csv', message });
    }
    const wrong = values.find(cell => !isNumber(cell));
    if (wrong === undefined) return ok(Float64Array.from(values, Number));
    return fail({ code: 'data/csv', message: `has ${quoted(wrong)} in line ${row.line}, which is no number` });
  };
  const common = { count: rows.length, layout: 'flat' } as const;
  if (labelColumn === null) return ok({ ...common, shape: [width], values: index => read(rows[index]) });

  if (labelColumn >= width) {
    const message = `has ${width} columns, counted from 0; there is no column ${labelColumn} for the label`;
    return fail({ code: 'data/csv', message });
  }
  const labels = wholeLabels(rows.map(row => Number(cellOf(text, row, separator, labelColumn))));
  if (!labels.ok) {
    const hint =
      labelColumn === 0 ? '. Its first column is taken for the label; write "labels": "none" if it is a feature' : '';
    return fail({ ...labels.error, message: labels.error.message + hint });
  }
  return ok({
    ...common,
    shape: [width - 1],
    labels: labels.value,
    values(index) {
      const row = read(rows[index]);
      return row.ok ? ok(row.value.filter((_, column) => column !== labelColumn)) : row;
    },
  });
}

/** Labels from a text: whole numbers between white space, commas or semicolons. */
export function readLabelText(text: string): Result<number[], LoadProblem> {
  const words = text.split(/[\s,;]+/).filter(word => word !== '');
  if (words.length === 0) return fail({ code: 'data/empty', message: 'holds no labels' });
  const wrong = words.find(word => !isNumber(word));
  if (wrong === undefined) return wholeLabels(words.map(Number));
  const message = `has ${quoted(wrong)} among its labels; labels are whole numbers from 0 up`;
  return fail({ code: 'data/labels', message });
}

function rowsOf(text: string): Row[] {
  const rows: Row[] = [];
  for (let start = 0, line = 1; start < text.length; line++) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    if (text.slice(start, end).trim() !== '') rows.push({ line, start, end });
    start = end + 1;
  }
  return rows;
}

/** One cell without splitting the whole row where it is the first one, as labels mostly are. */
function cellOf(text: string, row: Row, separator: RegExp, column: number): string {
  const line = text.slice(row.start, row.end).trim();
  if (column > 0) return line.split(separator)[column] ?? '';
  const first = line.search(separator);
  return first < 0 ? line : line.slice(0, first);
}

function separatorOf(row: string): RegExp {
  if (row.includes(',')) return /,/;
  if (row.includes(';')) return /;/;
  return row.includes('\t') ? /\t/ : /\s+/;
}

const NUMBER = /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/;

function isNumber(cell: string): boolean {
  return NUMBER.test(cell);
}

function quoted(cell: string): string {
  const text = cell.trim();
  return `"${text.length > 40 ? `${text.slice(0, 37)}…` : text}"`;
}
