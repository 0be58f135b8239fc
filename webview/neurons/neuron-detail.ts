import type { Importance } from '../../src/engine/study-protocols/graft';
import { disclosure, element, facts, table, type Child, type Fact } from '../kit/dom';
import { percent, sizeOf } from '../kit/numbers';
import { drawn } from '../kit/svg';
import { placeName } from './arrangement';
import type { ShownNeurons, ToNeurons } from './protocol';

export interface DetailOptions {
  readonly layers: ShownNeurons['layers'];
  /** Index over all layers. */
  readonly neuron: number;
  readonly count: number;
  readonly samples: number;
  readonly epsilon: string;
  readonly importance: { readonly kind: Importance; readonly values: Float32Array } | null;
  readonly bounds: Extract<ToNeurons, { type: 'bounds' }> | null;
}

const WIDTH = 640;
const HEIGHT = 150;
const MARGIN = 8;

/** What is known of one neuron: how often it is unstable, how much it matters, and its bounds around every sample. */
export function neuronDetail(options: DetailOptions): Child[] {
  const { layers, neuron, count, samples, epsilon, importance, bounds } = options;
  let [index, k] = [neuron, 0];
  for (; k < layers.length; k++) {
    const size = sizeOf(layers[k]!.shape);
    if (index < size) break;
    index -= size;
  }
  const { name, shape } = layers[k]!;
  const known: Fact[] = [
    { name: 'Unstable', value: `on ${count} of ${samples} samples at ε = ${epsilon} (${percent(count / samples)})` },
  ];
  if (importance) known.push({ name: importance.kind.toUpperCase(), value: importanceText(importance.values, neuron) });
  return [
    element('h2', {}, `${name}, ${placeName(shape, 'neurons', index)}`),
    facts(known),
    ...(bounds && bounds.samples.length > 0 ? boundsOf(bounds) : []),
  ];
}

function importanceText(values: Float32Array, neuron: number): string {
  const own = values[neuron]!;
  const below = values.reduce((sum, value) => sum + (value < own ? 1 : 0), 0);
  return `${short(own)}; more than ${percent(below / values.length, 0)} of all neurons`;
}

/** What the neuron reads lies between these numbers, a line a sample; 0 is where it switches. */
function boundsOf({ samples, lower, upper }: NonNullable<DetailOptions['bounds']>): Child[] {
  const low = Math.min(0, ...lower);
  const high = Math.max(0, ...upper);
  const y = (value: number): number => MARGIN + ((high - value) / (high - low || 1)) * (HEIGHT - 2 * MARGIN);
  const step = WIDTH / samples.length;
  const lines = samples.map((sample, k) => {
    const open = lower[k]! <= 0 && upper[k]! >= 0;
    return drawn(
      'line',
      {
        x1: (k + 0.5) * step,
        x2: (k + 0.5) * step,
        y1: y(lower[k]!),
        y2: y(upper[k]!),
        class: open ? 'range open' : 'range',
        'stroke-width': Math.max(1, Math.min(6, step * 0.6)),
      },
      drawn('title', {}, `sample ${sample}: ${short(lower[k]!)} to ${short(upper[k]!)}`),
    );
  });
  const zero = drawn('line', { x1: 0, x2: WIDTH, y1: y(0), y2: y(0), class: 'zero' });
  const picture = drawn(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      class: 'ranges',
      role: 'img',
      'aria-label': 'Bounds by sample; the table has the numbers',
    },
    zero,
    ...lines,
  );
  const rows = samples.map((sample, k): Child[] => [
    `sample ${sample}`,
    short(lower[k]!),
    short(upper[k]!),
    lower[k]! <= 0 && upper[k]! >= 0 ? 'unstable' : upper[k]! < 0 ? 'off' : 'on',
  ]);
  return [
    element('h3', {}, 'Bounds of what it reads, around each sample'),
    element('div', {}, picture as unknown as HTMLElement),
    element('p', { class: 'quiet' }, 'A range that crosses the dashed line at 0 leaves open whether the neuron is on.'),
    disclosure('bounds', 'As a table', table('Bounds', ['Sample', 'From', 'To', 'Neuron'], rows)),
  ];
}

function short(value: number): string {
  return Number(value.toPrecision(4)).toString();
}
