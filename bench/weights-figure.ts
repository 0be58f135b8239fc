/** The paper's figure as a picture: percent of images verified over magnitude, one panel a layer and one line a method; seconds an image below. */

import { isWhole, mean, percent, type Row } from './weights-tables';
import type { Method } from './weights-state';

interface Point {
  readonly layer: string;
  readonly magnitude: number;
  /** Percent of images verified, by method. */
  readonly verified: Readonly<Record<string, number | null>>;
  /** Processor seconds an image, by method. */
  readonly seconds: Readonly<Record<string, number | null>>;
}

const METHODS: Readonly<Record<string, Method>> = {
  complete: 'complete',
  star: 'star',
  'Weng margin': 'wengMargin',
  'Weng range': 'wengRange',
  Tsai: 'tsai',
};

function pointOf(row: Row): Point {
  const of = (value: (method: Method) => number | null) =>
    Object.fromEntries(
      Object.entries(METHODS).map(([name, method]) => [name, isWhole(row, method) ? value(method) : null]),
    );
  return {
    layer: row.layers,
    magnitude: row.magnitude,
    verified: of(method => percent(row, method, 'verified')),
    seconds: of(method => mean(row, method, answer => answer.processor)),
  };
}

const COLOURS: Readonly<Record<string, string>> = {
  complete: '#1a7f37',
  star: '#0969da',
  'Weng margin': '#bf8700',
  'Weng range': '#cf222e',
  Tsai: '#8250df',
};

/** Room that the number below a point needs. */
const TICK = 28;

const PANEL = { width: 190, height: 150, gap: 56, left: 60, top: 30 } as const;

/** An SVG document. Layers in the order of their first point. */
export function figure(rows: readonly Row[]): string {
  const points = rows.map(pointOf);
  const layers = [...new Set(points.map(point => point.layer))];
  const width = PANEL.left + layers.length * (PANEL.width + PANEL.gap);
  const height = PANEL.top + 2 * (PANEL.height + PANEL.gap) + 30;
  const most = Math.max(0.001, ...points.flatMap(point => Object.values(point.seconds).map(value => value ?? 0)));
  const parts = layers.flatMap((layer, k) => {
    const own = points.filter(point => point.layer === layer);
    const left = PANEL.left + k * (PANEL.width + PANEL.gap);
    const low = PANEL.top + PANEL.height + PANEL.gap;
    return [
      text(left + PANEL.width / 2, PANEL.top - 10, layer, 'middle'),
      panel(left, PANEL.top, own, point => point.verified, 100, '% verified', k === 0),
      panel(left, low, own, point => point.seconds, most, 'processor seconds an image', k === 0),
      text(left + PANEL.width / 2, low + PANEL.height + 34, '% of the range of the weights', 'middle'),
    ];
  });
  const legend = Object.entries(COLOURS).map(
    ([method, colour], k) =>
      `<rect x="${PANEL.left + k * 120}" y="${height - 16}" width="12" height="4" fill="${colour}"/>` +
      text(PANEL.left + k * 120 + 18, height - 10, method, 'start'),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>${[...parts, ...legend].join('')}</svg>\n`;
}

function panel(
  left: number,
  top: number,
  points: readonly Point[],
  values: (point: Point) => Readonly<Record<string, number | null>>,
  most: number,
  title: string,
  titled: boolean,
): string {
  const largest = Math.max(...points.map(point => point.magnitude));
  const x = (magnitude: number) => left + (magnitude / largest) * PANEL.width;
  const y = (value: number) => top + PANEL.height * (1 - value / most);
  // Where points are close, every second one is named.
  const named = points.filter((_, k) => points.length * TICK <= PANEL.width || (points.length - 1 - k) % 2 === 0);
  const ticks = named.map(point => text(x(point.magnitude), top + PANEL.height + 14, `${point.magnitude}`, 'middle'));
  const lines = Object.entries(COLOURS).flatMap(([method, colour]) => {
    const own = points.flatMap(point => {
      const value = values(point)[method];
      return value === null ? [] : [[x(point.magnitude), y(value)]];
    });
    if (own.length === 0) return [];
    const path = own.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(' ');
    const dots = own.map(([a, b]) => `<circle cx="${a.toFixed(1)}" cy="${b.toFixed(1)}" r="2.5" fill="${colour}"/>`);
    return [`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`, ...dots];
  });
  return [
    `<rect x="${left}" y="${top}" width="${PANEL.width}" height="${PANEL.height}" fill="none" stroke="#999"/>`,
    text(left - 6, top + 4, `${Number(most.toPrecision(2))}`, 'end'),
    text(left - 6, top + PANEL.height, '0', 'end'),
    titled
      ? `<text transform="translate(${left - 34} ${top + PANEL.height / 2}) rotate(-90)" text-anchor="middle">${title}</text>`
      : '',
    ...ticks,
    ...lines,
  ].join('');
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${content}</text>`;
}
