import { Part } from '../kit/dom';
import { select, textField } from '../kit/toolkit';
import { classesOf, NORMS } from './filter';
import type { Entry, PageState } from './protocol';

const KINDS = [
  ['found', 'found'],
  ['not found', 'not found'],
  ['skipped', 'left out'],
  ['all', 'all'],
] as const;

export interface FiltersOptions {
  readonly entries: readonly Entry[];
  readonly state: PageState;
  /** What a class is called. */
  readonly name: (index: number) => string;
  /** More are coming: their numbers would draw the fields anew under a hand. */
  readonly isCounting: boolean;
}

/** What stands above the gallery: which inputs are listed, and by what. */
export class Filters {
  readonly #part = new Part('div', { class: 'below' });

  constructor(private readonly change: (change: Partial<PageState>) => void) {}

  get element(): HTMLElement {
    return this.#part.element;
  }

  draw({ entries, state, name, isCounting }: FiltersOptions): void {
    this.element.hidden = entries.length === 0;
    const count = (kind: PageState['shown']): number =>
      kind === 'all' ? entries.length : entries.filter(entry => entry.kind === kind).length;
    const kinds = KINDS.filter(([kind]) => kind === 'found' || kind === 'all' || count(kind) > 0).map(
      ([value, label]) => ({ value, label: isCounting ? label : `${label} (${count(value)})` }),
    );
    const sides = (['from', 'to'] as const).map(side => ({
      side,
      options: [
        { value: '', label: 'any' },
        ...classesOf(entries, side).map(value => ({ value: String(value), label: name(value) })),
      ],
    }));
    const { shown, norm, most } = state;
    this.#part.draw([kinds, sides, shown, state.from, state.to, norm, most], () => [
      select<PageState['shown']>({
        label: 'Show',
        value: shown,
        options: kinds,
        onChange: value => this.change({ shown: value }),
      }),
      ...sides.map(({ side, options }) =>
        select({
          label: side === 'from' ? 'Class' : 'Taken for',
          value: state[side],
          options,
          onChange: value => this.change({ [side]: value }),
        }),
      ),
      select({
        label: 'By',
        value: norm,
        options: NORMS,
        onChange: value => this.change({ norm: value, most: '' }),
      }),
      textField({
        label: 'at most',
        value: most,
        placeholder: 'any',
        size: 5,
        onChange: text => this.change({ most: Number.isNaN(Number(text)) ? '' : text }),
      }),
    ]);
  }
}
