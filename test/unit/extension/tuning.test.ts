import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BracketMemory } from '../../../src/extension/core/bracket-memory';
import { epsilonSteps, stepOf, withStep } from '../../../src/extension/core/epsilon-steps';
import { tuningPlaces } from '../../../src/extension/core/tuning-places';
import { bracketText, hintSentences, hintText, type TuningFacts } from '../../../src/extension/core/tuning-words';
import { parsePerturbationSpec } from '../../../src/spec/perturbation/parse';
import { NumberForm } from '../../../src/spec/numbers/number-form';
import type { Range } from '../../../src/base/result';

const TEXT = `// A comment
{
  "model": "digits.onnx",
  "inputs": { "data": "images.idx", "select": "0..39" },
  "checks": [
    { "name": "one", "perturb": "input", "epsilon": "1/255", "clip": [0, 1] },
    { "perturb": "input", "epsilon": 0.03 },
    { "name": "w", "perturb": "weights", "magnitude": "0.03%" },
    { "name": "list", "perturb": "input", "epsilon": [0.1, 0.2] },
    { "name": "typing", "perturb": "input", "epsilon": "" },
  ],
}`;

function at(text: string, { start, end }: Range): string {
  const lines = text.split('\n');
  expect(start.line).toBe(end.line);
  return lines[start.line].slice(start.character, end.character);
}

describe('the numbers of a specification that can be tuned', () => {
  it('are the scalar sizes of its checks, with their characters', () => {
    const places = tuningPlaces(TEXT);
    expect(places.map(({ index, name, kind, text }) => [index, name, kind, text])).toEqual([
      [0, 'one', 'epsilon', '1/255'],
      [1, null, 'epsilon', '0.03'],
      [2, 'w', 'magnitude', '0.03%'],
      [4, 'typing', 'epsilon', ''],
    ]);
    expect(places.map(({ range }) => at(TEXT, range))).toEqual(['1/255', '0.03', '0.03%', '']);
    expect(places.map(({ value }) => at(TEXT, value))).toEqual(['"1/255"', '0.03', '"0.03%"', '""']);
    expect(places[3].form).toBeNull();
  });

  it('mean the same whatever ε, name, layout, selection and time limit are, and something else for another model', () => {
    const [first] = tuningPlaces(TEXT);
    const same = TEXT.replace('"1/255"', '"7/255"')
      .replace('"one"', '"uno"')
      .replace('0..39', '3')
      .replace(/\n/g, ' \n');
    expect(tuningPlaces(same)[0].meaning).toBe(first.meaning);
    for (const other of [
      TEXT.replace('digits.onnx', 'other.onnx'),
      TEXT.replace('[0, 1]', '[0, 0.5]'),
      TEXT.replace('images.idx', 'more.idx'),
      TEXT.replace('"checks"', '"preprocess": { "scale": "1/255" }, "checks"'),
      TEXT.replace('"checks"', '"solver": { "soundness": "runtime" }, "checks"'),
    ])
      expect(tuningPlaces(other)[0].meaning).not.toBe(first.meaning);
  });

  it('survive any text in the making', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: TEXT.length }), fc.string({ maxLength: 5 }), (cut, typed) => {
        for (const { range, text } of tuningPlaces(TEXT.slice(0, cut) + typed)) {
          expect(range.end.character - range.start.character).toBe(text.length);
        }
      }),
    );
  });

  it('are replaced by an edit that the specification reads as the new number', () => {
    for (const place of tuningPlaces(TEXT).slice(0, 2)) {
      const lines = TEXT.replace(/,\n {4}\{ "name": "typing".*\},/, '').split('\n');
      const { start, end } = place.range;
      const up = place.form?.up() ?? '';
      lines[start.line] = lines[start.line].slice(0, start.character) + up + lines[start.line].slice(end.character);
      const parsed = parsePerturbationSpec(lines.join('\n'), 'a.certiscope.jsonc');
      if (!parsed.ok) throw new Error(parsed.error[0].message);
      expect(parsed.value.checks[place.index].epsilon?.[0].text).toBe(up);
    }
  });
});

