/** The workspace of host tests and journeys: small models and questions with known answers, written by code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { model, node, tensor, valueInfo } from '../../src/network/authoring';
import { encodeModel } from '../../src/network/codec';

interface Layer {
  readonly weight: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** (|x0|, |x1|), written with four Relu neurons. */
const DISTANCES: readonly [Layer, Layer] = [
  {
    weight: [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ],
    bias: [0, 0, 0, 0],
  },
  {
    weight: [
      [1, 1, 0, 0],
      [0, 0, 1, 1],
    ],
    bias: [0, 0],
  },
];

export function writeFixtures(folder: string): void {
  const file = (name: string, content: string | Uint8Array) => {
    const target = path.join(folder, name);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, content);
  };
  const distances = multilayer('distances', DISTANCES);
  file('models/distances.onnx', distances);
  file(
    'models/holds.vnnlib',
    vnnlib(
      [
        [0.5, 1],
        [-0.25, 0.25],
      ],
      '(assert (<= Y_0 Y_1))',
    ),
  );
  file(
    'models/fails.vnnlib',
    vnnlib(
      [
        [0, 1],
        [-1, 1],
      ],
      '(assert (<= Y_0 Y_1))',
    ),
  );
  file('packed/distances.onnx', distances);
  file(
    'packed/holds.vnnlib.gz',
    gzipSync(
      vnnlib(
        [
          [0.5, 1],
          [-0.25, 0.25],
        ],
        '(assert (<= Y_0 Y_1))',
      ),
    ),
  );

  // A 6 × 6 picture is `left` when its left half is brighter than its right.
  const side = (sign: number) => Array.from({ length: 36 }, (_, pixel) => (pixel % 6 < 3 ? sign : -sign));
  file('pictures/halves.onnx', multilayer('halves', [{ weight: [side(1), side(-1)], bias: [0, 0] }], [1, 1, 6, 6]));
  const bright = Array.from({ length: 36 }, (_, pixel) => (pixel % 6 < 3 ? 200 : 100));
  const faint = Array.from({ length: 36 }, (_, pixel) => (pixel % 6 < 3 ? 120 : 118));
  file(
    'pictures/halves.certiscope.jsonc',
    `{
  // Two pictures: one with a bright left half, one that hardly differs.
  "model": "halves.onnx",
  "inputs": { "data": [${JSON.stringify(bright)}, ${JSON.stringify(faint)}], "labels": [0, 0] },
  "preprocess": { "scale": "1/255" },
  "property": { "kind": "label" },
  "classes": ["left", "right"],
  "checks": [
    { "name": "hardly", "perturb": "input", "epsilon": "0.1/255", "clip": [0, 1] },
    { "name": "five levels", "perturb": "input", "epsilon": "5/255", "clip": [0, 1] }
  ]
}
`,
  );

  // How far weights may move: on (1, 0.5) the first output is ahead by a half.
  file('weights/distances.onnx', distances);
  file(
    'weights/drift.certiscope.jsonc',
    `{
  "model": "distances.onnx",
  "inputs": { "data": [[1, 0.5], [0.25, 1]], "labels": [0, 1] },
  "checks": [
    { "name": "noise", "perturb": "input", "epsilon": 0.01 },
    { "name": "drift", "perturb": "weights", "layers": ["layer_1"], "magnitude": "2%" }
  ]
}
`,
  );

  // Right-click and Verify with nothing beside it: data in the usual formats.
  file('fresh/halves.onnx', multilayer('halves', [{ weight: [side(1), side(-1)], bias: [0, 0] }], [1, 1, 6, 6]));
  file('fresh/pictures-idx3-ubyte', idx([2, 6, 6], [...bright, ...faint]));
  file('fresh/pictures-labels-idx1-ubyte', idx([2], [0, 0]));

  file('graphs/deep.onnx', residualNetwork(240));
  file('graphs/odd.onnx', oddNetwork());
  // The distances with their outputs in the other order.
  file(
    'graphs/swapped.onnx',
    multilayer('swapped', [DISTANCES[0], { weight: [...DISTANCES[1].weight].reverse(), bias: [0, 0] }]),
  );

  file('broken/truncated.onnx', distances.subarray(0, Math.floor(distances.length / 2)));
  file('broken/empty.onnx', '');
  file(
    'broken/mistakes.certiscope.jsonc',
    `{\n  "model": "nowhere.onnx",\n  "inputs": { "data": [0, 0] },\n  "chekcs": []\n}\n`,
  );

  // One digit of the project's samples, whose ε is too large.
  file(
    'tuning/digit.certiscope.jsonc',
    `{
  "model": "../samples/digits.onnx",
  "inputs": {
    "data": "../samples/digits-images.idx",
    "labels": "../samples/digits-labels.idx",
    "select": "5"
  },
  "preprocess": { "scale": "1/255" },
  "checks": [
    {
      "name": "grey levels",
      "perturb": "input",
      "epsilon": "8/255",
      "clip": [0, 1]
    }
  ]
}
`,
  );

  // Many random neurons over eight inputs: a question nobody settles within the tests' patience.
  const random = randomNumbers(7);
  const layer = (outputs: number, inputs: number): Layer => ({
    weight: Array.from({ length: outputs }, () => Array.from({ length: inputs }, () => random() / Math.sqrt(inputs))),
    bias: Array.from({ length: outputs }, () => random() / 10),
  });
  file('slow/slow.onnx', multilayer('slow', [layer(80, 8), layer(80, 80), layer(80, 80), layer(80, 80), layer(2, 80)]));
  file(
    'slow/slow.vnnlib',
    vnnlib(
      Array.from({ length: 8 }, () => [-2, 2]),
      '(assert (<= Y_0 -3.0))',
    ),
  );
}

