import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import type { BoxBounder } from '../../../src/bounds/bounder';
import { ChainLadder, denseChain } from '../../../src/bounds/chain';
import { GraphBounder } from '../../../src/bounds/graph/graph-bounder';
import type { DenseNode, Network } from '../../../src/network/network';
import type { Constraint } from '../../../src/spec/question';
import { Rational } from '../network/rational';
import { randomBox, randomChain, randomConstraints } from './chains';

/** The exact value of outputs·y + inputs·x − bound at a float64 point, in rational arithmetic. */
function exactMargin(network: Network, input: Float64Array, constraint: Constraint): Rational {
  let values = Array.from(input, Rational.of);
  const x = values;
  for (const node of network.nodes) {
    if (node.kind === 'relu') values = values.map(v => (v.atMost(Rational.zero) ? Rational.zero : v));
    else if (node.kind === 'dense') values = exactDense(node, values);
  }
  let margin = Rational.of(-constraint.bound);
  constraint.outputs.index.forEach(
    (i, k) => (margin = margin.plus(values[i].times(Rational.of(constraint.outputs.value[k])))),
  );
  constraint.inputs.index.forEach(
    (i, k) => (margin = margin.plus(x[i].times(Rational.of(constraint.inputs.value[k])))),
  );
  return margin;
}

function exactDense(node: DenseNode, x: readonly Rational[]): Rational[] {
  return Array.from({ length: node.size }, (_, i) =>
    x.reduce(
      (sum, value, j) => sum.plus(value.times(Rational.of(node.weight[i * x.length + j]))),
      Rational.of(node.bias![i]),
    ),
  );
}

/**
 * On a box of one point every bound is the value itself less what rounding may have cost. So a bound that forgets some rounding shows here: it
 * lands above the exact value about every other time. The weights' exponents are spread so that sums cancel.
 */
describe('bounds on single points against exact rational arithmetic', () => {
  const cases = Array.from({ length: 40 }, (_, seed) => seed);
  it.each(cases)('seed %i', seed => {
    const random = new Random(seed);
    const network = randomChain(seed, [3, 9, 11, 8, 2], 0, seed % 4 === 0 ? 40 : 4);
    const constraints = randomConstraints(random, 4, 2, 3);
    const rows = [0, 1, 2, 3];
    const bounders: BoxBounder[] = [
      new ChainLadder(denseChain(network)!, constraints),
      new GraphBounder(network, constraints),
    ];
    const { lower } = randomBox(random, 3, 0);
    const exact = constraints.map(constraint => exactMargin(network, lower, constraint));
    for (const bounder of bounders) {
      bounder.setBox(lower, lower.slice(), null);
      for (const bounds of [bounder.zonotope(rows)!, bounder.backward(rows), bounder.crown(rows).lower])
        rows.forEach(row => {
          expect(Rational.of(bounds[row]).atMost(exact[row]), `row ${row}`).toBe(true);
          // And it is no further below than rounding can explain.
          if (seed % 4 !== 0) expect(exact[row].atMost(Rational.of(bounds[row] + 1e-9)), `row ${row}`).toBe(true);
        });
    }
  });
});
