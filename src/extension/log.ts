import * as vscode from 'vscode';
import type { LogParams } from '../engine/protocol';

/** The one log channel. */
export function createLog(): vscode.LogOutputChannel {
  return vscode.window.createOutputChannel('Certiscope', { log: true });
}

export function logEngine(log: vscode.LogOutputChannel, { level, message }: LogParams): void {
  const write = { error: log.error, warning: log.warn, info: log.info, debug: log.debug }[level];
  write.call(log, message);
}
