/**
 * The largest ε that holds lies between one that is verified and one that is falsified. The search works on a grid of places 1, 2, 3, …, each a size of the
 * perturbation; what it claims are answers of the decider and nothing else.
 */

/** What a decider says of one place. `open`: neither a proof nor a counterexample. `stopped`: no answer, and no more questions please. */
export type Decided = 'verified' | 'falsified' | 'open' | 'stopped';

export interface Bracket {
  /** The largest place that was verified; 0, where nothing is perturbed, before there is one. */
  readonly certified: number;
  /** The smallest place that was falsified; null before there is one. */
  readonly attacked: number | null;
}

export const NOTHING_KNOWN: Bracket = { certified: 0, attacked: null };

export interface BracketLimits {
  /** The place to begin with. */
  readonly start: number;
  /** No place beyond this is asked about. */
  readonly most: number;
  /** When the certified end is found, so many more questions may stay open while the attacked end is brought nearer; each may cost its whole time limit. */
  readonly mostOpen: number;
}

/** Beyond this ratio of the two ends the middle is taken in proportion: the size is not known yet. */
const FAR = 4;

/**
 * Narrows the bracket as far as the decider lets it, at best until both ends are neighbours. A place is asked about once, and never one that follows from another
 * answer: what holds for a size holds for a smaller one.
 * @param known what is known before
 * @param decide is called for one place at a time
 * @param onBracket is told of every change
 */
export async function searchBracket(
  { start, most, mostOpen }: BracketLimits,
  known: Bracket,
  decide: (place: number, bracket: Bracket) => Promise<Decided>,
  onBracket: (bracket: Bracket) => void = () => {},
): Promise<{ readonly bracket: Bracket; readonly stopped: boolean }> {
  let { certified, attacked } = known;
  /** The smallest place that is not verified, and the largest that stayed open. */
  let unproved = attacked ?? Infinity;
  let largestOpen = 0;
  let open = 0;
  let stopped = false;

  const ask = async (place: number): Promise<void> => {
    const answer = await decide(place, { certified, attacked });
    if (answer === 'stopped') {
      stopped = true;
      return;
    }
    if (answer === 'verified') certified = Math.max(certified, place);
    else if (answer === 'falsified') attacked = Math.min(attacked ?? Infinity, place);
    else {
      open++;
      largestOpen = Math.max(largestOpen, place);
    }
    if (answer !== 'verified') unproved = Math.min(unproved, place);
    if (answer !== 'open') onBracket({ certified, attacked });
  };

  // Up in doubles until something does not hold, or down in halves until something does.
  let place = Math.min(start, most);
  while (!stopped && place >= 1 && place <= most && place > certified && place < unproved) {
    await ask(place);
    if (certified === place) place = place === most ? most + 1 : Math.min(most, 2 * place);
    else if (certified === 0) place >>= 1;
  }
  while (!stopped && unproved - certified > 1 && unproved < Infinity) await ask(between(certified, unproved));
  // What stayed open may still be attacked from the other side.
  const patience = open + mostOpen;
  while (!stopped && open < patience && largestOpen > 0) {
    const from = Math.max(largestOpen, certified);
    if (attacked !== null && attacked - from > 1) await ask(between(from, attacked));
    else if (attacked === null && from < most) await ask(Math.min(most, 2 * from));
    else break;
  }
  return { bracket: { certified, attacked }, stopped };
}

/** A place between two that are no neighbours. */
function between(low: number, high: number): number {
  const middle = low > 0 && high > FAR * low ? Math.round(Math.sqrt(low * high)) : (low + high) >>> 1;
  return Math.min(high - 1, Math.max(low + 1, middle));
}
