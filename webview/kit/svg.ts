const SVG = 'http://www.w3.org/2000/svg';

/** Makes an element of a drawing. Style goes into classes: the page's policy has no room for style attributes. */
export function drawn<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly (SVGElement | string | null | false)[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  for (const child of children) if (child !== null && child !== false) made.append(child);
  return made;
}
