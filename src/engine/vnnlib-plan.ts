import path from 'node:path';
import type { Constraint, LinearForm, Question } from '../spec/question';
import { compile } from '../spec/vnnlib/compile';
import { rangeIn, variableName, type VnnlibDocument } from '../spec/vnnlib/document';
import { formatNumber } from '../report/summary';
import { DEFAULT_OPTIONS } from '../verify/options';
import { PlannedModel } from './model';
import type { WholePlan } from './plan';
import { existing, type PlanRequest } from './plan-request';
import type { Answer } from './protocol';

/** A VNN-LIB file asks one question about a model that it does not name. */
export async function planVnnlib(document: VnnlibDocument, request: PlanRequest): Promise<Answer<WholePlan>> {
  const { file } = document;
  if (request.model === undefined) {
    const message = `${file}: a VNN-LIB file does not name its model. Name the model too: certiscope verify MODEL.onnx ${path.basename(file)}`;
    return { ok: false, problems: [{ code: 'engine/no-model', message, file }] };
  }
  const loaded = PlannedModel.load(existing(request.model));
  if (!loaded.ok) return { ok: false, problems: [loaded.error] };
  const model = loaded.value;
  const compiled = compile(document, model.network);
  if (!compiled.ok) return { ok: false, problems: compiled.error };
  const question = compiled.value;
  const options = { ...DEFAULT_OPTIONS, ...request.options };
  const refusal = await model.backendRefusal(options.backend);
  if (refusal !== null)
    return { ok: false, problems: [{ code: 'engine/backend', message: `${file}: ${refusal}`, file }] };
  const [property] = document.properties;
  const plan: WholePlan = {
    ...model.parts,
    specification: file,
    warnings: document.warnings,
    tasks: [
      {
        check: path.basename(file).replace(/(\.vnnlib)?(\.gz)?$/, ''),
        sample: null,
        claim: claimOf(document, question),
        ...(property === undefined ? {} : { range: rangeIn(document, property) }),
        options,
        prepare: () => Promise.resolve({ ok: true, value: { question, facts: model.shapes } }),
      },
    ],
  };
  return { ok: true, value: plan, warnings: document.warnings };
}

/** More than this of a condition is not read any more. */
const MOST_TERMS = 4;

/** What is claimed: that no input of the region makes the outputs do what the file describes. */
function claimOf(document: VnnlibDocument, { disjuncts }: Question): string {
  const ways = disjuncts.map(({ constraints }) =>
    listed(
      constraints.map(constraint => relation(document, constraint)),
      ' and ',
    ),
  );
  const distinct = [...new Set(ways)];
  return distinct.length === 1 && distinct[0] === ''
    ? 'the region is empty'
    : `no input of the region gives ${listed(distinct, ', or ')}`;
}

function listed(parts: readonly string[], separator: string): string {
  const shown = parts.slice(0, MOST_TERMS).join(separator);
  return parts.length > MOST_TERMS ? `${shown}${separator}${parts.length - MOST_TERMS} more` : shown;
}

/** `Y_0 ≤ Y_3`, `Y_0 ≥ 3.991`, or a sum on the left. */
function relation(document: VnnlibDocument, { outputs, inputs, bound, strict }: Constraint): string {
  const terms = [...termsOf(document, 'output', outputs), ...termsOf(document, 'input', inputs)];
  const less = strict ? '<' : '≤';
  const positive = terms.filter(term => term.factor > 0);
  const negative = terms.filter(term => term.factor < 0);
  if (bound === 0 && positive.length > 0 && negative.length > 0) return `${sum(positive)} ${less} ${sum(negative)}`;
  if (positive.length === 0) return `${sum(negative)} ${strict ? '>' : '≥'} ${formatNumber(-bound)}`;
  return `${[sum(positive), sum(negative)].filter(part => part !== '').join(' − ')} ${less} ${formatNumber(bound)}`;
}

interface Term {
  readonly name: string;
  readonly factor: number;
}

function termsOf(document: VnnlibDocument, side: 'input' | 'output', { index, value }: LinearForm): Term[] {
  return Array.from(index, (variable, k) => ({ name: variableName(document, side, variable), factor: value[k] }));
}

/** The terms without their signs. */
function sum(terms: readonly Term[]): string {
  return listed(
    terms.map(({ name, factor }) => (Math.abs(factor) === 1 ? name : `${formatNumber(Math.abs(factor))}·${name}`)),
    ' + ',
  );
}
