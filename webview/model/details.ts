import type { ModelStructure, StoredTensor, TensorStatistics } from '../../src/engine/protocol';
import { element, table, type Child } from '../kit/dom';
import { drawn } from '../kit/svg';
import { button, busy } from '../kit/toolkit';
import { shortNumber } from './colouring';
import { shapeText, type ModelGraph, type Value, type Vertex } from './graph';
import { contents, leavesOf, type Group, type Tree } from './hierarchy';

/** What is known of the weights. */
export interface Weights {
  readonly known: ReadonlyMap<string, TensorStatistics>;
  readonly reading: ReadonlySet<string>;
}

export interface DetailsOptions {
  readonly structure: ModelStructure;
  readonly graph: ModelGraph;
  readonly weights: Weights;
  /** What the chosen colour says of a box: `Unstable neurons: 12%`. */
  readonly measured: (tree: Tree) => string | null;
  readonly read: (tensors: readonly string[]) => void;
  readonly choose: (vertex: Vertex) => void;
  readonly toggle: (group: Group) => void;
  readonly isOpen: (group: Group) => boolean;
}

/** Tensors up to this size are read as soon as a person looks at their node. */
export const READ_AT_ONCE_BYTES = 16 << 20;

/** What is chosen, else the model. */
export function details(tree: Tree | null, options: DetailsOptions): readonly Child[] {
  if (tree === null) return modelDetails(options);
  return tree.kind === 'group' ? groupDetails(tree, options) : vertexDetails(tree.vertex, tree, options);
}

