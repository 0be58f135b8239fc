import { fail, ok, type Problem, type Result } from '../../base/result';
import type { TensorInfo, Trailing } from '../../network/network';
import type { Constraint, Question } from '../question';
import { rangeIn, type VnnlibDocument } from './document';
import type { Span } from './formula';

/** What a question has to fit. `TensorInfo` shapes have a batch dimension of 1. */
export interface ModelInterface {
  readonly inputSize: number;
  readonly outputSize: number;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** What the model ends in after the outputs that the engines bound; nothing by default. */
  readonly trailing?: Trailing;
}

/** The document's question, if it is one about a model of this shape. */
export function compile(document: VnnlibDocument, model: ModelInterface): Result<Question, Problem[]> {
  const problems: Problem[] = [];
  const report = (code: string, message: string, span: Span): void => {
    problems.push({ code, message, severity: 'error', file: document.file, range: rangeIn(document, span) });
  };
  for (const [side, table, expected, tensors] of [
    ['input', document.inputs, model.inputSize, model.inputs],
    ['output', document.outputs, model.outputSize, model.outputs],
  ] as const) {
    if (table.count !== expected) {
      const shapes = tensors.map(tensor => `${tensor.name} [${tensor.shape.join(',')}]`).join(', ');
      const place = table.span(Math.min(expected, table.count - 1));
      report(
        `vnnlib/${side}-count`,
        `The file declares ${counted(table.count, side)}, the model has ${expected} (${shapes}). Is this file meant for another model?`,
        place,
      );
    } else if (document.version === 2) checkShapes(document, side, tensors, report);
  }
  if (problems.length === 0 && model.trailing !== undefined && model.trailing !== 'none') {
    const operator = model.trailing === 'softmax' ? 'Softmax' : 'ArgMax';
    const place = document.question.disjuncts.findIndex(disjunct => !disjunct.constraints.every(keepsOrder));
    if (place >= 0) {
      const message = `The model ends in ${operator}; only comparisons between two of its outputs can be verified, as in (<= Y_0 Y_1).`;
      report('vnnlib/softmax', message, document.disjuncts[place]);
    }
  }
  return problems.length > 0 ? fail(problems) : ok(document.question);
}

/** Whether a constraint means the same over the values that Softmax or ArgMax takes: it says nothing of outputs, or which of two is larger. */
function keepsOrder({ outputs, inputs, bound }: Constraint): boolean {
  if (outputs.index.length === 0) return true;
  return (
    outputs.index.length === 2 && outputs.value[0] === -outputs.value[1] && inputs.index.length === 0 && bound === 0
  );
}

/** Version 2 declares tensors one by one; they must be the model's, in order. Leading dimensions of 1 (a batch) may be left out. */
function checkShapes(
  document: VnnlibDocument,
  side: 'input' | 'output',
  tensors: readonly TensorInfo[],
  report: (code: string, message: string, span: Span) => void,
): void {
  const declared = document.tensors.filter(tensor => tensor.side === side);
  if (declared.length !== tensors.length) {
    report(
      'vnnlib/tensor-count',
      `The file declares ${counted(declared.length, side)}, the model has ${tensors.length}.`,
      declared[declared.length - 1],
    );
    return;
  }
  declared.forEach((tensor, k) => {
    const actual = tensors[k];
    if (withoutBatch(tensor.shape) === withoutBatch(actual.shape)) return;
    const message = `${tensor.name} is declared as [${tensor.shape.join(',')}], but the model's ${side} ${actual.name} has shape [${actual.shape.join(',')}].`;
    report('vnnlib/shape', message, tensor);
  });
}

function withoutBatch(shape: readonly number[]): string {
  const first = shape.findIndex(extent => extent !== 1);
  return first < 0 ? '' : shape.slice(first).join(',');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
