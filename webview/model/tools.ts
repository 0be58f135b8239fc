import { element, type Child } from '../kit/dom';
import { select } from '../kit/toolkit';
import type { Colouring } from './colouring';
import type { PageState } from './protocol';

export interface ToolOptions {
  readonly tab: PageState['tab'];
  /** Id of the colouring in use; `kind` where it is none. */
  readonly colour: string;
  readonly colourings: readonly Colouring[];
  /** There are groups to open and to close. */
  readonly isGrouped: boolean;
  readonly search: readonly Child[];
  onTab(tab: PageState['tab']): void;
  onColour(colour: string): void;
  onOpenAll(open: boolean): void;
  onZoom(factor: number): void;
  onFit(): void;
}

/** What the row of tools holds: graph or table, search, colours, zoom. */
export function toolsOf(options: ToolOptions): readonly Child[] {
  const { colour, colourings, search } = options;
  return [
    element('div', { role: 'tablist', class: 'tabs' }, tab(options, 'graph', 'Graph'), tab(options, 'table', 'Table')),
    ...search,
    select<string>({
      label: 'Colour',
      value: colour,
      options: [
        { value: 'kind', label: 'Kind of operator' },
        ...colourings.map(({ id, label }) => ({ value: id, label })),
      ],
      onChange: options.onColour,
    }),
    options.tab === 'graph' && zoomTools(options),
  ];
}

function tab({ tab: current, onTab }: ToolOptions, id: PageState['tab'], label: string): HTMLElement {
  const made = element(
    'button',
    { type: 'button', role: 'tab', 'aria-selected': String(current === id), 'data-focus': `tab ${id}` },
    label,
  );
  made.addEventListener('click', () => onTab(id));
  return made;
}

function zoomTools({ isGrouped, onOpenAll, onZoom, onFit }: ToolOptions): HTMLElement {
  return element(
    'div',
    { class: 'zoom' },
    isGrouped && small('⊞', 'Open all groups', () => onOpenAll(true)),
    isGrouped && small('⊟', 'Close all groups', () => onOpenAll(false)),
    small('−', 'Zoom out', () => onZoom(1 / ZOOM)),
    small('+', 'Zoom in', () => onZoom(ZOOM)),
    small('Fit', 'Fit the graph into the page', onFit),
  );
}

/** One step of zooming in. */
export const ZOOM = 1.3;

function small(label: string, name: string, act: () => void): HTMLElement {
  const made = element(
    'button',
    { type: 'button', class: 'small-button', title: name, 'aria-label': name, 'data-focus': name },
    label,
  );
  made.addEventListener('click', act);
  return made;
}
