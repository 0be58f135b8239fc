import { TOLERANCE_METHODS } from '../../src/engine/study-protocols/weight-tolerance';
import { element } from '../kit/dom';
import { optionLine, optionsBox, optionSet, textOptions } from '../kit/options';
import type { Choice } from './protocol';
import { METHOD_NAMES } from './words';

export interface ChoicesOptions {
  readonly choice: Choice;
  /** The layers that there are to choose from, once a run has named them. */
  readonly known: readonly { readonly number: number; readonly name: string }[];
  /** Something was answered already. */
  readonly isAnswered: boolean;
  readonly change: (change: Partial<Choice>) => void;
}

/** What is asked at the next run. */
export function choices({ choice, known, isAnswered, change }: ChoicesOptions): HTMLElement {
  const field = textOptions<'samples' | 'grid' | 'timeout'>(choice, change);
  const all = known.map(({ number }) => number);
  return optionsBox(
    known.length > 0 &&
      optionSet(
        'Layers',
        known.map(({ number, name }) => ({ value: number, label: name })),
        choice.layers ?? all,
        layers => change({ layers: layers.length === all.length ? null : layers }),
      ),
    optionSet(
      'Lines',
      TOLERANCE_METHODS.map(value => ({ value, label: METHOD_NAMES[value] })),
      choice.methods,
      methods => change({ methods }),
    ),
    optionLine(
      field('Samples, at most', 'samples', 'all', 6),
      field('Magnitudes', 'grid', 'automatic, or 0.1%, 0.2%', 26),
      field('Seconds for one complete verdict', 'timeout', '', 6),
    ),
    isAnswered &&
      element(
        'p',
        { class: 'quiet' },
        'Answers that are known are taken as they are: running again goes on from there.',
      ),
  );
}
