import * as vscode from 'vscode';
import type { QuickBound } from '../../engine/quick/protocol';
import type { TensorReference } from '../../engine/protocol';
import { readTensor } from '../../engine/tensor-reference';
import { shownBelow } from '../../base/shown-number';
import { labelName } from '../../report/summary';
import type {
  Bound,
  Bracket,
  FromPanel,
  PanelState,
  Pictures,
  Subject,
  ToPanel,
} from '../../../webview/tuning/protocol';
import type { KnownBracket } from '../core/bracket-memory';
import type { TuningPlace } from '../core/tuning-places';
import { capital, epsilonValue, seconds } from '../core/wording';
import { shownPath, withShortPaths } from '../documents/uris';
import { TUNING_PANEL } from '../ids';
import { Page } from '../panel/page';
import { toRange } from '../views/ranges';
import { writeEpsilon, type FoundPlace, type PlaceTarget } from './commands';
import type { QuickDoor } from './quick-door';
import { epsilonSteps, stepOf, withStep } from '../core/epsilon-steps';
import type { Tuner } from './tuner';

/** Milliseconds for one ε of the slider, and for what quick means say about the largest. */
const BOUND_MILLISECONDS = 150;
const BRACKET_MILLISECONDS = 6000;

export interface TuningPanelActions {
  /** Looks for the largest ε and writes it. */
  largest(found: FoundPlace, samples: number | 'all'): Promise<void>;
  /** Runs the check as it is written. */
  verify(found: FoundPlace): void;
}

