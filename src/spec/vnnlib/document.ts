import type { Problem, Range } from '../../base/result';
import type { Question } from '../question';
import type { TextLines } from '../text-lines';
import type { Span } from './formula';
import type { SpanList, VariableTable } from './variable-table';

/** A tensor as a version 2 file declares it. */
export interface DeclaredTensor extends Span {
  readonly name: string;
  readonly side: 'input' | 'output';
  /** As written, e.g. `float32` or `Real`. */
  readonly elementType: string;
  readonly shape: readonly number[];
  readonly size: number;
  /** Where its elements begin in the flat input or output vector. */
  readonly offset: number;
}

/** A VNN-LIB file that says something definite. Whether it fits a model is checked by `compile`. */
export interface VnnlibDocument {
  readonly kind: 'vnnlib';
  readonly version: 1 | 2;
  readonly file: string;
  /** Without byte order mark. */
  readonly text: string;
  readonly lines: TextLines;
  readonly question: Question;
  /** For every disjunct of the question the part of the text that tells it apart. */
  readonly disjuncts: readonly Span[];
  /** Where every variable was declared, by index. */
  readonly inputs: VariableTable;
  readonly outputs: VariableTable;
  /** Version 2 only; empty in version 1, where variables are single numbers. */
  readonly tensors: readonly DeclaredTensor[];
  /** Every (assert …). */
  readonly asserts: SpanList;
  /** The assertions that say more than the bounds of one input: what a person thinks of as the property. */
  readonly properties: readonly Span[];
  /** What is not wrong but looks like a slip. */
  readonly warnings: readonly Problem[];
}

/** Lines and characters of a part of the document. */
export function rangeIn(document: VnnlibDocument, span: Span): Range {
  return document.lines.range(span.start, span.end);
}

/** The variable's name as the file writes it, e.g. `X_3` or `X[0,3]`. */
export function variableName(
  document: Pick<VnnlibDocument, 'version' | 'tensors'>,
  side: 'input' | 'output',
  index: number,
): string {
  if (document.version === 1) return `${side === 'input' ? 'X' : 'Y'}_${index}`;
  const tensor = document.tensors.find(t => t.side === side && index >= t.offset && index < t.offset + t.size);
  if (!tensor) return `${side} ${index}`;
  if (tensor.shape.length === 0) return tensor.name;
  let rest = index - tensor.offset;
  const subscripts: number[] = [];
  for (const extent of [...tensor.shape].reverse()) {
    subscripts.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  return `${tensor.name}[${subscripts.join(',')}]`;
}
