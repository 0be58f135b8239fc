import * as vscode from 'vscode';
import { readMagnitudes } from '../../base/magnitudes';
import { ok, problem as failure, type Result } from '../../base/result';
import {
  withPart,
  type WeightToleranceParams,
  type WeightToleranceReport,
} from '../../engine/study-protocols/weight-tolerance';
import {
  FIRST_CHOICE,
  type Choice,
  type FromPanel,
  type PanelState,
  type ToPanel,
} from '../../../webview/tolerance/protocol';
import { filePath, shownPath, textUri } from '../documents/uris';
import { TOLERANCE_PANEL } from '../ids';
import { Page } from '../panel/page';
import type { RunningStudy, Studies } from '../studies';
import type { LastTolerances } from './last-tolerances';

/** What a panel is about. */
export interface ToleranceSubject {
  readonly specification: vscode.Uri;
  /** Over the model that the specification names. */
  readonly model: vscode.Uri | undefined;
  /** Name of a check of weights: its layers are asked about first. */
  readonly check?: string;
}

/** The one panel of weight tolerances: it starts the study, shows its parts as they come, and keeps the last report. */
export class TolerancePanel implements vscode.Disposable {
  readonly #page: Page<FromPanel, ToPanel, PanelState>;
  #subject: ToleranceSubject | null = null;
  #choice: Choice = FIRST_CHOICE;
  #report: WeightToleranceReport | null = null;
  #problem: string | null = null;
  #running: RunningStudy<WeightToleranceReport> | null = null;
  #progress: { fraction: number | null; text: string } = { fraction: null, text: '' };

