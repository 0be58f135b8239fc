import fc from 'fast-check';
import { type AttributeValue, node, tensor } from '../../../src/network/authoring';
import { anyShape, axesOf, axisOf, broadcastable, integers, type Sample, sample, seed, weights } from './generators';

const spatial = fc.integer({ min: 1, max: 2 });
const small = (max: number, min = 1): fc.Arbitrary<number> => fc.integer({ min, max });
const listOf = (length: number, one: fc.Arbitrary<number>): fc.Arbitrary<number[]> =>
  fc.array(one, { minLength: length, maxLength: length });
const autoPad = fc.constantFrom('NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID');

/** Window attributes that Conv and the pools share. */
function windowAttributes(rank: number): fc.Arbitrary<Record<string, AttributeValue>> {
  return fc
    .record({
      strides: listOf(rank, small(3)),
      dilations: listOf(rank, small(2)),
      pads: listOf(2 * rank, small(1, 0)),
      mode: autoPad,
    })
    .map(({ strides, dilations, pads, mode }) => ({
      strides: { ints: strides },
      // ONNX Runtime has no dilated windows with SAME padding, and neither has this reader.
      dilations: { ints: mode.startsWith('SAME') ? dilations.map(() => 1) : dilations },
      auto_pad: { text: mode },
      ...(mode === 'NOTSET' ? { pads: { ints: pads } } : {}),
    }));
}

const conv = spatial.chain(rank =>
  fc
    .record({
      groups: small(2),
      inPer: small(3),
      outPer: small(3),
      image: listOf(rank, small(7, 3)),
      kernel: listOf(rank, small(3)),
      attributes: windowAttributes(rank),
      bias: fc.boolean(),
      batch: small(2),
      seed,
    })
    .map(s =>
      sample({
        op: 'Conv',
        input: [s.batch, s.groups * s.inPer, ...s.image],
        attributes: { ...s.attributes, group: { int: s.groups } },
        inputs: [
          weights('w', [s.groups * s.outPer, s.inPer, ...s.kernel], s.seed),
          ...(s.bias ? [weights('b', [s.groups * s.outPer], s.seed + 1)] : []),
        ],
      }),
    ),
);

/** With SAME padding a kernel smaller than the stride is not supported. */
function kernelOf(s: { mode: string; kernel: number[]; strides: number[] }): number[] {
  return s.mode.startsWith('SAME') ? s.kernel.map((extent, axis) => Math.max(extent, s.strides[axis])) : s.kernel;
}

const convTranspose = spatial.chain(rank =>
  fc
    .record({
      groups: small(2),
      inPer: small(2),
      outPer: small(3),
      image: listOf(rank, small(4)),
      kernel: listOf(rank, small(3)),
      strides: listOf(rank, small(3)),
      dilations: listOf(rank, small(2)),
      pads: listOf(2 * rank, small(1, 0)),
      mode: autoPad,
      extra: fc.boolean(),
      bias: fc.boolean(),
      batch: small(2),
      seed,
    })
    .map(s =>
      sample({
        op: 'ConvTranspose',
        input: [s.batch, s.groups * s.inPer, ...s.image],
        attributes: {
          group: { int: s.groups },
          strides: { ints: s.strides },
          dilations: { ints: s.mode.startsWith('SAME') ? s.dilations.map(() => 1) : s.dilations },
          auto_pad: { text: s.mode },
          ...(s.mode === 'NOTSET' ? { pads: { ints: s.pads } } : {}),
          ...(s.extra ? { output_padding: { ints: s.strides.map(stride => stride - 1) } } : {}),
        },
        inputs: [
          weights('w', [s.groups * s.inPer, s.outPer, ...kernelOf(s)], s.seed),
          ...(s.bias ? [weights('b', [s.groups * s.outPer], s.seed + 1)] : []),
        ],
      }),
    ),
);

function pool(op: 'MaxPool' | 'AveragePool'): fc.Arbitrary<Sample> {
  return spatial.chain(rank =>
    fc
      .record({
        batch: small(2),
        channels: small(2),
        image: listOf(rank, small(7, 3)),
        kernel: listOf(rank, small(3, 2)),
        attributes: windowAttributes(rank),
        ceil: small(1, 0),
        include: small(1, 0),
      })
      .map(s =>
        sample({
          op,
          input: [s.batch, s.channels, ...s.image],
          attributes: {
            ...s.attributes,
            kernel_shape: { ints: s.kernel },
            ceil_mode: { int: s.ceil },
            ...(op === 'AveragePool' ? { count_include_pad: { int: s.include } } : {}),
          },
          opset: op === 'AveragePool' ? 19 : 17,
        }),
      ),
  );
}

