import { describe, expect, it } from 'vitest';
import { checkSentence, epsilonWords } from '../../../src/extension/core/check-words';
import { specFixes } from '../../../src/extension/language/spec-fixes';
import { parsePerturbationSpec } from '../../../src/spec/perturbation/parse';
import type { Problem, Range } from '../../../src/base/result';
import type { PerturbationSpec } from '../../../src/spec/perturbation/spec';

function spec(parts: { readonly check?: string; readonly inputs?: string; readonly rest?: string } = {}): string {
  const { check = '{ "name": "a", "perturb": "input", "epsilon": "8/255", "clip": [0, 1] }' } = parts;
  return `{
  "model": "m.onnx",
  "inputs": ${parts.inputs ?? '{ "data": "x.idx", "labels": "y.idx", "select": "0..39" }'},
  "preprocess": { "scale": "1/255", "mean": [0.5], "std": [0.25] },
  ${parts.rest ?? ''}
  "checks": [
    ${check}
  ]
}`;
}

function offset(text: string, { line, character }: Range['start']): number {
  return (
    text
      .split('\n')
      .slice(0, line)
      .reduce((sum, each) => sum + each.length + 1, 0) + character
  );
}

/** The problems of a text, and the texts that its fixes make. */
function fixed(text: string): {
  readonly problems: readonly Problem[];
  readonly titles: string[];
  readonly texts: string[];
} {
  const parsed = parsePerturbationSpec(text, 'a.certiscope.jsonc');
  const problems = parsed.ok ? parsed.value.warnings : parsed.error;
  const fixes = problems.flatMap(({ code, message, range }) => {
    if (!range) return [];
    return specFixes(code, message, { start: offset(text, range.start), end: offset(text, range.end) }, text);
  });
  const texts = fixes.map(({ edit }) => text.slice(0, edit.start) + edit.text + text.slice(edit.end));
  return { problems, titles: fixes.map(({ title }) => title), texts };
}

function parsed(text: string): PerturbationSpec {
  const result = parsePerturbationSpec(text, 'a.certiscope.jsonc');
  if (!result.ok) throw new Error(result.error[0].message);
  return result.value;
}

