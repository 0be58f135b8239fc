import os from 'node:os';
import { isDecided, isSolved, isWrong, type Expectation, type Row } from './vnncomp-rows';

/** One instance as a line of text. */
export function rowText(row: Row): string {
  const { name, outcome, expected } = row;
  return [
    isWrong(row) ? 'WRONG' : isSolved(row) ? 'ok' : 'open',
    name.padEnd(60),
    (expected?.verdict ?? '?').padEnd(7),
    outcome.verdict.padEnd(7),
    outcome.seconds.toFixed(2).padStart(8),
    `of ${outcome.limit}`.padStart(7),
    String(outcome.subproblems ?? '').padStart(9),
    othersText(expected),
    outcome.fault,
  ]
    .join('  ')
    .trimEnd();
}

function othersText(expected: Expectation | undefined): string {
  return [...(expected?.others ?? [])]
    .map(([tool, { verdict, seconds }]) => `${tool} ${isDecided(verdict) ? seconds.toFixed(1) : verdict}`)
    .join(', ');
}

/** What a set came to, and what the other tools came to on the same instances. */
export function totalsOf(rows: readonly Row[]): string[] {
  const sum = (of: (row: Row) => number | null) => rows.reduce((total, row) => total + (of(row) ?? 0), 0);
  const solved = rows.filter(isSolved);
  const times = solved.map(row => row.outcome.seconds).sort((a, b) => a - b);
  const slowest = solved.find(row => row.outcome.seconds === times.at(-1));
  const unexpected = solved.filter(({ expected }) => !isDecided(expected?.verdict ?? ''));
  return [
    `solved ${solved.length} of ${rows.length}${unexpected.length === 0 ? '' : ` (${unexpected.length} that have no expected verdict)`}, wrong ${rows.filter(isWrong).length}`,
    `wall seconds: ${sum(row => row.outcome.seconds).toFixed(1)} in all; of those solved: ${spread(times)}${slowest === undefined ? '' : ` (${slowest.name})`}`,
    `CPU seconds: ${sum(row => row.outcome.cpuSeconds).toFixed(1)}; sub-problems: ${sum(row => row.outcome.subproblems)}`,
    limitsText(rows),
    ...publishedTotals(rows),
  ];
}

/** Which limit and how many cores were used on how many instances, and how far each came: a short limit is no verdict on what a longer one would do. */
function limitsText(rows: readonly Row[]): string {
  const parts = [...new Set(rows.map(row => row.outcome.cores))].sort().flatMap(cores => {
    const limits = [...new Set(rows.filter(row => row.outcome.cores === cores).map(row => row.outcome.limit))];
    return limits
      .sort((a, b) => a - b)
      .map(limit => {
        const own = rows.filter(row => row.outcome.limit === limit && row.outcome.cores === cores);
        return `${own.length} at ${limit} s on ${coresText(cores)} (${own.filter(isSolved).length} solved)`;
      });
  });
  const full = [...new Set(rows.map(row => row.timeout))].sort((a, b) => a - b).join(' or ');
  const builds = new Set(rows.map(row => row.outcome.build)).size;
  return `limits: ${parts.join(', ')}; the competition's are ${full} s; measured by ${builds === 1 ? 'one build' : `${builds} builds`}`;
}

/** The other tools' published results on the same instances (on their own machines, start-up included). */
function publishedTotals(rows: readonly Row[]): string[] {
  return toolsOf(rows).map(tool => {
    const answers = rows.flatMap(row => row.expected?.others.get(tool) ?? []);
    const times = answers.filter(answer => isDecided(answer.verdict)).map(answer => answer.seconds);
    times.sort((a, b) => a - b);
    return `published ${tool}: solved ${times.length} of ${answers.length}, seconds on those: ${spread(times)}`;
  });
}

/** `times` in ascending order. */
function spread(times: readonly number[]): string {
  const sum = times.reduce((total, seconds) => total + seconds, 0);
  return `sum ${sum.toFixed(1)}, median ${(times[Math.floor(times.length / 2)] ?? 0).toFixed(2)}, max ${(times.at(-1) ?? 0).toFixed(2)}`;
}

/** Processor, the cores of it that this process may use, and Node. */
export function machine(): string {
  return `${processor()}, ${coresText(os.availableParallelism())}, Node ${process.version}`;
}

function processor(): string {
  return os.cpus()[0]?.model ?? 'unknown processor';
}

function coresText(cores: number): string {
  return `${cores} ${cores === 1 ? 'core' : 'cores'}`;
}

function toolsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap(row => [...(row.expected?.others.keys() ?? [])]))];
}

/** A whole set as Markdown. */
export function markdown(set: string, rows: readonly Row[]): string {
  const tools = toolsOf(rows);
  const cells = (values: readonly string[]): string => `| ${values.join(' | ')} |`;
  return [
    `# ${set}`,
    '',
    `${processor()}, Node ${process.version}. A process each, start to end. The other tools' seconds are published ones, from other machines.`,
    '',
    ...totalsOf(rows).map(line => `- ${line}`),
    '',
    cells(['instance', 'expected', 'Certiscope', 'seconds', 'limit', 'CPU seconds', 'sub-problems', ...tools]),
    cells(Array.from({ length: 7 + tools.length }, () => '---')),
    ...rows.map(row =>
      cells([
        row.name,
        row.expected?.verdict ?? '?',
        `${row.outcome.verdict}${isWrong(row) ? ` **wrong** ${row.outcome.fault}` : ''}`,
        row.outcome.seconds.toFixed(2),
        String(row.outcome.limit),
        row.outcome.cpuSeconds?.toFixed(2) ?? '',
        String(row.outcome.subproblems ?? ''),
        ...tools.map(tool => {
          const answer = row.expected?.others.get(tool);
          return answer === undefined ? '' : isDecided(answer.verdict) ? answer.seconds.toFixed(1) : answer.verdict;
        }),
      ]),
    ),
    '',
  ].join('\n');
}
