import * as vscode from 'vscode';
import { readMagnitudes } from '../../base/magnitudes';
import { ok, problem as failure, type Result } from '../../base/result';
import {
  withPart,
  type WeightToleranceParams,
  type WeightToleranceReport,
} from '../../engine/study-protocols/weight-tolerance';
import type { StudyMessage } from '../../../webview/kit/study';
import {
  FIRST_CHOICE,
  type Choice,
  type FromPanel,
  type PanelState,
  type ToPanel,
} from '../../../webview/tolerance/protocol';
import type { Chosen } from '../commands/specification-choice';
import { filePath, shownPath } from '../documents/uris';
import { COMMAND, TOLERANCE_PANEL } from '../ids';
import { saveModel } from '../panel/save-model';
import { StudyPage } from '../panel/study-page';
import { aboutOf, askedOf, chosenOf, subjectOf } from '../panel/subject';
import type { Studies } from '../studies';
import type { LastTolerances } from './last-tolerances';

/** What a panel is about. */
export interface ToleranceSubject extends Chosen {
  /** Name of a check of weights: its layers are asked about first. */
  readonly check?: string;
}

/** The one panel of weight tolerances: it starts the study, shows its parts as they come, and keeps the last report. */
export class TolerancePanel implements vscode.Disposable {
  readonly #page: StudyPage<FromPanel, ToPanel, PanelState>;
  #subject: ToleranceSubject | null = null;
  #choice: Choice = FIRST_CHOICE;
  #report: WeightToleranceReport | null = null;

  constructor(
    extensionUri: vscode.Uri,
    studies: Studies,
    private readonly last: LastTolerances,
  ) {
    this.#page = new StudyPage({
      extensionUri,
      studies,
      viewType: TOLERANCE_PANEL,
      title: 'Weight Tolerance',
      show: () => this.#show(),
      command: COMMAND.weightTolerance,
      specification: () => this.#subject?.specification,
      onMessage: message => this.#receive(message),
      onRestore: state => {
        if (!state?.asked) return;
        this.#subject = chosenOf(state.asked);
        this.#choice = state.choice ?? FIRST_CHOICE;
      },
    });
  }

  dispose(): void {
    this.#page.dispose();
  }

  get report(): WeightToleranceReport | null {
    return this.#report;
  }

  /** Shows the panel about a subject and starts to work; what was in work is stopped. */
  async open(subject: ToleranceSubject): Promise<void> {
    this.#subject = subject;
    this.#choice = FIRST_CHOICE;
    this.#report = null;
    this.#page.reveal();
    await this.#run(subject);
  }

  async #run(subject: ToleranceSubject): Promise<void> {
    const about = aboutOf(subject);
    const report = await this.#page.study.ask({
      kind: 'weight-tolerance',
      title: `Weight tolerance of ${about}`,
      about,
      params: this.#params(subject),
      onPart: part => {
        this.#report = withPart(this.#report, part);
        if (part.kind === 'begin') this.#show();
        else this.#page.post({ type: 'layer', layer: part.layer });
      },
    });
    // What was found before a stop or a mistake stays; another subject's report is told by its own run.
    if (this.#subject !== subject || this.#page.study.busy) return;
    if (report) this.#report = report;
    if (this.#report) this.last.keep(this.#report);
    this.#show();
  }

  /** What is asked, or what of the choice makes no sense. */
  #params({ check, ...chosen }: ToleranceSubject): Result<WeightToleranceParams> {
    const { layers, methods, grid, samples, timeout } = this.#choice;
    const subject = subjectOf(chosen);
    if (!subject.ok) return subject;
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
    return ok({
      subject: subject.value,
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
        asked: askedOf(subject),
        specification: shownPath(subject.specification),
        model: model ? shownPath(model) : '',
        choice: this.#choice,
        report: this.#report,
        busy: this.#page.study.busy,
        problem: this.#page.study.problem,
        canRun: vscode.workspace.isTrusted && filePath(subject.specification) !== null,
      },
    });
  }

  async #receive(message: Exclude<FromPanel, StudyMessage>): Promise<void> {
    const subject = this.#subject;
    if (!subject) return;
    switch (message.type) {
      case 'run':
        this.#choice = message.choice;
        return this.#run(subject);
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
    const part = layer.name === '' ? `layer-${number}` : layer.name;
    await saveModel({ file: patched.fsPath, base: this.#report.model, kind: 'patched', part });
  }
}
