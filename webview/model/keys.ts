import type { Direction } from './navigation';
import { ZOOM } from './tools';

/** What keys do on the page. */
export interface KeyActions {
  /** There is a graph that keys can move in. */
  hasGraph(): boolean;
  focusSearch(): void;
  /** To the next box in a direction; to the first where none is selected. */
  move(direction: Direction): void;
  first(): void;
  last(): void;
  /** Opens or closes the selected group. */
  toggle(): void;
  deselect(): void;
  zoom(factor: number): void;
  fit(): void;
}

/** Keys in the drawing; and Ctrl+F wherever the focus is. */
export function onKeyOf(actions: KeyActions): (event: KeyboardEvent) => void {
  const { zoom } = actions;
  const acts: Readonly<Record<string, () => void>> = {
    ArrowUp: () => actions.move('up'),
    ArrowDown: () => actions.move('down'),
    ArrowLeft: () => actions.move('left'),
    ArrowRight: () => actions.move('right'),
    Enter: () => actions.toggle(),
    ' ': () => actions.toggle(),
    Home: () => actions.first(),
    End: () => actions.last(),
    Escape: () => actions.deselect(),
    '+': () => zoom(ZOOM),
    '=': () => zoom(ZOOM),
    '-': () => zoom(1 / ZOOM),
    '0': () => actions.fit(),
    '/': () => actions.focusSearch(),
  };
  return event => {
    const isInDrawing = event.target instanceof Element && event.target.closest('.drawing') !== null;
    const withControl = event.ctrlKey || event.metaKey;
    const act =
      withControl && event.key === 'f'
        ? () => actions.focusSearch()
        : isInDrawing && !withControl && !event.altKey && actions.hasGraph()
          ? acts[event.key]
          : undefined;
    if (!act) return;
    act();
    event.preventDefault();
  };
}
