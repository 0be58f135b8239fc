import { NOTHING_KNOWN, searchBracket, type Bracket, type BracketLimits, type Decided } from './bracket';

/** The bracket of several samples: `certified` holds for all of them, at `attacked` one of them fails. */
export interface WorstBracket extends Bracket {
  /** The sample that keeps the certified end from being larger, and the one that fails at the attacked end; null before there is one. */
  readonly limiting: number | null;
  readonly failing: number | null;
}

export interface WorstOutcome extends WorstBracket {
  /** How many samples the certified end is about, from the front of the list: all of them, unless the search was stopped or nothing holds. */
  readonly settled: number;
  readonly stopped: boolean;
}

/**
 * The largest place that holds for every sample. The first sample is bracketed; each later one is asked only whether it holds there too, and bracketed below where
 * it does not: best with the samples that fail first in front.
 */
export async function searchWorst(
  samples: readonly number[],
  limits: BracketLimits,
  decide: (sample: number, place: number) => Promise<Decided>,
  onBracket: (bracket: WorstBracket, settled: number) => void = () => {},
): Promise<WorstOutcome> {
  let worst: WorstBracket = { ...NOTHING_KNOWN, limiting: null, failing: null };
  for (const [settled, sample] of samples.entries()) {
    let known = NOTHING_KNOWN;
    let within = limits;
    if (settled > 0) {
      const answer = await decide(sample, worst.certified);
      if (answer === 'stopped') return { ...worst, settled, stopped: true };
      if (answer === 'verified') {
        onBracket(worst, settled + 1);
        continue;
      }
      const most = worst.certified - 1;
      known = { certified: 0, attacked: answer === 'falsified' ? worst.certified : null };
      within = { ...limits, start: Math.max(1, worst.certified >> 1), most };
    }
    const before = worst;
    const joined = ({ certified, attacked }: Bracket): WorstBracket => {
      const lower = attacked !== null && attacked < (before.attacked ?? Infinity);
      return {
        certified,
        limiting: sample,
        attacked: lower ? attacked : before.attacked,
        failing: lower ? sample : before.failing,
      };
    };
    const { bracket, stopped } = await searchBracket(
      within,
      known,
      place => decide(sample, place),
      each => onBracket(joined(each), settled),
    );
    worst = joined(bracket);
    // What was found for this sample is certified, though for fewer samples when the search goes no further.
    if (stopped) return { ...worst, settled: settled + (bracket.certified > 0 ? 1 : 0), stopped };
    onBracket(worst, settled + 1);
    if (bracket.certified === 0) return { ...worst, settled: settled + 1, stopped: false };
  }
  return { ...worst, settled: samples.length, stopped: false };
}
