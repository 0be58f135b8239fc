import type { ResultRecord, RunRecord } from './record';
import { explain, isError, resultName } from './summary';

/**
 * The run as a JUnit report: one suite for the model and specification, one case for each result. A counterexample and a misclassified sample
 * are failures, an error is an error, what stayed undecided is skipped (it is neither green nor red). Problems with the files are a case of their own.
 */
export function toJunit(run: RunRecord): string {
  const errors = (run.problems ?? []).filter(isError);
  const count = (...kinds: string[]): number =>
    run.results.filter(result => kinds.includes(result.verdict.kind)).length;
  const totals = [
    ['tests', run.results.length + errors.length],
    ['failures', count('falsified', 'misclassified')],
    ['errors', count('error') + errors.length],
    ['skipped', count('unknown', 'timeout')],
    ['time', run.seconds.toFixed(3)],
  ] as const;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="certiscope"${attributes(totals)}>`,
    `  <testsuite${attributes([['name', run.model], ...totals])}>`,
    `    <properties>`,
    `      <property${attributes([
      ['name', 'specification'],
      ['value', run.specification],
    ])}/>`,
    `      <property${attributes([
      ['name', 'certiscope'],
      ['value', run.version],
    ])}/>`,
    `    </properties>`,
    ...errors.flatMap(problem => [
      `    <testcase${attributes([
        ['classname', run.specification],
        ['name', 'input files'],
        ['time', '0.000'],
      ])}>`,
      `      <error${attributes([
        ['type', problem.code],
        ['message', problem.message],
      ])}/>`,
      '    </testcase>',
    ]),
    ...run.results.flatMap(result => testCase(run, result)),
    '  </testsuite>',
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function testCase(run: RunRecord, result: ResultRecord): string[] {
  const { verdict } = result;
  const open = `    <testcase${attributes([
    ['classname', run.specification],
    ['name', resultName(result)],
    ['time', verdict.seconds.toFixed(3)],
  ])}`;
  const why: readonly (readonly [string, string])[] = [['message', explain(verdict)]];
  switch (verdict.kind) {
    case 'verified':
      return [`${open}/>`];
    case 'falsified':
      return [
        `${open}>`,
        `      <failure${attributes([['type', 'counterexample'], ...why])}>${escape(result.claim)}</failure>`,
        '    </testcase>',
      ];
    case 'misclassified':
      return [`${open}>`, `      <failure${attributes([['type', 'misclassified'], ...why])}/>`, '    </testcase>'];
    case 'unknown':
    case 'timeout':
      return [`${open}>`, `      <skipped${attributes(why)}/>`, '    </testcase>'];
    case 'error':
      return [`${open}>`, `      <error${attributes([['type', 'error'], ...why])}/>`, '    </testcase>'];
  }
}

function attributes(pairs: readonly (readonly [string, string | number])[]): string {
  return pairs.map(([name, value]) => ` ${name}="${escape(String(value))}"`).join('');
}

/** Text for XML 1.0: markup escaped, characters that XML does not allow replaced. */
function escape(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/\n/g, '&#10;')
    .replace(/\r/g, '&#13;')
    .replace(/\t/g, '&#9;');
}
