import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { fontOf, themed } from './chart';
import { element } from './dom';

/** One line over numbers that are no times. Values that are not known are null. */
export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** Theme variable of its colour. */
  readonly colour: string;
  /** Lengths of dashes and gaps, so that lines differ without colour; none for a solid line. */
  readonly dash?: readonly number[];
}

export interface LineChartOptions {
  readonly label: string;
  readonly height: number;
  readonly x: { readonly label: string; readonly format: (value: number) => string };
  readonly y: { readonly label: string; readonly format: (value: number) => string; readonly most?: number };
  readonly legend: boolean;
}

const AXIS_WIDTH = 64;
const POINT = 7;

/** Lines with a point at every value. What it shows is also in a table beside it. */
export class LineChart {
  readonly element: HTMLElement;
  #plot: UPlot | null = null;
  #labels = '';

  constructor(private readonly options: LineChartOptions) {
    this.element = element('div', { class: 'chart', role: 'img', 'aria-label': options.label });
    new ResizeObserver(() => this.#fit()).observe(this.element);
    // The theme may change while the chart is shown; VS Code then rewrites the variables on the root element.
    new MutationObserver(() => this.#plot?.redraw()).observe(document.documentElement, { attributeFilter: ['style'] });
  }

  /** A sentence for those who do not see the lines. */
  set description(text: string) {
    this.element.setAttribute('aria-label', text);
  }

  draw(x: readonly number[], lines: readonly Line[]): void {
    const data = [[...x], ...lines.map(({ values }) => [...values])] as UPlot.AlignedData;
    const labels = lines.map(({ label }) => label).join();
    if (this.#plot && labels === this.#labels) return this.#plot.setData(data);
    this.#labels = labels;
    this.#plot?.destroy();
    this.#plot = new UPlot(this.#plotOptions(lines), data, this.element);
  }

  #fit(): void {
    const width = this.element.clientWidth;
    if (width > 0) this.#plot?.setSize({ width, height: this.options.height });
  }

  #plotOptions(lines: readonly Line[]): UPlot.Options {
    const { x, y, height, legend } = this.options;
    const axis = (label: string, format: (value: number) => string): UPlot.Axis => ({
      label,
      labelFont: fontOf(),
      font: fontOf(),
      stroke: () => themed('--vscode-descriptionForeground'),
      grid: { show: true, stroke: () => themed('--vscode-charts-lines'), width: 0.5 },
      ticks: { show: false },
      values: (_, values) => values.map(value => (value === null ? '' : format(value))),
    });
    return {
      width: this.element.clientWidth || 600,
      height,
      scales: {
        x: { time: false },
        y: { range: (_, __, largest) => [0, y.most ?? Math.max(largest ?? 0, 1e-3) * 1.1] },
      },
      cursor: { y: false, drag: { x: false, y: false } },
      legend: { show: legend, live: true },
      series: [
        { label: x.label, value: (_, value) => (value === null ? '–' : x.format(value)) },
        ...lines.map(({ label, colour, dash }): UPlot.Series => ({
          label,
          stroke: () => themed(colour),
          width: dash ? 2 : 4,
          ...(dash ? { dash: [...dash] } : {}),
          spanGaps: true,
          points: { show: true, size: POINT, fill: () => themed(colour) },
          value: (_, value) => (value === null ? '–' : y.format(value)),
        })),
      ],
      axes: [axis(x.label, x.format), { ...axis(y.label, y.format), size: AXIS_WIDTH }],
    };
  }
}
