import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toJson } from '../../../src/report/json';
import { toJunit } from '../../../src/report/junit';
import { decodeNpy, encodeNpy } from '../../../src/report/npy';
import { toSarif } from '../../../src/report/sarif';
import { explain, formatNumber, runVerdict } from '../../../src/report/summary';
import { toVnncomp } from '../../../src/report/vnncomp';
import { WORST_FIRST, type Verdict } from '../../../src/report/verdict';
import { EVERY_KIND, result, run, VERDICTS } from './fixtures';

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true });

describe('JSON', () => {
  it('has the shape of the design', () => {
    const { text, files } = toJson(EVERY_KIND, 'out');
    const report = JSON.parse(text) as {
      schema: number;
      verdict: string;
      seconds: number;
      results: Record<string, unknown>[];
    };
    expect(report).toMatchObject({ schema: 1, verdict: 'error', seconds: 64 });
    expect(report.results.map(({ verdict }) => verdict)).toEqual([
      'verified',
      'falsified',
      'misclassified',
      'unknown',
      'timeout',
      'error',
    ]);
    for (const entry of report.results)
      expect(Object.keys(entry)).toEqual(
        expect.arrayContaining(['check', 'sample', 'verdict', 'lowerBound', 'seconds']),
      );
    expect(report.results[1]).toMatchObject({
      check: 'one grey level',
      sample: 1,
      lowerBound: null,
      counterexample: { input: [Math.fround(0.1), Math.fround(-1e-40), 3], output: [1.5, -2], outsideWritten: true },
      line: 7,
    });
    expect(report.results.filter(entry => 'counterexample' in entry)).toHaveLength(1);
    expect(files).toEqual([]);
  });

  it('keeps every float32 exactly, and says null where JSON has no number', () => {
    fc.assert(
      fc.property(fc.array(float32, { minLength: 1, maxLength: 20 }), values => {
        const report = toJson(run([falsified(Float32Array.from(values), Float32Array.of(NaN, Infinity))]), 'out');
        const { counterexample } = (
          JSON.parse(report.text) as { results: { counterexample: { input: number[]; output: unknown[] } }[] }
        ).results[0];
        expect(Float32Array.from(counterexample.input)).toEqual(Float32Array.from(values, value => value + 0));
        expect(counterexample.output).toEqual([null, null]);
      }),
    );
  });

  it('writes inputs over 4,096 values beside it', () => {
    for (const [size, names] of [
      [4096, []],
      [4097, ['out.0.input.npy']],
    ] as const) {
      const { text, files } = toJson(run([falsified(new Float32Array(size), new Float32Array(2))]), 'out');
      expect(files.map(file => file.name)).toEqual(names);
      expect(text.includes('"input": "out.0.input.npy"')).toBe(names.length > 0);
    }
  });

  it('takes the worst verdict, and error when the files were wrong', () => {
    expect(runVerdict(run([]))).toBe('verified');
    expect(runVerdict(run([result(0, VERDICTS.verified), result(1, VERDICTS.misclassified)]))).toBe('misclassified');
    expect(runVerdict(run([result(0, VERDICTS.timeout), result(1, VERDICTS.falsified)]))).toBe('falsified');
    expect(runVerdict(run([], { problems: [{ code: 'x', message: 'y', severity: 'warning' }] }))).toBe('verified');
    expect(runVerdict(run([], { problems: [{ code: 'x', message: 'y' }] }))).toBe('error');
    expect(WORST_FIRST[0]).toBe('error');
  });
});

