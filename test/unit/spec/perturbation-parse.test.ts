import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { meaningHash } from '../../../src/spec/open';
import { parsePerturbationSpec } from '../../../src/spec/perturbation/parse';
import { specSchema } from '../../../src/spec/perturbation/schema';
import type { PerturbationSpec } from '../../../src/spec/perturbation/spec';

const FILE = 'digits.certiscope.jsonc';

/** The example of the design, with every kind of key. */
const FULL = `{
  // a comment
  "model": "mnist24.onnx",
  "inputs": { "data": "images.gz", "labels": "labels.gz", "select": "0..99" },
  "preprocess": { "scale": "1/255", "mean": [0.5], "std": 0.25, "layout": "HWC" },
  "property": { "kind": "topk", "k": 2 },
  "checks": [
    { "name": "one grey level", "perturb": "input", "norm": "inf", "epsilon": "1/255", "clip": [0, 1], },
    { "name": "write noise", "perturb": "weights", "layers": ["fc_1", 2], "magnitude": "0.03%", "of": "range", "solver": { "timeout": 5 } },
  ],
  "solver": { "timeout": 60, "backend": "crown", "labelOrder": "paper", "guided": false, "soundness": "runtime", "seed": 3, "threads": 2 },
}`;

function parsed(text: string): PerturbationSpec {
  const result = parsePerturbationSpec(text, FILE);
  if (!result.ok) throw new Error(JSON.stringify(result.error, null, 1));
  return result.value;
}

/** A small specification with some keys replaced. */
function spec(changes: Record<string, unknown> = {}): string {
  const base = { model: 'm.onnx', inputs: { data: 'x.npy' }, checks: [{ perturb: 'input', epsilon: 0.1 }] };
  return JSON.stringify({ ...base, ...changes });
}

function check(changes: Record<string, unknown>): string {
  return spec({ checks: [{ perturb: 'input', epsilon: 0.1, ...changes }] });
}

function weights(changes: Record<string, unknown>): string {
  return spec({ checks: [{ perturb: 'weights', layers: ['fc_1'], ...changes }] });
}

