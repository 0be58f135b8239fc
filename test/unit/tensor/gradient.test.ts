import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Program } from '../../../src/tensor/compile';
import {
  constant,
  input,
  sizeOf,
  type ConvGeometry,
  type Expression,
  type FloatType,
  type Shape,
} from '../../../src/tensor/expression';
import { gradient } from '../../../src/tensor/gradient';
import { conv, convTranspose, dense, gather, matmul, sparse } from '../../../src/tensor/linear';
import * as op from '../../../src/tensor/operators';

type Build = (...variables: Expression[]) => Expression;

/** Distinct values away from the kinks at 0, so that finite differences see one smooth piece. */
function values(shape: Shape, seed: number, positive = false): number[] {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Array.from({ length: sizeOf(shape) }, (_, k) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const magnitude = 0.2 + (state / 2 ** 32) * 1.3 + k * 1e-3;
    return positive || state & 1024 ? magnitude : -magnitude;
  });
}

async function unwrap<T>(result: Promise<{ ok: true; value: T } | { ok: false; error: unknown }>): Promise<T> {
  const settled = await result;
  if (!settled.ok) throw new Error(JSON.stringify(settled.error));
  return settled.value;
}

/**
 * Compares the gradient of Σ w ⊙ f(x…) with central differences along the coordinates, for fixed pseudo-random w (so that no two elements
 * of a Jacobian can hide each other). `order` 2 does so for the directional derivative of f instead of f.
 */
async function check(
  build: Build,
  shapes: Shape[],
  options: {
    type?: FloatType;
    step?: number;
    tolerance?: number;
    positive?: boolean;
    order?: 1 | 2;
    seed?: number;
  } = {},
) {
  const { type = 'float64', step = 1e-5, tolerance = 1e-6, positive = false, order = 1, seed = 1 } = options;
  const array = (data: number[]) => (type === 'float64' ? Float64Array.from(data) : Float32Array.from(data));
  const variables = shapes.map((shape, k) => input(`x${k}`, shape, type));
  const value = build(...variables);
  const weighted = op.mul(value, constant(array(values(value.shape, seed + 77)), value.shape));
  let loss = op.reduceSum(weighted);
  if (order === 2) {
    const first = gradient(loss, variables);
    loss = first
      .map((each, k) => op.reduceSum(op.mul(each, constant(array(values(each.shape, seed + 33 + k)), each.shape))))
      .reduce((a, b) => op.add(a, op.reshape(b, a.shape.length ? b.shape : [])));
  }
  const gradients = gradient(loss, variables);
  gradients.forEach((each, k) => expect(each.shape).toEqual(shapes[k]));
  const outputs: Record<string, Expression> = { loss: op.reshape(loss, [1]) };
  gradients.forEach((each, k) => (outputs[`g${k}`] = each));
  const program = await unwrap(Program.compile(type, outputs));
  const points = shapes.map((shape, k) => values(shape, seed + k, positive));
  const run = (at: number[][]) =>
    unwrap(program.run(Object.fromEntries(at.map((each, k) => [`x${k}`, array(each)])) as never));
  const at = await run(points);
  for (let k = 0; k < shapes.length; k++) {
    for (let i = 0; i < points[k].length; i += Math.max(1, Math.floor(points[k].length / 12))) {
      const moved = (by: number) =>
        points.map((each, j) => (j === k ? each.map((x, m) => (m === i ? x + by : x)) : each));
      const up = (await run(moved(step))).loss[0];
      const down = (await run(moved(-step))).loss[0];
      const difference = (up - down) / (2 * step);
      expect(
        Math.abs(at[`g${k}`][i] - difference),
        `d/dx${k}[${i}]: ${at[`g${k}`][i]} against ${difference}`,
      ).toBeLessThan(tolerance * (1 + Math.abs(difference)));
    }
  }
  await program.close();
}

const UNARY = ['neg', 'abs', 'exp', 'sigmoid', 'tanh', 'relu'] as const;
const BINARY = ['add', 'sub', 'mul', 'div', 'max', 'min'] as const;