describe('the competition’s result file', () => {
  it.each([
    ['verified', 'unsat\n'],
    ['unknown', 'unknown\n'],
    ['timeout', 'timeout\n'],
    ['error', 'error\n'],
  ] as const)('of %s is %j', (kind, text) => expect(toVnncomp({ verdict: VERDICTS[kind] })).toBe(text));

  it('of sat assigns every variable a number that reads back to the same float32', () => {
    fc.assert(
      fc.property(
        fc.array(float32, { minLength: 1, maxLength: 12 }),
        fc.array(float32, { minLength: 1, maxLength: 4 }),
        (inputs, outputs) => {
          const text = toVnncomp({ verdict: falsified(Float32Array.from(inputs), Float32Array.from(outputs)).verdict });
          const [word, ...lines] = text.trimEnd().split('\n');
          expect(word).toBe('sat');
          const assignment = lines.join('\n');
          expect(assignment).toMatch(/^\((\([XY]_\d+ [-+.\de]+\)\n?)+\)$/);
          const read = (name: string): number[] =>
            [...assignment.matchAll(new RegExp(`\\(${name}_(\\d+) ([^)\\s]+)\\)`, 'g'))].map(
              ([, index, value], k) => (expect(Number(index)).toBe(k), Math.fround(Number(value))),
            );
          expect(read('X')).toEqual(inputs.map(value => value + 0));
          expect(read('Y')).toEqual(outputs.map(value => value + 0));
        },
      ),
    );
  });
});

describe('.npy', () => {
  it('reads back what was written, at any offset of its buffer', () => {
    fc.assert(
      fc.property(fc.array(float32, { maxLength: 50 }), fc.integer({ min: 0, max: 3 }), (values, offset) => {
        const bytes = encodeNpy(Float32Array.from(values), [1, values.length]);
        expect(new DataView(bytes.buffer).getUint16(8, true) % 64).toBe(54);
        const moved = new Uint8Array(bytes.length + offset);
        moved.set(bytes, offset);
        expect(decodeNpy(moved.subarray(offset))).toEqual({
          values: Float32Array.from(values),
          shape: [1, values.length],
        });
      }),
    );
  });

  it('takes anything else for nothing', () => {
    const bytes = encodeNpy(Float32Array.of(1, 2), [2]);
    expect(decodeNpy(bytes.subarray(0, bytes.length - 1))).toBeUndefined();
    expect(decodeNpy(new Uint8Array(0))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), random => {
        expect(decodeNpy(random)).toBeUndefined();
      }),
    );
  });
});

describe('JUnit', () => {
  const text = toJunit(EVERY_KIND);

  it('counts what failed, erred and was skipped', () => {
    expect(text).toContain('tests="6" failures="2" errors="1" skipped="2" time="64.000"');
    for (const [element, count] of [
      ['testcase', 6],
      ['failure', 2],
      ['error', 1],
      ['skipped', 2],
    ] as const)
      expect([...text.matchAll(new RegExp(`<${element}\\b`, 'g'))], element).toHaveLength(count);
  });

  it('is well formed whatever the names are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (check, claim) => {
        const report = toJunit(
          run([result(0, VERDICTS.falsified, { check, claim })], { problems: [{ code: 'c', message: claim }] }),
        );
        expect(wellFormed(report)).toBe('');
      }),
    );
  });
});

