import * as vscode from 'vscode';
import type { QuickBound } from '../../engine/quick/protocol';
import { BracketMemory, type KnownBracket, type Samples } from '../core/bracket-memory';
import { tuningPlaces, type TuningPlace } from '../core/tuning-places';
import type { TuningFacts } from '../core/tuning-words';
import type { QuestionState, VerdictStore } from '../core/verdict-store';
import { specificationKind } from '../core/outline';
import type { SpecificationIndex } from '../documents/specification-index';
import { toRange } from '../views/ranges';
import type { QuickDoor } from './quick-door';

/** Milliseconds that bounds may take for one ε while typing. */
const BOUND_MILLISECONDS = 60;
/** Milliseconds for a bracket, and the pause in the typing before one is looked for. */
const BRACKET_MILLISECONDS = 4000;
const PAUSE_MILLISECONDS = 400;
/** Checks of one specification that are bounded without being pointed at. */
const MOST_CHECKS = 8;
const MODEL = /\.onnx(\.gz)?$/;
/** Bounds that are remembered. */
const MOST_BOUNDS = 400;

/**
 * What is known about the sizes of the perturbations that a person tunes: quick answers, and what runs and searches have told. Every fact is kept with what it is
 * about (the meaning of the check, the sample, the ε), so that it can never be shown beside another.
 */
export class Tuner implements vscode.Disposable {
  readonly memory = new BracketMemory();
  readonly #bounds = new Map<string, QuickBound | null>();
  readonly #bracketed = new Set<string>();
  /** The sample that a person has chosen for a specification; else the first that the network gets right. */
  readonly #samples = new Map<string, number>();
  readonly #places = new WeakMap<vscode.TextDocument, { readonly version: number; readonly places: TuningPlace[] }>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #disposables: { dispose(): void }[];
  #round = 0;
  #age = 0;
  /** Document and version whose bounds are being asked for. */
  #asking: string | null = null;
  #pause: NodeJS.Timeout | undefined;

  /** Something new is known about a specification. */
  readonly onDidChange = this.#changed.event;

