import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Problem } from '../base/result';
import { loadModel, type LoadedModel } from '../network/load';
import type { Network } from '../network/network';
import { parseVnnlib } from '../spec/vnnlib/parse';
import { compile } from '../spec/vnnlib/compile';
import { rangeIn } from '../spec/vnnlib/document';
import { readTextFile } from '../spec/text-file';
import type { Solver } from '../verify/decide';
import { DEFAULT_OPTIONS } from '../verify/options';
import type { Decide, Plan } from './plan';
import type { Answer, VerifyParams } from './protocol';

/** What a plan is made from. */
export type PlanRequest = Pick<VerifyParams, 'model' | 'specification' | 'checks' | 'samples' | 'options'>;

/** Reads the model and the specification and says what will be asked, or everything that is wrong with them. */
export async function openPlan(request: PlanRequest): Promise<Answer<Plan>> {
  return planVnnlib(request);
}

async function planVnnlib(request: PlanRequest): Promise<Answer<Plan>> {
  const file = existing(request.specification.path);
  if (request.model === undefined)
    return refuse({
      code: 'engine/no-model',
      message: `${file}: a VNN-LIB file does not name its model. Name the model too: certiscope verify MODEL.onnx ${path.basename(file)}`,
      file,
    });
  const model = loadModel(existing(request.model));
  if (!model.ok) return refuse(model.error);
  const text = await textOf(request.specification, file);
  if (!text.ok) return refuse(text.error);
  const document = parseVnnlib(text.value, file);
  if (!document.ok) return { ok: false, problems: document.error };
  const question = compile(document.value, model.value.network);
  if (!question.ok) return { ok: false, problems: question.error };
  const { network } = model.value;
  const check = path
    .basename(file)
    .replace(/\.gz$/, '')
    .replace(/\.vnnlib$/, '');
  const [property] = document.value.properties;
  const plan: Plan = {
    model: model.value.path,
    specification: file,
    warnings: document.value.warnings,
    ...solve(model.value),
    multiplications: multiplicationsOf(network),
    modelHash: () => Promise.resolve(model.value.hash),
    tasks: [
      {
        check,
        sample: null,
        claim: 'for every input of the region, the outputs stay out of the unsafe set',
        ...(property === undefined ? {} : { range: rangeIn(document.value, property) }),
        options: { ...DEFAULT_OPTIONS, ...request.options },
        prepare: () =>
          Promise.resolve({
            ok: true,
            value: {
              question: question.value,
              facts: { inputShape: shapeOf(network.inputs), outputShape: shapeOf(network.outputs) },
            },
          }),
      },
    ],
  };
  return { ok: true, value: plan, warnings: document.value.warnings };
}

function textOf(specification: VerifyParams['specification'], file: string): ReturnType<typeof readTextFile> {
  return specification.text === undefined
    ? readTextFile(file)
    : Promise.resolve({ ok: true, value: specification.text });
}

/** The solver of one model. Its code is loaded when the first question comes: reading files and finding their mistakes goes without. */
function solve(model: LoadedModel): Pick<Plan, 'decide' | 'close'> {
  let solver: Promise<Solver> | undefined;
  const decide: Decide = async (...question) => {
    solver ??= import('../verify/decide').then(module => new module.Solver(model));
    return (await solver).decide(...question);
  };
  return { decide, close: async () => (await solver)?.close() };
}

/** Multiplications of one forward pass. */
function multiplicationsOf(network: Network): number {
  let total = 0;
  for (const node of network.nodes) {
    if (node.kind === 'dense') total += node.weight.length;
    else if (node.kind === 'conv') total += (node.size / node.outputShape[0]) * node.weight.length;
    else if (node.kind === 'sparse') total += node.column.length;
    else total += node.size;
  }
  return total;
}

/** The shape of the only tensor, or the flat length of several. */
function shapeOf(tensors: LoadedModel['network']['inputs']): readonly number[] {
  return tensors.length === 1 ? tensors[0].shape : [tensors.reduce((size, tensor) => size + tensor.size, 0)];
}

/** The file, or where only a packed one is there, that. */
export function existing(file: string): string {
  return !existsSync(file) && existsSync(`${file}.gz`) ? `${file}.gz` : file;
}

function refuse(problem: Problem): { ok: false; problems: Problem[] } {
  return { ok: false, problems: [problem] };
}
