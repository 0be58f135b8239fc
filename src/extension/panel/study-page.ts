import * as vscode from 'vscode';
import type { ProgressMessage, StudyMessage } from '../../../webview/kit/study';
import type { Studies } from '../studies';
import { Page, type Message, type PageOptions } from './page';
import { PanelStudy } from './panel-study';
import { openSpecification } from './subject';

export interface StudyPageOptions<From extends Message, State> extends Omit<
  PageOptions<From, State>,
  'onReady' | 'onMessage'
> {
  readonly studies: Studies;
  /** Tells the page everything that it shows but large numbers: it is there, or the study began or ended. */
  show(): void;
  /** The page is there: what is sent after `show`. */
  onReady?(): void | Promise<void>;
  /** Begins from nothing, as from the palette. */
  readonly command: string;
  /** The specification that it is about; undefined before there is one. */
  specification(): vscode.Uri | undefined;
  /** A message other than those of all pages of studies. */
  onMessage(message: Exclude<From, StudyMessage>): void | Promise<void>;
}

/** A page with the one study that it has in work: progress, stopping and the way to the specification are the same for all of them. */
export class StudyPage<From extends Message, To extends Message, State> extends Page<
  From | StudyMessage,
  To | ProgressMessage,
  State
> {
  readonly study: PanelStudy;

  constructor({
    studies,
    show,
    onReady,
    command,
    specification,
    onMessage,
    ...options
  }: StudyPageOptions<From, State>) {
    super({
      ...options,
      onReady: () => {
        show();
        return onReady?.();
      },
      onMessage: message => {
        if (message.type === 'stop') return this.study.stop();
        if (message.type === 'begin') return void vscode.commands.executeCommand(command);
        if (message.type !== 'openSpecification') return onMessage(message as Exclude<From, StudyMessage>);
        const uri = specification();
        return uri && openSpecification(uri);
      },
    });
    this.study = new PanelStudy(studies, {
      onChange: show,
      onProgress: busy => this.post({ type: 'progress', busy }),
    });
  }

  override dispose(): void {
    this.study.dispose();
    super.dispose();
  }

  /** "Unstable Neurons · digits.onnx" on the tab. */
  name(what: string, model: string): void {
    this.title = model === '' ? what : `${what} · ${model.slice(model.lastIndexOf('/') + 1)}`;
  }
}
