import type { Written } from '../numbers/written';
import { flag, integer, magnitude, number, text } from './scalar-shapes';
import { selection } from './selection';
import { choice, either, list, map, object, optional, required, variants, type Shape } from './shape';

/** Numbers for every feature or channel; one number stands for all. */
function numbers(sign: 'any' | 'positive' | 'nonNegative'): Shape<readonly Written[]> {
  const several = list(number(sign), 1);
  const one = map(number(sign), 'spec/value', value => ({ value: [value] as readonly Written[] }));
  return either(one, several);
}

const layout = choice({
  CHW: 'channel by channel, as PyTorch has it',
  HWC: 'pixel by pixel, as TensorFlow and image files have it',
});

/** Where samples come from: files, or numbers written here. */
export type DataSource =
  | { readonly kind: 'files'; readonly paths: readonly string[] }
  | { readonly kind: 'inline'; readonly samples: readonly (readonly Written[])[] };

const paths = map(text('a path'), 'spec/value', path => ({ value: { kind: 'files', paths: [path] } as DataSource }));
const inlineSample = list(number(), 1);

/** A list is of paths, of numbers (one sample) or of lists of numbers (several); its first entry decides. */
const dataList: Shape<DataSource> = {
  name: 'a list of paths or of numbers',
  accepts: node => node.type === 'array',
  read(node, context) {
    const first = node.children?.[0];
    if (first?.type === 'array') {
      const samples = list(inlineSample, 1).read(node, context);
      return samples && { kind: 'inline', samples };
    }
    if (first?.type === 'number') {
      const sample = inlineSample.read(node, context);
      return sample && { kind: 'inline', samples: [sample] };
    }
    const files = list(text('a path'), 1).read(node, context);
    return files && { kind: 'files', paths: files };
  },
  schema: () => ({ anyOf: [list(text(), 1).schema(), inlineSample.schema(), list(inlineSample, 1).schema()] }),
};

/** Where labels come from: a file, a column of the CSV file, numbers written here, or nowhere although the data has some. */
export type LabelSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'column'; readonly column: number }
  | { readonly kind: 'inline'; readonly labels: readonly number[] }
  | { readonly kind: 'none' };

const labels = either(
  map(text('a path, or "none"'), 'spec/value', path => ({
    value: (path === 'none' ? { kind: 'none' } : { kind: 'file', path }) as LabelSource,
  })),
  either(
    map(integer(), 'spec/value', column => ({ value: { kind: 'column', column } as LabelSource })),
    map(list(integer(), 1), 'spec/value', values => ({ value: { kind: 'inline', labels: values } as LabelSource })),
  ),
);

const inputs = object({
  data: required(
    either(paths, dataList),
    'The samples: an idx, CSV, npy, npz (file.npz#array), PNG or JPEG file, gzipped or not; a folder or pattern of images (digits/*.png); a list of files; or numbers.',
  ),
  labels: optional(
    labels,
    'The right classes: an idx, npy, npz (file.npz#array) or text file, the column of the CSV file (its first by default), numbers, or "none". Without labels the question is whether the prediction stays as it is.',
  ),
  select: optional(selection(), 'Which samples: "0..99", "3", "0..9,20..29". All by default.'),
  layout: optional(layout, 'The order of the data, where its shape does not tell it.'),
});

const preprocess = object({
  scale: optional(number('positive'), 'Factor on every raw value, e.g. "1/255".', 1),
  mean: optional(numbers('any'), 'Subtracted after scaling; one number, or one per channel.', [0]),
  std: optional(numbers('positive'), 'Divided by after the mean was subtracted; one number, or one per channel.', [1]),
  layout: optional(layout, 'The order in which the model takes its input.', 'CHW'),
});

const property = variants(
  'kind',
  'What shall hold for every perturbed input.',
  {
    label: {},
    target: { class: required(integer(), 'The class that must not win.') },
    topk: { k: required(integer(1), 'The class stays among the k largest outputs.') },
    range: {
      radius: required(numbers('nonNegative'), 'How far an output may move; one number, or one per output.'),
      center: optional(
        list(number(), 1),
        'The values to stay close to, one per output. By default what the network answers on the unperturbed input.',
      ),
    },
    linear: {
      C: required(list(list(number(), 1), 1), 'The matrix: one row per inequality, one column per output.'),
      d: required(list(number(), 1), 'The right-hand sides, one per row of C.'),
    },
  },
  {
    label: 'The right class (without labels: the predicted one) stays ahead of all others.',
    target: 'One class never wins.',
    topk: 'The right class (without labels: the predicted one) stays among the k largest outputs.',
    range: 'Every output stays within a radius of its unperturbed value, or of given values.',
    linear: 'The outputs y satisfy C·y ≤ d.',
  },
);

