import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AttributeValue, model, node, tensor, valueInfo } from '../../../src/network/authoring';
import { DotProduct } from '../../../src/network/coefficient-arithmetic';
import { encodeModel } from '../../../src/network/codec';
import type { NetworkNode } from '../../../src/network/network';
import type { NodeProto, TensorProto } from '../../../src/network/proto/onnx';
import { productError, sumError } from '../../../src/network/rounding';
import { mustLoad } from './onnx-runtime';
import { Rational } from './rational';

/** Numbers of very different sizes, all of the float type that the model uses. */
function numberOf(type: 'float32' | 'float64'): fc.Arbitrary<number> {
  return fc
    .tuple(fc.double({ min: -1, max: 1, noNaN: true, noDefaultInfinity: true }), fc.integer({ min: -12, max: 12 }))
    .map(([fraction, exponent]) =>
      type === 'float32' ? Math.fround(fraction * 2 ** exponent) : fraction * 2 ** exponent,
    )
    .map(value => (Math.abs(value) < 1e-30 ? 0.75 : value));
}

/** One affine step: the ONNX nodes that make it, and what it means for an exact vector. */
interface Step {
  readonly nodes: (input: string, output: string) => NodeProto[];
  readonly constants: readonly TensorProto[];
  readonly meaning: (x: readonly Rational[]) => Rational[];
}

type Numbers = 'float32' | 'float64';

function constantOf(name: string, shape: readonly number[], values: readonly number[], type: Numbers): TensorProto {
  return tensor(name, shape, type === 'float32' ? Float32Array.from(values) : Float64Array.from(values));
}

let names = 0;
const fresh = (): string => `c${names++}`;

const exactOperations = {
  Add: (a: Rational, b: Rational) => a.plus(b),
  Sub: (a: Rational, b: Rational) => a.minus(b),
  Mul: (a: Rational, b: Rational) => a.times(b),
  Div: (a: Rational, b: Rational) => a.over(b),
};

function elementwise(size: number, type: Numbers): fc.Arbitrary<Step> {
  return fc
    .record({
      op: fc.constantFrom('Add', 'Sub', 'Mul', 'Div'),
      c: fc.array(numberOf(type), { minLength: size, maxLength: size }),
      first: fc.boolean(),
    })
    .map(({ op, c, first }) => {
      const name = fresh();
      // The constant may stand first, but not over the input.
      const isFirst = first && op !== 'Div';
      const rule = exactOperations[op as 'Add'];
      return {
        nodes: (input, output) => [node(op, isFirst ? [name, input] : [input, name], [output])],
        constants: [constantOf(name, [1, size], c, type)],
        meaning: x => x.map((value, i) => (isFirst ? rule(Rational.of(c[i]), value) : rule(value, Rational.of(c[i])))),
      };
    });
}

/** Gemm with its factors; its weights may be computed in the file as quotient and sum of others. */
function gemm(inputs: number, outputs: number, type: Numbers): fc.Arbitrary<Step> {
  const list = (length: number): fc.Arbitrary<number[]> =>
    fc.array(numberOf(type), { minLength: length, maxLength: length });
  return fc
    .record({
      w: list(inputs * outputs),
      scale: list(outputs),
      b: list(outputs),
      alpha: numberOf('float32'),
      beta: numberOf('float32'),
      computed: fc.boolean(),
    })
    .map(({ w, scale, b, alpha, beta, computed }) => {
      const [weight, divisor, quotient, bias, twice] = [fresh(), fresh(), fresh(), fresh(), fresh()];
      return {
        nodes: (input, output) => [
          ...(computed ? [node('Div', [weight, divisor], [quotient]), node('Mul', [bias, bias], [twice])] : []),
          node('Gemm', [input, computed ? quotient : weight, computed ? twice : bias], [output], {
            alpha: { float: alpha },
            beta: { float: beta },
          }),
        ],
        constants: [
          constantOf(weight, [inputs, outputs], w, type),
          constantOf(divisor, [1, outputs], scale, type),
          constantOf(bias, [1, outputs], b, type),
        ],
        meaning: x =>
          b.map((value, j) => {
            const own = Rational.of(value);
            let sum = (computed ? own.times(own) : own).times(Rational.of(beta));
            x.forEach((element, i) => {
              const stored = Rational.of(w[i * outputs + j]);
              const exact = computed ? stored.over(Rational.of(scale[j])) : stored;
              sum = sum.plus(element.times(exact).times(Rational.of(alpha)));
            });
            return sum;
          }),
      };
    });
}

