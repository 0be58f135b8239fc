/**
 * Colours for numbers, from dark blue over grey to yellow: lightness rises all the way, so that the order stays for every kind of colour vision and in grey (the
 * scale of Nuñez, Anderton and Renslow 2018, "Optimizing colormaps with consideration for color vision deficiency", at nine points).
 */
const STOPS: readonly (readonly [number, number, number])[] = [
  [0, 32, 81],
  [17, 54, 108],
  [60, 77, 110],
  [98, 100, 111],
  [127, 124, 117],
  [154, 148, 120],
  [187, 175, 113],
  [226, 203, 92],
  [253, 234, 69],
];

/** The colour of a number between 0 and 1, as `rgb(…)`. */
export function colourOf(part: number): string {
  const [red, green, blue] = mixed(part);
  return `rgb(${red}, ${green}, ${blue})`;
}

/** Black or white: what can be read on that colour. */
export function textOn(part: number): string {
  const [red, green, blue] = mixed(part).map(level => (level / 255) ** 2.2) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? '#000' : '#fff';
}

function mixed(part: number): [number, number, number] {
  const place = Math.min(Math.max(part, 0), 1) * (STOPS.length - 1);
  const low = Math.min(Math.floor(place), STOPS.length - 2);
  const rest = place - low;
  return STOPS[low]!.map((level, k) => Math.round(level + (STOPS[low + 1]![k]! - level) * rest)) as [
    number,
    number,
    number,
  ];
}

/** The scale from its low to its high end, as points of a gradient. */
export const gradientStops: readonly { readonly at: number; readonly colour: string }[] = STOPS.map((_, k) => ({
  at: k / (STOPS.length - 1),
  colour: colourOf(k / (STOPS.length - 1)),
}));
