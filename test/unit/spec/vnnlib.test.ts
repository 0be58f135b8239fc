import { describe as group, expect, it } from 'vitest';
import type { Problem } from '../../../src/base/result';
import type { TensorInfo } from '../../../src/network/network';
import type { Constraint } from '../../../src/spec/question';
import { compile } from '../../../src/spec/vnnlib/compile';
import { describe } from '../../../src/spec/vnnlib/describe';
import type { VnnlibDocument } from '../../../src/spec/vnnlib/document';
import { parseVnnlib } from '../../../src/spec/vnnlib/parse';

function parsed(text: string): VnnlibDocument {
  const result = parseVnnlib(text, 'test.vnnlib');
  if (!result.ok) throw new Error(JSON.stringify(result.error, null, 1));
  return result.value;
}

/** Declarations of a small file, then `rest`. */
function file(inputs: number, outputs: number, rest: string): string {
  const declarations: string[] = [];
  for (let i = 0; i < inputs; i++) declarations.push(`(declare-const X_${i} Real)`);
  for (let j = 0; j < outputs; j++) declarations.push(`(declare-const Y_${j} Real)`);
  return `${declarations.join('\n')}\n${rest}`;
}

const UNIT = '(assert (>= X_0 0)) (assert (<= X_0 1))\n';

/** One question about one input in [0, 1] and three outputs. */
function rows(assertions: string): Constraint[][] {
  return parsed(file(1, 3, UNIT + assertions)).question.disjuncts.map(disjunct => [...disjunct.constraints]);
}

function shown({ outputs, inputs, bound, strict }: Constraint): string {
  const terms = (letter: string, form: Constraint['outputs']): string[] =>
    Array.from(form.index, (i, k) => `${form.value[k]}${letter}${i}`);
  return `${[...terms('y', outputs), ...terms('x', inputs)].join(' ')} ${strict ? '<' : '<='} ${bound}`;
}

/** The problems of a file, each with the characters it is about. */
function problems(text: string, severity = 'error'): [code: string, characters: string][] {
  const result = parseVnnlib(text, 'test.vnnlib');
  const found = result.ok ? result.value.warnings : result.error;
  return found
    .filter(problem => problem.severity === severity)
    .map(problem => [problem.code, charactersOf(text, problem)]);
}

function charactersOf(text: string, { range }: Problem): string {
  if (!range) return '';
  const lines = text.split(/\r\n|\n/);
  const { start, end } = range;
  if (start.line === end.line) return lines[start.line].slice(start.character, end.character);
  return [
    lines[start.line].slice(start.character),
    ...lines.slice(start.line + 1, end.line),
    lines[end.line].slice(0, end.character),
  ].join('\n');
}

