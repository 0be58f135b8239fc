import type { StoredTensor } from '../../src/engine/protocol';
import {
  localColourings,
  measureColouring,
  scaleOf,
  valueOfTree,
  valueText,
  type Colouring,
  type Scale,
} from './colouring';
import type { Tree } from './hierarchy';
import { placedBoxes, type Layout } from './layout';
import { lookOf } from './looks';
import type { Look } from './drawing';
import type { Measure } from './protocol';
import type { WeightReading } from './weight-reading';

/** What layers are coloured by: what can be chosen, what is chosen, and its scale over what is to be seen. */
export class Colours {
  /** What the extension has told of the layers. */
  measures: readonly Measure[] = [];
  #choices: readonly Colouring[] = [];
  #chosen: Colouring | null = null;
  #scale: Scale | null = null;

  constructor(private readonly weights: WeightReading) {}

  get choices(): readonly Colouring[] {
    return this.#choices;
  }

  get chosen(): Colouring | null {
    return this.#chosen;
  }

  get scale(): Scale | null {
    return this.#scale;
  }

  /** Takes up what is known now. @param unread weights that have not been read */
  choose(id: string, unread: readonly StoredTensor[]): void {
    const local = localColourings(this.weights.statistics, unread.length);
    this.#choices = [...this.measures.map(measureColouring), ...local];
    this.#chosen = this.#choices.find(choice => choice.id === id) ?? null;
  }

  /** Closed groups have their number on the scale, too; open ones show those of what they hold. */
  rescale(layout: Layout): void {
    const trees = [...placedBoxes(layout)].filter(({ box }) => !box.inside).map(({ box }) => box.tree);
    this.#scale = this.#chosen && scaleOf(this.#chosen, trees);
  }

  /** Whether the page knows the numbers itself, from the weights. */
  isLocal(id: string): boolean {
    return !this.measures.some(measure => measure.id === id);
  }

  look(tree: Tree): Look {
    return lookOf(tree, this.#chosen, this.#scale);
  }

  /** The number of a box in words; null where it has none. */
  words(tree: Tree): string | null {
    const chosen = this.#chosen;
    const value = chosen && valueOfTree(chosen, tree);
    return chosen === null || value === null ? null : `${chosen.label}: ${valueText(value, chosen.format)}`;
  }
}
