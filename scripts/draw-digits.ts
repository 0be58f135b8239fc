import { Random } from '../src/base/random';

/** Digits 0 to 9 drawn from strokes, each time a little differently. */

export const SIDE = 16;

type Point = readonly [number, number];
type Stroke = readonly Point[];

/** Points along an ellipse's arc, angles in turns, clockwise from the right (y grows downwards). */
function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Stroke {
  return Array.from({ length: 17 }, (_, k) => {
    const angle = 2 * Math.PI * (from + ((to - from) * k) / 16);
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)] as const;
  });
}

/** Strokes in a unit square, y downwards. */
const DIGITS: readonly (readonly Stroke[])[] = [
  [arc(0.5, 0.5, 0.27, 0.4, 0, 1)],
  [[[0.34, 0.26], [0.54, 0.1], [0.54, 0.9]]],
  [[...arc(0.5, 0.33, 0.25, 0.23, 0.52, 1.08), [0.26, 0.88], [0.77, 0.88]]],
  [[...arc(0.47, 0.3, 0.24, 0.2, 0.58, 1.25)], [...arc(0.47, 0.69, 0.27, 0.2, 0.75, 1.42)]],
  [[[0.6, 0.1], [0.22, 0.62], [0.8, 0.62]], [[0.62, 0.4], [0.62, 0.92]]],
  [[[0.74, 0.12], [0.32, 0.12], [0.29, 0.46], ...arc(0.48, 0.65, 0.26, 0.24, 0.66, 1.4)]],
  [[[0.64, 0.1], [0.4, 0.3], [0.27, 0.62], ...arc(0.5, 0.67, 0.23, 0.22, 0.5, 1.5)]],
  [[[0.23, 0.12], [0.77, 0.12], [0.44, 0.9]]],
  [arc(0.5, 0.3, 0.2, 0.19, 0, 1), arc(0.5, 0.69, 0.25, 0.21, 0, 1)],
  [[...arc(0.5, 0.33, 0.23, 0.22, 0, 1), [0.71, 0.5], [0.6, 0.9]]],
]; // prettier-ignore

/** How much one drawing differs from the next. */
interface Jitter {
  readonly rotation: number;
  readonly shear: number;
  readonly scale: readonly [number, number];
  readonly shift: Point;
  readonly thickness: number;
  readonly wobble: number;
  readonly noise: number;
}

/** One drawing in five is by a hastier hand. */
const HASTY = 0.2;

function drawJitter(random: Random): Jitter {
  const haste = random.uniform() < HASTY ? 2 : 1;
  const within = (low: number, high: number): number => low + (high - low) * random.uniform();
  const about = (middle: number, spread: number): number => middle + haste * spread * (2 * random.uniform() - 1);
  return {
    rotation: about(0, 0.2),
    shear: about(0, 0.22),
    scale: [about(0.88, 0.14), about(0.88, 0.11)],
    shift: [about(0, 0.06), about(0, 0.06)],
    thickness: within(0.045, 0.08),
    wobble: haste * within(0, 0.022),
    noise: within(0, 10),
  };
}

/** One digit as SIDE × SIDE grey levels, ink bright on dark. */
export function drawDigit(digit: number, random: Random): Uint8Array {
  const jitter = drawJitter(random);
  const strokes = DIGITS[digit].map(stroke => stroke.map(point => place(point, jitter, random)));
  const image = new Uint8Array(SIDE * SIDE);
  // A pixel is lit by its distance from the nearest stroke, softened over about one pixel.
  const soft = 0.8 / SIDE;
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const at: Point = [(column + 0.5) / SIDE, (row + 0.5) / SIDE];
      const distance = Math.min(...strokes.map(stroke => distanceTo(stroke, at)));
      const ink = Math.min(1, Math.max(0, 0.5 + (jitter.thickness - distance) / soft));
      const level = 255 * ink + jitter.noise * random.normal();
      image[row * SIDE + column] = Math.min(255, Math.max(0, Math.round(level)));
    }
  }
  return image;
}

function place([x, y]: Point, jitter: Jitter, random: Random): Point {
  const [u, v] = [(x - 0.5) * jitter.scale[0], (y - 0.5) * jitter.scale[1]];
  const sheared = u + jitter.shear * v;
  const [cos, sin] = [Math.cos(jitter.rotation), Math.sin(jitter.rotation)];
  return [
    0.5 + cos * sheared - sin * v + jitter.shift[0] + jitter.wobble * random.normal(),
    0.5 + sin * sheared + cos * v + jitter.shift[1] + jitter.wobble * random.normal(),
  ];
}

function distanceTo(stroke: Stroke, [x, y]: Point): number {
  let nearest = Infinity;
  for (let k = 0; k + 1 < stroke.length; k++) {
    const [[ax, ay], [bx, by]] = [stroke[k], stroke[k + 1]];
    const [dx, dy] = [bx - ax, by - ay];
    const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    nearest = Math.min(nearest, Math.hypot(x - ax - along * dx, y - ay - along * dy));
  }
  return nearest;
}

/** Drawings of all digits in turn. */
export function drawDigits(count: number, seed: number): { images: Uint8Array; labels: Uint8Array } {
  const random = new Random(seed, 0xd191);
  const images = new Uint8Array(count * SIDE * SIDE);
  const labels = Uint8Array.from({ length: count }, (_, k) => k % 10);
  labels.forEach((digit, k) => images.set(drawDigit(digit, random), k * SIDE * SIDE));
  return { images, labels };
}
