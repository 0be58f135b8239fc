import { shownBelow } from '../../base/shown-number';
import type { QuickBound } from '../../engine/quick/protocol';
import type { KnownBracket } from './bracket-memory';

/** What is known about one ε of one sample, for the few characters beside it. */
export interface TuningFacts {
  /** The ε that the facts are about. */
  readonly epsilon: string;
  readonly bracket: KnownBracket;
  /** What quick bounds say about it; null where there are none. */
  readonly bound: Pick<QuickBound, 'outcome' | 'margin' | 'sample' | 'predicted' | 'label' | 'method'> | null;
  /** What follows from the bracket about it. */
  readonly follows: 'certified' | 'attacked' | null;
}

/**
 * The hint beside ε, short because VS Code cuts hints of a line at 43 characters: `2/255 holds by 0.53 · largest 3.2…5/255`. It names the ε that it is about: while
 * someone types it may stand there for a moment longer than that ε does. Null where nothing is known.
 */
export function hintText(facts: TuningFacts): string | null {
  const { bound, bracket } = facts;
  if (bound?.outcome === 'misclassified') return `sample ${bound.sample} is misclassified`;
  const range = bracketText(bracket);
  const joined = (state: string | null) => [state, range].filter(part => part !== null).join(' · ');
  const text = joined(stateText(facts, ' holds by '));
  const short = text.length > MOST_CHARACTERS ? joined(stateText(facts, ': ≥ ')) : text;
  return short === '' ? null : short;
}

/** What VS Code shows of the hints of a line before it cuts them. */
const MOST_CHARACTERS = 43;

function stateText({ epsilon, bound, follows }: TuningFacts, by: string): string | null {
  const margin = bound?.margin ?? null;
  if (margin !== null && margin > 0) return `${epsilon}${by}${shownBelow(margin, 2)}`;
  if (follows === 'certified') return `${epsilon} holds`;
  if (follows === 'attacked') return `${epsilon} fails`;
  return margin === null ? null : `${epsilon} open`;
}

/** `largest 3.2…5/255`, as far as either end is known: the ε from which on it is not known to hold lies between the two. */
export function bracketText({ certified, attacked }: KnownBracket): string | null {
  if (certified !== null && attacked !== null) return `largest ${between(certified, attacked)}`;
  if (certified !== null) return `largest ≥ ${certified}`;
  return attacked === null ? null : `largest < ${attacked}`;
}

/** Two numbers that are written the same way share what follows them: `3.2…5/255`. */
function between(low: string, high: string): string {
  const [, number = '', rest = ''] = /^([\d.]+)(.*)$/.exec(low) ?? [];
  return rest !== '' && high.endsWith(rest) && /^[\d.]+$/.test(high.slice(0, high.length - rest.length))
    ? `${number}…${high}`
    : `${low}…${high}`;
}

/** The same in sentences, for whoever points at the hint. */
export function hintSentences({ epsilon, bracket, bound, follows }: TuningFacts): string[] {
  const sentences: string[] = [];
  if (bound?.outcome === 'misclassified')
    return [
      `The network answers ${bound.predicted} on sample ${bound.sample}, which is ${bound.label}: nothing can hold around it.`,
    ];
  const sample = bound ? `Sample ${bound.sample}` : 'This check';
  const margin = bound?.margin ?? null;
  if (margin !== null && margin > 0)
    sentences.push(`${sample}, ε = ${epsilon}: it holds. The certified margin is at least ${shownBelow(margin)}.`);
  else if (follows === 'certified') sentences.push(`${sample}, ε = ${epsilon}: it holds, as a larger ε was certified.`);
  else if (follows === 'attacked')
    sentences.push(`${sample}, ε = ${epsilon}: it fails; ONNX Runtime was shown an input at this ε or a smaller one.`);
  else if (margin !== null)
    sentences.push(
      `${sample}, ε = ${epsilon}: quick bounds do not decide it (certified margin ${shownBelow(margin)}). Run the check for an answer.`,
    );
  const { certified, attacked } = bracket;
  if (certified !== null) sentences.push(`The largest ε that is certified so far is ${certified}.`);
  if (attacked !== null) sentences.push(`The smallest ε that was attacked with success so far is ${attacked}.`);
  return sentences;
}