  constructor(
    private readonly store: VerdictStore,
    private readonly door: QuickDoor,
    private readonly index: SpecificationIndex,
  ) {
    this.#disposables = [
      this.#changed,
      store.onChange(({ event, questions }) => {
        if (event.kind === 'fileChanged') this.#forget(event.file.path);
        else if (event.kind === 'cleared') this.#forget(null);
        else if (event.kind === 'result') for (const id of questions) this.#learn(store.question(id));
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && isTunable(document))
          void this.refresh(document, contentChanges[0].range.start);
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#pause);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  /** Counts how often files have changed: what was asked at another age is about files that are no more. */
  get age(): number {
    return this.#age;
  }

  /** The numbers that can be tuned in the text as it is now. */
  places(document: vscode.TextDocument): readonly TuningPlace[] {
    const known = this.#places.get(document);
    if (known?.version === document.version) return known.places;
    // Paths in a specification start from its own folder: the same words elsewhere are about other files.
    const places = tuningPlaces(document.getText()).map(place => ({
      ...place,
      meaning: `${document.uri.toString()}\n${place.meaning}`,
    }));
    this.#places.set(document, { version: document.version, places });
    return places;
  }

  sample(specification: vscode.Uri): number | undefined {
    return this.#samples.get(specification.toString());
  }

  chooseSample(specification: vscode.Uri, sample: number): void {
    this.#samples.set(specification.toString(), sample);
    this.#changed.fire(specification);
  }

  /** What is known about the ε at a place, right now. */
  facts(document: vscode.TextDocument, place: TuningPlace): TuningFacts {
    const bound = this.#bounds.get(this.#key(document, place)) ?? null;
    const sample = bound?.sample ?? this.sample(document.uri);
    const bracket = this.#bracket(place, sample);
    const follows =
      sample === undefined
        ? this.memory.follows(place.meaning, 'all', place.text)
        : this.memory.follows(place.meaning, sample, place.text);
    return { epsilon: place.text, bracket, bound, follows };
  }

  #bracket({ meaning }: TuningPlace, sample: number | undefined): KnownBracket {
    return this.memory.bracket(meaning, sample ?? 'all');
  }

  /** Whether everything is known that quick answers could tell about a place. */
  isBounded(document: vscode.TextDocument, place: TuningPlace): boolean {
    return place.kind !== 'epsilon' || place.form === null || this.#bounds.has(this.#key(document, place));
  }

  /**
   * Asks for quick bounds of what is not known yet, the check at `first` before the others. A newer call takes the place of an older one. Resolves when there is
   * nothing more to ask.
   */
  async refresh(document: vscode.TextDocument, first?: vscode.Position): Promise<void> {
    const round = ++this.#round;
    clearTimeout(this.#pause);
    const specification = document.uri;
    if (!this.door.mayAnswer(specification)) return;
    this.#asking = `${specification.toString()} ${document.version}`;
    try {
      await this.#ask(document, first, () => round !== this.#round || document.isClosed);
    } finally {
      if (round === this.#round) this.#asking = null;
    }
  }

  async #ask(document: vscode.TextDocument, first: vscode.Position | undefined, over: () => boolean): Promise<void> {
    const specification = document.uri;
    // From now on models are watched: what is known about one is forgotten when it changes.
    void this.index.scan();
    const open = this.places(document).filter(place => !this.isBounded(document, place));
    open.sort((a, b) => distance(a, first) - distance(b, first));
    const age = this.#age;
    for (const place of open.slice(0, MOST_CHECKS)) {
      const key = this.#key(document, place);
      const sample = this.sample(specification);
      const answer = await this.door.bound({
        specification: { path: specification.fsPath, text: document.getText() },
        check: place.index,
        milliseconds: BOUND_MILLISECONDS,
        ...(sample === undefined ? {} : { sample }),
      });
      // Asked again, of the files as they are now.
      if (age !== this.#age) return over() ? undefined : this.#ask(document, first, over);
      if (answer !== null) this.#keep(key, place, specification, answer.ok ? answer.value : null);
      if (over()) return;
    }
    const [next] = [...this.places(document)]
      .filter(place => place.kind === 'epsilon' && place.form !== null)
      .sort((a, b) => distance(a, first) - distance(b, first));
    if (next) this.#pause = setTimeout(() => void this.#lookForBracket(document, next), PAUSE_MILLISECONDS);
  }

  /** Asks for what is missing, unless that is being done. */
  async ensure(document: vscode.TextDocument, first?: vscode.Position): Promise<void> {
    const key = `${document.uri.toString()} ${document.version}`;
    if (this.#asking === key) return;
    await this.refresh(document, first);
  }

  /** Tells what a longer search has certified or attacked. */
  noteBracket(document: vscode.TextDocument, place: TuningPlace, samples: Samples, bracket: KnownBracket): void {
    const model = this.store.specification(document.uri.toString())?.model ?? '';
    const { certified, attacked } = bracket;
    if (certified !== null) this.memory.note(place.meaning, model, samples, certified, 'certified');
    if (attacked !== null) this.memory.note(place.meaning, model, samples, attacked, 'attacked');
    this.#changed.fire(document.uri);
  }

  /** A bound that someone else asked for: of any ε of this check. */
  noteBound(document: vscode.TextDocument, place: TuningPlace, bound: QuickBound): void {
    const sample = this.sample(document.uri);
    if (bound.epsilon === place.text && (sample === undefined || sample === bound.sample))
      this.#keep(this.#key(document, place), place, document.uri, bound);
    else if (bound.outcome === 'holds')
      this.noteBracket(document, place, bound.sample, { certified: bound.epsilon, attacked: null });
  }

  /** Whether quick answers may be given about a document at all. */
  mayAnswer({ uri }: vscode.TextDocument): boolean {
    return this.door.mayAnswer(uri);
  }

  /** The question of the store that a place belongs to, once the store has read the text. */
  questionOf({ uri }: vscode.TextDocument, { check }: TuningPlace): QuestionState | undefined {
    return this.store
      .questions(uri.toString())
      .find(({ range: { start } }) => start.line === check.start.line && start.character === check.start.character);
  }

  /** Once for a check and a sample: what quick means say about the largest ε. */
  async #lookForBracket(document: vscode.TextDocument, place: TuningPlace): Promise<void> {
    const bound = this.#bounds.get(this.#key(document, place));
    if (!bound || document.isClosed) return;
    const key = `${place.meaning}\n${bound.sample}`;
    if (this.#bracketed.has(key)) return;
    this.#bracketed.add(key);
    const age = this.#age;
    const answer = await this.door.bracket({
      specification: { path: document.uri.fsPath, text: document.getText() },
      check: place.index,
      sample: bound.sample,
      milliseconds: BRACKET_MILLISECONDS,
    });
    if (age !== this.#age) return;
    if (answer === null) this.#bracketed.delete(key);
    else if (answer.ok) this.noteBracket(document, place, answer.value.sample, answer.value);
  }

  #keep(key: string, place: TuningPlace, specification: vscode.Uri, bound: QuickBound | null): void {
    this.#bounds.delete(key);
    this.#bounds.set(key, bound);
    for (const oldest of this.#bounds.keys()) {
      if (this.#bounds.size <= MOST_BOUNDS) break;
      this.#bounds.delete(oldest);
    }
    if (bound) this.index.follow(bound.files);
    const model = this.store.specification(specification.toString())?.model ?? '';
    if (bound?.outcome === 'holds') this.memory.note(place.meaning, model, bound.sample, bound.epsilon, 'certified');
    this.#changed.fire(specification);
  }

  /** What a run says about the ε that stands in the text it was about. */
  #learn(question: QuestionState | undefined): void {
    const evidence = question?.evidence;
    if (!question || !evidence || this.store.isStale(question)) return;
    const document = openDocument(question.specification);
    const place =
      document && this.places(document).find(candidate => this.questionOf(document, candidate)?.id === question.id);
    if (!document || place?.kind !== 'epsilon') return;
    const note = (samples: Samples, found: 'certified' | 'attacked') =>
      this.memory.note(place.meaning, evidence.model, samples, place.text, found);
    const { verdict, sample } = evidence.results[evidence.results.length - 1];
    if (sample !== null && verdict.kind === 'verified') note(sample, 'certified');
    if (sample !== null && verdict.kind === 'falsified') note(sample, 'attacked');
    const kinds = evidence.results.map(result => result.verdict.kind);
    const settled = kinds.every(kind => kind === 'verified' || kind === 'misclassified') && kinds.includes('verified');
    if (settled && kinds.length === evidence.planned) note('all', 'certified');
    this.#changed.fire(document.uri);
  }

  /** @param file a model or data that has changed; null forgets everything */
  #forget(file: string | null): void {
    this.#age++;
    // Bounds do not know which files they are about; they are quick to have again.
    this.#bounds.clear();
    this.#bracketed.clear();
    // Brackets know their model, and nothing of data.
    if (file !== null && MODEL.test(file)) this.memory.forgetModel(file.replace(/\.gz$/, ''));
    else this.memory.forgetAll();
    for (const document of vscode.workspace.textDocuments) if (isTunable(document)) this.#changed.fire(document.uri);
  }

  #key({ uri }: vscode.TextDocument, { meaning, text }: TuningPlace): string {
    return `${this.sample(uri) ?? 'first'}\n${text}\n${meaning}`;
  }
}

/** Whether a document is a perturbation specification. */
export function isTunable({ uri }: vscode.TextDocument): boolean {
  return specificationKind(uri.path) === 'perturbation';
}

function openDocument(specification: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find(document => document.uri.toString() === specification);
}

/** Lines between a check and a position; 0 inside. */
function distance({ check }: TuningPlace, position: vscode.Position | undefined): number {
  if (!position) return check.start.line;
  const { start, end } = toRange(check);
  return position.line < start.line ? start.line - position.line : Math.max(0, position.line - end.line);
}
