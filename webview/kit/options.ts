import { disclosure, element, type Child } from './dom';
import { checkbox, select, textField, type SelectOptions } from './toolkit';

/** What a person may choose before the next run, folded away until they want it. `lines` are rows of fields, or groups. */
export function optionsBox(...lines: readonly Child[]): HTMLElement {
  const box = disclosure('choices', 'What is asked', ...lines);
  box.classList.add('choices');
  return box;
}

/** Fields beside each other. */
export function optionLine(...fields: readonly Child[]): HTMLElement {
  return element('div', { class: 'below' }, ...fields);
}

/** Some of several: a box for each. They stay in the order of `all`. */
export function optionSet<T extends string | number>(
  legend: string,
  all: readonly { readonly value: T; readonly label: string }[],
  chosen: readonly T[],
  onChange: (chosen: readonly T[]) => void,
): HTMLElement {
  const now = new Set(chosen);
  const boxes = all.map(({ value, label }) =>
    checkbox(label, now.has(value), checked => {
      if (checked) now.add(value);
      else now.delete(value);
      onChange(all.map(each => each.value).filter(each => now.has(each)));
    }),
  );
  return element('fieldset', {}, element('legend', {}, legend), ...boxes);
}

/** Fields for the texts of a choice, each told under its own name. */
export function textOptions<Key extends string>(
  texts: Readonly<Record<Key, string>>,
  change: (change: { readonly [K in Key]?: string }) => void,
): (label: string, key: Key, placeholder: string, size?: number) => HTMLElement {
  return (label, key, placeholder, size = 10) =>
    textField({
      label,
      value: texts[key],
      placeholder,
      size,
      onChange: text => change({ [key]: text } as { [K in Key]?: string }),
    });
}

/** A choice between showing an input as a picture and as a table of its values. */
export function viewOption(
  value: 'picture' | 'table',
  onChange: SelectOptions<'picture' | 'table'>['onChange'],
): HTMLElement {
  return select({
    label: 'Input as',
    value,
    options: [
      { value: 'picture', label: 'picture' },
      { value: 'table', label: 'table' },
    ],
    onChange,
  });
}