describe('quick fixes of a perturbation specification', () => {
  const check = (epsilon: string, more = '') => `{ "name": "a", "perturb": "input", "epsilon": ${epsilon}${more} }`;

  it.each([
    ['a fraction without quotes', spec({ check: check('8/255') }), 'Write "8/255" in quotes', '"8/255"'],
    ['one with spaces', spec({ check: check('8 / 255', ', "clip": [0, 1]') }), 'Write "8/255" in quotes', '"8/255"'],
    ['a decimal comma', spec({ check: check('"0,03"') }), 'Write 0.03', '0.03'],
    ['a number that begins with its point', spec({ check: check('.5') }), 'Write 0.5', '0.5'],
    [
      'a key that is misspelt',
      spec({ check: '{ "perturb": "input", "epsilom": 0.1 }' }),
      'Write "epsilon"',
      '"epsilon": 0.1',
    ],
    [
      'a value that is misspelt',
      spec({ check: '{ "perturb": "inputs", "epsilon": 0.1 }' }),
      'Write "input"',
      '"perturb": "input"',
    ],
    ['an ε that is missing', spec({ check: '{ "perturb": "input" }' }), 'Add "epsilon": "1/255"', '"epsilon": "1/255"'],
    [
      'a check that says nothing',
      spec({ check: '{ "epsilon": "1/255" }' }),
      'Add "perturb": "input"',
      '"perturb": "input"',
    ],
    ['an ε in raw values', spec({ check: check('8', ', "clip": [0, 1]') }), 'Write "8/255"', '"epsilon": "8/255"'],
  ])('mend %s', (_, text, title, expected) => {
    const { problems, titles, texts } = fixed(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(titles).toContain(title);
    const mended = texts[titles.indexOf(title)];
    expect(mended).toContain(expected);
    // What is mended is right, or has one mistake less.
    const after = parsePerturbationSpec(mended, 'a.certiscope.jsonc');
    expect(after.ok ? after.value.warnings.length : after.error.length).toBeLessThan(problems.length);
  });

  it('add a missing key on a line of its own where its neighbours stand on theirs', () => {
    const text = spec().replace('  "model": "m.onnx",\n', '');
    const { texts, titles } = fixed(text);
    expect(texts[titles.indexOf('Add "model": "model.onnx"')]).toContain(',\n  "model": "model.onnx"\n}');
  });

  it('offer nothing where a person must decide', () => {
    expect(fixed(spec({ check: check('"much"') })).titles).toEqual([]);
    expect(fixed(spec({ check: check('-1') })).titles).toEqual([]);
  });
});

describe('an ε in the wrong units', () => {
  it('is a warning at its characters, and the specification can be run all the same', () => {
    const text = spec({ check: '{ "perturb": "input", "epsilon": 8, "clip": [0, 1] }' });
    const [warning] = parsed(text).warnings;
    expect(warning).toMatchObject({ code: 'spec/epsilon-units', severity: 'warning' });
    expect(warning.message).toMatch(/reaches from one end of \[0, 1\] to the other/);
    const { start, end } = warning.range ?? { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
    expect(text.split('\n')[start.line].slice(start.character, end.character)).toBe('8');
  });

  it('is told where nothing is clipped, and not where data is not scaled', () => {
    expect(parsed(spec({ check: '{ "perturb": "input", "epsilon": 4 }' })).warnings[0].message).toMatch(
      /1020 in raw values/,
    );
    expect(parsed(spec({ check: '{ "perturb": "input", "epsilon": "8/255" }' })).warnings).toEqual([]);
    const unscaled = spec({ check: '{ "perturb": "input", "epsilon": 4 }' }).replace('"scale": "1/255", ', '');
    expect(parsed(unscaled).warnings).toEqual([]);
  });
});

describe('what a check claims, in a plain sentence', () => {
  const sentence = (text: string) => {
    const read = parsed(text);
    return checkSentence(read, read.checks[0]);
  };

  it.each([
    [
      spec(),
      'For each of the 40 selected samples: however its values move by up to 8/255 (8 in raw values), inside [0, 1], its label stays ahead of every other class.',
    ],
    [
      spec({ inputs: '{ "data": "x.idx", "select": "7" }' }),
      'For sample 7: however its values move by up to 8/255 (8 in raw values), inside [0, 1], the class that the network answers stays ahead of every other class.',
    ],
    [
      spec({ inputs: '{ "data": "x.idx" }', rest: '"property": { "kind": "target", "class": 3 },' }),
      'For each sample of the data: however its values move by up to 8/255 (8 in raw values), inside [0, 1], class 3 never wins.',
    ],
    [
      spec({ check: '{ "perturb": "weights", "layers": ["fc_1", 2], "magnitude": "2%" }' }),
      'For each of the 40 selected samples: whenever the weights of fc_1 and layer 2 change by at most 2% of their range, its label stays ahead of every other class.',
    ],
    [
      spec({ rest: '"property": { "kind": "range", "radius": 0.1 },' }),
      'For each of the 40 selected samples: however its values move by up to 8/255 (8 in raw values), inside [0, 1], every output stays within 0.1 of its unperturbed value.',
    ],
  ])('%#', (text, expected) => {
    expect(sentence(text)).toBe(expected);
  });

  it('and what ε is in raw values and for the model', () => {
    const read = parsed(spec());
    expect(epsilonWords(read, read.checks[0]).join(' ')).toBe(
      'How far every value may move, after scaling and before mean and std are applied. 8/255 there is 8 in raw values, which are multiplied by 1/255. For the model it is 0.125, as std is 0.25.',
    );
  });
});
