import type { LayerTolerance, MethodPoint, ToleranceMethod } from '../../src/engine/study-protocols/weight-tolerance';
import { disclosure, element, table, type Child } from '../kit/dom';
import { LineChart, type Line } from '../kit/line-chart';
import { METHOD_NAMES, percent, seconds } from './words';

const STYLES: Readonly<Record<ToleranceMethod, Pick<Line, 'colour' | 'dash'>>> = {
  complete: { colour: '--vscode-charts-green' },
  star: { colour: '--vscode-charts-blue', dash: [12, 4] },
  'weng-margin': { colour: '--vscode-charts-yellow', dash: [6, 4] },
  'weng-range': { colour: '--vscode-charts-red', dash: [2, 4] },
  tsai: { colour: '--vscode-charts-purple', dash: [10, 4, 2, 4] },
};

/** From the back to the front. */
const DRAWN: readonly ToleranceMethod[] = ['complete', 'star', 'weng-margin', 'weng-range', 'tsai'];

const X = { label: '± percent of the range of the weights', format: (value: number) => `${value}` };

/** Percent of the samples that are verified over the magnitude, one line a method, and the seconds that it took below. */
export class Curves {
  readonly #verified = new LineChart({
    label: 'Samples verified',
    height: 230,
    x: X,
    y: { label: 'verified', format: value => `${Number(value.toFixed(1))} %`, most: 100 },
  });
  readonly #seconds = new LineChart({
    label: 'Seconds a sample',
    height: 150,
    x: X,
    y: { label: 'seconds', format: value => `${Number(value.toPrecision(2))}` },
  });

  draw(layer: LayerTolerance, methods: readonly ToleranceMethod[]): Child[] {
    const { curve } = layer;
    const points = curve.filter(point => Object.keys(point.methods).length > 0);
    if (points.length === 0)
      return [element('p', { class: 'quiet' }, 'The curve begins when every sample has its bracket.')];
    // The complete line first: where others coincide with it, their dashes stay visible on it.
    const present = DRAWN.filter(method => methods.includes(method) && points.some(point => point.methods[method]));
    const lines = (value: (point: MethodPoint) => number | null): Line[] =>
      present.map(method => ({
        label: METHOD_NAMES[method],
        ...STYLES[method],
        values: points.map(point => (point.methods[method] ? value(point.methods[method]) : null)),
      }));
    const x = points.map(({ magnitude }) => Number((100 * magnitude).toPrecision(6)));
    this.#verified.draw(
      x,
      lines(point => (100 * point.verified) / point.asked),
    );
    this.#seconds.draw(
      x,
      lines(point => point.seconds),
    );
    this.#verified.description = `Percent of the samples verified in ${layer.name}; the table below has the numbers.`;
    return [this.#verified.element, this.#seconds.element, disclosure('curves', 'As a table', numbers(layer, present))];
  }
}

function numbers({ name, curve }: LayerTolerance, methods: readonly ToleranceMethod[]): HTMLElement {
  const rows = curve.map(({ magnitude, methods: answers }) => [
    percent(magnitude),
    ...methods.map(method => {
      const point = answers[method];
      if (!point) return '–';
      const time = point.seconds === null ? '' : ` in ${seconds(point.seconds)}`;
      return `${point.verified} of ${point.asked}${time}`;
    }),
  ]);
  return table(`Samples verified in ${name}`, ['± of the range', ...methods.map(method => METHOD_NAMES[method])], rows);
}
