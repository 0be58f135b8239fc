/**
 * The only file that knows which component library draws the controls: a change of library is a change of this file. Everything it exports
 * speaks of what a control is for, in the DOM's own types.
 */
import {
  provideVSCodeDesignSystem,
  vsCodeBadge,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDivider,
  vsCodeDropdown,
  vsCodeOption,
  vsCodeProgressRing,
  vsCodeTextField,
} from '@vscode/webview-ui-toolkit';
import { element } from './dom';

provideVSCodeDesignSystem().register(
  vsCodeBadge(),
  vsCodeButton(),
  vsCodeCheckbox(),
  vsCodeDivider(),
  vsCodeDropdown(),
  vsCodeOption(),
  vsCodeProgressRing(),
  vsCodeTextField(),
);

export interface ButtonOptions {
  readonly label: string;
  readonly kind?: 'primary' | 'secondary';
  /** Said on hover, and by a screen reader after the label. */
  readonly title?: string;
  readonly onClick: () => void;
}

export function button({ label, kind = 'secondary', title, onClick }: ButtonOptions): HTMLElement {
  const made = element('vscode-button', { appearance: kind, ...(title ? { title } : {}) }, label);
  made.addEventListener('click', onClick);
  return made;
}

export interface SelectOptions<T extends string> {
  /** What is chosen, for a screen reader and beside the control. */
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

/** One of several values. */
export function select<T extends string>({ label, options, value, onChange }: SelectOptions<T>): HTMLElement {
  const made = element(
    'vscode-dropdown',
    { 'aria-label': label, 'current-value': value },
    ...options.map(option =>
      element(
        'vscode-option',
        { value: option.value, ...(option.value === value ? { selected: '' } : {}) },
        option.label,
      ),
    ),
  ) as HTMLElement & { value: string };
  made.addEventListener('change', () => onChange(made.value as T));
  return element('label', { class: 'field' }, element('span', {}, label), made);
}

export interface SearchOptions {
  /** What is searched, for a screen reader and in the empty field. */
  readonly label: string;
  readonly value: string;
  readonly onInput: (text: string) => void;
  /** Enter goes to the next hit, with Shift to the one before. */
  readonly onStep: (step: 1 | -1) => void;
}

/** A field to search by. Escape empties it. */
export function searchField({ label, value, onInput, onStep }: SearchOptions): HTMLElement {
  const made = element('vscode-text-field', {
    'aria-label': label,
    placeholder: label,
    value,
    type: 'text',
  }) as HTMLElement & { value: string };
  made.addEventListener('input', () => onInput(made.value));
  keepLabel(made, label);
  made.addEventListener('keydown', event => {
    if (event.key === 'Enter') onStep(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape') {
      made.value = '';
      onInput('');
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return made;
}

/** Something that is or is not. */
export function checkbox(label: string, checked: boolean, onChange: (checked: boolean) => void): HTMLElement {
  const made = element('vscode-checkbox', checked ? { checked: '' } : {}, label) as HTMLElement & { checked: boolean };
  made.addEventListener('change', () => onChange(made.checked));
  return made;
}

export interface TextOptions {
  readonly label: string;
  readonly value: string;
  /** What stands in the field while it is empty. */
  readonly placeholder?: string;
  /** Characters that fit. */
  readonly size: number;
  readonly onChange: (text: string) => void;
}

/** A line of text; told when it is left or Enter is pressed. */
export function textField({ label, value, placeholder = '', size, onChange }: TextOptions): HTMLElement {
  const made = element('vscode-text-field', {
    'aria-label': label,
    placeholder,
    value,
    size: String(size),
    type: 'text',
  }) as HTMLElement & { value: string };
  made.addEventListener('change', () => onChange(made.value));
  keepLabel(made, label);
  return element('label', { class: 'field' }, element('span', {}, label), made);
}

/** The library calls every text field "Text field" when it comes into the document; it is called by its own label again as soon as it is there. */
function keepLabel(field: HTMLElement, label: string): void {
  queueMicrotask(() => field.setAttribute('aria-label', label));
}

/** Says that work is going on. */
export function busy(label: string): HTMLElement {
  return element('vscode-progress-ring', { 'aria-label': label, role: 'progressbar' });
}

export function badge(text: string): HTMLElement {
  return element('vscode-badge', {}, text);
}

export function divider(): HTMLElement {
  return element('vscode-divider', { role: 'separator' });
}
