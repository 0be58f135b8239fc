import { ACROSS_HEIGHT, axis, Chart, legendOf, legendValue, type Plot } from './chart';
import { themed } from './theme';

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

/** Two lines over the seconds of a run. What it shows is also said in words beside it. */
export class TimeChart extends Chart {
  constructor(label: string) {
    super(label, HEIGHT);
  }

  draw(seconds: readonly number[], series: readonly Series[]): void {
    this.show(seconds, series, () => ({
      // Seconds of a run are no dates.
      scales: { x: { time: false }, left: { range: aroundZero }, right: { range: fromZero } },
      legend: legendOf(series),
      series: [
        { label: 'Time', value: legendValue(value => `${value.toFixed(1)} s`) },
        ...series.map(({ label, side, colour, format }) => ({
          label,
          scale: side,
          stroke: () => themed(colour),
          width: 1.5,
          spanGaps: true,
          points: { show: false },
          value: legendValue(format),
        })),
      ],
      axes: [
        axis(value => `${value} s`, { grid: { show: false }, size: ACROSS_HEIGHT }),
        ...series.map(({ side, colour, format }) =>
          axis(format, {
            scale: side,
            side: side === 'left' ? 3 : 1,
            size: AXIS_WIDTH,
            stroke: () => themed(colour),
            ...(side === 'left' ? {} : { grid: { show: false } }),
          }),
        ),
      ],
      hooks: { draw: [drawZero] },
    }));
  }
}

/** A dashed line where the left side is 0. */
function drawZero(plot: Plot): void {
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
function aroundZero(_: Plot, smallest: number | null, largest: number | null): [number, number] {
  const low = Math.min(smallest ?? 0, 0);
  const high = Math.max(largest ?? 0, 0);
  const air = (high - low || 1) * 0.08;
  return [low - air, high + air];
}

function fromZero(_: Plot, __: number | null, largest: number | null): [number, number] {
  return [0, Math.max(largest ?? 0, 1) * 1.1];
}