group('relations', () => {
  it('may have the constant on either side', () => {
    expect(rows('(assert (<= Y_0 2.5))')[0].map(shown)).toEqual(['1y0 <= 2.5']);
    expect(rows('(assert (>= 2.5 Y_0))')[0].map(shown)).toEqual(['1y0 <= 2.5']);
    expect(rows('(assert (>= Y_0 2.5))')[0].map(shown)).toEqual(['-1y0 <= -2.5']);
    expect(rows('(assert (<= 2.5 Y_0))')[0].map(shown)).toEqual(['-1y0 <= -2.5']);
  });

  it('may be strict, and stay so', () => {
    expect(rows('(assert (< Y_0 Y_1))')[0].map(shown)).toEqual(['1y0 -1y1 < 0']);
    expect(rows('(assert (> Y_0 Y_1))')[0].map(shown)).toEqual(['-1y0 1y1 < 0']);
  });

  it('may be equalities: two relations at once', () => {
    expect(rows('(assert (= Y_0 Y_1))')[0].map(shown)).toEqual(['1y0 -1y1 <= 0', '-1y0 1y1 <= 0']);
  });

  it('may be unequalities: two strict alternatives', () => {
    expect(rows('(assert (!= Y_0 Y_1))').map(row => row.map(shown))).toEqual([['1y0 -1y1 < 0'], ['-1y0 1y1 < 0']]);
  });

  it('may be linear combinations, exactly summed', () => {
    expect(rows('(assert (<= (+ (* 2 Y_0) (- Y_1) 0.5 (* Y_2 (- 0.25))) (- Y_0 3.5)))')[0].map(shown)).toEqual([
      '1y0 -1y1 -0.25y2 <= -4',
    ]);
    expect(rows('(assert (<= (- (- 3.5)) Y_0))')[0].map(shown)).toEqual(['-1y0 <= -3.5']);
    // 0.1 + 0.2 - 0.3 is exactly 0 in decimals, though not in floating point
    expect(rows('(assert (<= (+ Y_0 0.1 0.2) 0.3))')[0].map(shown)).toEqual(['1y0 <= 0']);
    expect(rows('(assert (<= (+ Y_0 (* 0.1 Y_1) (* 0.2 Y_1) (* (- 0.3) Y_1)) Y_2))')[0].map(shown)).toEqual([
      '1y0 -1y2 <= 0',
    ]);
  });

  it('bound the rounding of their coefficients', () => {
    expect(rows('(assert (<= (* 0.5 Y_0) Y_1))')[0][0].coefficientError).toBe(0);
    expect(rows('(assert (<= (* 0.1 Y_0) Y_1))')[0][0].coefficientError).toBe(2 ** -53);
  });

  it('move an inexact bound up', () => {
    const [[{ bound }]] = rows('(assert (<= Y_0 0.1))');
    expect(bound).toBeGreaterThan(0.1);
    const [[below]] = rows('(assert (>= Y_0 0.1))');
    expect(-below.bound).toBeLessThan(0.1);
  });

  it('may relate outputs to inputs', () => {
    expect(rows('(assert (<= Y_0 X_0))')[0].map(shown)).toEqual(['1y0 -1x0 <= 0']);
    expect(rows('(assert (>= (+ X_0 1) (* 2 Y_1)))')[0].map(shown)).toEqual(['2y1 -1x0 <= 1']);
  });

  it('between inputs become rows', () => {
    const { question } = parsed(
      file(2, 1, '(assert (and (<= 0 X_0) (<= X_0 1) (<= 0 X_1) (<= X_1 1) (<= X_0 X_1) (<= Y_0 0)))'),
    );
    expect(question.disjuncts[0].constraints.map(shown)).toEqual(['1x0 -1x1 <= 0', '1y0 <= 0']);
  });

  it('of one input with a coefficient bound it', () => {
    const { box } = parsed(file(1, 1, '(assert (<= (* 2 X_0) 3)) (assert (<= (* (- 4) X_0) 1)) (assert (<= Y_0 0))'))
      .question.disjuncts[0];
    expect([box.lower[0], box.upper[0]]).toEqual([-0.25, 1.5]);
  });

  it('without variables are true or false', () => {
    expect(rows('(assert (or (<= 1 0) (<= Y_0 1)))').map(row => row.map(shown))).toEqual([['1y0 <= 1']]);
    expect(problems(file(1, 1, `${UNIT}(assert (<= Y_0 0)) (assert (<= 0 1))`), 'warning')).toEqual([
      ['vnnlib/constant', '(<= 0 1)'],
    ]);
  });
});

