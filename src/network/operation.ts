import { asCoefficients, asOffsets, type Coefficients, type Offsets } from './coefficients';
import type { Constant } from './constant';
import type { Draft } from './draft';
import type { ElementType } from './element-type';
import type { ExternalData } from './external-data';
import type { GraphNode } from './graph';
import type { AttributeProto } from './proto/onnx';
import { refuse } from './refusal';
import { largestTensor, sizeOf } from './tensor';

/** What is known of a value of the graph before anything is built: its shape, and its numbers where they do not depend on the input. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly constant: Constant | null;
}

/** What an operator says about one of its outputs; the type is that of the first input unless given. */
export interface Inferred {
  readonly shape: readonly number[];
  readonly type?: ElementType;
  readonly constant?: Constant;
}

/**
 * One ONNX operator, all its versions. `infer` finds shapes, folds constants and refuses every form that is not supported; only where it
 * gave no constants, `lower` then adds the operator to the draft and gives the draft nodes of its outputs.
 */
export interface Operator {
  infer(operation: Operation): readonly Inferred[];
  lower(operation: Operation, draft: Draft): readonly number[];
}

/** An operator call with what is known of its inputs: the view of a node that operators work on. */
export class Operation {
  constructor(
    readonly node: GraphNode,
    private readonly inputs: readonly (Value | null)[],
    /** Outputs as inferred, in place when `lower` is called. */
    readonly outputs: readonly Value[],
    /** Draft nodes of the inputs that are not constants, in place when `lower` is called. */
    private readonly draftIds: readonly number[],
    /** Whether nothing that changes the order of the values lies between this node's first output and the model's only output. */
    readonly isLast: boolean,
    /** Where tensors among the attributes may keep their data. */
    readonly external: ExternalData,
  ) {}

  get opset(): number {
    return this.node.opset;
  }

  get inputCount(): number {
    return this.inputs.length;
  }

  /** `Conv node "conv_1"`, for messages. */
  get label(): string {
    return `${this.node.opType} node "${this.node.name}"`;
  }

  /** This form of the operator is not supported; `reason` continues the sentence "it is not supported because". */
  unsupported(reason: string): never {
    refuse('unsupported-operator', reason);
  }

  /** The node breaks the rules of ONNX, so the file is wrong. */
  invalid(reason: string): never {
    refuse('operator-invalid', `${this.label} ${reason}; export the model again.`);
  }

  has(index: number): boolean {
    return this.inputs[index] != null;
  }

  input(index: number): Value {
    return this.inputs[index] ?? this.invalid(`lacks its input number ${index + 1}`);
  }

  /** All inputs that are given. */
  allInputs(): readonly Value[] {
    return this.inputs.filter(input => input !== null);
  }

  /** The numbers of input `index`, which must not depend on the network's input. `role` says what it is for. */
  constant(index: number, role: string): Constant {
    return this.input(index).constant ?? this.unsupported(`its ${role} depends on the network's input`);
  }

  /** Constant input `index` as factors; refuses what is not finite or too imprecise. */
  coefficients(index: number, role: string): Coefficients {
    return asCoefficients(this.constant(index, role), this.named(index));
  }

  /** Constant input `index` as summands. */
  offsets(index: number, role: string): Offsets {
    return asOffsets(this.constant(index, role), this.named(index));
  }

  private named(index: number): string {
    return `tensor "${this.input(index).name}" of ${this.label}`;
  }

  /** An input of integers such as axes, or undefined when it is left out. */
  integers(index: number, role: string): number[] | undefined {
    return this.has(index) ? Array.from(this.constant(index, role).values) : undefined;
  }

  /** A one-element input such as a limit, or undefined when it is left out. */
  scalar(index: number, role: string): number | undefined {
    if (!this.has(index)) return undefined;
    const constant = this.constant(index, role);
    if (constant.size !== 1) this.invalid(`needs one number as its ${role} and has ${constant.size}`);
    return constant.values[0];
  }

  attribute(name: string): AttributeProto | undefined {
    return this.node.proto.attribute.find(attribute => attribute.name === name);
  }

  int<T extends number | undefined>(name: string, otherwise: T): number | T {
    const attribute = this.attribute(name);
    return attribute ? Number(attribute.i) : otherwise;
  }

  float(name: string, otherwise: number): number {
    return this.attribute(name)?.f ?? otherwise;
  }

  text(name: string, otherwise: string): string {
    const attribute = this.attribute(name);
    return attribute ? new TextDecoder().decode(attribute.s) : otherwise;
  }

  ints(name: string): number[] | undefined {
    return this.attribute(name)?.ints.map(Number);
  }

  /** An axis counted from the end when negative, checked against `rank`. */
  axis(axis: number, rank: number): number {
    const place = axis < 0 ? axis + rank : axis;
    if (!(Number.isInteger(place) && place >= 0 && place < rank))
      this.invalid(`names axis ${axis} of a tensor with ${rank} dimensions`);
    return place;
  }

  /** The draft node of input `index`; a constant becomes a constant node. */
  draftId(index: number, draft: Draft): number {
    const { constant } = this.input(index);
    return constant ? draft.constant(constant, this.node.name) : this.draftIds[index];
  }
}

/** More multiplications than this would take minutes to write down. */
const largestWork = 2 ** 28;

/**
 * Refuses results that no machine could hold, before anything is allocated for them; a result no larger than what it is made from always
 * passes.
 */
export function checkedShape(operation: Operation, shape: readonly number[]): readonly number[] {
  const limit = Math.max(largestTensor, ...operation.allInputs().map(input => sizeOf(input.shape)));
  if (!(sizeOf(shape) <= limit)) operation.unsupported(`its result of shape [${shape.join(', ')}] is too large`);
  return shape;
}

/** Refuses to write down more coefficients one by one than can be done in seconds. */
export function checkedWork(operation: Operation, count: number): void {
  if (!(count <= largestWork)) operation.unsupported(`it would take ${count} coefficients, which is too many`);
}

/** Refuses an attribute that is no size of anything, so that no loop runs over it. */
export function checkedExtent(
  operation: Operation,
  name: string,
  values: readonly number[],
  least: number,
): readonly number[] {
  const wrong = values.find(value => !(Number.isInteger(value) && value >= least && value <= largestTensor));
  if (wrong !== undefined) operation.unsupported(`its ${name} [${values.join(', ')}] contain ${wrong}`);
  return values;
}

/** The common shape of values that are broadcast against each other as ONNX (and NumPy) does it. */
export function broadcastShape(operation: Operation, shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map(shape => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let common = 1;
    for (const shape of shapes) {
      const dimension = shape[axis - rank + shape.length] ?? 1;
      if (dimension === common || dimension === 1) continue;
      if (common !== 1)
        operation.invalid(`combines shapes that do not fit: ${shapes.map(s => `[${s.join(', ')}]`).join(' and ')}`);
      common = dimension;
    }
    return common;
  });
}
