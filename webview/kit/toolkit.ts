/**
 * The only file that knows which component library draws the controls: a change of library is a change of this file. Everything it exports
 * speaks of what a control is for, in the DOM's own types.
 */
import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDivider,
  vsCodeDropdown,
  vsCodeOption,
  vsCodeProgressRing,
  vsCodeTextField,
} from '@vscode/webview-ui-toolkit';
import { element } from './dom';
import './toolkit.css';

provideVSCodeDesignSystem().register(
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
  const made = element('vscode-button', { appearance: kind, 'data-focus': label, ...(title ? { title } : {}) }, label);
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
    { 'aria-label': label, 'current-value': value, 'data-focus': label },
    ...options.map(option =>
      element(
        'vscode-option',
        { value: option.value, ...(option.value === value ? { selected: '' } : {}) },
        option.label,
      ),
    ),
  ) as HTMLElement & { value: string };
  made.addEventListener('change', () => onChange(made.value as T));
  return labelled(label, made);
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
  const made = element(
    'vscode-checkbox',
    { 'data-focus': label, ...(checked ? { checked: '' } : {}) },
    label,
  ) as HTMLElement & { checked: boolean };
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
  return labelled(
    label,
    line({ label, value, placeholder, size }, made => onChange(made.value)),
  );
}

export interface NumberOptions extends Pick<TextOptions, 'label' | 'size'> {
  readonly value: number;
  readonly isWhole?: boolean;
  readonly onChange: (value: number) => void;
}

/** A number above 0. What is none is taken back, so that what is shown is what counts. */
export function numberField({ label, value, size, isWhole = false, onChange }: NumberOptions): HTMLElement {
  let last = value;
  const made = line({ label, value: String(value), placeholder: '', size }, field => {
    const number = isWhole ? Math.round(Number(field.value)) : Number(field.value);
    const isGood = Number.isFinite(number) && number > 0;
    if (isGood) last = number;
    field.value = String(last);
    if (isGood) onChange(last);
  });
  return labelled(label, made);
}

interface LineElement extends HTMLElement {
  value: string;
}

function line(
  { label, value, placeholder, size }: Required<Omit<TextOptions, 'onChange'>>,
  onChange: (field: LineElement) => void,
): LineElement {
  const made = element('vscode-text-field', {
    'aria-label': label,
    placeholder,
    value,
    size: String(size),
    type: 'text',
    'data-focus': label,
  }) as LineElement;
  made.addEventListener('change', () => onChange(made));
  keepLabel(made, label);
  return made;
}

function labelled(label: string, field: HTMLElement): HTMLElement {
  return element('label', { class: 'field' }, element('span', {}, label), field);
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
  // The library's own has a style attribute, which the page's policy refuses.
  return element('span', { class: 'badge' }, text);
}

export function divider(): HTMLElement {
  return element('vscode-divider', { role: 'separator' });
}