group('boxes', () => {
  it('cover the written interval and its float32 rounding', () => {
    const { box } = parsed(file(1, 1, '(assert (>= X_0 0.1)) (assert (<= X_0 0.3)) (assert (<= Y_0 0))')).question
      .disjuncts[0];
    expect(box.lowerPoint[0]).toBe(Math.fround(0.1));
    expect(box.upperPoint[0]).toBe(Math.fround(0.3));
    // fl(0.1) lies above 0.1 and fl(0.3) above 0.3
    expect(box.lower[0]).toBeLessThan(0.1);
    expect(box.upper[0]).toBe(Math.fround(0.3));
    expect(box.writtenUpper?.[0]).toBeLessThan(Math.fround(0.3));
  });

  it('of numbers that are float32 already are those numbers', () => {
    const { box } = parsed(file(1, 1, '(assert (>= X_0 -0.5)) (assert (<= X_0 0.25)) (assert (<= Y_0 0))')).question
      .disjuncts[0];
    expect([box.lower[0], box.upper[0], box.writtenLower]).toEqual([-0.5, 0.25, undefined]);
  });

  it('take the tightest of several bounds', () => {
    const { box } = parsed(
      file(1, 1, `${UNIT}(assert (<= X_0 0.5)) (assert (<= X_0 0.75)) (assert (>= X_0 (- 1))) (assert (<= Y_0 0))`),
    ).question.disjuncts[0];
    expect([box.lower[0], box.upper[0]]).toEqual([0, 0.5]);
  });

  it('fix an input that equals a constant, at its nearest float32', () => {
    const { box } = parsed(file(1, 1, '(assert (= X_0 0.1)) (assert (<= Y_0 0))')).question.disjuncts[0];
    expect(box.lowerPoint[0]).toBe(box.upperPoint[0]);
    expect(box.lower[0]).toBeLessThan(0.1);
    expect(box.upper[0]).toBe(Math.fround(0.1));
  });

  it('of a strict bound are closed, and the strict relation stays as a row', () => {
    const { disjuncts } = parsed(file(1, 1, '(assert (> X_0 0)) (assert (<= X_0 1)) (assert (<= Y_0 0))')).question;
    expect(disjuncts[0].box.lower[0]).toBe(0);
    expect(disjuncts[0].constraints.map(shown)).toEqual(['-1x0 < 0', '1y0 <= 0']);
  });

  it('are shared by disjuncts with the same bounds, however written', () => {
    const { disjuncts } = parsed(
      file(
        1,
        2,
        '(assert (or (and (<= 0 X_0) (<= X_0 1) (<= Y_0 0)) (and (<= X_0 1.0) (>= X_0 0) (<= Y_1 0)) (and (>= X_0 2) (<= X_0 3) (<= Y_1 0))))',
      ),
    ).question;
    expect(disjuncts[0].box).toBe(disjuncts[1].box);
    expect(disjuncts[2].box).not.toBe(disjuncts[0].box);
  });

  it('of alternatives are cut by the bounds that hold everywhere', () => {
    const { disjuncts } = parsed(
      file(1, 1, `${UNIT}(assert (or (<= X_0 0.25) (>= X_0 0.75))) (assert (<= Y_0 0))`),
    ).question;
    expect(disjuncts.map(({ box }) => [box.lower[0], box.upper[0]])).toEqual([
      [0, 0.25],
      [0.75, 1],
    ]);
  });
});

group('disjunctions', () => {
  it('multiply out in any nesting', () => {
    const nested =
      '(assert (and (or (<= Y_0 0) (and (<= Y_1 0) (or (<= Y_2 0) (<= Y_2 Y_1)))) (or (<= Y_0 1) (<= Y_1 1))))';
    expect(rows(nested).map(row => row.map(shown).join(' & '))).toEqual([
      '1y0 <= 0 & 1y0 <= 1',
      '1y0 <= 0 & 1y1 <= 1',
      '1y1 <= 0 & 1y2 <= 0 & 1y0 <= 1',
      '1y1 <= 0 & 1y2 <= 0 & 1y1 <= 1',
      '1y1 <= 0 & -1y1 1y2 <= 0 & 1y0 <= 1',
      '1y1 <= 0 & -1y1 1y2 <= 0 & 1y1 <= 1',
    ]);
  });

  it('in several assertions multiply too', () => {
    expect(
      rows('(assert (or (<= Y_0 0) (<= Y_1 0))) (assert (or (<= Y_2 0) (>= Y_2 1))) (assert (<= Y_0 5))'),
    ).toHaveLength(4);
  });

  it('know the part of the text that tells them apart', () => {
    const text = file(1, 2, `${UNIT}(assert (or (and (<= Y_0 0)) (<= Y_1 0)))`);
    const document = parsed(text);
    expect(document.disjuncts.map(({ start, end }) => text.slice(start, end))).toEqual([
      '(and (<= Y_0 0))',
      '(<= Y_1 0)',
    ]);
    expect(document.properties.map(({ start, end }) => text.slice(start, end))).toEqual([
      '(assert (or (and (<= Y_0 0)) (<= Y_1 0)))',
    ]);
    expect(document.asserts.length).toBe(3);
  });

  it('that would be too many are refused', () => {
    const pair = '(assert (or (<= Y_0 0) (<= Y_1 0)))';
    expect(problems(file(1, 2, UNIT + pair.repeat(17)))).toMatchObject([
      ['vnnlib/too-many-disjuncts', expect.anything()],
    ]);
    expect(rows('(assert (or (<= Y_0 0) (<= Y_1 0)))'.repeat(10))).toHaveLength(1024);
  });
});

