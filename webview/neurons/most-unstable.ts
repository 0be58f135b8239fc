import { link, table } from '../kit/dom';
import { percent, sizeOf } from '../kit/numbers';
import { placeName } from './arrangement';
import type { ShownNeurons } from './protocol';

/** Rows of the table; the maps show the rest. */
const MOST_ROWS = 50;

/** What the maps show, in words: the neurons that are unstable most often, each a way to its bounds. */
export function mostUnstable(
  layers: ShownNeurons['layers'],
  counts: Float32Array,
  samples: number,
  onChoose: (neuron: number) => void,
): HTMLElement {
  const starts = layers.reduce<number[]>((sums, { shape }) => [...sums, sums.at(-1)! + sizeOf(shape)], [0]);
  const order = [...counts.keys()].sort((a, b) => counts[b]! - counts[a]! || a - b).slice(0, MOST_ROWS);
  const rows = order.map(neuron => {
    const k = starts.findIndex(start => start > neuron) - 1;
    const { name, shape } = layers[k]!;
    const title = `${name}, ${placeName(shape, 'neurons', neuron - starts[k]!)}`;
    const count = counts[neuron]!;
    return [
      link(title, () => onChoose(neuron), { 'data-focus': `neuron-${neuron}` }),
      String(count),
      percent(count / samples),
    ];
  });
  return table('Neurons that are unstable most often', ['Neuron', `Of ${samples} samples`, '%'], rows);
}
