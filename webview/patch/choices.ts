import { optionLine, optionsBox, textOptions } from '../kit/options';
import { checkbox, select } from '../kit/toolkit';
import type { Choice } from './protocol';

/** What is asked at the next run. */
export function choices(choice: Choice, change: (change: Partial<Choice>) => void): HTMLElement {
  const field = textOptions<'margin' | 'keep' | 'seconds'>(choice, change);
  return optionsBox(
    optionLine(
      select<Choice['mode']>({
        label: 'Layers',
        value: choice.mode,
        options: [
          { value: 'each', label: 'each by itself' },
          { value: 'in turn', label: 'several in turn' },
        ],
        onChange: mode => change({ mode }),
      }),
      select<Choice['measure']>({
        label: 'To be small',
        value: choice.measure,
        options: [
          { value: 'inf', label: 'largest change' },
          { value: 'one', label: 'sum of changes' },
          { value: 'count', label: 'number of weights' },
        ],
        onChange: measure => change({ measure }),
      }),
      select<Choice['phases']>({
        label: 'Phases',
        value: choice.phases,
        options: [
          { value: 'fixed', label: 'kept' },
          { value: 'free', label: 'free (small networks)' },
        ],
        onChange: phases => change({ phases }),
      }),
      checkbox('Mark which way neurons may move', choice.marking, marking => change({ marking })),
    ),
    optionLine(
      field('Margin of the wanted class', 'margin', '0.001', 7),
      field('Right samples to keep', 'keep', '0', 7),
      field('Seconds a layer', 'seconds', '60', 7),
    ),
  );
}