/** Batch normalisation of a flat vector, a channel for each element. */
function normalization(size: number, type: Numbers): fc.Arbitrary<Step> {
  const list = fc.array(numberOf(type), { minLength: size, maxLength: size });
  return fc.record({ g: list, b: list, m: list, v: list }).map(({ g, b, m, v }) => {
    const statistics = [g, b, m, v.map(Math.abs)];
    const own = statistics.map(fresh);
    const epsilon = Math.fround(1e-5);
    return {
      nodes: (input, output) => [
        node('BatchNormalization', [input, ...own], [output], { epsilon: { float: epsilon } }),
      ],
      constants: own.map((name, k) => constantOf(name, [size], statistics[k], type)),
      meaning: x =>
        x.map((value, i) => {
          const deviation = Rational.of(statistics[3][i]).plus(Rational.of(epsilon)).root();
          const factor = Rational.of(g[i]).over(deviation);
          return value.minus(Rational.of(m[i])).times(factor).plus(Rational.of(b[i]));
        }),
    };
  });
}

/** A convolution over [1, 2, 2, 2] without padding, and elementwise steps per channel around it. */
function convolution(type: Numbers): fc.Arbitrary<Step[]> {
  const list = (length: number): fc.Arbitrary<number[]> =>
    fc.array(numberOf(type), { minLength: length, maxLength: length });
  return fc
    .record({ before: list(2), shift: list(2), w: list(3 * 2 * 4), b: list(3), after: list(3) })
    .map(({ before, shift, w, b, after }) => {
      const image = { shape: [1, 2, 2, 2], channel: (i: number) => Math.floor(i / 4) };
      const channelwise = (op: 'Mul' | 'Sub', values: number[], channel: (i: number) => number): Step => {
        const name = fresh();
        return {
          nodes: (input, output) => [node(op, [input, name], [output])],
          constants: [constantOf(name, [1, values.length, 1, 1], values, type)],
          meaning: x => x.map((value, i) => exactOperations[op](value, Rational.of(values[channel(i)]))),
        };
      };
      const [weight, bias] = [fresh(), fresh()];
      const conv: Step = {
        nodes: (input, output) => [node('Conv', [input, weight, bias], [output])],
        constants: [constantOf(weight, [3, 2, 2, 2], w, type), constantOf(bias, [3], b, type)],
        meaning: x =>
          b.map((value, o) =>
            x.reduce((sum, element, i) => sum.plus(element.times(Rational.of(w[o * 8 + i]))), Rational.of(value)),
          ),
      };
      return [
        channelwise('Mul', before, image.channel),
        channelwise('Sub', shift, image.channel),
        conv,
        channelwise('Mul', after, i => i),
      ];
    });
}

function networkOf(steps: readonly Step[], shape: readonly number[], type: Numbers): NetworkNode[] {
  const nodes = steps.flatMap((step, k) => step.nodes(`x${k}`, `x${k + 1}`));
  const last = { ...valueInfo(`x${steps.length}`, type, []) };
  const bytes = encodeModel(
    model({
      nodes,
      inputs: [valueInfo('x0', type, shape)],
      outputs: [
        { ...last, type: { denotation: '', value: { $case: 'tensorType', value: { elemType: 1, shape: undefined } } } },
      ],
      initializers: steps.flatMap(step => step.constants),
    }),
  );
  return [...mustLoad(bytes).network.nodes];
}

