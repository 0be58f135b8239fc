import type { LayerTolerance } from '../../src/engine/study-protocols/weight-tolerance';
import { themed } from '../kit/theme';
import { element, table, type Child } from '../kit/dom';

const HEIGHT = 72;
const WIDTH = 760;
const LISTED = 10;

/** Which neuron's weights matter most: a bar a neuron, and the first of them by name. */
export function neuronMap({ name, sensitivity }: LayerTolerance): Child[] {
  if (!sensitivity || sensitivity.neurons.length < 2) return [];
  const { neurons } = sensitivity;
  const order = [...neurons.keys()].sort((a, b) => neurons[b]! - neurons[a]!);
  const largest = neurons[order[0]!]!;
  if (!(largest > 0)) return [];
  const canvas = element('canvas', {
    width: String(WIDTH),
    height: String(HEIGHT),
    role: 'img',
    'aria-label': `Sensitivity of the ${neurons.length} neurons of ${name}; the table has the largest`,
  });
  const brush = canvas.getContext('2d');
  if (brush) {
    brush.fillStyle = themed('--vscode-charts-blue');
    const step = WIDTH / neurons.length;
    neurons.forEach((value, k) => {
      const height = Math.max(value > 0 ? 1 : 0, (value / largest) * HEIGHT);
      brush.fillRect(k * step, HEIGHT - height, Math.max(1, step - (step > 3 ? 1 : 0)), height);
    });
  }
  const readout = element('p', { class: 'quiet readout', 'aria-hidden': 'true' }, ' ');
  canvas.addEventListener('mousemove', event => {
    const k = Math.min(neurons.length - 1, Math.floor((event.offsetX / canvas.clientWidth) * neurons.length));
    readout.textContent = `Neuron ${k}: ${short(neurons[k] ?? 0)}`;
  });
  canvas.addEventListener('mouseleave', () => (readout.textContent = ' '));
  const rows = order
    .slice(0, LISTED)
    .map(k => [`${k}`, short(neurons[k]!), `${((100 * neurons[k]!) / sensitivity.total).toFixed(1)} %`]);
  return [
    element('h3', {}, 'Which weights matter'),
    element(
      'p',
      { class: 'quiet' },
      'By how much the margin shrinks, to first order, when all weights that lead to a neuron move by one percent of the range in the worst direction; mean over the samples.',
    ),
    element('div', { class: 'bars' }, canvas),
    readout,
    table(`The most sensitive neurons of ${name}`, ['Neuron', 'Margin shrinks by', 'Of the layer'], rows),
  ];
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