group('dialects', () => {
  it('need no white space between parentheses, and may have any', () => {
    expect(
      parsed('(declare-const X_0 Real)(declare-const Y_0 Real)(assert(or(and(>= X_0 0)(<= X_0 1)(<= Y_0 0))))').question
        .disjuncts,
    ).toHaveLength(1);
    expect(
      parsed(
        '( declare-const X_0\n\tReal )\n( declare-const Y_0 Real)( assert\n(and ( >= X_0 0 ) (<= X_0 1)(<= Y_0\n0)) )',
      ).question.inputSize,
    ).toBe(1);
  });

  it('may have a byte order mark, CRLF and comments anywhere', () => {
    const text = `\uFEFF; first\r\n(declare-const X_0 Real) ; in\r\n(declare-const Y_0 Real)\r\n(assert (and (>= X_0 0) ; low (\r\n (<= X_0 1) (<= Y_0 0)));end`;
    expect(parsed(text).question.disjuncts).toHaveLength(1);
  });

  it('may be SMT-LIB with declare-fun and commands that mean nothing here', () => {
    const text =
      '(set-logic QF_LRA)(set-info :status sat)(declare-fun X_0 () Real)(declare-fun Y_0 () Real)(assert (and (>= X_0 0) (<= X_0 1) (<= Y_0 0)))(check-sat)(exit)';
    expect(parsed(text).question.inputSize).toBe(1);
  });

  it('may declare variables in any order', () => {
    expect(
      parsed(
        `(declare-const Y_0 Real)(declare-const X_1 Real)(declare-const X_0 Real)(assert (and (>= X_0 0) (<= X_0 1) (= X_1 0) (<= Y_0 0)))`,
      ).question.inputSize,
    ).toBe(2);
  });
});