describe('gradients agree with finite differences (float64)', () => {
  it.each(UNARY)('%s', async name => check(x => op[name](x), [[3, 4]]));
  it.each(['log', 'sqrt'] as const)('%s', async name => check(x => op[name](x), [[3, 4]], { positive: true }));
  it.each(BINARY)('%s', async name =>
    check(
      (a, b) => op[name](a, b),
      [
        [3, 4],
        [3, 4],
      ],
      { seed: 5 },
    ),
  );
  it.each(BINARY)('%s, broadcasting both ways', async name =>
    check(
      (a, b) => op[name](a, b),
      [
        [3, 1, 2],
        [4, 1],
      ],
    ),
  );
  it('where', async () =>
    check(
      (a, b) => op.where(op.greater(a, b), op.mul(a, b), op.sub(a, b)),
      [
        [3, 4],
        [3, 4],
      ],
    ));
  it('clip', async () => check(a => op.clip(a, -0.5, 0.8), [[4, 5]]));
  it('reductions', async () => {
    await check(a => op.reduceSum(a, [1]), [[2, 3, 4]]);
    await check(a => op.reduceMax(op.mul(a, a), [0, 2]), [[2, 3, 4]]);
    await check(a => op.reduceMean(op.mul(a, a), [-1]), [[2, 3, 4]]);
  });
  it('softmax and log-sum-exp', async () => {
    await check(a => op.softmax(a, 1), [[3, 5]]);
    await check(a => op.logSumExp(a, 1), [[3, 5]]);
  });
  it('changes of shape', async () => {
    await check(a => op.reshape(op.transpose(a, [2, 0, 1]), [6, 4]), [[2, 3, 4]]);
    await check(a => op.expand(a, [5, 2, 3]), [[2, 1]]);
    await check(
      (a, b) => op.concat([a, op.mul(b, b), a], 1),
      [
        [2, 3],
        [2, 1],
      ],
    );
    await check(a => op.pad(op.slice(a, 1, 1, 3), 0, 2, 1), [[2, 4]]);
  });
  it('gather, of the last and of another axis, with repetitions', async () => {
    await check(a => gather(a, 1, Int32Array.of(2, 0, 2, 2)), [[3, 4]]);
    await check(a => gather(a, 0, Int32Array.of(2, 1, 2)), [[3, 4]]);
  });
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('matrix product, transposed %s %s', async (ta, tb) => {
    await check((a, b) => matmul(a, b, ta, tb), [ta ? [4, 3] : [3, 4], tb ? [5, 4] : [4, 5]]);
    await check((a, b) => matmul(a, b, ta, tb), [ta ? [2, 4, 3] : [2, 3, 4], tb ? [5, 4] : [4, 5]]);
  });
  it('dense layer', async () => check((x, w, b) => dense(x, w, b), [[2, 3, 4], [5, 4], [5]]));

  it('sparse rows of any lengths, and their gradient', async () => {
    const rows = fc.array(
      fc.array(fc.tuple(fc.nat(5), fc.double({ min: -2, max: 2, noNaN: true })), { maxLength: 9 }),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(rows, fc.boolean(), async (lists, plain) => {
        const rowStart = Int32Array.from([
          0,
          ...lists.map((_, r) => lists.slice(0, r + 1).reduce((n, list) => n + list.length, 0)),
        ]);
        const column = Int32Array.from(lists.flat().map(([index]) => index));
        const value = plain ? null : Float64Array.from(lists.flat().map(([, coefficient]) => coefficient));
        await check(x => sparse(op.mul(x, x), { rowStart, column, value }), [[2, 6]]);
      }),
      { numRuns: 12 },
    );
  });
});

describe('gradients of gradients', () => {
  it('of smooth functions', async () => {
    await check((a, b) => op.sigmoid(op.mul(op.tanh(a), b)), [[3, 2], [2]], { order: 2, tolerance: 1e-5 });
    await check(
      (x, w) => op.logSumExp(op.tanh(dense(x, w, null)), 1),
      [
        [2, 3],
        [4, 3],
      ],
      { order: 2, tolerance: 1e-5 },
    );
    await check((a, b) => op.div(op.exp(a), op.mul(b, b)), [[3], [3]], { order: 2, tolerance: 1e-5 });
  });
  it('of a convolution', async () => {
    const geometry: ConvGeometry = { strides: [1, 2], dilations: [1, 1], pads: [1, 0, 1, 1], groups: 1 };
    await check(
      (x, w) => op.mul(conv(x, w, geometry), conv(x, w, geometry)),
      [
        [1, 2, 4, 4],
        [2, 2, 3, 2],
      ],
      {
        type: 'float32',
        order: 2,
        step: 0.05,
        tolerance: 2e-2,
      },
    );
  });
});

describe('convolutions (float32; they are linear in each argument, so that large steps are exact)', () => {
  const geometries = fc.record({
    strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 })),
    dilations: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    pads: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
    groups: fc.constantFrom(1, 2),
  });
  it('conv', async () => {
    await fc.assert(
      fc.asyncProperty(geometries, async geometry => {
        const kernel: Shape = [4, 2 / geometry.groups, 2, 3];
        await check((x, w) => conv(x, w, geometry), [[2, 2, 6, 7], kernel], {
          type: 'float32',
          step: 0.5,
          tolerance: 1e-3,
        });
      }),
      { numRuns: 15 },
    );
  });
  it('convTranspose is the transpose of conv, and differentiates', async () => {
    await fc.assert(
      fc.asyncProperty(geometries, async geometry => {
        const kernel: Shape = [4, 2 / geometry.groups, 2, 3];
        const x = input('x', [1, 2, 6, 7]);
        const w = input('w', kernel);
        const y = conv(x, w, geometry);
        const g = input('g', y.shape);
        const back = convTranspose(g, w, geometry, [6, 7]);
        const program = await unwrap(
          Program.compile('float32', { left: op.reduceSum(op.mul(y, g)), right: op.reduceSum(op.mul(x, back)) }),
        );
        const feed = (e: Expression, seed: number) => Float32Array.from(values(e.shape, seed));
        const { left, right } = await unwrap(program.run({ x: feed(x, 1), w: feed(w, 2), g: feed(g, 3) }));
        expect(Math.abs(left[0] - right[0])).toBeLessThan(1e-3 * (1 + Math.abs(left[0])));
        await check((a, b) => convTranspose(a, b, geometry, [6, 7]), [y.shape, kernel], {
          type: 'float32',
          step: 0.5,
          tolerance: 1e-3,
        });
        await program.close();
      }),
      { numRuns: 15 },
    );
  });
  it('refuses float64, which ONNX Runtime cannot convolve', () => {
    const geometry: ConvGeometry = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1 };
    expect(() => conv(input('x', [1, 1, 3, 3], 'float64'), input('w', [1, 1, 2, 2], 'float64'), geometry)).toThrow(
      /float64/,
    );
  });
});

describe('messages of mistakes', () => {
  it('name operator and shapes', () => {
    expect(() => op.add(input('a', [2, 3]), input('b', [4, 3]))).toThrow('[2, 3] does not broadcast with [4, 3]');
    expect(() => matmul(input('a', [2, 3]), input('b', [4, 5]))).toThrow(/input\[2×3\] float32 and input\[4×5\]/);
    expect(() => op.mul(input('a', [2]), input('b', [2], 'float64'))).toThrow(/float32.*float64/);
  });
});
