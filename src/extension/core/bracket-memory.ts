import { compare } from '../../spec/numbers/rational';
import { parseWritten, type Written } from '../../spec/numbers/written';

/** The samples that an end of a bracket is about: one, or all that the specification selects. */
export type Samples = number | 'all';

/** What is known of the largest ε: certified from below, attacked from above. */
export interface KnownBracket {
  /** The largest ε that was certified, as it was written. */
  readonly certified: string | null;
  /** The smallest ε at which the network was shown to fail. */
  readonly attacked: string | null;
}

interface Entry {
  certified: Written | null;
  attacked: Written | null;
}

const NOTHING: KnownBracket = { certified: null, attacked: null };
/** Meanings that are remembered; a person tunes a few checks in a session. */
const MOST_MEANINGS = 100;

/**
 * What this session has found out about every size of a perturbation. What holds for one ε holds for every smaller one, and what fails for one fails for every
 * larger one, so two numbers a question are enough. It knows only what it is told, and forgets what is about a model that changed.
 */
export class BracketMemory {
  private readonly meanings = new Map<string, { readonly model: string; readonly entries: Map<Samples, Entry> }>();

  /** @param model path of the model that it was found out about */
  note(meaning: string, model: string, samples: Samples, epsilon: string, found: 'certified' | 'attacked'): void {
    const written = parseWritten(epsilon);
    if ('error' in written) return;
    let known = this.meanings.get(meaning);
    if (!known) {
      known = { model, entries: new Map() };
      this.meanings.set(meaning, known);
      for (const oldest of this.meanings.keys()) {
        if (this.meanings.size <= MOST_MEANINGS) break;
        this.meanings.delete(oldest);
      }
    }
    const entry = known.entries.get(samples) ?? { certified: null, attacked: null };
    known.entries.set(samples, entry);
    const order = found === 'certified' ? 1 : -1;
    const before = entry[found];
    if (before === null || compare(written.exact, before.exact) === order) entry[found] = written;
  }

  /** For all samples an attack on any one of them counts, and for one sample what was certified for all. */
  bracket(meaning: string, samples: Samples): KnownBracket {
    const entries = this.meanings.get(meaning)?.entries;
    if (!entries) return NOTHING;
    const own = entries.get(samples);
    const certified = samples === 'all' ? [own?.certified] : [own?.certified, entries.get('all')?.certified];
    const attacked = samples === 'all' ? [...entries.values()].map(entry => entry.attacked) : [own?.attacked];
    return {
      certified: extreme(certified, 1)?.text ?? null,
      attacked: extreme(attacked, -1)?.text ?? null,
    };
  }

  /** Whether some ε follows from what is known. */
  follows(meaning: string, samples: Samples, epsilon: string): 'certified' | 'attacked' | null {
    const written = parseWritten(epsilon);
    if ('error' in written) return null;
    const { certified, attacked } = this.bracket(meaning, samples);
    if (certified !== null && compare(written.exact, exactly(certified)) <= 0) return 'certified';
    if (attacked !== null && compare(written.exact, exactly(attacked)) >= 0) return 'attacked';
    return null;
  }

  forgetModel(model: string): void {
    for (const [meaning, known] of this.meanings) if (known.model === model) this.meanings.delete(meaning);
  }

  forgetAll(): void {
    this.meanings.clear();
  }
}

/** The largest (sign 1) or the smallest (sign −1) of the numbers there are. */
function extreme(numbers: readonly (Written | null | undefined)[], sign: 1 | -1): Written | null {
  let best: Written | null = null;
  for (const each of numbers) if (each && (best === null || compare(each.exact, best.exact) === sign)) best = each;
  return best;
}

function exactly(text: string): Written['exact'] {
  const written = parseWritten(text);
  if ('error' in written) throw new Error(`${text} ${written.error}`);
  return written.exact;
}
