/**
 * The only file that knows which component library draws the controls: a change of library is a change of this file. Everything it exports
 * speaks of what a control is for, in the DOM's own types.
 */
import {
  provideVSCodeDesignSystem,
  vsCodeBadge,
  vsCodeButton,
  vsCodeDivider,
  vsCodeDropdown,
  vsCodeOption,
  vsCodeProgressRing,
} from '@vscode/webview-ui-toolkit';
import { element } from './dom';

provideVSCodeDesignSystem().register(
  vsCodeBadge(),
  vsCodeButton(),
  vsCodeDivider(),
  vsCodeDropdown(),
  vsCodeOption(),
  vsCodeProgressRing(),
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
