/** The only file that knows which library draws charts; time-chart.ts and line-chart.ts say what is in them. */
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { element } from './dom';
import { fontOf, themed } from './theme';
import './chart.css';

/** Pixels of the numbers below a chart. */
export const ACROSS_HEIGHT = 26;
/** Fits the first time, before the page is laid out. */
const FIRST_WIDTH = 600;

/** Lines over numbers, updated in place. What a chart shows is also in a table or in words beside it. */
export abstract class Chart {
  readonly element: HTMLElement;
  readonly #height: number;
  #plot: UPlot | null = null;
  #lines = '';

  constructor(label: string, height: number) {
    this.#height = height;
    this.element = element('div', { class: 'chart', role: 'img', 'aria-label': label });
    new ResizeObserver(() => this.#fit()).observe(this.element);
    // The theme may change while the chart is shown; VS Code then rewrites the variables on the root element.
    new MutationObserver(() => this.#plot?.redraw()).observe(document.documentElement, { attributeFilter: ['style'] });
  }

  /** A sentence for those who do not see the lines. */
  set description(text: string) {
    this.element.setAttribute('aria-label', text);
  }

  /** Draws the numbers; `options` are asked for where there are other lines than before. */
  protected show(
    x: readonly number[],
    lines: readonly { readonly label: string; readonly values: readonly (number | null)[] }[],
    options: () => Omit<UPlot.Options, 'width' | 'height'>,
  ): void {
    const data = [[...x], ...lines.map(({ values }) => [...values])] as UPlot.AlignedData;
    const labels = lines.map(({ label }) => label).join('\n');
    if (this.#plot && labels === this.#lines) return this.#plot.setData(data);
    this.#lines = labels;
    this.#plot?.destroy();
    const size = { width: this.element.clientWidth || FIRST_WIDTH, height: this.#height };
    this.#plot = new UPlot(
      { ...size, cursor: { y: false, drag: { x: false, y: false } }, ...options() },
      data,
      this.element,
    );
  }

  #fit(): void {
    const width = this.element.clientWidth;
    if (width > 0) this.#plot?.setSize({ width, height: this.#height });
  }
}

export type AxisOptions = UPlot.Axis;
export type Plot = UPlot;

/** An axis in the theme's colours; values that are not known have no number. */
export function axis(format: (value: number) => string, more: UPlot.Axis = {}): UPlot.Axis {
  return {
    stroke: () => themed('--vscode-descriptionForeground'),
    grid: { show: true, stroke: () => themed('--vscode-charts-lines'), width: 0.5 },
    ticks: { show: false },
    font: fontOf(),
    values: (_, values) => values.map(value => (value === null ? '' : format(value))),
    ...more,
  };
}

/** What a legend's mark says of its line. */
interface Marked {
  /** Theme variable. */
  readonly colour: string;
  /** Lengths of dashes and gaps; none for a solid line. */
  readonly dash?: readonly number[];
}

/** A legend whose marks have the colours of the theme, also when it changes, and borders after the dashes of their lines. */
export function legendOf(lines: readonly Marked[]): UPlot.Legend {
  const stroke = (_: UPlot, series: number): string => `var(${lines[series - 1]?.colour}, var(--vscode-foreground))`;
  const dash = (_: UPlot, series: number): string => borderOf(lines[series - 1]?.dash);
  return { live: true, markers: { stroke, dash } };
}

function borderOf(dash: Marked['dash']): string {
  if (!dash) return 'solid';
  return dash.length > 2 ? 'double' : dash[0]! <= 2 ? 'dotted' : 'dashed';
}

/** What the legend says of a value. */
export function legendValue(format: (value: number) => string): UPlot.Series.Value {
  return (_, value: number | null) => (value === null ? '–' : format(value));
}
