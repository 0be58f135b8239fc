/** A number in five significant digits. */
export function short(value: number): string {
  return Number(value.toPrecision(5)).toString();
}

/** The same with its sign. */
export function signed(value: number): string {
  return value > 0 ? `+${short(value)}` : value < 0 ? `−${short(-value)}` : '0';
}