const solverFields = {
  timeout: optional(number('positive'), 'Seconds for one question.', 60),
  backend: optional(
    choice({
      auto: 'whatever settles the question fastest: attacks, bounds, splits of inputs or neurons, and programs for what these leave',
      crown:
        'linear bounds with optimised slopes, and branch and bound over the neurons that stay undecided (complete)',
      milp: 'a mixed-integer program, its bounds tightened before (complete; piecewise linear networks)',
      zonotope: 'one zonotope of the region (DeepZ): fast, and undecided where it is too coarse',
      symbolic: 'symbolic intervals with directed refinement (Neurify): undecided after a number of refinements',
    }),
    'How to decide.',
    'auto',
  ),
  labelOrder: optional(
    choice({
      margin: 'by certified bounds of how far each label stays behind the right one',
      paper: "by the upper bound of each label's own output (Wan et al. 2020)",
      naive: 'by the outputs at the middle of the region; nothing is discarded',
      random: 'in a random order of this seed; nothing is discarded',
    }),
    'Which label is tried first, and which need not be tried at all.',
    'margin',
  ),
  guided: optional(
    flag(),
    'Take the labels one by one, the most dangerous first; false takes all of them at once.',
    true,
  ),
  soundness: optional(
    choice({
      real: 'about the network in exact arithmetic',
      runtime: "with ONNX Runtime's own float32 error added, which can only strengthen the verdict",
    }),
    'What `verified` says.',
    'real',
  ),
  seed: optional(integer(), 'Seed of everything random.', 1),
  threads: optional(integer(), 'Number of threads; 0 means all cores.', 0),
};

const solver = object(solverFields);

/** Only the maximum norm for now; the other two are known, so that the message can say so. */
const norm = map(
  choice({ inf: 'every feature on its own', '2': 'Euclidean distance', '1': 'sum of the changes' }),
  'spec/norm',
  value =>
    value === 'inf'
      ? { value }
      : { error: `Norm ${value} is not supported yet; "inf" is: every feature may change by epsilon on its own.` },
);
const supportedNorm: Shape<'inf'> = { ...norm, schema: () => ({ enum: ['inf'] }) };

const clip = map(list(number()), 'spec/clip', ends =>
  ends.length === 2 ? { value: ends } : { error: 'Expected two numbers: the smallest and the largest value.' },
);

const clipRange: typeof clip = {
  ...clip,
  schema: () => ({ ...list(number()).schema(), minItems: 2, maxItems: 2 }),
};

/** A place along one dimension of a tensor; null for all of them. */
const axis: Shape<number | null> = {
  name: 'a whole number from 0 up, or null',
  accepts: node => node.type === 'number' || node.type === 'null',
  read: (node, context) => (node.type === 'null' ? null : integer().read(node, context)),
  schema: () => ({ anyOf: [integer().schema(), { type: 'null' }] }),
};

/** What moves which weights, and how far. */
const change = {
  magnitude: optional(
    magnitude(),
    'How far every weight may move: a number, a percentage such as "0.03%", or the lower and the upper end, such as ["-1%", "2%"]. One of magnitude, quantisation and bitFlips is needed.',
  ),
  of: optional(
    choice({
      range: "the difference between the layer's largest and smallest weight",
      weight: "each weight's own size",
    }),
    'What a percentage is taken of.',
    'range',
  ),
  quantisation: optional(
    object({ bits: required(integer(1), 'Bits of a stored weight.') }),
    'Instead of a magnitude: every weight is rounded to a grid of 2^bits values from the smallest to the largest, so it moves by up to half a step.',
  ),
  bitFlips: optional(
    object({
      flips: required(list(integer(), 1), 'The bits that may flip, one of them in each weight; 0 is the lowest.'),
      format: optional(
        choice({
          integer: 'a two’s complement number times a scale',
          float32: 'the mantissa and the sign of the float32 number; flips of exponents leave no bound and are refused',
        }),
        'How a weight is stored.',
        'integer',
      ),
      bits: optional(integer(2), 'Bits of an integer.', 8),
      scale: optional(
        number('positive'),
        'Value of the lowest bit of an integer. By default the largest weight takes the largest integer.',
      ),
    }),
    'Instead of a magnitude: a bit of every stored weight flips.',
  ),
  entries: optional(
    list(integer(), 1),
    'Only these weights of the one layer: their places in the stored tensor, counted row by row from 0.',
  ),
  pattern: optional(
    list(list(axis, 1), 1),
    'Only the weights of the one layer at these places of the stored tensor, one number a dimension and null for all: [[3, null]] is row 3, [[null, null, 0, 1]] a tap of every filter.',
  ),
  outputs: optional(
    list(integer(), 1),
    'Only the weights that lead to these outputs of the one layer: neurons, or channels of a convolution.',
  ),
  map: optional(
    text('a path'),
    'An npy file of the shape of the weights of the one layer: each moves by the magnitude times its entry; 0 leaves it as it is.',
  ),
  tensor: optional(
    choice({
      weights: 'what is multiplied: a matrix, filters, the scales of a normalisation',
      bias: 'what is added',
    }),
    'Which parameters of the layer move.',
    'weights',
  ),
  biasMap: optional(
    text('a path'),
    'With `map` and `together`: an npy file of the shape of the bias, which the same number moves.',
  ),
  together: optional(flag(), 'One number moves all these weights at once, instead of one for each.', false),
};