const globalPool = fc.record({
  op: fc.constantFrom('GlobalAveragePool', 'GlobalMaxPool'),
  shape: fc.array(small(4), { minLength: 3, maxLength: 4 }),
});

const elementwise = fc
  .record({ op: fc.constantFrom('Add', 'Sub', 'Mul', 'Div'), shape: anyShape, seed })
  .chain(({ op, shape, seed: s }) =>
    fc
      .record({
        other: broadcastable(shape),
        wide: broadcastable(shape),
        place: op === 'Div' ? fc.constant(0) : small(1, 0),
      })
      .map(({ other, wide, place }) =>
        sample({ op, input: wide.length > 0 ? wide : [1], place, inputs: [weights('c', other, s, 0.5, 2)] }),
      ),
  );

const twoActivations = fc
  .record({ op: fc.constantFrom('Add', 'Sub', 'Max', 'Min', 'Sum', 'Mean'), shape: anyShape })
  .chain(({ op, shape }) =>
    axisOf(shape.length).map(axis =>
      sample({
        op,
        input: shape,
        before: [node('ReduceMax', ['x'], ['z'], { axes: { ints: [axis] } }), node('Relu', ['x'], ['r'])],
        reads: 'r',
        inputs: ['z', ...(op === 'Add' || op === 'Sub' ? [] : [weights('c', [1], 3), 'x'])],
      }),
    ),
  );

const gemm = fc
  .record({
    m: small(3),
    n: small(5),
    k: small(5),
    transA: fc.boolean(),
    transB: fc.boolean(),
    alpha: fc.constantFrom(1, 0.5, 1.3),
    beta: fc.constantFrom(1, 0.7),
    bias: fc.constantFrom('none', 'row', 'column', 'full', 'one'),
    constantFirst: fc.boolean(),
    seed,
  })
  .map(s => {
    const a = s.transA ? [s.k, s.m] : [s.m, s.k];
    const b = s.transB ? [s.n, s.k] : [s.k, s.n];
    const shapes = { none: [], row: [s.n], column: [s.m, 1], full: [s.m, s.n], one: [1] };
    return sample({
      op: 'Gemm',
      input: s.constantFirst ? b : a,
      place: s.constantFirst ? 1 : 0,
      attributes: {
        transA: { int: Number(s.transA) },
        transB: { int: Number(s.transB) },
        alpha: { float: s.alpha },
        beta: { float: s.beta },
      },
      inputs: [
        weights('w', s.constantFirst ? a : b, s.seed),
        ...(s.bias === 'none' ? [] : [weights('c', shapes[s.bias as 'row'], s.seed + 1)]),
      ],
    });
  });

const matMul = fc
  .record({
    batch: fc.array(small(3), { maxLength: 2 }),
    m: small(3),
    n: small(4),
    k: small(4),
    constantFirst: fc.boolean(),
    seed,
    cut: fc.boolean(),
  })
  .chain(s => fc.tuple(fc.constant(s), broadcastable(s.batch), broadcastable(s.batch)))
  .map(([s, batchA, batchB]) => {
    // Vectors on either side are part of the rule.
    const a = s.cut && batchA.length === 0 && s.m === 1 ? [s.k] : [...batchA, s.m, s.k];
    const b = s.cut && batchB.length === 0 && s.n === 1 ? [s.k] : [...batchB, s.k, s.n];
    return sample({
      op: 'MatMul',
      input: s.constantFirst ? b : a,
      place: s.constantFirst ? 1 : 0,
      inputs: [weights('w', s.constantFirst ? a : b, s.seed)],
    });
  });

const batchNorm = fc
  .record({
    shape: fc.array(small(4), { minLength: 2, maxLength: 4 }),
    epsilon: fc.constantFrom(1e-5, 1e-3),
    opset: fc.constantFrom(7, 9, 14, 15),
    seed,
  })
  .map(s =>
    sample({
      op: 'BatchNormalization',
      input: s.shape,
      attributes: { epsilon: { float: s.epsilon } },
      inputs: [
        weights('g', [s.shape[1]], s.seed),
        weights('b', [s.shape[1]], s.seed + 1),
        weights('m', [s.shape[1]], s.seed + 2),
        weights('v', [s.shape[1]], s.seed + 3, 0.1, 2),
      ],
      opset: s.opset,
    }),
  );