describe('SARIF', () => {
  interface Location {
    physicalLocation: { artifactLocation: { uri: string; uriBaseId?: string }; region?: Record<string, number> };
  }
  interface Log {
    $schema: string;
    version: string;
    runs: {
      tool: { driver: { name: string; rules: { id: string; shortDescription: { text: string } }[] } };
      invocations: { executionSuccessful: boolean; toolExecutionNotifications: { message: { text: string } }[] }[];
      originalUriBaseIds: Record<string, { uri: string }>;
      results: {
        ruleId: string;
        ruleIndex: number;
        kind: string;
        level: string;
        message: { text: string };
        locations: Location[];
        partialFingerprints: Record<string, string>;
      }[];
    }[];
  }
  const log = (of = EVERY_KIND): Log => JSON.parse(toSarif(of, '/project')) as Log;

  it('has what 2.1.0 requires', () => {
    const { $schema, version, runs } = log();
    expect([version, runs.length]).toEqual(['2.1.0', 1]);
    expect($schema).toMatch(/^https:.*sarif-2\.1\.0/);
    const [{ tool, results, originalUriBaseIds }] = runs;
    expect(tool.driver.name).toBe('Certiscope');
    // A base URI ends in a slash, or relative references lose its last part.
    expect(originalUriBaseIds['%SRCROOT%'].uri).toBe('file:///project/');
    expect(new Set(tool.driver.rules.map(rule => rule.id)).size).toBe(tool.driver.rules.length);
    for (const entry of results) {
      expect(entry.message.text).not.toBe('');
      expect(tool.driver.rules[entry.ruleIndex].id).toBe(entry.ruleId);
      expect(['pass', 'open', 'fail', 'review', 'informational', 'notApplicable']).toContain(entry.kind);
      // Section 3.27.10: a level other than none only where the kind is fail.
      expect(entry.level === 'none').toBe(entry.kind !== 'fail');
      expect(Object.values(entry.partialFingerprints)[0]).not.toBe('');
    }
  });

  it('maps verdicts to kinds and places them in the specification', () => {
    const [{ results, invocations }] = log().runs;
    expect(results.map(({ kind, level }) => `${kind} ${level}`)).toEqual([
      'pass none',
      'fail error',
      'fail warning',
      'open none',
      'open none',
      'fail error',
    ]);
    expect(results[0].locations).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: 'models/digits.certiscope.jsonc', uriBaseId: '%SRCROOT%' },
          region: { startLine: 7, startColumn: 5, endLine: 7, endColumn: 71 },
        },
      },
    ]);
    expect(invocations[0].executionSuccessful).toBe(false);
    expect(invocations[0].toolExecutionNotifications[0].message.text).toContain('The solver failed');
    expect(log(run([result(0, VERDICTS.falsified)])).runs[0].invocations[0].executionSuccessful).toBe(true);
  });

  it('reports what is wrong with the files at its place, and files elsewhere by absolute URI', () => {
    const range = { start: { line: 1, character: 2 }, end: { line: 1, character: 9 } };
    const [{ results }] = log(
      run([], { problems: [{ code: 'spec/key', message: 'Unknown key.', file: '/else where/a.jsonc', range }] }),
    ).runs;
    expect(results).toMatchObject([
      {
        ruleId: 'CS005',
        level: 'error',
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: 'file:///else%20where/a.jsonc' },
              region: { startLine: 2, startColumn: 3 },
            },
          },
        ],
      },
    ]);
  });
});

describe('explanations', () => {
  it.each(['unknown', 'timeout', 'error'] as const)('of %s say why and what to try next', kind => {
    expect(explain(VERDICTS[kind])).toContain(VERDICTS[kind].reason);
    expect(explain(VERDICTS[kind])).toContain(VERDICTS[kind].advice);
  });

  it('shorten numbers to four digits', () => {
    expect([0.000123456, -3, 1234.56, 0].map(formatNumber)).toEqual(['0.0001235', '-3', '1235', '0']);
  });
});

function falsified(input: Float32Array, output: Float32Array): ReturnType<typeof result> {
  const verdict: Verdict = {
    ...VERDICTS.falsified,
    counterexample: { ...VERDICTS.falsified.counterexample, input, output },
  };
  return result(0, verdict, { inputShape: [1, input.length], outputShape: [1, output.length] });
}

/** '' for a well-formed XML document, else the first fault: tags that do not match, raw markup in text, characters XML does not allow. */
function wellFormed(document: string): string {
  const open: string[] = [];
  const rest = document
    .replace(/^<\?xml[^>]*\?>\n/, '')
    .replace(
      /<(\/?)([a-z]+)((?:\s[a-z]+="[^"<]*")*)\s*(\/?)>/g,
      (_, closing: string, name: string, _attributes: string, empty: string) => {
        if (closing === '/') return open.pop() === name ? '' : '<unbalanced';
        if (empty === '') open.push(name);
        return '';
      },
    );
  if (/[<>]/.test(rest) || open.length > 0) return `unbalanced: ${rest.slice(0, 100)}`;
  if (/&(?!(amp|lt|gt|quot|#\d+);)/.test(document)) return 'a bare ampersand';
  return [...document].every(character => isXmlCharacter(character.codePointAt(0) ?? 0))
    ? ''
    : 'a character that XML does not allow';
}

function isXmlCharacter(code: number): boolean {
  return (
    code === 9 ||
    code === 10 ||
    code === 13 ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    code >= 0x10000
  );
}
