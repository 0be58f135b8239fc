import { layerBracket, type LayerTolerance } from '../../src/engine/study-protocols/weight-tolerance';
import { element, link, table, type Child } from '../kit/dom';
import { counted } from '../kit/numbers';
import { failingPercent, provedPercent } from './words';

/** One row a layer: how far its weights may move, and how much they matter. */
export function layerTable(
  layers: readonly LayerTolerance[],
  samples: number,
  selected: LayerTolerance | null,
  onSelect: (layer: LayerTolerance) => void,
): HTMLElement {
  const largest = layers.reduce((most, { sensitivity }) => Math.max(most, sensitivity?.total ?? 0), 0);
  const rows = layers.map((layer): Child[] => {
    const bracket = layerBracket(layer);
    const name = link(layer.name, () => onSelect(layer), {
      'data-focus': `layer-${layer.number}`,
      'aria-pressed': String(layer === selected),
      title: `Show ${layer.name} below`,
    });
    return [
      name,
      layer.opType,
      layer.weights.toLocaleString('en'),
      bracket ? provedPercent(bracket.certified) : '',
      bracket ? provedPercent(middle(layer)) : '',
      bracket ? failingPercent(bracket.failing) : '',
      sensitivity(layer, largest),
      standing(layer, samples),
    ];
  });
  return table(
    'Layers',
    ['Layer', 'Kind', 'Weights', 'All samples hold up to', 'Half of them', 'First failure', 'Sensitivity', ''],
    rows,
    index => (layers[index] === selected ? 'chosen' : ''),
  );
}

/** What half of the samples hold up to. */
function middle({ samples }: LayerTolerance): number {
  const sorted = samples.map(({ certified }) => certified).sort((a, b) => b - a);
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
}

function sensitivity(layer: LayerTolerance, largest: number): Child {
  if (!layer.sensitivity || largest === 0) return '';
  const value = layer.sensitivity.total;
  const text = Number(value.toPrecision(3)).toString();
  const what = `The margin shrinks by about ${text} for each percent of the range`;
  return element(
    'span',
    { class: 'measure', title: what },
    element('meter', { min: '0', max: String(largest), value: String(value), 'aria-label': what }),
    ` ${text}`,
  );
}

function standing({ state, samples: done }: LayerTolerance, samples: number): string {
  if (state === 'finished') return counted(done.length, 'sample');
  if (state === 'waiting') return 'waiting';
  return done.length < samples ? `${done.length} of ${counted(samples, 'sample')}…` : 'curve…';
}
