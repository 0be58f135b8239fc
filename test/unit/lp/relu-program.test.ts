import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { ChainLadder, denseChain } from '../../../src/bounds/chain';
import { GraphBounder } from '../../../src/bounds/graph/graph-bounder';
import { dualBound } from '../../../src/lp/certified';
import { HighsModel } from '../../../src/lp/highs';
import { reluProgram, type ReluForm } from '../../../src/lp/relu-program';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import type { Box, Constraint } from '../../../src/spec/question';
import { randomChain, randomConstraints } from '../bounds/chains';
import { randomNetwork } from '../tensor/random-network';
import { fewFreeInputs, margins, optimum, plainRanges, truth } from '../verify/oracle';

const FORMS: readonly ReluForm[] = ['triangle', 'mixed-integer'];

interface Case {
  readonly network: Network;
  readonly box: Box;
  readonly constraints: readonly Constraint[];
}

function caseOf(network: Network, seed: number, count: number): Case {
  const random = new Random(seed + 31);
  const box = fewFreeInputs(random, network.inputSize, 4, [1, 0.3, 0.05][seed % 3]);
  return { network, box, constraints: randomConstraints(random, count, network.outputSize, network.inputSize) };
}

const chains = Array.from({ length: 16 }, (_, seed) =>
  caseOf(randomChain(seed, [3, 7, 8, 6, 3], seed % 2 === 0 ? 0 : 0.2), seed, 3),
);
const graphs = Array.from({ length: 10 }, (_, seed) => caseOf(randomNetwork(seed, ['relu', 'leakyRelu']), seed, 3));
const numbered = (cases: readonly Case[]) => cases.map((each, seed) => ({ ...each, seed }));

function pointOf(random: Random, box: Box): Float64Array {
  return box.lower.map((l, i) => Math.min(box.upper[i], l + (box.upper[i] - l) * random.uniform()));
}

describe('the program of a network', () => {
  it.each(numbered([...chains, ...graphs]))(
    'has every point of the box, case $seed',
    ({ network, box, constraints }) => {
      const random = new Random(5);
      for (const form of FORMS) {
        const written = reluProgram(network, plainRanges(network, box), constraints, form);
        if (!written.ok) throw new Error(written.error.message);
        const { program, columns } = written.value;
        for (let sample = 0; sample < 10; sample++) {
          const input = pointOf(random, box);
          const values = evaluate(network, input);
          const known = new Float64Array(program.cost.length).fill(NaN);
          columns.forEach((own, id) => own.forEach((column, i) => column >= 0 && (known[column] = values[id][i])));
          columns.forEach((own, id) => own.forEach((column, i) => column < 0 && expect(values[id][i]).toBe(0)));
          let checked = 0;
          for (let row = 0; row < program.rowLower.length; row++) {
            let sum = 0;
            for (let k = program.rowStart[row]; k < program.rowStart[row + 1]; k++)
              sum += program.value[k] * known[program.column[k]];
            // Rows with an indicator, or the largest margin, are what the solver chooses.
            if (Number.isNaN(sum)) continue;
            checked++;
            expect(sum).toBeGreaterThan(program.rowLower[row] - 1e-9);
            expect(sum).toBeLessThan(program.rowUpper[row] + 1e-9);
          }
          expect(checked).toBeGreaterThan(10);
        }
      }
    },
  );

  it('is refused for activations without straight pieces', () => {
    const network = randomNetwork(3, ['tanh']);
    const { lower, upper } = network.nodes.reduce<{ lower: Float64Array[]; upper: Float64Array[] }>(
      (ranges, node) => {
        ranges.lower.push(new Float64Array(node.size).fill(-1));
        ranges.upper.push(new Float64Array(node.size).fill(1));
        return ranges;
      },
      { lower: [], upper: [] },
    );
    expect(reluProgram(network, { lower, upper }, graphs[0].constraints, 'triangle')).toMatchObject({
      ok: false,
      error: { code: 'lp-unsupported' },
    });
  });

  it('gives a stable network no indicators', () => {
    const network = randomChain(1, [3, 7, 8, 3]);
    const box = fewFreeInputs(new Random(2), 3, 0, 0);
    const written = reluProgram(network, plainRanges(network, box), [chains[0].constraints[0]], 'mixed-integer');
    expect(written.ok && written.value.indicators).toBe(0);
  });

  it('keeps the inexactness of weights, biases and coefficients', async () => {
    const network = randomChain(1, [2, 4, 2]);
    const inexact = {
      ...network,
      nodes: network.nodes.map(node =>
        node.kind === 'dense' ? { ...node, relativeError: 1e-3, biasError: node.bias!.map(() => 0.01) } : node,
      ),
    };
    const { box, constraints } = caseOf(network, 2, 1);
    const ranges = plainRanges(network, box);
    const wide = {
      lower: ranges.lower.map((l, id) => (id === 0 ? l : l.map(x => x - 1))),
      upper: ranges.upper.map((u, id) => (id === 0 ? u : u.map(x => x + 1))),
    };
    const exact = await optimum(network, wide, constraints, 'mixed-integer');
    const less = await optimum(inexact, wide, constraints, 'mixed-integer');
    const least = await optimum(inexact, wide, [{ ...constraints[0], coefficientError: 0.1 }], 'mixed-integer');
    // The last bias alone can move the output by its error times the constraint's coefficients.
    const moved = 0.01 * constraints[0].outputs.value.reduce((sum, a) => sum + a, 0);
    expect(less.bound).toBeLessThan(exact.bound - Math.abs(moved) + 1e-9);
    expect(least.bound).toBeLessThan(less.bound - 1e-6);
  });
});

describe('bounds against the program', () => {
  it.each(numbered([...chains, ...graphs]))(
    'no certified bound exceeds the optimum; CROWN’s not the triangle’s, case $seed',
    async ({ network, box, constraints }) => {
      const chain = denseChain(network);
      const rows = constraints.map((_, row) => row);
      const exact: number[] = [];
      for (const constraint of constraints) exact.push((await truth(network, box, [constraint])).bound);
      const graph = new GraphBounder(network, constraints);
      for (const bounder of chain ? [graph, new ChainLadder(chain, constraints)] : [graph]) {
        bounder.setBox(box.lower, box.upper, null);
        const ladder = [bounder.zonotope(rows)!, bounder.backward(rows), bounder.crown(rows).lower];
        for (const bounds of ladder) rows.forEach(row => expect(bounds[row]).toBeLessThan(exact[row] + 1e-6));
      }
      // The neurons' bounds that `crown` left are what both rest on.
      const crown = graph.backward(rows);
      for (const [row, constraint] of constraints.entries()) {
        const written = reluProgram(network, graph.nodeBounds(), [constraint], 'triangle');
        if (!written.ok) throw new Error(written.error.message);
        const model = await HighsModel.open(written.value.program);
        const solved = model.solve();
        model.dispose();
        if (solved.kind !== 'optimal') throw new Error(JSON.stringify(solved));
        expect(crown[row]).toBeLessThan(solved.objective + 1e-6);
        expect(solved.objective).toBeLessThan(exact[row] + 1e-6);
        // And the LP's bound can be relied on: its duals, evaluated again, lose next to nothing.
        const certified = dualBound(written.value.program, solved.rowDuals!);
        expect(certified).toBeLessThan(solved.objective + 1e-7);
        expect(certified).toBeGreaterThan(solved.objective - 1e-6);
        expect(certified).toBeLessThan(margins(network, [constraint], pointOf(new Random(row), box))[0]);
      }
    },
  );
});
