import { element } from '../kit/dom';
import { HeatMap } from '../kit/heat-map';
import { sizeOf } from '../kit/numbers';
import { arrange, extentsOf, placeName, summed, type View } from './arrangement';
import type { ShownNeurons } from './protocol';

export interface MapsShown {
  readonly layers: ShownNeurons['layers'];
  readonly view: View;
  /** On how many samples each neuron is unstable, layer after layer. */
  readonly values: Float32Array;
  readonly samples: number;
  /** The same at the largest ε: its largest number has the full colour at every ε, so that a slide compares. */
  readonly reference: Float32Array;
  readonly neuron: number | null;
}

export interface MapsEvents {
  /** What the pointer or the keys are at, in words. */
  readonly onMove: (text: string) => void;
  readonly onChoose: (neuron: number) => void;
  /** On how many samples what has the full colour is unstable. */
  readonly onScale: (samples: number) => void;
}

const MARGINS_PIXELS = 60;
/** Cells are as large as fits, within these. */
const LARGEST_CELL_PIXELS = 12;
const WIDEST_CELLS = 400;

/** One heat map a layer. Maps are kept while only their numbers change, so that the slider redraws and nothing jumps. */
export class LayerMaps {
  readonly element = element('div', { class: 'maps' });
  #built = '';
  #maps: HeatMap[] = [];
  #shown: MapsShown | null = null;

  constructor(private readonly events: MapsEvents) {}

  draw(shown: MapsShown | null): void {
    this.#shown = shown;
    if (!shown) {
      this.#built = '';
      this.#maps = [];
      return this.element.replaceChildren();
    }
    const room = Math.max(120, Math.min(900, window.innerWidth - MARGINS_PIXELS));
    const built = JSON.stringify([shown.layers, shown.view, room]);
    if (built !== this.#built) this.#build(shown, room);
    this.#built = built;
    const started = performance.now();
    const peak = this.#peak(shown);
    let offset = 0;
    shown.layers.forEach(({ shape }, k) => {
      const size = sizeOf(shape);
      const part = shown.values.subarray(offset, offset + size);
      this.#maps[k]!.draw(summed(shape, shown.view, part).map(value => value / peak));
      const own = shown.neuron === null ? -1 : shown.neuron - offset;
      this.#maps[k]!.mark(shown.view === 'neurons' && own >= 0 && own < size ? own : null);
      offset += size;
    });
    performance.measure('certiscope-maps', { start: started, end: performance.now() });
    this.events.onScale(peak);
  }

  #peak({ layers, view, reference }: MapsShown): number {
    let [offset, peak] = [0, 0];
    for (const { shape } of layers) {
      const size = sizeOf(shape);
      for (const value of summed(shape, view, reference.subarray(offset, offset + size))) peak = Math.max(peak, value);
      offset += size;
    }
    return peak || 1;
  }

  #build({ layers, view }: MapsShown, room: number): void {
    let offset = 0;
    this.#maps = [];
    const figures = layers.map(({ name, shape }, k) => {
      const from = offset;
      offset += sizeOf(shape);
      const scaleFor = (width: number): number => Math.max(1, Math.min(LARGEST_CELL_PIXELS, Math.floor(room / width)));
      const { width } = extentsOf(shape);
      const most = Math.min(WIDEST_CELLS, Math.max(width, Math.floor(room / cellPixels(shape))));
      const cells = arrange(shape, view, most);
      const map = new HeatMap({
        label: `Layer ${name}`,
        cells,
        scale: scaleFor(cells.width),
        onMove: index => this.events.onMove(this.#words(k, index)),
        onChoose: index => this.#shown?.view === 'neurons' && this.events.onChoose(from + index),
      });
      this.#maps.push(map);
      return element('figure', {}, element('figcaption', {}, `${name}: ${shape.join(' × ')}`), map.element);
    });
    this.element.replaceChildren(...figures);
  }

  #words(k: number, index: number): string {
    const shown = this.#shown;
    if (!shown) return '';
    const { layers, view, values, samples } = shown;
    const offset = layers.slice(0, k).reduce((sum, each) => sum + sizeOf(each.shape), 0);
    const { name, shape } = layers[k]!;
    const size = sizeOf(shape);
    const value = summed(shape, view, values.subarray(offset, offset + size))[index]!;
    const often =
      view === 'neurons' ? `${value} of ${samples} samples` : `${((100 * value) / samples).toFixed(1)} % of the time`;
    return `${name}, ${placeName(shape, view, index)}: unstable on ${often}`;
  }
}

/** Large layers get small cells. */
function cellPixels(shape: readonly number[]): number {
  const size = sizeOf(shape);
  return size > 20_000 ? 2 : size > 5_000 ? 3 : size > 1_000 ? 5 : 8;
}
