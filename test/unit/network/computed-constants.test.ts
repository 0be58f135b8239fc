import { describe, expect, it } from 'vitest';
import { model, node, tensor, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import { loadModelBytes } from '../../../src/network/load';
import { strengthened } from '../../../src/verify/runtime-soundness';

/** y = x + c, with c either in the file or computed there from two constants. */
function load(computed: boolean) {
  const nodes = computed
    ? [node('Sub', ['a', 'b'], ['c']), node('Add', ['x', 'c'], ['y'])]
    : [node('Add', ['x', 'a'], ['y'])];
  const file = model({
    nodes,
    inputs: [valueInfo('x', 'float32', [1, 2])],
    outputs: [valueInfo('y', 'float32', [1, 2])],
    initializers: [
      tensor('a', [2], Float32Array.of(12345.678, 1)),
      ...(computed ? [tensor('b', [2], Float32Array.of(12345.679, 1))] : []),
    ],
  });
  const loaded = loadModelBytes(encodeModel(file), 'sum.onnx');
  if (!loaded.ok) throw new Error(loaded.error.message);
  return loaded.value;
}

const none = { index: new Int32Array(0), value: new Float64Array(0) };
const box = {
  lower: new Float64Array(2),
  upper: new Float64Array(2),
  lowerPoint: new Float32Array(2),
  upperPoint: new Float32Array(2),
};
const constraint = {
  outputs: { index: Int32Array.of(0), value: Float64Array.of(1) },
  inputs: none,
  bound: 0,
  coefficientError: 0,
  strict: false,
};
const question = { disjuncts: [{ box, constraints: [constraint] }], inputSize: 2, outputSize: 2 };

describe('constants that the file computes', () => {
  it('are told from those that it holds', () => {
    expect(load(true).computesConstants).toBe(true);
    expect(load(false).computesConstants).toBe(false);
  });

  it('have no runtime soundness, and the message says why', () => {
    const refused = strengthened(question, load(true));
    expect(refused.ok).toBe(false);
    if (!refused.ok) expect(refused.error.message).toContain('computes constants');
    const moved = strengthened(question, load(false));
    expect(moved.ok && moved.value.disjuncts[0].constraints[0].bound).toBeGreaterThan(0);
  });
});
