/** A number in few significant digits that is not above the value: for what is said to be a lower bound. Infinities and 0 stay what they are. */
export function shownBelow(value: number, digits = 4): string {
  const near = Number(value.toPrecision(digits));
  if (!(near > value)) return String(near);
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - digits + 1);
  return String(Number((near - step).toPrecision(digits)));
}

/** The same, not below the value: for upper bounds. */
export function shownAbove(value: number, digits = 4): string {
  const below = shownBelow(-value, digits);
  return below.startsWith('-') ? below.slice(1) : below === '0' ? '0' : `-${below}`;
}
