import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { provesInfeasible } from '../../../src/lp/certified';
import { HighsModel } from '../../../src/lp/highs';
import { ProgramBuilder, withObjective, type LinearProgram } from '../../../src/lp/linear-program';

/** minimise −x − 2y, x + y ≤ 4, x − y between −2 and 2, 0 ≤ x, y ≤ 3.5: the optimum is (1, 3), −7. */
function small(integer = false): LinearProgram {
  const builder = new ProgramBuilder();
  const [x, y] = [builder.addColumn(0, 3.5, integer), builder.addColumn(0, 3.5, integer)];
  builder.addRow(-Infinity, 4, [x, y], [1, 1]);
  builder.addRow(-2, 2, [x, y], [1, -1]);
  return withObjective(builder.build(), { columns: [x, y], values: [-1, -2], offset: 0 });
}

/** A knapsack with many nearly equal items: far too hard to finish. */
function hard(): LinearProgram {
  const random = new Random(7);
  const builder = new ProgramBuilder();
  const items = Array.from({ length: 60 }, () => builder.addColumn(0, 1, true));
  for (let row = 0; row < 12; row++)
    builder.addRow(
      -Infinity,
      1000.5,
      items,
      items.map(() => 30 + random.integer(40)),
    );
  return withObjective(builder.build(), {
    columns: items,
    values: items.map(() => -(40 + random.integer(20))),
    offset: 0,
  });
}

/** Each column is one more than the one before, and there is no room for so many: presolve sees it, and leaves no ray. */
function excluded(): LinearProgram {
  const builder = new ProgramBuilder();
  const columns = Array.from({ length: 40 }, () => builder.addColumn(0, 30));
  for (let k = 1; k < columns.length; k++) builder.addRow(1, 1, [columns[k], columns[k - 1]], [1, -1]);
  return builder.build();
}

describe('HiGHS', () => {
  it('solves linear programs, again after changes, and from a basis', async () => {
    const model = await HighsModel.open(small());
    expect(model.solve()).toMatchObject({ kind: 'optimal', objective: -7, bound: -7 });
    const basis = model.basis();
    expect(basis).not.toBeNull();
    model.changeCost(Float64Array.of(-2, -1));
    expect(model.solve()).toMatchObject({ kind: 'optimal', objective: -7 });
    model.changeColumnBounds(0, 0, 1);
    expect(model.solve()).toMatchObject({ kind: 'optimal', objective: -5, primal: Float64Array.of(1, 3) });
    expect(model.program.columnUpper[0]).toBe(1);
    model.startFrom(basis!);
    expect(model.solve()).toMatchObject({ kind: 'optimal', objective: -5 });
    model.dispose();
  });

  it('solves mixed-integer programs', async () => {
    const program = small(true);
    program.columnUpper[1] = 2.5;
    const model = await HighsModel.open(program);
    const solved = model.solve();
    expect(solved).toMatchObject({ kind: 'optimal', objective: -6, rowDuals: null, primal: Float64Array.of(2, 2) });
    expect(model.basis()).toBeNull();
    model.dispose();
  });

  it('never calls a linear program infeasible for which it had no time to find the ray', async () => {
    const program = excluded();
    for (let seconds = 1e-5; seconds < 0.005; seconds *= 1.3) {
      const model = await HighsModel.open(program);
      const outcome = model.solve({ seconds });
      if (outcome.kind === 'infeasible') expect(outcome.ray && provesInfeasible(program, outcome.ray)).toBe(true);
      else expect(outcome.kind).toBe('timeLimit');
      model.dispose();
    }
  });

  it('gives up all models of an instance that has crashed, and opens the next ones in a fresh one', async () => {
    const [crashing, beside] = [await HighsModel.open(small()), await HighsModel.open(small())];
    const trap = () => {
      throw Object.assign(new Error('unreachable'), { name: 'RuntimeError' });
    };
    Object.assign((crashing as unknown as { readonly model: object }).model, { run: trap });
    for (const model of [crashing, beside]) {
      expect(model.solve()).toEqual({ kind: 'failed', reason: 'HiGHS crashed (unreachable)' });
      expect(model.basis()).toBeNull();
      model.changeColumnBounds(0, 0, 1);
      model.dispose();
    }
    const fresh = await HighsModel.open(small());
    expect(fresh.solve()).toMatchObject({ kind: 'optimal', objective: -7 });
    fresh.dispose();
  });

  it('tells infeasible, with a ray, from unbounded', async () => {
    const model = await HighsModel.open(small());
    model.changeRowBounds(0, 8, 9);
    const solved = model.solve();
    expect(solved).toMatchObject({ kind: 'infeasible' });
    expect(solved.kind === 'infeasible' && solved.ray).toHaveLength(2);
    model.changeRowBounds(0, -Infinity, Infinity);
    model.changeRowBounds(1, -Infinity, Infinity);
    model.changeColumnBounds(0, 0, Infinity);
    expect(model.solve()).toEqual({ kind: 'unbounded' });
    model.dispose();
  });

  it('stops in time and on request, with the bound it had', async () => {
    const model = await HighsModel.open(hard());
    const begin = performance.now();
    const late = model.solve({ seconds: 0.5 });
    expect(late.kind).toBe('timeLimit');
    expect(late.kind === 'timeLimit' && late.bound).toBeLessThan(-500);
    // The limit is that of one solve, not of all together.
    expect(model.solve({ seconds: 0.5 }).kind).toBe('timeLimit');
    expect(performance.now() - begin).toBeLessThan(20_000);
    let polls = 0;
    const stopped = model.solve({ seconds: 30, interrupted: () => ++polls > 3 });
    expect(stopped.kind).toBe('interrupted');
    expect(performance.now() - begin).toBeLessThan(25_000);
    model.dispose();
  });
});
