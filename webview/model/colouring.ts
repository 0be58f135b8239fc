import { colourOf, textOn } from '../kit/colour-scale';
import type { Vertex } from './graph';
import { leavesOf, type Tree } from './hierarchy';
import type { Combine, Measure, NumberFormat } from './protocol';
import type { WeightStatistics } from '../../src/engine/protocol';

/** How layers are coloured: by a number that each has or has not. */
export interface Colouring {
  readonly id: string;
  readonly label: string;
  readonly about: string;
  readonly format: NumberFormat;
  readonly combine: Combine;
  readonly stale: boolean;
  readonly action: string | null;
  /** Null where the layer has no such number, or it is not known. */
  readonly valueOf: (vertex: Vertex) => number | null;
}

/** What the page can colour by on its own: what the file says, and the weights it has read. */
export function localColourings(
  statistics: ReadonlyMap<string, WeightStatistics>,
  unread: number,
): readonly Colouring[] {
  const ofWeights = (
    id: string,
    label: string,
    what: string,
    number: (all: WeightStatistics) => number | null,
    format: NumberFormat,
  ): Colouring => ({
    id,
    label,
    about: unread > 0 ? `${what} ${unread} tensors have not been read.` : what,
    format,
    combine: 'largest',
    stale: false,
    action: unread > 0 ? 'Read the weights' : null,
    valueOf: ({ tensors }) => {
      const largest = [...tensors].sort((a, b) => b.bytes - a.bytes)[0];
      const known = largest && statistics.get(largest.name);
      return known ? number(known) : null;
    },
  });
  return [
    {
      id: 'parameters',
      label: 'Parameters',
      about: 'Numbers in the constant tensors that a node reads.',
      format: 'count',
      combine: 'sum',
      stale: false,
      action: null,
      valueOf: ({ node }) => (node && node.parameters > 0 ? node.parameters : null),
    },
    ofWeights(
      'deviation',
      'Spread of weights',
      'Standard deviation of a layer’s largest tensor.',
      all => all.spread?.deviation ?? null,
      'number',
    ),
    ofWeights(
      'zeros',
      'Zero weights',
      'Part of a layer’s largest tensor that is zero.',
      all => all.zeros / all.count,
      'part',
    ),
  ];
}

export function measureColouring(measure: Measure): Colouring {
  const values = new Map(Object.entries(measure.values));
  return {
    ...measure,
    valueOf: ({ node }) => {
      if (!node) return null;
      const names = [node.name, ...node.outputs.map(({ name }) => name)];
      return names.map(name => values.get(name)).find(value => value !== undefined) ?? null;
    },
  };
}

/** The number of a box: a layer's own, or that of the layers in a group together. */
export function valueOfTree({ valueOf, combine }: Colouring, tree: Tree): number | null {
  const values: number[] = [];
  for (const { vertex } of leavesOf(tree)) {
    const value = valueOf(vertex);
    if (value !== null) values.push(value);
  }
  if (values.length === 0) return null;
  const sum = (): number => values.reduce((total, value) => total + value, 0);
  switch (combine) {
    case 'largest':
      return Math.max(...values);
    case 'smallest':
      return Math.min(...values);
    case 'sum':
      return sum();
    case 'mean':
      return sum() / values.length;
  }
}

/** From a number to its place on the scale, 0 to 1. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly isLogarithmic: boolean;
  readonly place: (value: number) => number;
}

/** The scale of what is on the picture; parts of a whole always go from 0 to 1, and numbers of very different size by their logarithm. */
export function scaleOf(colouring: Colouring, trees: Iterable<Tree>): Scale | null {
  const values = [...trees].flatMap(tree => valueOfTree(colouring, tree) ?? []);
  if (values.length === 0) return null;
  const low = colouring.format === 'part' ? 0 : Math.min(...values);
  const high = colouring.format === 'part' ? 1 : Math.max(...values);
  const isLogarithmic = colouring.format !== 'part' && low > 0 && high / low > 50;
  const scaled = (value: number): number => (isLogarithmic ? Math.log(value) : value);
  // What is written with the same digits has the same colour.
  const isFlat = valueText(low, colouring.format) === valueText(high, colouring.format);
  const range = isFlat ? 0 : scaled(high) - scaled(low);
  return { low, high, isLogarithmic, place: value => (range > 0 ? (scaled(value) - scaled(low)) / range : 0.5) };
}

export function fillOf(scale: Scale, value: number): { readonly colour: string; readonly text: string } {
  const place = scale.place(value);
  return { colour: colourOf(place), text: textOn(place) };
}

export function valueText(value: number, format: NumberFormat): string {
  if (format === 'part') return `${(100 * value).toFixed(value > 0 && value < 0.1 ? 1 : 0)}%`;
  if (format === 'percent') return `${Number((100 * value).toPrecision(3))}%`;
  if (format === 'count') return value.toLocaleString('en');
  return shortNumber(value);
}

/** Four digits, and powers of ten only where there is no way around. */
export function shortNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2).replace('e+', 'e');
}