/** The stored affine map of a node: coefficient (output, input) and summands. */
function stored(
  affine: NetworkNode,
  inputs: number,
): {
  weight: (i: number, j: number) => number;
  bias: (i: number) => number;
  error: (i: number) => number;
  relative: number;
} {
  if (affine.kind === 'input') return { weight: (i, j) => Number(i === j), bias: () => 0, error: () => 0, relative: 0 };
  if (affine.kind !== 'dense' && affine.kind !== 'scale' && affine.kind !== 'conv' && affine.kind !== 'sparse')
    throw new Error(`not affine: ${affine.kind}`);
  const weight = (i: number, j: number): number => {
    if (affine.kind === 'dense' || affine.kind === 'conv') return affine.weight[i * inputs + j];
    if (affine.kind === 'scale') return i === j ? (affine.scale?.[i] ?? 1) : 0;
    let sum = 0;
    for (let k = affine.rowStart[i]; k < affine.rowStart[i + 1]; k++)
      if (affine.column[k] === j) sum += affine.value?.[k] ?? 1;
    return sum;
  };
  return {
    weight,
    bias: i => affine.bias?.[i] ?? 0,
    error: i => affine.biasError?.[i] ?? 0,
    relative: affine.relativeError,
  };
}

/** Checks that the exact affine map of the steps lies within the node's error bounds; gives the largest error bound. */
function check(steps: readonly Step[], size: number, affine: NetworkNode): number {
  const exact = (x: readonly Rational[]): Rational[] => steps.reduce((value, step) => step.meaning(value), [...x]);
  const zeros = new Array<Rational>(size).fill(Rational.zero);
  const bias = exact(zeros);
  const map = stored(affine, size);
  expect(affine.size).toBe(bias.length);
  for (let j = 0; j < size; j++) {
    const column = exact(zeros.map((zero, k) => (k === j ? Rational.of(1) : zero)));
    column.forEach((value, i) => {
      const w = value.minus(bias[i]);
      const distance = w.minus(Rational.of(map.weight(i, j))).abs();
      expect(
        distance.atMost(Rational.of(map.relative).times(Rational.of(map.weight(i, j)).abs())),
        `coefficient ${i}, ${j}`,
      ).toBe(true);
    });
  }
  bias.forEach((value, i) =>
    expect(
      value
        .minus(Rational.of(map.bias(i)))
        .abs()
        .atMost(Rational.of(map.error(i))),
      `summand ${i}`,
    ).toBe(true),
  );
  return map.relative;
}

const type = fc.constantFrom<Numbers>('float32', 'float64');
const runs = { numRuns: 150, seed: 20260801 };

