/** The specification that *Verify* writes for a model that has none. Pure. */

export interface NewSpecification {
  /** File name of the model, beside which the specification is written. */
  readonly model: string;
  /** Path of the data relative to the specification, or the numbers of one input. */
  readonly data: string | readonly number[];
  readonly labels: string | null;
  /** How many samples there are; null when it is not known. */
  readonly count: number | null;
  readonly preprocess: Preprocessing;
  readonly property: 'label' | 'topk' | 'range';
  /** As the person wrote it, e.g. `1/255`. */
  readonly epsilon: string;
}

export interface Preprocessing {
  readonly label: string;
  readonly description: string;
  readonly scale: string;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The range of the data after scaling, to which a perturbed input is kept; null for none. */
  readonly clip: readonly [number, number] | null;
}

/** The choices offered for preprocessing; the specification can then be edited to say anything else. */
export const PREPROCESSINGS: readonly Preprocessing[] = [
  {
    label: 'Divide by 255',
    description: 'bytes 0 to 255 become 0 to 1',
    scale: '1/255',
    mean: [0],
    std: [1],
    clip: [0, 1],
  },
  { label: 'None', description: 'the data is what the model takes', scale: '1', mean: [0], std: [1], clip: null },
  {
    label: 'Divide by 255, then to −1 to 1',
    description: 'mean 0.5, std 0.5',
    scale: '1/255',
    mean: [0.5],
    std: [0.5],
    clip: [0, 1],
  },
  {
    label: 'As MNIST is usually trained',
    description: 'divided by 255, mean 0.1307, std 0.3081',
    scale: '1/255',
    mean: [0.1307],
    std: [0.3081],
    clip: [0, 1],
  },
  {
    label: 'As ImageNet is usually trained',
    description: 'divided by 255, mean 0.485 0.456 0.406, std 0.229 0.224 0.225',
    scale: '1/255',
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    clip: [0, 1],
  },
];

/** Samples of a first run: an answer within seconds, enough to see whether the preprocessing is right. */
const FIRST_SAMPLES = 10;

export function newSpecificationText(wanted: NewSpecification): string {
  const json = (value: unknown) => JSON.stringify(value);
  const { data, labels, count, preprocess, epsilon } = wanted;
  const select =
    count === 1 || typeof data !== 'string' ? null : `0..${Math.min(count ?? FIRST_SAMPLES, FIRST_SAMPLES) - 1}`;
  const inputs = [
    `"data": ${json(data)}`,
    ...(labels === null ? [] : [`"labels": ${json(labels)}`]),
    ...(select === null ? [] : [`"select": ${json(select)}`]),
  ];
  const clip = preprocess.clip === null ? '' : `,\n      "clip": ${json(preprocess.clip)}`;
  return `{
  // What must hold for ${wanted.model}. Every check has a Run above it.
  "model": ${json(wanted.model)},

  // The samples that are perturbed.${select === null ? '' : ' "select" says which, for example "0..99" or "3,7".'}
  "inputs": {
    ${inputs.join(',\n    ')}
  },

  // How data becomes the model's input: x ↦ (x·scale − mean)/std, per channel.
  "preprocess": { "scale": ${json(preprocess.scale)}, "mean": ${json(preprocess.mean)}, "std": ${json(preprocess.std)} },

  // ${PROPERTY_COMMENT[wanted.property]}
  "property": ${propertyText(wanted.property)},

  "checks": [
    // ε${preprocess.clip === null ? ' is' : ' and clip are'} in units after scale, before mean and std.
    {
      "name": ${json(`within ${epsilon}`)},
      "perturb": "input",
      "epsilon": ${json(epsilon)}${clip}
    }
  ],

  // Seconds for each sample.
  "solver": { "timeout": 60 }
}
`;
}

const PROPERTY_COMMENT: Record<NewSpecification['property'], string> = {
  label: 'The right class stays first (without labels: the class the network answers).',
  topk: 'The right class stays among the k first.',
  range: 'Every output stays within this radius of what it is without perturbation.',
};

function propertyText(property: NewSpecification['property']): string {
  if (property === 'topk') return '{ "kind": "topk", "k": 2 }';
  if (property === 'range') return '{ "kind": "range", "radius": 0.1 }';
  return '{ "kind": "label" }';
}

/** What is wrong with an ε a person typed, or null. */
export function epsilonProblem(text: string): string | null {
  const value = parseNumber(text);
  if (value === null) return 'Write a number such as 0.01, or a fraction such as 1/255.';
  if (value <= 0) return 'The radius must be greater than 0.';
  return null;
}

function parseNumber(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)\s*(?:\/\s*(\d+(?:\.\d*)?))?\s*$/.exec(text);
  if (!match) return null;
  const value = Number(match[1]) / (match[2] === undefined ? 1 : Number(match[2]));
  return Number.isFinite(value) ? value : null;
}