group('mistakes', () => {
  const tail = '(assert (<= Y_0 0))';
  it.each<[what: string, text: string, expected: [string, string][]]>([
    ['an empty file', '', [['vnnlib/empty-file', '']]],
    ['a file of comments', '; nothing\n', [['vnnlib/empty-file', '']]],
    ['no assertion', file(1, 1, ''), [['vnnlib/no-assert', '']]],
    ['no output', '(declare-const X_0 Real)(assert (<= X_0 1))', [['vnnlib/no-variables', '']]],
    ['an undeclared variable', file(1, 1, `${UNIT}(assert (<= Y_7 0))`), [['vnnlib/undeclared', 'Y_7']]],
    [
      'an undeclared variable twice',
      file(1, 1, `${UNIT}(assert (<= Y_7 Z)) (assert (<= Y_7 0))`),
      [
        ['vnnlib/undeclared', 'Y_7'],
        ['vnnlib/undeclared', 'Z'],
      ],
    ],
    ['a variable declared after its use', `${UNIT}${file(1, 1, tail)}`, [['vnnlib/undeclared', 'X_0']]],
    ['a duplicate declaration', file(1, 1, `(declare-const X_0 Real)${UNIT}${tail}`), [['vnnlib/duplicate', 'X_0']]],
    ['a gap in the indices', `(declare-const X_2 Real)${file(1, 1, UNIT + tail)}`, [['vnnlib/index-gap', 'X_2']]],
    [
      'an index beyond reason',
      `(declare-const X_99999999 Real)${file(1, 1, UNIT + tail)}`,
      [['vnnlib/index-gap', 'X_99999999']],
    ],
    [
      'a name that is no variable',
      file(1, 1, `(declare-const Z_0 Real)${UNIT}${tail}`),
      [['vnnlib/variable-name', 'Z_0']],
    ],
    ['a type that is not Real', `(declare-const X_0 Int)`, [['vnnlib/type', 'Int']]],
    [
      'an unbounded input',
      file(2, 1, `${UNIT}${tail}`),
      [
        ['vnnlib/unbounded', 'X_1'],
        ['vnnlib/unbounded', 'X_1'],
      ],
    ],
    ['an input without upper bound', file(1, 1, `(assert (>= X_0 0))${tail}`), [['vnnlib/unbounded', 'X_0']]],
    [
      'an input unbounded in one alternative',
      file(1, 1, '(assert (or (and (>= X_0 0) (<= X_0 1) (<= Y_0 0)) (and (>= X_0 2) (<= Y_0 0))))'),
      [['vnnlib/unbounded', '(and (>= X_0 2) (<= Y_0 0))']],
    ],
    [
      'lower above upper',
      file(1, 1, `(assert (>= X_0 2))\n(assert (<= X_0 1))${tail}`),
      [['vnnlib/empty-interval', '(<= X_0 1)']],
    ],
    [
      'lower above upper in one conjunction',
      file(1, 1, '(assert (or (and (>= X_0 2) (<= X_0 1) (<= Y_0 0)) (and (>= X_0 0) (<= X_0 1))))'),
      [['vnnlib/empty-interval', '(<= X_0 1)']],
    ],
    [
      'nothing left of the region',
      file(1, 1, `${UNIT}(assert (or (<= X_0 -1) (>= X_0 2)))${tail}`),
      [['vnnlib/empty', expect.stringContaining('(<= Y_0 0)') as string]],
    ],
    ['an unknown command', file(1, 1, `${UNIT}(asert (<= Y_0 0))${tail}`), [['vnnlib/unknown-command', 'asert']]],
    [
      'a command of version 2',
      `(declare-network f)${file(1, 1, UNIT + tail)}`,
      [['vnnlib/unknown-command', 'declare-network']],
    ],
    [
      'an unknown operator',
      file(1, 1, `${UNIT}(assert (=> (<= Y_0 0) (<= Y_0 1)))`),
      [['vnnlib/unknown-operator', '=>']],
    ],
    ['division', file(1, 1, `${UNIT}(assert (<= (/ Y_0 2) 1))`), [['vnnlib/unknown-operator', '/']]],
    ['a product of variables', file(1, 2, `${UNIT}(assert (<= (* Y_0 Y_1) 0))`), [['vnnlib/nonlinear', '(* Y_0 Y_1)']]],
    ['a number that is none', file(1, 1, `${UNIT}(assert (<= Y_0 60261.0x0))`), [['vnnlib/number', '60261.0x0']]],
    ['a number out of range', file(1, 1, `${UNIT}(assert (<= Y_0 1e999))`), [['vnnlib/number-range', '1e999']]],
    ['three sides', file(1, 1, `${UNIT}(assert (<= 0 Y_0 1))`), [['vnnlib/operands', '1']]],
    ['one side', file(1, 1, `${UNIT}(assert (<= Y_0))`), [['vnnlib/unexpected', ')']]],
    ['an empty or', file(1, 1, `${UNIT}(assert (or))`), [['vnnlib/operands', '(or)']]],
    ['an assertion of nothing', file(1, 1, `${UNIT}(assert)`), [['vnnlib/unexpected', ')']]],
    [
      'two formulas in one assertion',
      file(1, 1, `${UNIT}(assert (<= Y_0 0) (<= Y_0 1))`),
      [['vnnlib/unexpected', '(']],
    ],
    ['a parenthesis too many', file(1, 1, `${UNIT}${tail})`), [['vnnlib/unbalanced', ')']]],
    ['a parenthesis too few at the end', file(1, 1, `${UNIT}(assert (<= Y_0 0)`), [['vnnlib/unbalanced', '(']]],
    ['text outside of commands', file(1, 1, `${UNIT}X_0${tail}`), [['vnnlib/unexpected', 'X_0']]],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('of a missing parenthesis are reported where it was opened, and the rest is still read', () => {
    const text = `(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(assert (<= X_0 1)\n(assert (>= X_0 0))\n(assert (<= Y_9 0))\n`;
    const result = parseVnnlib(text, 'f.vnnlib');
    expect(result).toMatchObject({
      ok: false,
      error: [
        {
          code: 'vnnlib/unbalanced',
          range: { start: { line: 2, character: 0 } },
          message: expect.stringContaining('line 4'),
        },
        {
          code: 'vnnlib/undeclared',
          range: { start: { line: 4, character: 12 }, end: { line: 4, character: 15 } },
          file: 'f.vnnlib',
        },
      ],
    });
  });

  it('are all reported at once, in the order of the text', () => {
    const text = file(1, 1, '(assert (>= X_0 0.q))\n(assert (<= X_3 1))\n(foo)\n(assert (<= (* X_0 Y_0) 1))');
    expect(problems(text).map(([code]) => code)).toEqual([
      'vnnlib/number',
      'vnnlib/undeclared',
      'vnnlib/unknown-command',
      'vnnlib/nonlinear',
    ]);
  });

  it('beyond a hundred are counted', () => {
    const text = file(1, 1, Array.from({ length: 150 }, (_, k) => `(assert (<= Y_${k + 1} 0))`).join('\n'));
    const result = parseVnnlib(text, 'f.vnnlib');
    expect(!result.ok && result.error.length).toBe(101);
    expect(!result.ok && result.error[100].message).toBe('50 more problems are not shown.');
  });

  it('of nesting do not break the parser', () => {
    const deep = `${'(and '.repeat(20000)}(<= Y_0 0)${')'.repeat(20000)}`;
    expect(problems(file(1, 1, `${UNIT}(assert ${deep})`))).toEqual([['vnnlib/too-deep', 'and']]);
  });

  it('that may be meant are warnings', () => {
    expect(problems(file(1, 2, `${UNIT}(assert (<= Y_0 0))`), 'information')).toEqual([['vnnlib/unused', 'Y_1']]);
    expect(problems(file(1, 1, `${UNIT}(assert (<= X_0 0.5))`), 'warning')).toMatchObject([
      ['vnnlib/no-output', expect.anything()],
    ]);
    const half = '(and (<= X_0 -1) (<= Y_0 0))';
    expect(problems(file(1, 1, `${UNIT}(assert (or ${half} (<= Y_0 1)))`), 'warning')).toEqual([
      ['vnnlib/vacuous', half],
    ]);
  });
});

const tensor = (name: string, shape: number[]): TensorInfo => ({
  name,
  shape,
  type: 'float32',
  offset: 0,
  size: shape.reduce((a, b) => a * b, 1),
});
const model = (inputs: number[], outputs: number[]): Parameters<typeof compile>[1] => {
  const [x, y] = [tensor('in', inputs), tensor('out', outputs)];
  return { inputSize: x.size, outputSize: y.size, inputs: [x], outputs: [y] };
};

group('against a model', () => {
  const document = parsed(file(2, 1, '(assert (and (= X_0 0) (= X_1 0) (<= Y_0 0)))'));

  it('a file that fits gives its question', () => {
    expect(compile(document, model([1, 2], [1, 1]))).toEqual({ ok: true, value: document.question });
  });

  it('wrong counts are reported at the declarations', () => {
    const tooMany = compile(document, model([1, 1], [1, 1]));
    expect(tooMany).toMatchObject({
      ok: false,
      error: [{ code: 'vnnlib/input-count', range: { start: { line: 1, character: 15 } } }],
    });
    const tooFew = compile(document, model([1, 5], [1, 3]));
    expect(!tooFew.ok && tooFew.error.map(problem => problem.code)).toEqual([
      'vnnlib/input-count',
      'vnnlib/output-count',
    ]);
    expect(!tooFew.ok && tooFew.error[0].message).toContain('declares 2 inputs, the model has 5 (in [1,5])');
  });

  it('a Softmax at the end allows comparisons of outputs only', () => {
    const softmax = { ...model([1, 1], [1, 3]), trailing: 'softmax' as const };
    expect(compile(parsed(file(1, 3, `${UNIT}(assert (<= Y_0 Y_1))`)), softmax).ok).toBe(true);
    expect(compile(parsed(file(1, 3, `${UNIT}(assert (<= Y_0 0.5))`)), softmax)).toMatchObject({
      ok: false,
      error: [{ code: 'vnnlib/softmax' }],
    });
  });
});

group('version 2.0', () => {
  const two = (declarations: string, assertions: string): string =>
    `(vnnlib-version <2.0>)\n(declare-network f\n ${declarations})\n${assertions}`;
  const usual = '(declare-input X float32 [1,2,2]) (declare-output Y float32 [3])';
  const bounded = ['X[0,0,0]', 'X[0,0,1]', 'X[0,1,0]', 'X[0, 1, 1]']
    .map(x => `(assert (and (>= ${x} 0) (<= ${x} 1)))`)
    .join('\n');

  it('asks the same question', () => {
    const { question, version } = parsed(two(usual, `${bounded}\n(assert (or (<= Y[0] Y[2]) (!= Y[1] 0.5)))`));
    expect(version).toBe(2);
    expect([question.inputSize, question.outputSize]).toEqual([4, 3]);
    expect(question.disjuncts.map(disjunct => disjunct.constraints.map(shown))).toEqual([
      ['1y0 -1y2 <= 0'],
      ['1y1 < 0.5'],
      ['-1y1 < -0.5'],
    ]);
  });

  it('has scalars, ONNX names, == and several tensors', () => {
    const text = two(
      '(declare-input a Real [] "node") (declare-input b real [2]) (declare-output y float32 [])',
      '(assert (== a 0.5)) (assert (and (== b[0] 0) (== b[1] 1))) (assert (> y a))',
    );
    const document = parsed(text);
    expect(Array.from(document.question.disjuncts[0].box.lower)).toEqual([0.5, 0, 1]);
    expect(document.question.disjuncts[0].constraints.map(shown)).toEqual(['-1y0 1x0 < 0']);
    expect(document.tensors.map(({ name, offset, size }) => [name, offset, size])).toEqual([
      ['a', 0, 1],
      ['b', 1, 2],
      ['y', 0, 1],
    ]);
  });

  it('must declare the shapes of the model', () => {
    const document = parsed(two(usual, `${bounded}(assert (<= Y[0] 0))`));
    expect(compile(document, model([1, 2, 2], [1, 3])).ok).toBe(true);
    expect(compile(document, model([1, 1, 2, 2], [1, 3])).ok).toBe(true);
    expect(compile(document, model([1, 4], [1, 3]))).toMatchObject({ ok: false, error: [{ code: 'vnnlib/shape' }] });
  });

  it.each<[what: string, text: string, expected: [string, string][]]>([
    ['another version', '(vnnlib-version <3.0>)', [['vnnlib/version', '<3.0>']]],
    [
      'hidden nodes',
      two(
        '(declare-input X float32 [1]) (declare-hidden H float32 [1] "h") (declare-output Y float32 [1])',
        '(assert (<= H[0] 0))',
      ),
      [['vnnlib/hidden', 'declare-hidden']],
    ],
    [
      'two networks',
      two(usual, '(declare-network g (declare-input A float32 [1]) (declare-output B float32 [1]))'),
      [['vnnlib/several-networks', 'declare-network']],
    ],
    [
      'equal networks',
      two('(equal-to g) (declare-input X float32 [1])', ''),
      [['vnnlib/several-networks', 'equal-to']],
    ],
    ['an index outside', two(usual, `${bounded}(assert (<= Y[3] 0))`), [['vnnlib/index', '3']]],
    ['too few indices', two(usual, `${bounded}(assert (<= X[0,1] Y[0]))`), [['vnnlib/index', 'X']]],
    ['an undeclared tensor', two(usual, `${bounded}(assert (<= Z[0] 0))`), [['vnnlib/undeclared', 'Z']]],
    [
      'an element type',
      two('(declare-input X string [1]) (declare-output Y float32 [1])', ''),
      [['vnnlib/element-type', 'string']],
    ],
    [
      'an unbounded element',
      two(
        '(declare-input X float32 [2]) (declare-output Y float32 [1])',
        '(assert (== X[0] 0)) (assert (<= X[1] 1)) (assert (<= Y[0] 0))',
      ),
      [['vnnlib/unbounded', 'X']],
    ],
    [
      'declarations of version 1',
      '(vnnlib-version <2.0>)(declare-const X_0 Real)',
      [['vnnlib/unknown-command', 'declare-const']],
    ],
  ])('refuses %s', (_, text, expected) => {
    expect(problems(text).slice(0, 1)).toEqual(expected);
  });

  it('warns of what other tools refuse', () => {
    expect(problems(two(usual, `${bounded}(assert (= Y[0] 1e-3)) (assert (= Y[1] 1e-3))`), 'warning')).toEqual([
      ['vnnlib/equals', '='],
      ['vnnlib/exponent', '1e-3'],
    ]);
  });
});

group('what is claimed', () => {
  const claim = (outputs: number, assertions: string): string =>
    describe(parsed(file(1, outputs, UNIT + assertions))).replace('for every input with X_0 in [0, 1], ', '');
  it.each([
    [3, '(assert (or (<= Y_0 Y_1) (<= Y_0 Y_2)))', 'Y_0 stays larger than every other output'],
    [3, '(assert (or (>= Y_0 Y_1) (>= Y_0 Y_2)))', 'Y_0 stays smaller than every other output'],
    [3, '(assert (< Y_0 Y_1))', 'Y_0 stays at least as large as Y_1'],
    [3, '(assert (<= Y_0 Y_1)) (assert (<= Y_0 Y_2))', 'Y_0 is never the smallest output'],
    [3, '(assert (and (>= Y_0 Y_1) (>= Y_0 Y_2)))', 'Y_0 is never the largest output'],
    [1, '(assert (>= Y_0 3.991125645861615))', 'Y_0 stays below 3.99113'],
    [1, '(assert (< Y_0 2))', 'Y_0 stays at or above 2'],
    [1, '(assert (and (>= Y_0 1) (<= Y_0 2)))', 'Y_0 never lies between 1 and 2'],
    [2, '(assert (or (>= Y_0 1) (<= Y_1 2)))', 'Y_0 stays below 1 and Y_1 stays above 2'],
    [
      3,
      '(assert (or (and (<= Y_0 1) (<= Y_1 Y_2)) (and (<= Y_1 1) (<= Y_2 X_0))))',
      'it never happens that Y_0 ≤ 1 and Y_1 ≤ Y_2, nor that Y_1 ≤ 1 and Y_2 - X_0 ≤ 0',
    ],
  ])('%i outputs, %s', (outputs, assertions, expected) => {
    expect(claim(outputs, assertions)).toBe(expected);
  });
});