const reduction = fc
  .record({
    op: fc.constantFrom('ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin'),
    shape: anyShape,
    keep: small(1, 0),
  })
  .chain(s => axesOf(s.shape.length).map(axes => ({ ...s, axes })))
  .map(s =>
    s.op === 'ReduceSum'
      ? sample({
          op: s.op,
          input: s.shape,
          attributes: { keepdims: { int: s.keep } },
          inputs: [integers('axes', s.axes)],
          opset: 13,
        })
      : sample({
          op: s.op,
          input: s.shape,
          attributes: { keepdims: { int: s.keep }, axes: { ints: s.axes } },
          opset: 13,
        }),
  );

const transpose = anyShape.chain(shape =>
  fc
    .shuffledSubarray([...shape.keys()], { minLength: shape.length })
    .map(perm => sample({ op: 'Transpose', input: shape, attributes: { perm: { ints: perm } } })),
);

const limit = fc.oneof(small(6, -6), fc.constantFrom(2147483647, -2147483647, 9007199254740991));
const slice = anyShape.chain(shape =>
  axesOf(shape.length)
    .chain(axes =>
      fc.record({
        axes: fc.constant(axes),
        starts: listOf(axes.length, limit),
        ends: listOf(axes.length, limit),
        steps: listOf(axes.length, fc.constantFrom(1, 1, 2, 3, -1, -2)),
      }),
    )
    .map(s =>
      sample({
        op: 'Slice',
        input: shape,
        inputs: [
          integers('starts', s.starts),
          // Backwards to beyond the last element is not supported: ONNX and ONNX Runtime differ there.
          integers(
            'ends',
            s.ends.map((end, k) => (s.steps[k] < 0 ? Math.min(end, 6) : end)),
          ),
          integers('axes', s.axes),
          integers('steps', s.steps),
        ],
      }),
    ),
);

const split = anyShape.chain(shape =>
  axisOf(shape.length).chain(axis => {
    const size = shape.at(axis)!;
    return small(size, 0).map(first => {
      const lengths = first === 0 || first === size ? [size] : [first, size - first];
      return sample({
        op: 'Split',
        input: shape,
        attributes: { axis: { int: axis } },
        inputs: [integers('split', lengths)],
        outputs: lengths.length,
      });
    });
  }),
);

const concat = anyShape.chain(shape =>
  axisOf(shape.length).map(axis =>
    sample({
      op: 'Concat',
      input: shape,
      attributes: { axis: { int: axis } },
      before: [node('Neg', ['x'], ['n'])],
      reads: 'n',
      inputs: [weights('c', shape, 5), 'x'],
    }),
  ),
);

const pad = fc.record({ shape: anyShape, mode: fc.constantFrom('constant', 'constant', 'edge', 'reflect') }).chain(s =>
  listOf(2 * s.shape.length, small(2, s.mode === 'constant' ? -1 : 0)).map(wanted => {
    const pads = wanted.map((value, k) =>
      s.mode === 'reflect' ? Math.min(value, s.shape[k % s.shape.length] - 1) : value,
    );
    const inputs = [integers('pads', pads), ...(s.mode === 'constant' ? [weights('v', [], 9)] : [])];
    return sample({ op: 'Pad', input: s.shape, attributes: { mode: { text: s.mode } }, inputs });
  }),
);

const gather = anyShape.chain(shape =>
  axisOf(shape.length).chain(axis => {
    const size = shape.at(axis)!;
    return fc
      .oneof(
        listOf(3, small(size - 1, -size)).map(list => [[3], list] as const),
        listOf(4, small(size - 1, -size)).map(list => [[2, 2], list] as const),
      )
      .map(([dims, list]) =>
        sample({
          op: 'Gather',
          input: shape,
          attributes: { axis: { int: axis } },
          inputs: [{ ...integers('i', list), dims: dims.map(BigInt) }],
        }),
      );
  }),
);

