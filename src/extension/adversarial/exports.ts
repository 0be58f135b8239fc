import type { AdversarialRun, FoundInput } from '../../engine/study-protocols/adversarial-inputs';
import { encodeNpy } from '../../report/npy';
import { assignment } from '../../report/vnncomp';

/** An adversarial input in the forms that other programs read. Pure. */

export interface Numbers {
  readonly input: Float32Array;
  readonly logits: Float32Array;
}

export interface File {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Inputs with more values than this go into a file of their own beside the specification. */
const LARGEST_INLINE = 4096;

/** The input and the outputs of ONNX Runtime as a VNN-LIB assignment. */
export function vnnlibAssignment({ input, logits }: Numbers): string {
  return `${assignment({ input, output: logits, margin: 0, outsideWritten: false, foundBy: '' })}\n`;
}

/** The numbers as the model takes them. */
export function npyFile({ inputShape }: AdversarialRun, { input }: Numbers): Uint8Array {
  return encodeNpy(input, inputShape);
}

/**
 * A specification that fails as long as the model is fooled: its only sample is the adversarial input, its label what the original is. The first file is the
 * specification, `name`; a large input comes beside it. `model` is its path from the specification's folder.
 */
export function testCase(
  run: AdversarialRun,
  { sample, label, from, to }: FoundInput,
  { input }: Numbers,
  { name, model }: { readonly name: string; readonly model: string },
): readonly File[] {
  const json = (value: unknown): string => JSON.stringify(value);
  const inline = input.length <= LARGEST_INLINE;
  const npy = name.replace(/(\.certiscope)?\.jsonc$/, '.npy');
  // The shortest decimals that read back to the same float32.
  const numbers = `[[${Array.from(input, value => String(Number(value.toPrecision(9)))).join(', ')}]]`;
  const right = label ?? from;
  const text = `{
  // Made from sample ${sample}: the model took it for ${to} where ${right} is right.
  // As long as it does, this ends as "misclassified".
  "model": ${json(model)},
  // In the model's own units: nothing is scaled here.
  "inputs": { "data": ${inline ? numbers : json(npy)}, "labels": [${right}] },
  "preprocess": { "layout": ${json(run.preprocess.layout)} },
  "property": { "kind": "label" },${run.classes ? `\n  "classes": ${json(run.classes)},` : ''}
  "checks": [
    { "name": ${json(`adversarial input of sample ${sample}`)}, "perturb": "input", "epsilon": 1e-6 }
  ]
}
`;
  const files: File[] = [{ name, bytes: new TextEncoder().encode(text) }];
  if (!inline) files.push({ name: npy, bytes: encodeNpy(input, [1, input.length]) });
  return files;
}