/** A slider over ε for one check and one sample, with what quick bounds say of each. The page is told everything; it computes nothing. */
export class TuningPanel implements vscode.Disposable {
  readonly #page: Page<FromPanel, ToPanel, PanelState>;
  readonly #disposables: { dispose(): void }[];
  #target: PlaceTarget | null = null;
  #sample: number | undefined;
  /** Where the slider stands; null follows the text. */
  #epsilon: string | null = null;
  #asking = false;
  #again = false;
  #searching = false;
  #steps: readonly string[] = [];
  #stepsFor = '';
  /** What the last counterexample is about. */
  #counterexample: {
    readonly meaning: string;
    readonly epsilon: string;
    readonly input: TensorReference;
    readonly text: string;
  } | null = null;
  #bracketed = '';
  /** The bound that the page shows. */
  #shown: { readonly meaning: string; readonly value: QuickBound } | null = null;

  constructor(
    extensionUri: vscode.Uri,
    private readonly tuner: Tuner,
    private readonly door: QuickDoor,
    private readonly actions: TuningPanelActions,
  ) {
    this.#page = new Page({
      extensionUri,
      viewType: TUNING_PANEL,
      title: 'Tune ε',
      onReady: () => this.#show(),
      onMessage: message => this.#receive(message),
      onRestore: state => {
        if (!state) return;
        this.#target = { uri: state.uri, index: state.index };
        this.#sample = state.sample ?? undefined;
      },
    });
    this.#disposables = [
      this.#page,
      tuner.onDidChange(uri => {
        if (uri.toString() === this.#target?.uri) void this.#showKnown();
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document.uri.toString() === this.#target?.uri) void this.#show();
      }),
      // After a reload the text may come later than the panel.
      vscode.workspace.onDidOpenTextDocument(document => {
        if (document.uri.toString() === this.#target?.uri) void this.#show();
      }),
    ];
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  open({ document, place }: FoundPlace): void {
    const target = { uri: document.uri.toString(), index: place.index };
    if (this.#target?.uri !== target.uri || this.#target.index !== target.index) this.#epsilon = this.#shown = null;
    this.#target = target;
    this.#sample = this.tuner.facts(document, place).bound?.sample ?? this.tuner.sample(document.uri);
    this.#page.reveal();
    void this.#show();
  }

  async #found(): Promise<FoundPlace | null> {
    if (!this.#target) return null;
    const { uri, index } = this.#target;
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri)).then(
      opened => opened,
      () => null,
    );
    const place = document && this.tuner.places(document).find(each => each.index === index);
    return document && place?.kind === 'epsilon' ? { document, place } : null;
  }

  /** What was found out is shown; a bracket may need a longer slider. */
  async #showKnown(): Promise<void> {
    const found = await this.#found();
    if (!found) return;
    const { attacked } = this.tuner.memory.bracket(found.place.meaning, this.#sample ?? 'all');
    if (this.#stepsFor === `${found.place.text} ${attacked}`) await this.#showBracket();
    else await this.#showSubject();
    // What bounds leave open may follow from what was found out since.
    const shown = this.#shown;
    if (shown?.meaning === found.place.meaning && shown.value.sample === this.#sample)
      this.#page.post({ type: 'bound', bound: this.#boundOf(found.place, shown.value), pictures: null });
  }

  /** Tells the page what is tuned, and asks for the bounds of where its slider stands. */
  async #show(): Promise<void> {
    await this.#showSubject();
    this.#ask();
  }

  async #showSubject(): Promise<void> {
    const found = await this.#found();
    const form = found?.place.form;
    if (!found || !form) return this.#page.post({ type: 'subject', subject: null });
    const { document, place } = found;
    const name = place.name ?? `Check ${place.index + 1}`;
    this.#page.title = `Tune ε: ${name}`;
    const epsilon = this.#epsilon ?? place.text;
    const { attacked } = this.tuner.memory.bracket(place.meaning, this.#sample ?? 'all');
    const key = `${place.text} ${attacked}`;
    // The same steps for as long as they will do: a slider does not move under a hand.
    if (this.#stepsFor !== key) this.#steps = epsilonSteps(form, attacked);
    this.#stepsFor = key;
    this.#steps = withStep(this.#steps, epsilon);
    const subject: Subject = {
      name,
      specification: shownPath(document.uri),
      meaning: place.meaning,
      written: place.text,
      steps: this.#steps,
      sample: this.#sample ?? null,
      searching: this.#searching,
      state: { uri: document.uri.toString(), index: place.index, sample: this.#sample ?? null },
    };
    this.#page.post({ type: 'subject', subject });
    await this.#showBracket();
  }

  async #receive(message: Exclude<FromPanel, { type: 'ready' }>): Promise<void> {
    const found = await this.#found();
    if (!found) return;
    switch (message.type) {
      case 'epsilon':
        this.#epsilon = message.epsilon;
        return this.#ask();
      case 'sample':
        this.#sample = message.sample;
        this.tuner.chooseSample(found.document.uri, message.sample);
        void this.tuner.refresh(found.document);
        return this.#ask();
      case 'write':
        this.#epsilon = null;
        await writeEpsilon(found, message.epsilon);
        return;
      case 'largest':
        this.#searching = true;
        await this.#show();
        try {
          await this.actions.largest(
            found,
            message.samples === 'all' || this.#sample === undefined ? 'all' : this.#sample,
          );
        } finally {
          this.#searching = false;
          this.#epsilon = null;
          await this.#show();
        }
        return;
      case 'verify':
        return this.actions.verify(found);
      case 'openSpecification': {
        const { start } = toRange(found.place.value);
        await vscode.window.showTextDocument(found.document, {
          preserveFocus: true,
          viewColumn: vscode.ViewColumn.One,
          selection: new vscode.Range(start, start),
        });
      }
    }
  }

  /** One question at a time; a slider that moved meanwhile is asked about when the answer is there. */
  #ask(): void {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    void this.#askOnce().finally(() => {
      this.#asking = false;
      if (!this.#again) return;
      this.#again = false;
      this.#ask();
    });
  }

  async #askOnce(): Promise<void> {
    const found = await this.#found();
    if (!found || !this.#page.isReady) return;
    const { document, place } = found;
    // A panel of an earlier session may come back where nothing may run.
    if (!vscode.workspace.isTrusted)
      return this.#page.post({ type: 'problem', text: 'This workspace is not trusted, so nothing is computed.' });
    this.door.noteAsked(document.uri);
    const subject = {
      specification: { path: document.uri.fsPath, text: document.getText() },
      check: place.index,
      ...(this.#sample === undefined ? {} : { sample: this.#sample }),
    };
    const epsilon = this.#epsilon ?? place.text;
    const answer = await this.door.bound({ ...subject, epsilon, milliseconds: BOUND_MILLISECONDS, tensors: true });
    if (answer === null) {
      // The editor asked in between.
      this.#again = true;
      return;
    }
    if (!answer.ok)
      return this.#page.post({ type: 'problem', text: withShortPaths(answer.problems[0]?.message ?? '') });
    const { value } = answer;
    this.#sample ??= value.sample;
    this.tuner.noteBound(document, place, value);
    this.#shown = { meaning: place.meaning, value };
    const pictures = await picturesOf(value);
    // Another check was opened meanwhile: this is not about it.
    if (this.#target?.uri !== document.uri.toString() || this.#target.index !== place.index) return;
    this.#page.post({ type: 'bound', bound: this.#boundOf(place, value), pictures });
    const key = `${value.sample}\n${place.meaning}`;
    if (this.#again || this.#bracketed === key || value.outcome === 'misclassified') return this.#showBracket();
    this.#bracketed = key;
    void this.#lookForBracket(found, value.sample);
  }

  /** What quick means say about the largest ε, with an input that fails where there is one. */
  async #lookForBracket({ document, place }: FoundPlace, sample: number): Promise<void> {
    const answer = await this.door.bracket({
      specification: { path: document.uri.fsPath, text: document.getText() },
      check: place.index,
      sample,
      milliseconds: BRACKET_MILLISECONDS,
    });
    if (!answer?.ok) {
      this.#bracketed = '';
      return;
    }
    const { attacked, counterexample } = answer.value;
    if (attacked !== null && counterexample) {
      const text = `At ε = ${attacked} and every larger one the network fails on this input, as ONNX Runtime shows.`;
      this.#counterexample = { meaning: place.meaning, epsilon: attacked, input: counterexample.input, text };
    }
    this.tuner.noteBracket(document, place, sample, answer.value);
  }

  async #showBracket(): Promise<void> {
    const found = await this.#found();
    if (!found?.place.form) return;
    const { place } = found;
    const { certified, attacked } = this.tuner.memory.bracket(place.meaning, this.#sample ?? 'all');
    const bracket: Bracket = {
      certified,
      attacked,
      certifiedStep: certified === null ? null : stepOf(this.#steps, certified, 'below'),
      attackedStep: attacked === null ? null : stepOf(this.#steps, attacked, 'above'),
      text: [
        bracketSentence({ certified, attacked }, this.#sample),
        ...(this.#sample === undefined
          ? []
          : [bracketSentence(this.tuner.memory.bracket(place.meaning, 'all'), undefined)]),
      ].join(' '),
    };
    this.#page.post({ type: 'bracket', bracket });
    const known = this.#counterexample?.meaning === place.meaning ? this.#counterexample : null;
    const read = known && (await readTensor(known.input));
    this.#page.post({
      type: 'counterexample',
      counterexample:
        known && read?.ok
          ? {
              epsilon: known.epsilon,
              step: stepOf(this.#steps, known.epsilon, 'above'),
              input: read.value,
              text: known.text,
            }
          : null,
    });
  }

  #boundOf(place: TuningPlace, value: QuickBound): Bound {
    const follows = this.tuner.memory.follows(place.meaning, value.sample, value.epsilon);
    const { margin, outcome } = value;
    const least = margin === null ? '' : shownBelow(margin);
    const shown: Record<QuickBound['outcome'], Pick<Bound, 'tone' | 'headline'>> = {
      misclassified: { tone: 'open', headline: 'misclassified without any perturbation' },
      holds: { tone: 'good', headline: `holds, margin at least ${least}` },
      open:
        follows === 'attacked'
          ? { tone: 'bad', headline: 'fails, as ONNX Runtime shows' }
          : follows === 'certified'
            ? { tone: 'good', headline: 'holds, by the complete verifier' }
            : { tone: 'open', headline: 'open: quick bounds do not decide it' },
    };
    return {
      meaning: place.meaning,
      epsilon: value.epsilon,
      sample: value.sample,
      ...shown[outcome],
      claim: `${capital(value.claim)}.`,
      units: `ε = ${epsilonValue(value.units)}`,
      ways: [...value.ways]
        .sort((a, b) => (a.margin ?? -Infinity) - (b.margin ?? -Infinity))
        .map(({ label, margin: each }, disjunct) => ({
          name: labelName({ disjunct, label }, value.outputNames),
          margin: each,
          text: each === null ? 'unknown' : shownBelow(each),
        })),
      time: `bounded in ${seconds(value.milliseconds / 1000)}`,
    };
  }
}

async function picturesOf({ tensors, inputShape, preprocess }: QuickBound): Promise<Pictures | null> {
  if (!tensors) return null;
  const [original, lower, upper] = await Promise.all([tensors.original, tensors.lower, tensors.upper].map(readTensor));
  if (!original?.ok || !lower?.ok || !upper?.ok) return null;
  return { original: original.value, lower: lower.value, upper: upper.value, shape: inputShape, preprocess };
}

/** "Sample 0: certified up to 3.2/255, fails from 5/255." */
function bracketSentence({ certified, attacked }: KnownBracket, sample: number | undefined): string {
  const parts = [
    ...(certified === null ? [] : [`certified up to ${certified}`]),
    ...(attacked === null ? [] : [`fails from ${attacked}`]),
  ];
  return parts.length === 0 ? '' : `${sample === undefined ? 'All samples' : `Sample ${sample}`}: ${parts.join(', ')}.`;
}