/** One perturbation beside others; maps that move the same weight add up. */
const weightsMap = object({
  layer: required(
    either(text(), integer(1)),
    'The layer: name of an ONNX node, or number counted from 1 over the affine nodes of the file.',
  ),
  ...change,
});

const check = variants(
  'perturb',
  'What is perturbed.',
  {
    input: {
      name: optional(text(), 'What this check is called in the results.'),
      norm: optional(supportedNorm, 'How the size of a perturbation is measured.', 'inf'),
      epsilon: required(
        numbers('nonNegative'),
        'How far a value may move, after scaling and before mean and std; one number, or one per feature or channel.',
      ),
      clip: optional(
        clipRange,
        'Smallest and largest value a perturbed input may have, after scaling and before mean and std. No limit by default.',
      ),
      solver: optional(solver, 'Options for this check alone.'),
    },
    weights: {
      name: optional(text(), 'What this check is called in the results.'),
      layers: optional(
        list(either(text(), integer(1)), 1),
        'The perturbed layers: names of ONNX nodes, or numbers counted from 1 over the affine nodes of the file. They are perturbed at once; for each by itself write a check for each. All layers with weights by default.',
      ),
      ...change,
      maps: optional(
        list(weightsMap, 1),
        'Instead of all this: several perturbations, each of one layer with bounds of its own. Those that move the same weight add up.',
      ),
      epsilon: optional(
        numbers('nonNegative'),
        'The inputs are perturbed as well, by up to this; one number, or one per feature or channel.',
      ),
      clip: optional(clipRange, 'Smallest and largest value of such an input, after scaling and before mean and std.'),
      method: optional(
        choice({
          complete: 'bounds, then branch and bound to an end (one layer and one input; else as `star`)',
          star: 'bounds and linear programs of a star set (ModelStar); what they leave open is unknown',
        }),
        'How to decide. `backend`, `labelOrder` and `guided` of the solver are for perturbed inputs.',
        'complete',
      ),
      solver: optional(solver, 'Options for this check alone.'),
    },
  },
  { input: 'Perturb the inputs.', weights: 'Perturb the weights.' },
);

/** The whole file. */
export const specShape = object({
  $schema: optional(text(), 'The JSON schema of this file, for editors without Certiscope.'),
  model: required(text('a path'), 'The ONNX model, relative to this file.'),
  inputs: required(inputs, 'The samples whose neighbourhoods are verified.'),
  preprocess: optional(preprocess, 'How raw values become the tensor the model takes: (x·scale − mean)/std.'),
  property: optional(property, 'What shall hold.', { kind: 'label' }),
  classes: optional(list(text(), 1), 'Names of the outputs, for reports.'),
  checks: required(list(check, 1), 'The perturbations to verify against.'),
  solver: optional(solver, 'How hard to try.'),
});

type ValueOf<S> = S extends Shape<infer T> ? T : never;
export type SpecValues = ValueOf<typeof specShape>;
export type PropertyValues = ValueOf<typeof property>;
export type CheckValues = ValueOf<typeof check>;
export type WeightsMapValues = ValueOf<typeof weightsMap>;
export type SolverValues = ValueOf<typeof solver>;
export type Layout = ValueOf<typeof layout>;
