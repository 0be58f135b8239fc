/** A number in five significant digits. */
export function short(value: number): string {
  return Number(value.toPrecision(5)).toString();
}

/** The same with its sign. */
export function signed(value: number): string {
  return value > 0 ? `+${short(value)}` : value < 0 ? `−${short(-value)}` : '0';
}

/** A part of a whole, 0..1, in percent. */
export function percent(part: number, digits = 1): string {
  return `${(100 * part).toFixed(digits)} %`;
}

/** "1 sample", "12,000 samples". */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}

/** How many values a shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
