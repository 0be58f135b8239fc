import * as vscode from 'vscode';
import { SETTINGS, type SettingName, type SettingValue } from '../base/settings';

/** The value of a setting, for a file where it may differ by folder. */
export function setting<N extends SettingName>(name: N, scope?: vscode.Uri): SettingValue<N> {
  const value = vscode.workspace.getConfiguration('certiscope', scope).get<SettingValue<N>>(name);
  return value ?? (SETTINGS[name].default as SettingValue<N>);
}
