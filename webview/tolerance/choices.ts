import { TOLERANCE_METHODS, type WeightToleranceReport } from '../../src/engine/study-protocols/weight-tolerance';
import { element } from '../kit/dom';
import { checkbox, textField } from '../kit/toolkit';
import type { Choice } from './protocol';
import { METHOD_NAMES } from './words';

/** What is asked at the next run. */
export function choices(
  choice: Choice,
  report: WeightToleranceReport | null,
  known: readonly { readonly number: number; readonly name: string }[],
  open: boolean,
  change: (change: Partial<Choice>) => void,
  onToggle: (open: boolean) => void,
): HTMLElement {
  const layers = known.map(({ number, name }) =>
    checkbox(name, choice.layers === null || choice.layers.includes(number), checked => {
      const before = choice.layers ?? known.map(layer => layer.number);
      const after = checked ? [...before, number] : before.filter(other => other !== number);
      change({ layers: after.length === known.length ? null : after.sort((a, b) => a - b) });
    }),
  );
  const methods = TOLERANCE_METHODS.map(method =>
    checkbox(METHOD_NAMES[method], choice.methods.includes(method), checked =>
      change({
        methods: TOLERANCE_METHODS.filter(other => (other === method ? checked : choice.methods.includes(other))),
      }),
    ),
  );
  const box = element(
    'details',
    { class: 'choices', ...(open ? { open: '' } : {}) },
    element('summary', { 'data-focus': 'choices' }, 'What is asked'),
    layers.length > 0 && group('Layers', ...layers),
    group('Lines', ...methods),
    element(
      'div',
      { class: 'below' },
      textField({
        label: 'Samples, at most',
        value: choice.samples,
        placeholder: 'all',
        size: 6,
        onChange: samples => change({ samples }),
      }),
      textField({
        label: 'Magnitudes',
        value: choice.grid,
        placeholder: 'automatic, or 0.1%, 0.2%',
        size: 26,
        onChange: grid => change({ grid }),
      }),
      textField({
        label: 'Seconds for one complete verdict',
        value: choice.timeout,
        size: 6,
        onChange: timeout => change({ timeout }),
      }),
    ),
    report &&
      element(
        'p',
        { class: 'quiet' },
        'Answers that are known are taken as they are: running again goes on from there.',
      ),
  );
  box.addEventListener('toggle', () => onToggle(box.open));
  return box;
}

function group(label: string, ...children: readonly HTMLElement[]): HTMLElement {
  return element('fieldset', {}, element('legend', {}, label), ...children);
}
