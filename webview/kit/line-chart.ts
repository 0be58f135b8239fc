import { ACROSS_HEIGHT, axis, Chart, legendOf, legendValue, type AxisOptions } from './chart';
import { fontOf, themed } from './theme';

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
}

const AXIS_WIDTH = 64;
const POINT = 7;
/** Pixels of the name of an axis. */
const LABEL_HEIGHT = 20;

/** Lines with a point at every value. What it shows is also in a table beside it. */
export class LineChart extends Chart {
  readonly #options: LineChartOptions;

  constructor(options: LineChartOptions) {
    super(options.label, options.height);
    this.#options = options;
  }

  draw(x: readonly number[], lines: readonly Line[]): void {
    const { x: across, y: up } = this.#options;
    const named = (label: string): AxisOptions => ({ label, labelFont: fontOf(), labelSize: LABEL_HEIGHT });
    this.show(x, lines, () => ({
      scales: {
        x: { time: false },
        y: { range: (_, __, largest) => [0, up.most ?? Math.max(largest ?? 0, 1e-3) * 1.1] },
      },
      legend: legendOf(lines),
      series: [
        { label: across.label, value: legendValue(across.format) },
        ...lines.map(({ label, colour, dash }) => ({
          label,
          stroke: () => themed(colour),
          width: dash ? 2 : 4,
          ...(dash ? { dash: [...dash] } : {}),
          spanGaps: true,
          points: { show: true, size: POINT, fill: () => themed(colour) },
          value: legendValue(up.format),
        })),
      ],
      axes: [
        axis(across.format, { ...named(across.label), size: ACROSS_HEIGHT }),
        axis(up.format, { ...named(up.label), size: AXIS_WIDTH }),
      ],
    }));
  }
}
