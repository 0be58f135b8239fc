/** With line-chart.ts the only file that knows which library draws charts. */
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { element } from './dom';

/** One line over time. Values that are not known are null. */
export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** The side on which its numbers stand. */
  readonly side: 'left' | 'right';
  /** Theme variable of its colour. */
  readonly colour: string;
  readonly format: (value: number) => string;
}

const HEIGHT = 190;
/** Pixels between the numbers of an axis, at least. */
const AXIS_WIDTH = 56;

/** Two lines over the seconds of a run, updated in place. What it shows is also said in words beside it. */
export class TimeChart {
  readonly element: HTMLElement;
  #plot: UPlot | null = null;
  #series: readonly Series[] = [];

  constructor(label: string) {
    this.element = element('div', { class: 'chart', role: 'img', 'aria-label': label });
    new ResizeObserver(() => this.#fit()).observe(this.element);
    // The theme may change while the chart is shown; VS Code then rewrites the variables on the root element.
    new MutationObserver(() => this.#plot?.redraw()).observe(document.documentElement, { attributeFilter: ['style'] });
  }

  /** A sentence for those who do not see the lines. */
  set description(text: string) {
    this.element.setAttribute('aria-label', text);
  }

  draw(seconds: readonly number[], series: readonly Series[]): void {
    const data = [[...seconds], ...series.map(({ values }) => [...values])] as UPlot.AlignedData;
    this.#series = series;
    if (this.#plot?.series.length === series.length + 1) return this.#plot.setData(data);
    this.#plot?.destroy();
    this.#plot = new UPlot(this.#options(), data, this.element);
  }

  #fit(): void {
    const width = this.element.clientWidth;
    if (width > 0) this.#plot?.setSize({ width, height: HEIGHT });
  }

  #options(): UPlot.Options {
    const series = this.#series;
    const axis = (scale: string, side: 1 | 3, grid: boolean, { format, colour }: Series): UPlot.Axis => ({
      scale,
      side,
      size: AXIS_WIDTH,
      stroke: () => themed(colour),
      grid: { show: grid, stroke: () => themed('--vscode-charts-lines'), width: 0.5 },
      ticks: { show: false },
      font: fontOf(),
      values: (_, values) => values.map(value => (value === null ? '' : format(value))),
    });
    return {
      width: this.element.clientWidth || 600,
      height: HEIGHT,
      // Seconds of a run are no dates.
      scales: { x: { time: false }, left: { range: aroundZero }, right: { range: fromZero } },
      cursor: { y: false, drag: { x: false, y: false } },
      legend: { live: true },
      series: [
        { label: 'Time', value: (_, value) => (value === null ? '–' : `${value.toFixed(1)} s`) },
        ...series.map(({ label, side, colour }, index): UPlot.Series => ({
          label,
          scale: side,
          stroke: () => themed(colour),
          width: 1.5,
          spanGaps: true,
          points: { show: false },
          value: (_, value) => (value === null ? '–' : this.#series[index]!.format(value)),
        })),
      ],
      axes: [
        {
          stroke: () => themed('--vscode-descriptionForeground'),
          grid: { show: false },
          ticks: { show: false },
          font: fontOf(),
          values: (_, values) => values.map(value => `${value} s`),
        },
        ...series.map(line => axis(line.side, line.side === 'left' ? 3 : 1, line.side === 'left', line)),
      ],
      hooks: { draw: [drawZero] },
    };
  }
}

/** A dashed line where the left side is 0. */
function drawZero(plot: UPlot): void {
  const { left, width } = plot.bbox;
  const y = plot.valToPos(0, 'left', true);
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = themed('--vscode-descriptionForeground');
  ctx.setLineDash([4, 4]);
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(left + width, y);
  ctx.stroke();
  ctx.restore();
}

/** From the smallest to the largest value, 0 among them, with a little air. */
function aroundZero(_: UPlot, smallest: number | null, largest: number | null): [number, number] {
  const low = Math.min(smallest ?? 0, 0);
  const high = Math.max(largest ?? 0, 0);
  const air = (high - low || 1) * 0.08;
  return [low - air, high + air];
}

function fromZero(_: UPlot, __: number | null, largest: number | null): [number, number] {
  return [0, Math.max(largest ?? 0, 1) * 1.1];
}

/** What a theme variable is now; the foreground where the theme has none. */
export function themed(variable: string): string {
  const style = getComputedStyle(document.documentElement);
  return style.getPropertyValue(variable).trim() || style.getPropertyValue('--vscode-foreground').trim() || 'gray';
}

/** The page's font as a canvas takes it. */
export function fontOf(): string {
  const { fontSize, fontFamily } = getComputedStyle(document.body);
  return `${fontSize} ${fontFamily}`;
}
