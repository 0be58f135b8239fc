/** What a variable of the theme, or of the pages, is now; the foreground where the theme has none. */
export function themed(variable: string): string {
  const style = getComputedStyle(document.body);
  return style.getPropertyValue(variable).trim() || style.getPropertyValue('--vscode-foreground').trim() || 'gray';
}

/** The page's font as a canvas takes it. */
export function fontOf(): string {
  const { fontSize, fontFamily } = getComputedStyle(document.body);
  return `${fontSize} ${fontFamily}`;
}
