import { pathTo, type Group, type Leaf } from './hierarchy';

/** The nodes that a person searches for. */
export class Finder {
  #found: readonly Leaf[] = [];
  #wanted = '';

  get found(): readonly Leaf[] {
    return this.#found;
  }

  get isSearching(): boolean {
    return this.#wanted !== '';
  }

  /** Looks for nodes whose operator, name, or what they make holds the text. */
  search(text: string, leaves: readonly Leaf[]): void {
    const wanted = (this.#wanted = text.trim().toLowerCase());
    const hits = ({ vertex: { operator, name, makes } }: Leaf): boolean =>
      [operator, name, ...makes.map(value => value.name)].some(word => word.toLowerCase().includes(wanted));
    this.#found = wanted === '' ? [] : leaves.filter(hits);
  }

  /** How many there are, in words; empty where nothing is searched for. */
  get words(): string {
    if (!this.isSearching) return '';
    return this.#found.length === 0 ? 'nothing found' : `${this.#found.length} found`;
  }

  /** What is found and the groups around it; null where nothing is searched for. */
  marks(root: Group): ReadonlySet<string> | null {
    if (!this.isSearching) return null;
    return new Set(this.#found.flatMap(leaf => pathTo(root, leaf.first).map(({ id }) => id)));
  }

  /** The one after (or before) the selected one, and its number; null where there is none. */
  step(selected: string | null, direction: 1 | -1): { readonly leaf: Leaf; readonly words: string } | null {
    const count = this.#found.length;
    const now = this.#found.findIndex(({ id }) => id === selected);
    const next = now < 0 ? (direction > 0 ? 0 : count - 1) : (now + direction + count) % count;
    const leaf = this.#found[next];
    return leaf ? { leaf, words: `${next + 1} of ${count}` } : null;
  }
}