function facts(list: readonly (readonly [name: string, value: Child] | null)[]): HTMLElement {
  const shown = list.filter(fact => fact !== null);
  return element('dl', {}, ...shown.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
}

function modelDetails({ structure }: DetailsOptions): readonly Child[] {
  const { info, tensors } = structure;
  const boundary = (list: typeof info.inputs): Child =>
    element(
      'span',
      {},
      ...list.flatMap(({ name, type, shape }) => [
        `${name} `,
        element('span', { class: 'quiet' }, `${type} ${shapeText(shape)}`),
        element('br'),
      ]),
    );
  const operators = [...info.operators].sort((a, b) => Number(a.supported) - Number(b.supported) || b.count - a.count);
  return [
    element('h2', {}, 'Model'),
    facts([
      ['Inputs', boundary(info.inputs)],
      ['Outputs', boundary(info.outputs)],
      ['Nodes', info.nodes.length.toLocaleString('en')],
      [
        'Parameters',
        `${info.parameterCount.toLocaleString('en')}${info.parameterTypes.length > 0 ? ` (${info.parameterTypes.map(({ type }) => type).join(', ')})` : ''}`,
      ],
      [
        'Tensors',
        `${tensors.length.toLocaleString('en')} stored, ${bytesText(tensors.reduce((sum, { bytes }) => sum + bytes, 0))}`,
      ],
      ['File', bytesText(info.fileSize)],
      info.externalData.length > 0 ? ['Weights in', info.externalData.join(', ')] : null,
      [
        'Operator set',
        info.opsets.map(({ domain, version }) => `${domain === '' ? '' : `${domain} `}${version}`).join(', '),
      ],
      info.producer === '' ? null : ['Made by', info.producer],
    ]),
    element('h3', {}, 'Operators'),
    table(
      'Operators',
      ['Operator', 'Nodes', ''],
      operators.map(({ domain, opType, count, supported }) => [
        domain === '' ? opType : `${domain}.${opType}`,
        String(count),
        supported
          ? element('span', { class: 'good' }, '✓ supported')
          : element('span', { class: 'bad' }, '✗ not supported'),
      ]),
    ),
    ...operators.flatMap(({ opType, reasons }) =>
      reasons.map(reason => element('p', { class: 'note' }, element('strong', {}, opType), ': ', sentence(reason))),
    ),
    element(
      'p',
      { class: 'quiet hint' },
      'Choose a node for its shapes, attributes and weights. Arrow keys follow the edges; Enter opens and closes a group.',
    ),
    element(
      'p',
      { class: 'quiet hint' },
      'To open .onnx files here by default: Reopen Editor With… → Configure default editor for “*.onnx”.',
    ),
  ];
}

function groupDetails(group: Group, options: DetailsOptions): readonly Child[] {
  const leaves = [...leavesOf(group)];
  const isInside = ({ order }: Vertex): boolean => group.first <= order && order <= group.last;
  const entering = new Set(leaves.flatMap(({ vertex }) => vertex.reads.filter(({ from }) => !isInside(from))));
  const leaving = new Set(
    leaves.flatMap(({ vertex }) => vertex.makes.filter(({ to }) => to.some(reader => !isInside(reader)))),
  );
  const parameters = leaves.reduce((sum, { vertex }) => sum + (vertex.node?.parameters ?? 0), 0);
  const unsupported = leaves.filter(({ vertex }) => vertex.node?.supported === false);
  return [
    element('h2', {}, group.name),
    element('p', { class: 'quiet' }, `${leaves.length} nodes: ${contents(group, 6)}`),
    measuredLine(group, options),
    element(
      'div',
      { class: 'below' },
      button({ label: options.isOpen(group) ? 'Close' : 'Open', onClick: () => options.toggle(group) }),
    ),
    facts([['Parameters', parameters.toLocaleString('en')]]),
    element('h3', {}, 'Reads'),
    valueTable('Values that enter', [...entering], options, 'from'),
    element('h3', {}, 'Makes'),
    valueTable('Values that leave', [...leaving], options, 'to'),
    ...unsupported.slice(0, 5).map(({ vertex }) => unsupportedNote(vertex)),
    unsupported.length > 5 &&
      element('p', { class: 'quiet' }, `and ${unsupported.length - 5} more nodes that are not supported.`),
  ];
}

function vertexDetails(vertex: Vertex, tree: Tree, options: DetailsOptions): readonly Child[] {
  const { node, detail } = vertex;
  const title = element('h2', {}, vertex.operator, ' ', element('span', { class: 'quiet' }, vertex.name));
  if (!node || !detail)
    return [
      title,
      element('h3', {}, vertex.kind === 'input' ? 'Read by' : 'Made by'),
      valueTable(
        'Values',
        vertex.kind === 'input' ? vertex.makes : vertex.reads,
        options,
        vertex.kind === 'input' ? 'to' : 'from',
      ),
    ];
  const operator = `${node.domain === '' ? '' : `${node.domain}.`}${node.opType}${detail.opset === null ? '' : `, operator set ${detail.opset}`}`;
  return [
    title,
    element('p', { class: 'quiet' }, operator),
    node.supported ? element('p', {}, element('span', { class: 'good' }, '✓ supported')) : unsupportedNote(vertex),
    measuredLine(tree, options),
    element('h3', {}, 'Reads'),
    valueTable('Inputs', vertex.reads, options, 'from'),
    element('h3', {}, 'Makes'),
    valueTable('Outputs', vertex.makes, options, 'to'),
    detail.attributes.length > 0 && element('h3', {}, 'Attributes'),
    detail.attributes.length > 0 && facts(detail.attributes.map(({ name, text }) => [name, text] as const)),
    vertex.tensors.length > 0 && element('h3', {}, 'Weights and constants'),
    ...vertex.tensors.map(tensor => tensorDetails(tensor, options)),
  ];
}

function unsupportedNote({ name, operator, node }: Vertex): HTMLElement {
  return element(
    'p',
    { class: 'note' },
    element('strong', {}, `${operator} “${name}” is not supported: `),
    sentence(node?.reason ?? ''),
  );
}

function measuredLine(tree: Tree, { measured }: DetailsOptions): HTMLElement | null {
  const text = measured(tree);
  return text === null ? null : element('p', { class: 'measured' }, text);
}

/** Most values that are listed of one group. */
const LISTED = 12;

function valueTable(
  label: string,
  values: readonly Value[],
  { choose }: DetailsOptions,
  other: 'from' | 'to',
): HTMLElement {
  if (values.length === 0) return element('p', { class: 'quiet' }, 'nothing');
  const link = (vertex: Vertex): HTMLElement => {
    const made = element(
      'button',
      { class: 'link', type: 'button', title: `Go to ${vertex.operator} ${vertex.name}` },
      vertex.operator,
    );
    made.addEventListener('click', () => choose(vertex));
    return made;
  };
  const rows = values.slice(0, LISTED).map(value => {
    const vertices = other === 'from' ? [value.from] : value.to;
    const links = vertices.slice(0, 4).flatMap((vertex, k) => (k > 0 ? [', ', link(vertex)] : [link(vertex)]));
    return [
      element('span', { class: 'name', title: value.name }, value.name),
      element('span', { title: value.type ?? 'type not known' }, shapeText(value.shape)),
      element(
        'span',
        {},
        ...(links.length > 0 ? links : ['nobody']),
        vertices.length > 4 ? `, +${vertices.length - 4}` : '',
      ),
    ];
  });
  const made = table(label, ['Value', 'Shape', other === 'from' ? 'From' : 'To'], rows);
  if (values.length > LISTED) made.append(element('p', { class: 'quiet' }, `and ${values.length - LISTED} more`));
  return made;
}

function tensorDetails(tensor: StoredTensor, { weights, read }: DetailsOptions): HTMLElement {
  const { name, type, shape, bytes, location, values } = tensor;
  const known = weights.known.get(name);
  const place = location === null ? '' : `, in ${location}`;
  return element(
    'section',
    { class: 'tensor' },
    element(
      'p',
      {},
      element('span', { class: 'name' }, name),
      ' ',
      element('span', { class: 'quiet' }, `${type} ${shapeText(shape)}, ${bytesText(bytes)}${place}`),
    ),
    values !== null &&
      element('p', { class: 'values' }, values.length === 0 ? 'empty' : values.map(shortNumber).join(', ')),
    known?.problem && element('p', { class: 'note', role: 'alert' }, known.problem.message),
    known?.statistics && statisticsOf(name, known.statistics),
    !known &&
      values === null &&
      (weights.reading.has(name)
        ? element(
            'div',
            { class: 'below' },
            busy(`Reading ${name}`),
            element('span', { class: 'quiet' }, `Reading ${bytesText(bytes)}…`),
          )
        : element(
            'div',
            { class: 'below' },
            button({
              label: `Read ${bytesText(bytes)}`,
              title: `Read ${name} and show what its numbers are like`,
              onClick: () => read([name]),
            }),
          )),
  );
}

function statisticsOf(
  name: string,
  { count, zeros, notFinite, spread }: NonNullable<TensorStatistics['statistics']>,
): HTMLElement {
  const part = (some: number): string =>
    some === 0
      ? 'none'
      : `${some.toLocaleString('en')} (${((100 * some) / count).toFixed(some / count < 0.001 ? 3 : 1)}%)`;
  return element(
    'div',
    { class: 'statistics' },
    spread && histogram(name, spread),
    facts([
      spread ? ['Smallest', shortNumber(spread.smallest)] : null,
      spread ? ['Largest', shortNumber(spread.largest)] : null,
      spread ? ['Mean', shortNumber(spread.mean)] : null,
      spread ? ['Std. deviation', shortNumber(spread.deviation)] : null,
      ['Zeros', part(zeros)],
      notFinite > 0 ? ['NaN or infinite', element('span', { class: 'bad' }, part(notFinite))] : null,
    ]),
  );
}

function histogram(
  name: string,
  { histogram: counts, smallest, largest }: NonNullable<NonNullable<TensorStatistics['statistics']>['spread']>,
): HTMLElement {
  const [width, height] = [280, 64];
  const most = Math.max(...counts);
  const bar = width / counts.length;
  const step = (largest - smallest) / counts.length;
  const bars = counts.map((count, k) => {
    const tall = (height * count) / most;
    // A bin that is not empty is seen.
    const shown = count > 0 ? Math.max(tall, 1) : 0;
    return drawn(
      'rect',
      { x: k * bar, y: height - shown, width: Math.max(bar - 0.6, 0.5), height: shown },
      drawn(
        'title',
        {},
        `${shortNumber(smallest + k * step)} to ${shortNumber(smallest + (k + 1) * step)}: ${count.toLocaleString('en')}`,
      ),
    );
  });
  const peak = smallest + (counts.indexOf(most) + 0.5) * step;
  const picture = drawn(
    'svg',
    {
      class: 'histogram',
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-label': `Histogram of ${name}: from ${shortNumber(smallest)} to ${shortNumber(largest)}, most numbers near ${shortNumber(peak)}`,
    },
    ...bars,
  );
  if (smallest < 0 && largest > 0) {
    const zero = (-smallest / (largest - smallest)) * width;
    picture.append(drawn('path', { class: 'zero', d: `M${zero} 0 V${height}` }));
  }
  return element(
    'figure',
    {},
    picture,
    element('figcaption', {}, element('span', {}, shortNumber(smallest)), element('span', {}, shortNumber(largest))),
  );
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ${units[unit]}`;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
