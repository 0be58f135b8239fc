import { describe, expect, it } from 'vitest';
import { outline, specificationKind, type Outline } from '../../../src/extension/core/outline';
import { readSpecification } from '../../../src/extension/core/read-specification';
import type { Range } from '../../../src/base/result';

const SPEC = `{
  // a comment
  "model": "digits.onnx",
  "inputs": { "data": "digits.npy" },
  "preprocess": { "scale": "1/255" },
  "checks": [
    { "name": "one level", "perturb": "input", "epsilon": "1/255" },
    {
      "perturb": "input", "epsilon": "2/255",
    },
  ],
}
`;

function textIn(text: string, { start, end }: Range): string {
  const lines = text.split('\n');
  const offset = (line: number, character: number) =>
    lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0) + character;
  return text.slice(offset(start.line, start.character), offset(end.line, end.character));
}

const fingerprints = ({ properties }: Outline) => properties.map(property => property.fingerprint);

describe('specificationKind', () => {
  it('goes by the name', () => {
    expect(specificationKind('/a/b.certiscope.jsonc')).toBe('perturbation');
    expect(specificationKind('/a/b.vnnlib')).toBe('vnnlib');
    expect(specificationKind('/a/b.vnnlib.gz')).toBe('vnnlib');
    expect(specificationKind('/a/b.jsonc')).toBeNull();
    expect(specificationKind('/a/b.onnx')).toBeNull();
  });
});

describe('outline of a perturbation specification', () => {
  const read = outline('a.certiscope.jsonc', SPEC);

  it('has a property for every check, at its own characters', () => {
    expect(read.properties.map(({ name }) => name)).toEqual(['one level', 'check 2']);
    expect(textIn(SPEC, read.properties[0]!.range)).toBe(
      '{ "name": "one level", "perturb": "input", "epsilon": "1/255" }',
    );
    expect(textIn(SPEC, read.properties[0]!.anchor)).toBe('"one level"');
    expect(textIn(SPEC, read.properties[1]!.anchor)).toBe('{');
  });

  it('knows the model and where it and the preprocessing are written', () => {
    expect(read.model).toBe('digits.onnx');
    expect(textIn(SPEC, read.places.model!)).toBe('"digits.onnx"');
    expect(textIn(SPEC, read.places.preprocess!)).toBe('{ "scale": "1/255" }');
  });

  it('takes the names that the engine uses where the text is valid', () => {
    const { outline: named } = readSpecification('a.certiscope.jsonc', SPEC);
    expect(named.properties.map(({ name }) => name)).toEqual(['one level', 'epsilon 2/255']);
  });

  it('a comment, layout, the order of keys and the name do not change the meaning', () => {
    const same = SPEC.replace('// a comment', '// another').replace(
      '{ "name": "one level", "perturb": "input", "epsilon": "1/255" }',
      '{"epsilon":"1/255",\n"perturb":"input","name":"x"}',
    );
    expect(fingerprints(outline('a.certiscope.jsonc', same))).toEqual(fingerprints(read));
  });

  it('a changed ε changes the meaning of its check alone', () => {
    const edited = fingerprints(outline('a.certiscope.jsonc', SPEC.replace('"2/255"', '"3/255"')));
    expect(edited[0]).toBe(fingerprints(read)[0]);
    expect(edited[1]).not.toBe(fingerprints(read)[1]);
  });

  it('what all checks share changes the meaning of every check', () => {
    const edited = fingerprints(outline('a.certiscope.jsonc', SPEC.replace('"scale": "1/255"', '"scale": 1')));
    expect(edited.every((fingerprint, index) => fingerprint !== fingerprints(read)[index])).toBe(true);
  });

  it.each(['', '{', '[]', 'nonsense', '{ "checks": 3 }', '{ "checks": [1, "a", null] }'])('survives %j', text => {
    expect(outline('a.certiscope.jsonc', text).properties).toEqual([]);
  });
});

describe('outline of a VNN-LIB file', () => {
  const text = `; (assert (<= Y_0 0)) is only a comment
(declare-const X_0 Real)
(declare-const Y_0 Real)
(assert (>= X_0 0))
(assert (or (and (<= Y_0 1))
            (and (>= Y_0 2))))
`;
  const read = outline('/sets/prop_1.vnnlib.gz', text);

  it('is one property, named after the file, at the assertion about an output', () => {
    const [property] = read.properties;
    expect(read.properties).toHaveLength(1);
    expect(property!.name).toBe('prop_1');
    expect(property!.range).toEqual({ start: { line: 4, character: 0 }, end: { line: 5, character: 30 } });
    expect(textIn(text, property!.anchor)).toBe('(assert (or (and (<= Y_0 1))');
  });

  it('comments and white space do not change its meaning, numbers do', () => {
    const again = (edited: string) => fingerprints(outline('/sets/prop_1.vnnlib', edited))[0];
    expect(again(text.replace('only a comment', 'nothing').replace(/\n/g, '\n\n'))).toBe(again(text));
    expect(again(text.replace('Y_0 1', 'Y_0 1.5'))).not.toBe(again(text));
  });

  it('stands on the first line when no assertion speaks of an output', () => {
    expect(outline('a.vnnlib', 'first\nsecond').properties[0]!.range).toEqual({
      start: { line: 0, character: 0 },
      end: { line: 0, character: 5 },
    });
  });

  it('takes a large file in its stride', () => {
    const large = `${Array.from({ length: 100_000 }, (_, k) => `(assert (>= X_${k} 0.125))`).join('\n')}\n(assert (<= Y_0 0))\n`;
    expect(outline('a.vnnlib', large).properties[0]!.range.start.line).toBe(100_000);
  });
});
