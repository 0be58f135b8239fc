import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  epsilonProblem,
  newSpecificationText,
  PREPROCESSINGS,
  type NewSpecification,
} from '../../../src/extension/core/new-specification';
import { readSpecification } from '../../../src/extension/core/read-specification';
import { parsePerturbationSpec } from '../../../src/spec/perturbation/parse';

const wanted: NewSpecification = {
  model: 'digits.onnx',
  data: 'data/t10k-images-idx3-ubyte.gz',
  labels: 'data/t10k-labels-idx1-ubyte.gz',
  count: 10_000,
  preprocess: PREPROCESSINGS[0]!,
  property: 'label',
  epsilon: '1/255',
};

describe('a new specification', () => {
  it('says what was chosen, with the first ten samples', () => {
    const parsed = parsePerturbationSpec(newSpecificationText(wanted), '/w/digits.certiscope.jsonc');
    if (!parsed.ok) throw new Error(parsed.error.map(problem => problem.message).join('\n'));
    const { model, inputs, preprocess, checks } = parsed.value;
    expect(model).toBe('digits.onnx');
    expect(inputs.data).toEqual({ kind: 'files', paths: ['data/t10k-images-idx3-ubyte.gz'] });
    expect(inputs.labels).toEqual({ kind: 'file', path: 'data/t10k-labels-idx1-ubyte.gz' });
    expect(inputs.select).toEqual([{ first: 0, last: 9 }]);
    expect(preprocess.scale.text).toBe('1/255');
    expect(checks.map(({ name }) => name)).toEqual(['within 1/255']);
  });

  it('is a valid specification whatever is chosen', () => {
    const choices = fc.record({
      model: fc.constantFrom('m.onnx', 'my "best" model.onnx', 'ünïcode.onnx'),
      data: fc.oneof(
        fc.constantFrom('a.npy', '../data/b c.csv'),
        fc.array(fc.constant(0), { minLength: 1, maxLength: 9 }),
      ),
      labels: fc.constantFrom(null, 'labels.npy'),
      count: fc.constantFrom(null, 1, 2, 10_000),
      preprocess: fc.constantFrom(...PREPROCESSINGS),
      property: fc.constantFrom('label', 'topk', 'range'),
      epsilon: fc.constantFrom('1/255', '0.01', '1e-3'),
    });
    fc.assert(
      fc.property(choices, chosen => {
        const { problems, outline } = readSpecification('/w/x.certiscope.jsonc', newSpecificationText(chosen));
        expect(problems).toEqual([]);
        expect(outline.properties).toHaveLength(1);
      }),
    );
  });
});

describe('epsilonProblem', () => {
  it.each(['0.01', '1/255', '.5', '2e-3', ' 8 / 255 '])('accepts %j', text => expect(epsilonProblem(text)).toBeNull());
  it.each(['', 'abc', '0', '-1', '1/0', '1/2/3', '0,1'])('refuses %j', text =>
    expect(epsilonProblem(text)).not.toBeNull(),
  );
});
