import type { ModelStructure, NodeDetail, NodeInfo, StoredTensor } from '../../src/engine/protocol';

/** A node of the picture: an operator call of the model, or one of the model's inputs and outputs. */
export interface Vertex {
  /** The same as long as the file's nodes are. */
  readonly id: string;
  readonly kind: 'input' | 'output' | 'node';
  readonly name: string;
  /** Operator; `Input` or `Output` at the boundary. */
  readonly operator: string;
  /** What is known of an operator call; null at the boundary. */
  readonly node: NodeInfo | null;
  readonly detail: NodeDetail | null;
  /** Constants that it reads. */
  readonly tensors: readonly StoredTensor[];
  /** Place in an order in which every value is made before it is used. */
  readonly order: number;
  /** Values that it reads and makes, other than constants. */
  readonly reads: readonly Value[];
  readonly makes: readonly Value[];
}

/** A tensor that is computed; an edge of the picture for every reader. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[] | null;
  readonly type: string | null;
  readonly from: Vertex;
  readonly to: readonly Vertex[];
}

/** The graph of a model without its constants. */
export interface ModelGraph {
  /** In order (`Vertex.order`). */
  readonly vertices: readonly Vertex[];
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Writable<Omit<Vertex, 'reads' | 'makes'>> & { reads: Value[]; makes: Value[] };
type DraftValue = Omit<Value, 'to'> & { to: Vertex[] };

/** Ties operator calls together by the names of what they read and make. Names that lead nowhere make no edge. */
export function graphOf({ info, details, tensors }: ModelStructure): ModelGraph {
  const stored = new Map(tensors.map(tensor => [tensor.name, tensor]));
  const blank = { order: 0, tensors: [], node: null, detail: null };
  const drafts: Draft[] = info.inputs.map(({ name }) => ({
    ...blank,
    id: `input ${name}`,
    kind: 'input',
    name,
    operator: 'Input',
    reads: [],
    makes: [],
  }));
  const values = new Map<string, DraftValue>();
  info.inputs.forEach(({ name, type, shape, fixedShape }, k) => {
    const written = shape.every(size => typeof size === 'number') ? (shape as readonly number[]) : null;
    addValue({ name, type, shape: fixedShape ?? written, from: drafts[k]!, to: [] });
  });
  function addValue(value: DraftValue): void {
    values.set(value.name, value);
    (value.from as Draft).makes.push(value);
  }
  info.nodes.forEach((node, index) => {
    // What a Constant makes is a constant like any other: it is shown with its reader.
    if (node.opType === 'Constant') return;
    const detail = details[index]!;
    const draft: Draft = {
      ...blank,
      id: `node ${index}`,
      kind: 'node',
      name: node.name,
      operator: node.opType,
      node,
      detail,
      reads: [],
      makes: [],
      tensors: node.inputs.flatMap(name => stored.get(name) ?? []),
    };
    drafts.push(draft);
    node.outputs.forEach(({ name, shape }, k) =>
      addValue({ name, shape, type: detail.outputTypes[k] ?? null, from: draft, to: [] }),
    );
  });
  for (const draft of drafts) for (const name of new Set(draft.node?.inputs)) read(draft, name);
  for (const { name } of info.outputs) {
    const draft: Draft = {
      ...blank,
      id: `output ${name}`,
      kind: 'output',
      name,
      operator: 'Output',
      reads: [],
      makes: [],
    };
    drafts.push(draft);
    read(draft, name);
  }
  function read(draft: Draft, name: string): void {
    const value = values.get(name);
    if (!value) return;
    draft.reads.push(value);
    value.to.push(draft);
  }
  return { vertices: inOrder(drafts), tensors: stored };
}

/** The file's order where it is one, as it nearly always is; what runs in a circle comes last. */
function inOrder(drafts: readonly Draft[]): readonly Vertex[] {
  const missing = new Map(drafts.map(draft => [draft as Vertex, draft.reads.length]));
  const ordered: Draft[] = [];
  const taken = new Set<Vertex>();
  const isOrdered = new Set<Vertex>();
  const simple = drafts.every(draft => {
    isOrdered.add(draft);
    return draft.reads.every(({ from }) => isOrdered.has(from));
  });
  if (simple) ordered.push(...drafts);
  else {
    const queue = drafts.filter(draft => draft.reads.length === 0);
    for (let next = 0; next < queue.length; next++) {
      const draft = queue[next]!;
      taken.add(draft);
      ordered.push(draft);
      for (const { to } of draft.makes)
        for (const reader of to) {
          const left = missing.get(reader)! - 1;
          missing.set(reader, left);
          if (left === 0) queue.push(reader as Draft);
        }
    }
    ordered.push(...drafts.filter(draft => !taken.has(draft)));
  }
  ordered.forEach((draft, order) => (draft.order = order));
  return ordered;
}

/** `1×64×28×28`, as on an edge; `scalar` for no dimensions and `?` where the shape is not known. */
export function shapeText(shape: readonly (number | string)[] | null): string {
  if (shape === null) return '?';
  return shape.length === 0 ? 'scalar' : shape.join('×');
}

/** The part of a name that tells it from its neighbours: `conv1` of `/layer1/layer1.0/conv1/Conv`. */
export function shortName({ name, operator }: Vertex): string {
  const parts = name.split('/').filter(part => part !== '');
  const last = parts.at(-1) ?? name;
  return (last.startsWith(operator) ? parts.at(-2) : undefined) ?? last;
}

/** What an operator does, as far as its looks go. */
export type Kind = 'linear' | 'activation' | 'normalisation' | 'pooling' | 'arithmetic' | 'shape' | 'other';

const KINDS: Readonly<Record<Exclude<Kind, 'other'>, string>> = {
  linear: 'Conv ConvTranspose Gemm MatMul ConvInteger MatMulInteger QLinearConv QLinearMatMul LSTM GRU RNN',
  activation:
    'Relu LeakyRelu PRelu Sigmoid Tanh Elu Selu Celu Gelu Softplus Softsign Softmax LogSoftmax HardSigmoid HardSwish Clip Mish Erf ThresholdedRelu',
  normalisation: 'BatchNormalization InstanceNormalization LayerNormalization GroupNormalization LRN LpNormalization',
  pooling: 'MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool ReduceMean ReduceMax ReduceSum ReduceMin ArgMax',
  arithmetic: 'Add Sub Mul Div Neg Abs Pow Sqrt Exp Log Min Max Sum Mean Sign Floor Ceil Round Sin Cos Where',
  shape:
    'Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Gather Pad Expand Tile Identity Dropout Cast Shape Resize Upsample DepthToSpace SpaceToDepth ConstantOfShape',
};
const kindOfOperator = new Map(
  Object.entries(KINDS).flatMap(([kind, operators]) => operators.split(' ').map(name => [name, kind as Kind])),
);

export function kindOf(operator: string): Kind {
  return kindOfOperator.get(operator) ?? 'other';
}
