import { element } from '../kit/dom';
import { drawn } from '../kit/svg';
import type { ScorePlane, Selection } from '../../src/graft/mask';

const SIZE = 340;
const MARGIN = 30;
const INNER = SIZE - MARGIN;

/** Blue for what stays rectified, orange for what becomes linear: told apart with any colour vision, and by the counts beside it. */
const RECTIFIED = [45, 130, 215] as const;
const LINEAR = [225, 115, 20] as const;
/** Darkest at so many neurons in one pixel. */
const FULL = 4;

/** Every neuron at its instability (to the right) and significance (up), coloured by what the mask makes of it. The colours are seen on light and on dark. */
export class MaskPlane {
  readonly element: HTMLElement;
  readonly #canvas = element('canvas', { width: String(INNER), height: String(INNER), class: 'plane' });
  readonly #lines = drawn('g', {});

  constructor() {
    const text = (x: number, y: number, label: string, anchor: string): SVGTextElement =>
      drawn('text', { x, y, 'text-anchor': anchor, class: 'axis' }, label);
    const overlay = drawn(
      'svg',
      { viewBox: `0 0 ${SIZE} ${SIZE}`, width: SIZE, height: SIZE, 'aria-hidden': 'true' },
      drawn('rect', { x: MARGIN, y: 0, width: INNER, height: INNER, class: 'edge' }),
      drawn('clipPath', { id: 'inside' }, drawn('rect', { x: MARGIN, y: 0, width: INNER, height: INNER })),
      this.#lines,
      text(MARGIN + INNER / 2, SIZE - 8, 'instability', 'middle'),
      text(MARGIN, SIZE - 8, '0', 'middle'),
      text(SIZE - 4, SIZE - 8, '1', 'end'),
      drawn(
        'text',
        { x: 12, y: INNER / 2, transform: `rotate(-90 12 ${INNER / 2})`, 'text-anchor': 'middle', class: 'axis' },
        'significance',
      ),
      text(MARGIN - 4, 12, '1', 'end'),
    );
    this.#lines.setAttribute('clip-path', 'url(#inside)');
    this.element = element(
      'div',
      { class: 'plane-frame', role: 'img' },
      this.#canvas,
      overlay as unknown as HTMLElement,
    );
  }

  draw(plane: ScorePlane, selection: Selection, schedule: readonly number[]): void {
    this.#points(plane, selection);
    this.#lines.replaceChildren(...this.#borders(plane, selection, schedule));
    const linear = selection.mask.grafted.reduce((sum, each) => sum + each, 0);
    this.element.setAttribute(
      'aria-label',
      `${linear} of ${selection.mask.grafted.length} neurons become linear; the table beside has them by layer`,
    );
  }

  #points({ instability, significance }: ScorePlane, { mask }: Selection): void {
    const counts = [new Uint16Array(INNER * INNER), new Uint16Array(INNER * INNER)] as const;
    const at = (part: number): number => Math.min(INNER - 2, Math.floor(part * (INNER - 1)));
    for (let i = 0; i < instability.length; i++) {
      const cell = (INNER - 2 - at(significance[i]!)) * INNER + at(instability[i]!);
      const layer = counts[mask.grafted[i]!]!;
      // Two by two, so that a lone neuron can be seen.
      for (const place of [cell, cell + 1, cell + INNER, cell + INNER + 1]) layer[place]!++;
    }
    const pixels = new Uint8ClampedArray(4 * INNER * INNER);
    for (let cell = 0; cell < INNER * INNER; cell++) {
      const [rectified, linear] = [counts[0][cell]!, counts[1][cell]!];
      const all = rectified + linear;
      if (all === 0) continue;
      const part = linear / all;
      for (let channel = 0; channel < 3; channel++)
        pixels[4 * cell + channel] = RECTIFIED[channel]! + part * (LINEAR[channel]! - RECTIFIED[channel]!);
      pixels[4 * cell + 3] = 110 + 145 * Math.min(1, all / FULL);
    }
    this.#canvas.getContext('2d')?.putImageData(new ImageData(pixels, INNER, INNER), 0, 0);
  }

  /** Of each stage: the line on which γ·instability − significance is what the last chosen neuron has. */
  #borders(plane: ScorePlane, { stage }: Selection, schedule: readonly number[]): SVGElement[] {
    return schedule.flatMap((gamma, k): SVGElement[] => {
      const { instability, significance } = plane;
      let least = Infinity;
      for (let i = 0; i < stage.length; i++)
        if (stage[i] === k + 1)
          least = Math.min(least, gamma === Infinity ? instability[i]! : gamma * instability[i]! - significance[i]!);
      if (least === Infinity) return [];
      const x = (instability: number): number => MARGIN + instability * INNER;
      const y = (significance: number): number => INNER - significance * INNER;
      const [from, to] =
        gamma === Infinity
          ? [
              [x(least), y(0)],
              [x(least), y(1)],
            ]
          : [
              [x(0), y(-least)],
              [x(1), y(gamma - least)],
            ];
      const label = `stage ${k + 1}: γ = ${gamma === Infinity ? '∞' : gamma}`;
      return [
        drawn(
          'line',
          { x1: from![0]!, y1: from![1]!, x2: to![0]!, y2: to![1]!, class: 'border' },
          drawn('title', {}, label),
        ),
      ];
    });
  }
}