describe('what a session knows of brackets', () => {
  it('is the largest certified and the smallest attacked ε, compared exactly', () => {
    const memory = new BracketMemory();
    for (const epsilon of ['1/255', '0.01', '3/255', '2/255']) memory.note('m', 'a.onnx', 0, epsilon, 'certified');
    for (const epsilon of ['8/255', '5/255', '0.03']) memory.note('m', 'a.onnx', 0, epsilon, 'attacked');
    expect(memory.bracket('m', 0)).toEqual({ certified: '3/255', attacked: '5/255' });
    expect(memory.follows('m', 0, '3/255')).toBe('certified');
    expect(memory.follows('m', 0, '0.0118')).toBeNull();
    expect(memory.follows('m', 0, '0.02')).toBe('attacked');
    expect(memory.bracket('other', 0)).toEqual({ certified: null, attacked: null });
  });

  it('never claims an ε that was not told, for any order of telling', () => {
    const told = fc.array(fc.record({ size: fc.integer({ min: 1, max: 50 }), sample: fc.integer({ min: 0, max: 2 }) }));
    fc.assert(
      fc.property(told, fc.integer({ min: 1, max: 50 }), (list, limit) => {
        const memory = new BracketMemory();
        for (const { size, sample } of list)
          memory.note('m', 'a.onnx', sample, `${size}/255`, size <= limit ? 'certified' : 'attacked');
        for (const sample of [0, 1, 2]) {
          const own = list.filter(each => each.sample === sample).map(({ size }) => size);
          const certified = Math.max(0, ...own.filter(size => size <= limit));
          const attacked = Math.min(Infinity, ...own.filter(size => size > limit));
          expect(memory.bracket('m', sample)).toEqual({
            certified: certified === 0 ? null : `${certified}/255`,
            attacked: attacked === Infinity ? null : `${attacked}/255`,
          });
        }
      }),
    );
  });

  it('for one sample includes what holds for all, and for all what breaks one', () => {
    const memory = new BracketMemory();
    memory.note('m', 'a.onnx', 'all', '2/255', 'certified');
    memory.note('m', 'a.onnx', 3, '1/255', 'certified');
    memory.note('m', 'a.onnx', 3, '6/255', 'attacked');
    memory.note('m', 'a.onnx', 5, '4/255', 'attacked');
    expect(memory.bracket('m', 3)).toEqual({ certified: '2/255', attacked: '6/255' });
    expect(memory.bracket('m', 'all')).toEqual({ certified: '2/255', attacked: '4/255' });
  });

  it('is forgotten with the model it is about', () => {
    const memory = new BracketMemory();
    memory.note('m', 'a.onnx', 0, '1/255', 'certified');
    memory.note('n', 'b.onnx', 0, '1/255', 'certified');
    memory.forgetModel('a.onnx');
    expect(memory.bracket('m', 0).certified).toBeNull();
    expect(memory.bracket('n', 0).certified).toBe('1/255');
  });
});

describe('the steps of a slider', () => {
  const form = (text: string) => NumberForm.of(text) as NumberForm;

  it('go from one step to four times the number, which is among them as it is written', () => {
    const steps = epsilonSteps(form('5/255'), null);
    expect([steps[0], steps.at(-1), steps.includes('5/255')]).toEqual(['0.1/255', '20/255', true]);
    expect(steps).toHaveLength(200);
    expect(epsilonSteps(form('10/255'), null)).toHaveLength(400);
  });

  it('reach beyond what is known to fail, and are never too many', () => {
    const steps = epsilonSteps(form('1/255'), '14.7/255');
    expect(Number.parseFloat(steps.at(-1) ?? '')).toBeGreaterThan(18);
    expect(epsilonSteps(form('99/255'), '2550/255').length).toBeLessThanOrEqual(401);
  });

  it('take in a number between them, and say where a number stands', () => {
    const steps = withStep(epsilonSteps(form('5/255'), null), '2.34/255');
    const at = steps.indexOf('2.34/255');
    expect([steps[at - 1], steps[at + 1]]).toEqual(['2.3/255', '2.4/255']);
    expect([stepOf(steps, '2.345/255', 'below'), stepOf(steps, '2.345/255', 'above')]).toEqual([at, at + 1]);
    expect([stepOf(steps, '0.01/255', 'below'), stepOf(steps, '30/255', 'above')]).toEqual([-1, steps.length]);
  });
});

describe('the hint beside ε', () => {
  const bound = { outcome: 'open', margin: -4.31, sample: 0, predicted: 7, label: 7, method: 'crown' } as const;
  const facts = (part: Partial<TuningFacts>): TuningFacts => ({
    epsilon: '2/255',
    bracket: { certified: '3.2/255', attacked: '5/255' },
    bound: null,
    follows: null,
    ...part,
  });

  it.each([
    [
      facts({ bound: { ...bound, outcome: 'holds', margin: 0.5392 }, follows: 'certified' }),
      '2/255 holds by 0.53 · largest 3.2…5/255',
    ],
    [
      facts({
        bound: { ...bound, outcome: 'holds', margin: 7.23 },
        follows: 'certified',
        epsilon: '2.17/255',
        bracket: { certified: '12.9/255', attacked: '14.7/255' },
      }),
      '2.17/255: ≥ 7.2 · largest 12.9…14.7/255',
    ],
    [facts({ bound, follows: 'attacked', epsilon: '6/255' }), '6/255 fails · largest 3.2…5/255'],
    [facts({ bound, epsilon: '4/255' }), '4/255 open · largest 3.2…5/255'],
    [facts({ follows: 'certified' }), '2/255 holds · largest 3.2…5/255'],
    [facts({ bracket: { certified: null, attacked: null } }), null],
    [facts({ bound: { ...bound, outcome: 'misclassified', margin: null } }), 'sample 0 is misclassified'],
  ])('is %#: %s', (given, text) => {
    expect(hintText(given)).toBe(text);
    // VS Code cuts what is longer.
    if (text !== null) expect(text.length).toBeLessThanOrEqual(43);
  });

  it('names one end where only one is known', () => {
    expect(bracketText({ certified: '2/255', attacked: null })).toBe('largest ≥ 2/255');
    expect(bracketText({ certified: '0.01', attacked: '2/255' })).toBe('largest 0.01…2/255');
    expect(bracketText({ certified: '1%', attacked: '2.5%' })).toBe('largest 1…2.5%');
    expect(bracketText({ certified: null, attacked: '2/255' })).toBe('largest < 2/255');
  });

  it('says in sentences what is certified and what was attacked', () => {
    const said = hintSentences(facts({ bound, epsilon: '4/255' })).join(' ');
    expect(said).toMatch(/quick bounds do not decide/);
    expect(said).toMatch(/certified so far is 3\.2\/255/);
    expect(said).toMatch(/with success so far is 5\/255/);
  });
});
