import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { dualBound, provesInfeasible } from '../../../src/lp/certified';
import { HighsModel } from '../../../src/lp/highs';
import { ProgramBuilder, withObjective, type LinearProgram } from '../../../src/lp/linear-program';
import { Rational } from '../network/rational';

/** A random program around a point that satisfies it; rows are one-sided, two-sided or equations, coefficients of very different sizes. */
function randomProgram(seed: number, spread = 0): LinearProgram {
  const random = new Random(seed);
  const builder = new ProgramBuilder();
  const draw = () => random.normal() * 2 ** Math.round(spread * (random.uniform() - 0.5));
  const columns = Array.from({ length: 2 + random.integer(8) }, (_, k) => k);
  const point = columns.map(() => random.normal());
  for (const x of point) builder.addColumn(x - 2 * random.uniform(), x + 2 * random.uniform());
  for (let rows = random.integer(10); rows > 0; rows--) {
    const used = columns.filter((_, k) => k === rows % columns.length || random.integer(2) === 0);
    const values = used.map(draw);
    const at = used.reduce((sum, column, k) => sum + values[k] * point[column], 0);
    const [below, above] = [random.uniform(), random.uniform()].map(slack => slack * 2 ** Math.round(spread / 2));
    const kind = random.integer(4);
    builder.addRow(kind === 0 ? -Infinity : at - below, kind === 1 ? Infinity : at + above, used, values);
  }
  return withObjective(builder.build(), { columns, values: columns.map(draw), offset: draw() });
}

/** The dual bound of the same multipliers in exact arithmetic. */
function exactDualBound(program: LinearProgram, duals: ArrayLike<number>): Rational {
  let bound = Rational.of(program.offset);
  const reduced = Array.from(program.cost, Rational.of);
  for (let i = 0; i < program.rowLower.length; i++) {
    const side = duals[i] > 0 ? program.rowLower[i] : program.rowUpper[i];
    if (duals[i] === 0 || !Number.isFinite(side)) continue;
    const y = Rational.of(duals[i]);
    bound = bound.plus(y.times(Rational.of(side)));
    for (let k = program.rowStart[i]; k < program.rowStart[i + 1]; k++)
      reduced[program.column[k]] = reduced[program.column[k]].minus(y.times(Rational.of(program.value[k])));
  }
  reduced.forEach((d, j) => {
    const end = d.atMost(Rational.zero) ? program.columnUpper[j] : program.columnLower[j];
    bound = bound.plus(d.times(Rational.of(end)));
  });
  return bound;
}

const seeds = Array.from({ length: 60 }, (_, seed) => seed);

describe('the re-evaluated dual bound', () => {
  it.each(seeds)('is not above the exact one, and reaches the optimum with the solver’s duals, seed %i', async seed => {
    const program = randomProgram(seed);
    const model = await HighsModel.open(program);
    const solved = model.solve();
    model.dispose();
    expect(solved.kind).toBe('optimal');
    if (solved.kind !== 'optimal') return;
    const bound = dualBound(program, solved.rowDuals!);
    expect(Rational.of(bound).atMost(exactDualBound(program, solved.rowDuals!))).toBe(true);
    expect(Math.abs(bound - solved.objective)).toBeLessThan(1e-6 * (1 + Math.abs(solved.objective)));
  });

  it.each(seeds)('is not above the exact one for any multipliers, seed %i', seed => {
    const random = new Random(seed + 1000);
    const program = randomProgram(seed, 40);
    const duals = Float64Array.from(program.rowLower, () => random.normal() * 2 ** (20 * random.normal()));
    const bound = dualBound(program, duals);
    const exact = exactDualBound(program, duals);
    expect(Rational.of(bound).atMost(exact)).toBe(true);
    // Nor further below than rounding explains.
    const size = Math.max(...duals.map(Math.abs), 1) * 2 ** 24;
    expect(exact.atMost(Rational.of(bound + size * 1e-12))).toBe(true);
  });

  it('concludes nothing from a column that is open where its cost pulls, or from numbers out of range', () => {
    const builder = new ProgramBuilder();
    const column = builder.addColumn(0, Infinity);
    builder.addRow(-Infinity, 3, [column], [1]);
    const program = withObjective(builder.build(), { columns: [column], values: [-1], offset: 0 });
    expect(dualBound(program, [0])).toBe(-Infinity);
    expect(dualBound(program, [NaN])).toBe(-Infinity);
    expect(dualBound(program, [1e70])).toBe(-Infinity);
    expect(dualBound(program, [-1])).toBe(-Infinity); // The sign of a reduced cost that may have been rounded is not certain.
    expect(dualBound(program, [-1.001])).toBeCloseTo(-3.003, 12);
  });
});

describe('Farkas rays', () => {
  it.each(seeds.slice(0, 30))('prove programs infeasible that are, and no other, seed %i', async seed => {
    const program = randomProgram(seed);
    const model = await HighsModel.open(program);
    const feasible = model.solve();
    expect(feasible.kind).toBe('optimal');
    if (program.rowLower.length === 0 || feasible.kind !== 'optimal') return model.dispose();
    // The first row asked for more than its columns can give.
    let most = 0;
    for (let k = program.rowStart[0]; k < program.rowStart[1]; k++)
      most += Math.max(
        program.value[k] * program.columnLower[program.column[k]],
        program.value[k] * program.columnUpper[program.column[k]],
      );
    model.changeRowBounds(0, most + 0.01, Infinity);
    const solved = model.solve();
    expect(solved.kind).toBe('infeasible');
    if (solved.kind === 'infeasible') {
      expect(provesInfeasible(model.program, solved.ray!)).toBe(true);
      expect(provesInfeasible(program, solved.ray!)).toBe(false);
    }
    model.dispose();
  });
});
