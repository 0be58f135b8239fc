import { describe, expect, it } from 'vitest';
import { createBounder } from '../../../src/bounds/create-bounder';
import type { Constraint, Question } from '../../../src/spec/question';
import { InputSearch } from '../../../src/verify/input-split/search';
import { boxProblems } from '../../../src/verify/problems';
import { randomChain } from '../bounds/chains';

const network = randomChain(1, [2, 4, 1]);
const box = {
  lower: Float64Array.of(-1, -1),
  upper: Float64Array.of(1, 1),
  lowerPoint: Float32Array.of(-1, -1),
  upperPoint: Float32Array.of(1, 1),
};
const atMost = (bound: number): Constraint => ({
  outputs: { index: Int32Array.of(0), value: Float64Array.of(1) },
  inputs: { index: new Int32Array(0), value: new Float64Array(0) },
  bound,
  coefficientError: 0,
  strict: false,
});
const question = (...ways: readonly (readonly Constraint[])[]): Question => ({
  disjuncts: ways.map(constraints => ({ box, constraints })),
  inputSize: 2,
  outputSize: 1,
});

function search(asked: Question): InputSearch {
  const [problem] = boxProblems(asked);
  return new InputSearch(problem, createBounder(network, problem.constraints), () => {});
}

describe('unusual questions', () => {
  it('a constraint written many times in one disjunct is one row', () => {
    const impossible = atMost(-1e6);
    const asked = question(Array.from({ length: 12 }, () => impossible));
    expect(boxProblems(asked)[0].disjuncts).toEqual([[0]]);
    const inputSearch = search(asked);
    expect(inputSearch.step(inputSearch.root(1)).kind).toBe('closed');
  });

  it('a disjunct without constraints stays open, whatever its neighbours', () => {
    const inputSearch = search(question([atMost(-1e6)], [], [atMost(0)]));
    let box = inputSearch.root(1);
    for (let depth = 0; depth < 5; depth++) {
      const outcome = inputSearch.step(box);
      if (outcome.kind !== 'split') throw new Error(`the box was ${outcome.kind}`);
      for (const child of outcome.children) expect(child.open).toContain(1);
      box = outcome.children[0];
    }
  });

  it('planes of an earlier pass cut nothing away when a pass finds no usable bounds', () => {
    const [problem] = boxProblems(question([atMost(0)]));
    const bounder = createBounder(network, problem.constraints);
    bounder.zonotope = () => Float64Array.of(-1);
    bounder.backward = () => Float64Array.of(-1);
    bounder.crown = () => ({ unstable: -1, lower: Float64Array.of(-Infinity) });
    bounder.plane = () => ({ coefficients: Float64Array.of(0, 0), constant: 1 });
    const inputSearch = new InputSearch(problem, bounder, () => {});
    expect(inputSearch.step(inputSearch.root(1)).kind).toBe('split');
  });
});
