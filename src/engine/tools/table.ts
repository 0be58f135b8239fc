/**
 * What language models can ask, in one table: `certiscope mcp` serves it, `npm run settings` writes package.json's part from it, and the editor registers it. Pure: no
 * solver and no file is behind it.
 */

/** A tool as a language model sees it. */
export interface ToolDescription {
  readonly title: string;
  /** What it does, when to use it, and what it cannot do. */
  readonly description: string;
  /** JSON schema of the arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

const FILE = 'Absolute path, or one from the folder of the workspace (of the server).';

const QUESTION = {
  specification: {
    type: 'string',
    description: `A perturbation specification (NAME.certiscope.jsonc) or a VNN-LIB property (.vnnlib, .vnnlib.gz). ${FILE}`,
  },
  model: {
    type: 'string',
    description: `The ONNX model. Needed for VNN-LIB; a perturbation specification names its own. ${FILE}`,
  },
  checks: { type: 'array', items: { type: 'string' }, description: 'Only the checks with these names.' },
  samples: {
    type: 'array',
    items: { type: 'integer', minimum: 0 },
    description: 'Only these samples (indices in the data).',
  },
  timeout: { type: 'number', exclusiveMinimum: 0, description: 'Seconds for one question; 60 unless given.' },
} as const;

export const TOOLS = {
  info: {
    title: 'What is in a model',
    description:
      'Reads an ONNX file without its weights: inputs, outputs, operators and whether Certiscope supports each of them (with the reason where not), parameters. Use it before verifying a model that is new to you.',
    inputSchema: schema({ model: { type: 'string', description: FILE } }, ['model']),
  },
  verify: {
    title: 'Verify a property of a model',
    description:
      'Decides whether each check of a specification holds for every input (or change of weights) of its region. A verdict of verified is a proof; unknown and timeout say nothing about the property. It may take up to `timeout` seconds for every check and sample: narrow it with `checks` and `samples`. It changes no files.',
    inputSchema: schema(QUESTION, ['specification']),
  },
  counterexample: {
    title: 'The input that breaks a model',
    description:
      'The inputs with which checks of a specification fail, with what ONNX Runtime answers on them. Verifies first where that has not been done. Narrow it with `checks` and `samples`.',
    inputSchema: schema(QUESTION, ['specification']),
  },
} as const satisfies Readonly<Record<string, ToolDescription>>;

export type ToolName = keyof typeof TOOLS;

function schema(properties: object, required: readonly string[]): Readonly<Record<string, unknown>> {
  return { type: 'object', properties, required, additionalProperties: false };
}
