import { FONT } from './layout';

const pen = document.createElement('canvas').getContext('2d');

/** The width of a line in the page's own type. */
export function measureText(text: string, size: number): number {
  if (!pen) return text.length * size * 0.55;
  const { fontFamily } = getComputedStyle(document.body);
  pen.font = `${size === FONT.titleSize ? FONT.title : FONT.small} ${size}px ${fontFamily}`;
  return pen.measureText(text).width;
}