/** A fully connected network with Relu between its layers. */
function multilayer(
  name: string,
  layers: readonly Layer[],
  inputShape: readonly number[] = [1, layers[0]!.weight[0]!.length],
): Uint8Array {
  const nodes = [node('Flatten', ['X'], ['flat'], {}, 'flatten')];
  const initializers = [];
  let value = 'flat';
  for (const [index, { weight, bias }] of layers.entries()) {
    const last = index === layers.length - 1;
    const sum = last ? 'Y' : `sum_${index}`;
    initializers.push(
      tensor(`W_${index}`, [weight.length, weight[0]!.length], Float32Array.from(weight.flat())),
      tensor(`b_${index}`, [bias.length], Float32Array.from(bias)),
    );
    nodes.push(node('Gemm', [value, `W_${index}`, `b_${index}`], [sum], { transB: { int: 1 } }, `layer_${index}`));
    value = `relu_${index}`;
    if (!last) nodes.push(node('Relu', [sum], [value], {}, value));
  }
  return encodeModel(
    model({
      name,
      nodes,
      initializers,
      inputs: [valueInfo('X', 'float32', inputShape)],
      outputs: [valueInfo('Y', 'float32', [1, layers.at(-1)!.bias.length])],
    }),
  );
}

/** A chain of residual units of five nodes each, with paths in their names as PyTorch writes them. */
function residualNetwork(units: number): Uint8Array {
  const nodes = [];
  const initializers = [];
  let value = 'X';
  for (let unit = 0; unit < units; unit++) {
    const scope = `/stage${Math.floor(unit / 24)}/unit${unit}`;
    const kernel = (seed: number) => Float32Array.from({ length: 64 }, (_, k) => Math.sin(seed + k) / 8);
    initializers.push(tensor(`k${unit}`, [8, 8, 1, 1], kernel(unit)), tensor(`l${unit}`, [8, 8, 1, 1], kernel(-unit)));
    nodes.push(
      node('Conv', [value, `k${unit}`], [`a${unit}`], {}, `${scope}/conv1/Conv`),
      node('Relu', [`a${unit}`], [`b${unit}`], {}, `${scope}/relu/Relu`),
      node('Conv', [`b${unit}`, `l${unit}`], [`c${unit}`], {}, `${scope}/conv2/Conv`),
      node('Add', [`c${unit}`, value], [`d${unit}`], {}, `${scope}/Add`),
      node('Relu', [`d${unit}`], [`e${unit}`], {}, `${scope}/relu_1/Relu`),
    );
    value = `e${unit}`;
  }
  const outputs = [valueInfo(value, 'float32', [1, 8, 4, 4])];
  return encodeModel(
    model({ name: 'deep', nodes, initializers, inputs: [valueInfo('X', 'float32', [1, 8, 4, 4])], outputs }),
  );
}

/** A network with an operator that nobody can bound. */
function oddNetwork(): Uint8Array {
  return encodeModel(
    model({
      name: 'odd',
      nodes: [
        node('MatMul', ['X', 'W'], ['sum'], {}, 'first'),
        node('Fantasy', ['sum'], ['odd'], { shade: { text: 'blue' } }, 'second'),
        node('Relu', ['odd'], ['Y'], {}, 'third'),
      ],
      initializers: [
        tensor(
          'W',
          [4, 3],
          Float32Array.from({ length: 12 }, (_, k) => k / 10),
        ),
      ],
      inputs: [valueInfo('X', 'float32', [1, 4])],
      outputs: [valueInfo('Y', 'float32', [1, 3])],
    }),
  );
}

/** A box of inputs and the unsafe set over two outputs. */
function vnnlib(box: readonly (readonly number[])[], unsafe: string): string {
  const declared = [...box.map((_, index) => `X_${index}`), 'Y_0', 'Y_1'].map(name => `(declare-const ${name} Real)`);
  const bounds = box.flatMap(([low, high], index) => [
    `(assert (>= X_${index} ${low}))`,
    `(assert (<= X_${index} ${high}))`,
  ]);
  return `; Made for the tests.\n${[...declared, ...bounds].join('\n')}\n\n; unsafe when\n${unsafe}\n`;
}

/** An idx file of bytes. */
function idx(shape: readonly number[], values: readonly number[]): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = 8;
  header[3] = shape.length;
  shape.forEach((extent, index) => header.writeUInt32BE(extent, 4 + 4 * index));
  return Buffer.concat([header, Uint8Array.from(values)]);
}

/** Numbers between −1 and 1 that are the same on every machine (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}