/** The problems of a specification: code and the characters each is about. */
function problems(text: string): [string, string][] {
  const result = parsePerturbationSpec(text, FILE);
  if (result.ok) return [];
  return result.error.map(({ code, range, file }) => {
    expect(file).toBe(FILE);
    const lines = text.split('\n');
    const { start, end } = range ?? { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
    return [
      code,
      start.line === end.line
        ? lines[start.line].slice(start.character, end.character)
        : lines[start.line].slice(start.character),
    ];
  });
}

function message(text: string): string {
  const result = parsePerturbationSpec(text, FILE);
  return result.ok ? '' : result.error[0].message;
}

describe('a perturbation spec', () => {
  it('is read with comments, trailing commas and fractions', () => {
    const { model, inputs, preprocess, property, checks, solver } = parsed(FULL);
    expect(model).toBe('mnist24.onnx');
    expect(inputs).toEqual({
      data: { kind: 'files', paths: ['images.gz'] },
      labels: { kind: 'file', path: 'labels.gz' },
      select: [{ first: 0, last: 99 }],
      layout: null,
    });
    expect(preprocess.scale).toMatchObject({ exact: { n: 1n, d: 255n }, text: '1/255' });
    expect([preprocess.mean[0].value, preprocess.std[0].value, preprocess.layout]).toEqual([0.5, 0.25, 'HWC']);
    expect(property).toEqual({ kind: 'topk', k: 2 });
    expect(checks[0]).toMatchObject({
      name: 'one grey level',
      perturb: 'input',
      norm: 'inf',
      index: 0,
      solver: { timeout: 60, seed: 3 },
    });
    expect(checks[1]).toMatchObject({
      perturb: 'weights',
      layers: ['fc_1', 2],
      magnitude: { relative: true, amount: { exact: { n: 3n, d: 10000n } } },
      of: 'range',
      solver: { timeout: 5, soundness: 'runtime', seed: 3, threads: 2 },
    });
    expect(solver).toEqual({
      timeout: 60,
      backend: 'crown',
      labelOrder: 'paper',
      guided: false,
      soundness: 'runtime',
      seed: 3,
      threads: 2,
    });
  });

  it('has the defaults of the design', () => {
    const { inputs, preprocess, property, checks, solver } = parsed(spec());
    expect([preprocess.scale.value, preprocess.mean[0].value, preprocess.std[0].value, preprocess.layout]).toEqual([
      1,
      0,
      1,
      'CHW',
    ]);
    expect(property).toEqual({ kind: 'label' });
    expect([inputs.labels, inputs.select, solver]).toEqual([null, null, {}]);
    expect(checks[0].name).toBe('epsilon 0.1');
  });

  it('names its checks apart', () => {
    const { checks } = parsed(
      spec({
        checks: [
          { perturb: 'input', epsilon: 0.1 },
          { perturb: 'input', epsilon: 0.1 },
          { perturb: 'input', epsilon: 0.2, name: 'b' },
        ],
      }),
    );
    expect(new Set(checks.map(({ name }) => name)).size).toBe(3);
  });

  it('tells the characters of every value', () => {
    const { rangeOf } = parsed(FULL);
    const at = (...place: (string | number)[]): string => {
      const { start, end } = rangeOf(place);
      return FULL.split('\n')[start.line].slice(start.character, end.character);
    };
    expect(at('model')).toBe('"mnist24.onnx"');
    expect(at('checks', 0, 'epsilon')).toBe('"1/255"');
    expect(at('checks', 0, 'clip', 1)).toBe('1');
    // what is not there is around where it would be
    expect(at('property', 'class')).toBe('{ "kind": "topk", "k": 2 }');
  });

  it('takes epsilons, labels, data and selections of all forms', () => {
    expect(parsed(check({ epsilon: ['1/2', 0, 0.25] })).checks[0]).toMatchObject({
      epsilon: [{ value: 0.5 }, { value: 0 }, { value: 0.25 }],
    });
    const inputs = (value: Record<string, unknown>): PerturbationSpec['inputs'] =>
      parsed(spec({ inputs: { data: 'x.csv', ...value } })).inputs;
    expect(inputs({ labels: 2 }).labels).toEqual({ kind: 'column', column: 2 });
    expect(inputs({ labels: 'none' }).labels).toEqual({ kind: 'none' });
    expect(inputs({ labels: [1, 0] }).labels).toEqual({ kind: 'inline', labels: [1, 0] });
    expect(inputs({ data: ['a.png', 'b.png'] }).data).toEqual({ kind: 'files', paths: ['a.png', 'b.png'] });
    expect(inputs({ data: [1, '1/2'] }).data).toMatchObject({
      kind: 'inline',
      samples: [[{ value: 1 }, { value: 0.5 }]],
    });
    expect(inputs({ data: [[1], [2]] }).data).toMatchObject({
      kind: 'inline',
      samples: [[{ value: 1 }], [{ value: 2 }]],
    });
    expect(inputs({ select: '0..9, 20..29,5' }).select).toEqual([
      { first: 0, last: 9 },
      { first: 20, last: 29 },
      { first: 5, last: 5 },
    ]);
    expect(inputs({ select: ['0..1', 7] }).select).toEqual([
      { first: 0, last: 1 },
      { first: 7, last: 7 },
    ]);
    expect(inputs({ select: 3 }).select).toEqual([{ first: 3, last: 3 }]);
  });

  it('means the same however it is written', () => {
    const same = FULL.replace('// a comment', '/* another */')
      .replace('"1/255", "clip": [0, 1]', '"2/510",\n\n "clip": [0.0, 1e0]')
      .replace('"scale": "1/255", "mean": [0.5]', '"mean": 0.5, "scale": "1/255"');
    expect(meaningHash(parsed(same))).toBe(meaningHash(parsed(FULL)));
    for (const other of [
      FULL.replace('"1/255", "clip"', '"2/255", "clip"'),
      FULL.replace('0..99', '0..98'),
      FULL.replace('"HWC"', '"CHW"'),
    ]) {
      expect(meaningHash(parsed(other))).not.toBe(meaningHash(parsed(FULL)));
    }
  });
});

describe('mistakes in a perturbation spec', () => {
  it.each<[what: string, text: string, expected: [string, string][]]>([
    ['an empty file', ' // nothing', [['spec/empty', '']]],
    ['no JSON', '{ "model": m.onnx }', [['spec/syntax', 'm.onnx']]],
    ['a missing comma', '{ "model": "m" "checks": [] }', [['spec/syntax', '"checks"']]],
    ['a list instead of an object', '[]', [['spec/type', '[]']]],
    [
      'keys that are missing',
      '{}',
      [
        ['spec/missing-key', '{'],
        ['spec/missing-key', '{'],
        ['spec/missing-key', '{'],
      ],
    ],
    ['an unknown key', spec({ modle: 1 }), [['spec/unknown-key', '"modle"']]],
    ['an unknown key deep inside', check({ epsilons: 1 }), [['spec/unknown-key', '"epsilons"']]],
    ['a key given twice', spec().replace('{', '{"model": "a",'), [['spec/duplicate-key', '"model"']]],
    ['a model that is no text', spec({ model: 3 }), [['spec/type', '3']]],
    ['an empty model', spec({ model: '' }), [['spec/type', '""']]],
    ['a fraction that is none', check({ epsilon: '1/x' }), [['spec/number', '"1/x"']]],
    ['a division by zero', check({ epsilon: '1/0' }), [['spec/number', '"1/0"']]],
    ['an epsilon of zero', check({ epsilon: 0 }), [['spec/value', '0']]],
    ['an epsilon below zero', check({ epsilon: -1 }), [['spec/value', '-1']]],
    ['epsilons that are all zero', check({ epsilon: [0, '0/3'] }), [['spec/value', '[0,"0/3"]']]],
    ['an epsilon that is no number', check({ epsilon: true }), [['spec/type', 'true']]],
    ['a bad entry of a list', check({ epsilon: [0.1, null] }), [['spec/type', 'null']]],
    ['no checks', spec({ checks: [] }), [['spec/length', '[]']]],
    ['a check without a kind', spec({ checks: [{ epsilon: 1 }] }), [['spec/missing-key', '{']]],
    ['a check of an unknown kind', spec({ checks: [{ perturb: 'wieghts' }] }), [['spec/value', '"wieghts"']]],
    [
      'two checks of one name',
      spec({ checks: [1, 2].map(epsilon => ({ name: 'a', perturb: 'input', epsilon })) }),
      [['spec/duplicate-name', '"a"']],
    ],
    ['a norm that is not supported', check({ norm: '2' }), [['spec/norm', '"2"']]],
    ['a norm nobody knows', check({ norm: 'max' }), [['spec/value', '"max"']]],
    ['a clip range upside down', check({ clip: [1, '1/2'] }), [['spec/clip', '[1,"1/2"]']]],
    ['a clip range with three ends', check({ clip: [0, 1, 2] }), [['spec/clip', '[0,1,2]']]],
    ['a selection that is none', spec({ inputs: { data: 'x', select: '1-5' } }), [['spec/select', '"1-5"']]],
    ['a selection that runs backwards', spec({ inputs: { data: 'x', select: '9..1' } }), [['spec/select', '"9..1"']]],
    ['a property nobody knows', spec({ property: { kind: 'robust' } }), [['spec/value', '"robust"']]],
    ['a key of another property', spec({ property: { kind: 'label', k: 1 } }), [['spec/unknown-key', '"k"']]],
    ['a k of zero', spec({ property: { kind: 'topk', k: 0 } }), [['spec/value', '0']]],
    ['a class that is no whole number', spec({ property: { kind: 'target', class: 1.5 } }), [['spec/value', '1.5']]],
    [
      'd and C that do not match',
      spec({ property: { kind: 'linear', C: [[1, 0]], d: [1, 2] } }),
      [['spec/length', '[1,2]']],
    ],
    ['a ragged C', spec({ property: { kind: 'linear', C: [[1, 0], [1]], d: [1, 2] } }), [['spec/length', '[1]']]],
    ['a std of zero', spec({ preprocess: { std: [1, 0] } }), [['spec/value', '0']]],
    ['a layout nobody knows', spec({ preprocess: { layout: 'NHWC' } }), [['spec/value', '"NHWC"']]],
    [
      'a percentage of nothing',
      spec({ checks: [{ perturb: 'weights', magnitude: '-1%' }] }),
      [['spec/value', '"-1%"']],
    ],
    ['layer zero', spec({ checks: [{ perturb: 'weights', magnitude: 0.1, layers: [0] }] }), [['spec/value', '0']]],
    ['weights that move nobody knows how far', weights({}), [['spec/missing-key', '"weights"']]],
    ['two ways to move weights', weights({ magnitude: 1, quantisation: { bits: 8 } }), [['spec/value', '{"bits":8}']]],
    ['a lower end above the upper', weights({ magnitude: ['2%', '1%'] }), [['spec/value', '["2%","1%"]']]],
    ['a percentage and a number', weights({ magnitude: ['-2%', 1] }), [['spec/value', '["-2%",1]']]],
    ['one end of two', weights({ magnitude: [1] }), [['spec/value', '[1]']]],
    ['two ends that are nothing', weights({ magnitude: [0, '0'] }), [['spec/value', '[0,"0"]']]],
    ['part of no percentage', weights({ magnitude: 1, of: 'weight' }), [['spec/value', '"weight"']]],
    ['entries of two layers', weights({ layers: [1, 2], magnitude: 1, entries: [0] }), [['spec/value', '[0]']]],
    ['entries of all layers', weights({ layers: undefined, magnitude: 1, entries: [0] }), [['spec/value', '[0]']]],
    ['entries and a map', weights({ magnitude: 1, entries: [0], map: 'm.npy' }), [['spec/value', '"m.npy"']]],
    ['a map of a grid', weights({ quantisation: { bits: 8 }, map: 'm.npy' }), [['spec/value', '"m.npy"']]],
    ['no bits', weights({ quantisation: { bits: 0 } }), [['spec/value', '0']]],
    ['flips of no bit', weights({ bitFlips: { flips: [] } }), [['spec/length', '[]']]],
    ['flips together', weights({ bitFlips: { flips: [0] }, together: true }), [['spec/value', 'true']]],
    ['a clip range of no inputs', weights({ magnitude: 1, clip: [0, 1] }), [['spec/clip', '[0,1]']]],
    ['a method nobody knows', weights({ magnitude: 1, method: 'stars' }), [['spec/value', '"stars"']]],
    ['a timeout of zero', spec({ solver: { timeout: 0 } }), [['spec/value', '0']]],
    ['a back end nobody knows', spec({ solver: { backend: 'z3' } }), [['spec/value', '"z3"']]],
    ['a back end of one check nobody knows', check({ solver: { backend: 'zonotop' } }), [['spec/value', '"zonotop"']]],
    ['an order nobody knows', spec({ solver: { labelOrder: 'best' } }), [['spec/value', '"best"']]],
    ['a guided that is no truth value', spec({ solver: { guided: 'yes' } }), [['spec/type', '"yes"']]],
    [
      'several mistakes at once',
      spec({ model: 1, property: { kind: 'x' }, solver: { tiemout: 1 } }),
      [
        ['spec/type', '1'],
        ['spec/value', '"x"'],
        ['spec/unknown-key', '"tiemout"'],
      ],
    ],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('are explained with what to do', () => {
    expect(message(spec({ modle: 1 }))).toBe('"modle" is unknown here. Did you mean "model"?');
    expect(message(check({ eps: 1 }))).toBe('"eps" is unknown here. Did you mean "epsilon"?');
    expect(message(spec({ zzz: 1 }))).toContain('Known here: $schema, model, inputs');
    expect(message(check({ norm: '2' }))).toBe(
      'Norm 2 is not supported yet; "inf" is: every feature may change by epsilon on its own.',
    );
    expect(message(check({ epsilon: '1 255' }))).toBe(
      '"1 255" is not a number. Expected a number not below 0 (fractions in quotes: "1/255").',
    );
    expect(message(check({ solver: { backend: 'zonotop' } }))).toBe(
      '"zonotop" is none of "auto", "crown", "milp", "zonotope" or "symbolic". Did you mean "zonotope"?',
    );
    expect(message(spec({ solver: { guided: 1 } }))).toBe('Expected true or false, found 1.');
    expect(message('{"model": "m", "inputs": {"data": "x"}}')).toContain('"checks" is missing.');
    expect(message(spec({ property: { kind: 'lable' } }))).toContain('Did you mean "label"?');
  });
});

describe('a check of weights', () => {
  const read = (changes: Record<string, unknown>) => {
    const parsed = parsePerturbationSpec(weights(changes), 'test.certiscope.jsonc');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return parsed.value.checks[0];
  };

  it.each<[Record<string, unknown>, name: string, values: object]>([
    [{ magnitude: 0.25 }, 'weights 0.25', { magnitude: { relative: false, lower: null, amount: { value: 0.25 } } }],
    [
      { magnitude: ['-1%', '2%'] },
      'weights -1% to 2%',
      { of: 'range', magnitude: { relative: true, lower: { value: -0.01 }, amount: { value: 0.02 } } },
    ],
    [{ magnitude: '1%', of: 'weight', entries: [3, 4] }, 'weights 1%', { of: 'weight', entries: [3, 4] }],
    [{ quantisation: { bits: 4 } }, 'weights in 4 bits', { quantisation: { bits: 4 } }],
    [{ bitFlips: { flips: [0, 7] } }, 'weights with flips of bit 0, 7', { bitFlips: { flips: [0, 7] } }],
    [{ magnitude: 1, epsilon: 0.1, clip: [0, 1], method: 'star' }, 'weights 1', { method: 'star' }],
  ])('%j', (changes, name, values) => {
    expect(read(changes)).toMatchObject({ name, layers: ['fc_1'], ...values });
  });
});

describe('the JSON schema', () => {
  it('in the repository is the one the parser reads by (UPDATE_SCHEMA=1 writes it)', async () => {
    const file = path.resolve(import.meta.dirname, '../../../schemas/certiscope-spec.schema.json');
    if (process.env.UPDATE_SCHEMA) {
      const { writeFileSync } = await import('node:fs');
      writeFileSync(file, `${JSON.stringify(specSchema(), null, 2)}\n`);
    }
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(specSchema())));
  });

  it('describes every key', () => {
    const undescribed: string[] = [];
    const visit = (schema: ReturnType<typeof specSchema>, place: string): void => {
      for (const [key, property] of Object.entries(schema.properties ?? {})) {
        if (!property.description) undescribed.push(`${place}.${key}`);
        visit(property, `${place}.${key}`);
      }
      for (const part of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])])
        visit(part, place);
    };
    visit(specSchema(), '');
    expect(undescribed).toEqual([]);
  });
});