describe('folding against exact rational arithmetic', () => {
  it('elementwise chains become one scale whose error bounds hold', () => {
    fc.assert(
      fc.property(
        type.chain(t => fc.tuple(fc.constant(t), fc.array(elementwise(3, t), { minLength: 1, maxLength: 5 }))),
        ([t, steps]) => {
          const nodes = networkOf(steps, [1, 3], t);
          expect(nodes.length).toBeLessThanOrEqual(2);
          check(steps, 3, nodes.at(-1)!);
        },
      ),
      runs,
    );
  });

  it('normalisation, dense layer and batch normalisation become one dense layer whose error bounds hold', () => {
    fc.assert(
      fc.property(
        type.chain(t =>
          fc.tuple(
            fc.constant(t),
            fc.array(elementwise(3, t), { maxLength: 2 }),
            gemm(3, 2, t),
            normalization(2, t),
            fc.array(elementwise(2, t), { maxLength: 2 }),
          ),
        ),
        ([t, before, dense, norm, after]) => {
          const steps = [...before, dense, norm, ...after];
          const nodes = networkOf(steps, [1, 3], t);
          expect(nodes.map(own => own.kind)).toEqual(['input', 'dense']);
          // Rounding must be bounded, and bounded well: a handful of operations each cost about 1e-16.
          expect(check(steps, 3, nodes[1])).toBeLessThan(1e-14);
        },
      ),
      runs,
    );
  });

  it('a dense layer with computed weights, and a normalisation, each alone have error bounds that hold', () => {
    fc.assert(
      fc.property(
        type.chain(t => fc.tuple(fc.constant(t), gemm(3, 2, t), normalization(3, t))),
        ([t, dense, norm]) => {
          check([dense], 3, networkOf([dense], [1, 3], t)[1]);
          check([norm], 3, networkOf([norm], [1, 3], t)[1]);
        },
      ),
      runs,
    );
  });

  it('a sum of products carries the errors of both factors on', () => {
    const dot = new DotProduct(2 ** -10);
    dot.term(3, 5, 2 ** -8);
    const { value, error } = dot.result(1, 2 ** -6);
    expect(value).toBe(16);
    expect(error).toBeGreaterThanOrEqual(15 * 2 ** -10 + 3 * 2 ** -8 * (1 + 2 ** -10) + 2 ** -6);
    expect(error).toBeLessThan(17 * 2 ** -10 + 3 * 2 ** -8 + 2 ** -6);
  });

  it('a convolution takes in what is before and after it, and its error bounds hold', () => {
    fc.assert(
      fc.property(
        type.chain(t => fc.tuple(fc.constant(t), convolution(t))),
        ([t, steps]) => {
          const nodes = networkOf(steps, [1, 2, 2, 2], t);
          expect(nodes.map(own => own.kind)).toEqual(['input', 'conv']);
          check(steps, 8, nodes[1]);
        },
      ),
      runs,
    );
  });

  it('a mean takes in what is before and after it, and its error bounds hold', () => {
    fc.assert(
      fc.property(
        type.chain(t =>
          fc.tuple(
            fc.constant(t),
            elementwise(3, t),
            elementwise(1, t),
            fc.constantFrom<AttributeValue>({ ints: [1] }),
          ),
        ),
        ([t, before, after, axes]) => {
          const mean: Step = {
            nodes: (input, output) => [node('ReduceMean', [input], [output], { axes })],
            constants: [],
            meaning: x => [x.reduce((sum, value) => sum.plus(value)).over(Rational.of(3))],
          };
          const nodes = networkOf([before, mean, after], [1, 3], t);
          expect(nodes.map(own => own.kind)).toEqual(['input', 'sparse']);
          check([before, mean, after], 3, nodes[1]);
        },
      ),
      runs,
    );
  });

  it('an exact fold is known to be exact', () => {
    const [c, w] = [Math.fround(0.1), Math.fround(0.7)];
    const scale: Step = {
      nodes: (i, o) => [node('Mul', [i, 'c'], [o])],
      constants: [constantOf('c', [1, 1], [c], 'float32')],
      meaning: x => x.map(v => v.times(Rational.of(c))),
    };
    const dense: Step = {
      nodes: (i, o) => [node('MatMul', [i, 'w'], [o])],
      constants: [constantOf('w', [1, 1], [w], 'float32')],
      meaning: x => x.map(v => v.times(Rational.of(w))),
    };
    const nodes = networkOf(
      [scale, dense, scale].map((step, k) =>
        k === 2 ? { ...step, nodes: (i: string, o: string) => [node('Relu', [i], [o])], constants: [] } : step,
      ),
      [1, 1],
      'float32',
    );
    const [, folded] = nodes;
    // The product of two float32 numbers has at most 48 bits, so float64 holds it.
    expect(folded.kind === 'dense' && [folded.weight[0], folded.relativeError, folded.biasError]).toEqual([
      c * w,
      0,
      null,
    ]);
  });

  it('the error of one operation is found exactly', () => {
    const any = fc.oneof(
      numberOf('float64'),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e150, max: 1e150 }),
    );
    fc.assert(
      fc.property(any, any, (a, b) => {
        const exactSum = Rational.of(a)
          .plus(Rational.of(b))
          .minus(Rational.of(a + b))
          .abs();
        expect(exactSum.atMost(Rational.of(sumError(a, b))) && Rational.of(sumError(a, b)).atMost(exactSum)).toBe(true);
        const exactProduct = Rational.of(a)
          .times(Rational.of(b))
          .minus(Rational.of(a * b))
          .abs();
        expect(exactProduct.atMost(Rational.of(productError(a, b)))).toBe(true);
        if (Math.abs(a * b) > 1e-280) expect(Rational.of(productError(a, b)).atMost(exactProduct)).toBe(true);
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
});