const tile = anyShape.chain(shape =>
  listOf(shape.length, small(3)).map(repeats =>
    sample({ op: 'Tile', input: shape, inputs: [integers('repeats', repeats)] }),
  ),
);
const expand = anyShape.chain(shape =>
  fc.tuple(broadcastable(shape), broadcastable(shape)).map(([input, to]) =>
    sample({
      op: 'Expand',
      input: input.length > 0 ? input : [1],
      inputs: [integers('shape', to.length > 0 ? to : [1])],
    }),
  ),
);
const flatten = anyShape.chain(shape =>
  small(shape.length, -shape.length).map(axis =>
    sample({ op: 'Flatten', input: shape, attributes: { axis: { int: axis } } }),
  ),
);
const blocks = fc
  .record({
    op: fc.constantFrom('DepthToSpace', 'SpaceToDepth'),
    block: small(2),
    channels: small(2),
    height: small(2),
    width: small(3),
    mode: fc.constantFrom('DCR', 'CRD'),
  })
  .map(s =>
    sample({
      op: s.op,
      input:
        s.op === 'DepthToSpace'
          ? [1, s.channels * s.block ** 2, s.height, s.width]
          : [1, s.channels, s.height * s.block, s.width * s.block],
      attributes: { blocksize: { int: s.block }, ...(s.op === 'DepthToSpace' ? { mode: { text: s.mode } } : {}) },
    }),
  );
const where = anyShape.chain(shape =>
  fc
    .record({
      condition: listOf(
        shape.reduce((a, b) => a * b, 1),
        small(1, 0),
      ),
      both: fc.boolean(),
    })
    .map(({ condition, both }) =>
      sample({
        op: 'Where',
        input: shape,
        before: [node('Neg', ['x'], ['n'])],
        place: 1,
        inputs: [tensor('c', shape, Uint8Array.from(condition), 'bool'), both ? 'n' : weights('w', [1], 4)],
      }),
    ),
);

const activation = fc
  .record({
    op: fc.constantFrom('Relu', 'Sigmoid', 'Tanh', 'Abs', 'Neg', 'Identity', 'LeakyRelu', 'HardSigmoid'),
    shape: anyShape,
    alpha: fc.constantFrom(0.1, 0, 1, 1.5, -0.5),
  })
  .map(s =>
    sample({
      op: s.op,
      input: s.shape,
      attributes: s.op === 'LeakyRelu' || s.op === 'HardSigmoid' ? { alpha: { float: s.alpha } } : {},
    }),
  );
const pRelu = anyShape.chain(shape =>
  fc.record({ slope: broadcastable(shape), seed, low: fc.constantFrom(-1, 0, 0.25) }).map(s =>
    sample({
      op: 'PRelu',
      input: shape,
      inputs: [weights('s', s.slope.length > 0 ? s.slope : [1], s.seed, s.low, 0.25)],
    }),
  ),
);
const clip = fc
  .record({
    shape: anyShape,
    low: fc.option(fc.constantFrom(0, -0.25, 0.4)),
    high: fc.option(fc.constantFrom(0.5, 0.1, 6)),
  })
  .map(s =>
    sample({
      op: 'Clip',
      input: s.shape,
      inputs: [
        s.low === null ? '' : weights('low', [], 1, s.low, s.low),
        s.high === null ? '' : weights('high', [], 1, s.high, s.high),
      ],
    }),
  );

/** Random small models of every supported operator, by the operators' names. */
export const samples: Record<string, fc.Arbitrary<Sample>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool('MaxPool'),
  AveragePool: pool('AveragePool'),
  'GlobalAveragePool, GlobalMaxPool': globalPool.map(({ op, shape }) => sample({ op, input: shape })),
  'Add, Sub, Mul, Div with a constant': elementwise,
  'Add, Sub, Max, Min, Sum, Mean of activations': twoActivations,
  Gemm: gemm,
  MatMul: matMul,
  BatchNormalization: batchNorm,
  'ReduceSum, ReduceMean, ReduceMax, ReduceMin': reduction,
  Transpose: transpose,
  Slice: slice,
  Split: split,
  Concat: concat,
  Pad: pad,
  Gather: gather,
  Tile: tile,
  Expand: expand,
  Flatten: flatten,
  'DepthToSpace, SpaceToDepth': blocks,
  Where: where,
  'elementwise functions': activation,
  PRelu: pRelu,
  Clip: clip,
};