  constructor(
    extensionUri: vscode.Uri,
    private readonly studies: Studies,
    private readonly last: LastTolerances,
  ) {
    this.#page = new Page({
      extensionUri,
      viewType: TOLERANCE_PANEL,
      title: 'Weight Tolerance',
      onReady: () => this.#show(),
      onMessage: message => void this.#receive(message),
      onRestore: state => {
        if (!state?.specification) return;
        const model = state.model === null ? undefined : vscode.Uri.parse(state.model);
        this.#subject = { specification: vscode.Uri.parse(state.specification), model };
        this.#choice = state.choice ?? FIRST_CHOICE;
      },
    });
  }

  dispose(): void {
    void this.#running?.stop();
    this.#page.dispose();
  }

  get report(): WeightToleranceReport | null {
    return this.#report;
  }

  /** Shows the panel about a subject and starts to work; what was in work is stopped. */
  async open(subject: ToleranceSubject): Promise<void> {
    await this.#running?.stop();
    this.#subject = subject;
    this.#choice = FIRST_CHOICE;
    this.#report = null;
    this.#page.reveal();
    await this.#run();
  }

  async #run(): Promise<void> {
    const subject = this.#subject;
    if (!subject || this.#running) return;
    const params = await this.#params(subject);
    this.#problem = params.ok ? null : params.error.message;
    if (!params.ok) return this.#show();
    const about = shownPath(subject.model ?? subject.specification);
    this.#progress = { fraction: null, text: 'Starting' };
    const running = this.studies.start('weight-tolerance', params.value, {
      title: `Weight tolerance of ${about}`,
      about,
      onProgress: (fraction, text) => {
        this.#progress = { fraction, text };
        if (this.#running === running) this.#page.post({ type: 'progress', busy: this.#progress });
      },
      onPart: part => {
        if (this.#running !== running) return;
        this.#report = withPart(this.#report, part);
        if (part.kind === 'begin') this.#show();
        else this.#page.post({ type: 'layer', layer: part.layer });
      },
    });
    this.#running = running;
    this.#show();
    const answer = await running.answer;
    if (this.#running !== running) return;
    this.#running = null;
    if (answer.ok) this.#report = answer.value;
    // What was found before a stop or a mistake stays.
    else this.#problem = answer.problems.find(({ code }) => code !== 'engine/cancelled')?.message ?? null;
    if (this.#report) this.last.keep(this.#report);
    this.#show();
  }

  /** What is asked, or what of the choice makes no sense. */
  async #params({ specification, model, check }: ToleranceSubject): Promise<Result<WeightToleranceParams>> {
    const { layers, methods, grid, samples, timeout } = this.#choice;
    const path = filePath(specification);
    if (path === null) return failure('tolerance/virtual', 'The specification is on no disk that the engine can read.');
    if (methods.length === 0) return failure('tolerance/methods', 'Choose at least one line of the curve.');
    if (layers?.length === 0) return failure('tolerance/layers', 'Choose at least one layer.');
    const magnitudes = grid.trim() === '' ? ok(undefined) : readMagnitudes(grid);
    if (!magnitudes.ok) return magnitudes;
    const most = samples.trim() === '' ? undefined : Number(samples);
    if (most !== undefined && !(Number.isInteger(most) && most > 0))
      return failure(
        'tolerance/samples',
        `"${samples}" is no number of samples: give a whole number from 1 up, or nothing for all.`,
      );
    const seconds = Number(timeout);
    if (!(seconds > 0))
      return failure('tolerance/timeout', `"${timeout}" is no time: give the seconds for one complete verdict.`);
    const { getText } = await vscode.workspace.openTextDocument(textUri(specification)).then(document => ({
      getText: () => document.getText(),
    }));
    return ok({
      subject: { specification: { path, text: getText() }, ...(model === undefined ? {} : { model: model.fsPath }) },
      ...(layers === null ? {} : { layers }),
      ...(layers === null && check !== undefined ? { check } : {}),
      methods,
      ...(magnitudes.value === undefined ? {} : { grid: magnitudes.value }),
      ...(most === undefined ? {} : { mostSamples: most }),
      timeout: seconds,
    });
  }

  #show(): void {
    const subject = this.#subject;
    if (!subject) return this.#page.post({ type: 'show', shown: null });
    const model = subject.model ?? (this.#report && vscode.Uri.file(this.#report.model));
    this.#page.post({
      type: 'show',
      shown: {
        address: subject.specification.toString(),
        modelAddress: subject.model?.toString() ?? null,
        specification: shownPath(subject.specification),
        model: model ? shownPath(model) : '',
        choice: this.#choice,
        report: this.#report,
        busy: this.#running && this.#progress,
        problem: this.#problem,
        canRun: vscode.workspace.isTrusted && filePath(subject.specification) !== null,
      },
    });
  }

  async #receive(message: Exclude<FromPanel, { type: 'ready' }>): Promise<void> {
    switch (message.type) {
      case 'run':
        this.#choice = message.choice;
        return this.#run();
      case 'stop':
        return this.#running?.stop();
      case 'openSpecification':
        return void (
          this.#subject &&
          (await vscode.window.showTextDocument(textUri(this.#subject.specification), {
            viewColumn: vscode.ViewColumn.One,
          }))
        );
      case 'saveModel':
        return this.#save(message.layer);
      case 'openModel': {
        const patched = this.#patched(message.layer);
        if (patched) await vscode.commands.executeCommand('vscode.open', patched, vscode.ViewColumn.One);
      }
    }
  }

  /** The file with the changed weights of a layer. */
  #patched(layer: number): vscode.Uri | null {
    const failing = this.#report?.layers.find(({ number }) => number === layer)?.failure;
    return failing ? vscode.Uri.file(failing.model) : null;
  }

  async #save(number: number): Promise<void> {
    const patched = this.#patched(number);
    const layer = this.#report?.layers.find(each => each.number === number);
    if (!patched || !layer || !this.#report) return;
    const name = layer.name === '' ? `layer-${number}` : layer.name.replaceAll(/[^\w.-]+/g, '_');
    const target = await vscode.window.showSaveDialog({
      defaultUri: vscode.Uri.file(this.#report.model.replace(/(\.onnx)?(\.gz)?$/, `.${name}-changed.onnx`)),
      filters: { 'ONNX models': ['onnx'] },
      title: 'Save the patched model',
    });
    if (!target) return;
    try {
      await vscode.workspace.fs.copy(patched, target, { overwrite: true });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      void vscode.window.showErrorMessage(`The patched model could not be saved: ${reason} Run again to make it anew.`);
      return;
    }
    void vscode.window.setStatusBarMessage('Certiscope: the patched model was saved.', 4000);
  }
}
