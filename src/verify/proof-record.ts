import { unreachable } from '../base/assert';
import type { ProofLeaf } from '../report/verdict';

/** Leaves are kept while they take no more than this, in bytes, for one question. */
const ROOM = 16 * 2 ** 20;

/** The leaves of a proof as they are closed; gives up keeping them, for good, when they become too many. */
export class ProofRecord {
  private leaves: ProofLeaf[] = [];
  private bytes = 0;
  /** False once leaves were too many to keep. */
  complete = true;

  add(leaf: ProofLeaf): void {
    if (!this.complete) return;
    this.bytes += 100 + 8 * (2 * leaf.lower.length + multipliersOf(leaf));
    if (this.bytes > ROOM) this.giveUp();
    else this.leaves.push(leaf);
  }

  /** Takes over what another record (another thread's) has; null when that one gave up. */
  addAll(leaves: readonly ProofLeaf[] | null): void {
    if (leaves === null) this.giveUp();
    else for (const leaf of leaves) this.add(leaf);
  }

  /** All leaves so far, which are then no longer here; null when they were too many. */
  take(): ProofLeaf[] | null {
    const { leaves } = this;
    this.leaves = [];
    return this.complete ? leaves : null;
  }

  private giveUp(): void {
    this.complete = false;
    this.leaves = [];
  }
}

function multipliersOf(leaf: ProofLeaf): number {
  switch (leaf.kind) {
    case 'box':
      return 0;
    case 'phases':
      return leaf.alpha.length + leaf.beta.length;
    case 'lines':
    case 'program':
      return leaf.multipliers.length;
    default:
      return unreachable(leaf);
  }
}
