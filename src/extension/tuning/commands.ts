import * as vscode from 'vscode';
import type { LargestEpsilonResult } from '../../engine/study-protocols/largest-epsilon';
import { COMMAND } from '../ids';
import { registerTable, type CommandTable } from '../commands/command-table';
import { mayRun } from '../commands/specification-choice';
import type { TuningPlace } from '../core/tuning-places';
import type { Studies } from '../studies';
import { toRange } from '../views/ranges';
import type { QuickDoor } from './quick-door';
import { isTunable, type Tuner } from './tuner';

/** A size of a perturbation, as lenses and tooltips name it. */
export interface PlaceTarget {
  readonly uri: string;
  /** Index of the check. */
  readonly index: number;
}

/** A place that a person means, in the document that it stands in. */
export interface FoundPlace {
  readonly document: vscode.TextDocument;
  readonly place: TuningPlace;
}

type Step = (form: NonNullable<TuningPlace['form']>) => string | null;

const STEPS: Readonly<Record<string, Step>> = {
  [COMMAND.epsilonUp]: form => form.up(),
  [COMMAND.epsilonDown]: form => form.down(),
  [COMMAND.epsilonDouble]: form => form.doubled(),
  [COMMAND.epsilonHalve]: form => form.halved(),
};

export interface TuningActions {
  readonly tuner: Tuner;
  readonly door: QuickDoor;
  readonly studies: Studies;
  /** Opens the panel on a check. */
  openPanel(found: FoundPlace): void;
}

/** Stepping ε, finding the largest that holds, and opening the panel. */
export function registerTuningCommands(actions: TuningActions, log: vscode.LogOutputChannel): vscode.Disposable {
  const { tuner, door, openPanel } = actions;
  const steps = Object.entries(STEPS).map(([id, step]) => [
    id,
    async (target?: PlaceTarget) => {
      const found = await findPlace(tuner, target);
      const text = found?.place.form && step(found.place.form);
      if (!found || text === null || text === undefined) return;
      door.noteAsked(found.document.uri);
      await writeEpsilon(found, text);
    },
  ]);
  return registerTable(
    {
      ...(Object.fromEntries(steps) as CommandTable),
      [COMMAND.largestEpsilon]: async (target?: PlaceTarget) => {
        const found = await findPlace(tuner, target, 'epsilon');
        if (found) await findLargest(actions, found);
      },
      [COMMAND.tune]: async (target?: PlaceTarget) => {
        const found = await findPlace(tuner, target, 'epsilon');
        if (!found || !mayRun(found.document.uri)) return;
        door.noteAsked(found.document.uri);
        openPanel(found);
      },
    },
    log,
  );
}

/** The place that a command is about: the one it was called with, else the one that the cursor is in or nearest to. Says why not when there is none. */
async function findPlace(
  tuner: Tuner,
  target: PlaceTarget | undefined,
  kind?: TuningPlace['kind'],
): Promise<FoundPlace | undefined> {
  const suits = (place: TuningPlace) => place.form !== null && (kind === undefined || place.kind === kind);
  if (target !== undefined && typeof target.uri === 'string') {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(target.uri));
    const place = tuner.places(document).find(({ index }) => index === target.index);
    return place && suits(place) ? { document, place } : undefined;
  }
  const editor = vscode.window.activeTextEditor;
  if (editor && isTunable(editor.document)) {
    const { document, selection } = editor;
    const line = selection.active.line;
    const away = ({ check }: TuningPlace) => Math.max(check.start.line - line, line - check.end.line, 0);
    const within = ({ check }: TuningPlace) => (toRange(check).contains(selection.active) ? 0 : 1);
    const [place] = tuner
      .places(document)
      .filter(suits)
      .sort((a, b) => within(a) - within(b) || away(a) - away(b));
    if (place) return { document, place };
  }
  void vscode.window.showInformationMessage(
    'There is no ε to tune here. Open a perturbation specification (*.certiscope.jsonc) whose check has one number for "epsilon".',
  );
  return undefined;
}

/** Replaces the number, as one edit that one undo takes back. */
export async function writeEpsilon({ document, place }: FoundPlace, text: string): Promise<boolean> {
  const range = toRange(place.range);
  const editor = vscode.window.visibleTextEditors.find(candidate => candidate.document === document);
  if (editor) return editor.edit(edit => edit.replace(range, text), { undoStopBefore: true, undoStopAfter: true });
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, range, text);
  return vscode.workspace.applyEdit(edit);
}

/** Asks for which samples, searches, and writes the largest certified ε into the text. */
async function findLargest({ tuner, door, studies }: TuningActions, found: FoundPlace): Promise<void> {
  const { document } = found;
  if (!mayRun(document.uri)) return;
  door.noteAsked(document.uri);
  const samples = await chooseSamples(tuner, found);
  if (samples === undefined) return;
  await searchLargest({ tuner, studies }, found, samples);
}

/** @returns undefined when the person changed their mind */
async function chooseSamples(tuner: Tuner, { document, place }: FoundPlace): Promise<number | 'all' | undefined> {
  const sample = tuner.facts(document, place).bound?.sample ?? tuner.sample(document.uri);
  const items = [
    {
      label: 'The worst of all samples',
      description: 'certified for every sample that the specification selects',
      samples: 'all' as const,
    },
    ...(sample === undefined
      ? []
      : [{ label: `Sample ${sample}`, description: 'the one that the hint is about', samples: sample }]),
    { label: 'Another sample…', description: 'by its index in the data', samples: null },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Largest ε that holds',
    placeHolder: 'For which samples?',
  });
  if (picked?.samples !== null) return picked?.samples;
  const typed = await vscode.window.showInputBox({
    title: 'Largest ε that holds',
    prompt: 'Index of the sample in the data, from 0',
    validateInput: text => (/^\s*\d{1,9}\s*$/.test(text) ? null : 'A whole number from 0 up'),
  });
  return typed === undefined ? undefined : Number(typed);
}

/** Runs the search, tells the memory, writes the result. The panel calls it too. */
export async function searchLargest(
  { tuner, studies }: Pick<TuningActions, 'tuner' | 'studies'>,
  { document, place }: FoundPlace,
  samples: number | 'all',
): Promise<void> {
  const name = place.name ?? `check ${place.index + 1}`;
  const age = tuner.age;
  const note: Tuner['noteBracket'] = (...bracket) => {
    if (age === tuner.age) tuner.noteBracket(...bracket);
  };
  const { answer } = studies.start(
    'largest-epsilon',
    {
      subject: {
        specification: { path: document.uri.fsPath, text: document.getText() },
        ...(samples === 'all' ? {} : { samples: [samples] }),
      },
      checkIndex: place.index,
    },
    {
      title: `Largest ε of “${name}”`,
      about: vscode.workspace.asRelativePath(document.uri, false),
      onPart: ({ certified, attacked, settled, samples: total, sample }) => {
        // What is certified for some samples only is not yet so for all.
        const about = total === 1 ? sample : 'all';
        note(document, place, about, {
          certified: total === 1 || settled === total ? certified : null,
          attacked,
        });
      },
    },
  );
  const found = await answer;
  if (!found.ok) return;
  const { certified, attacked, samples: asked } = found.value;
  const about = asked.length === 1 ? asked[0] : 'all';
  note(document, place, about, { certified, attacked: attacked?.epsilon ?? null });
  await tellAndWrite(tuner, document, place, name, found.value, age);
}

async function tellAndWrite(
  tuner: Tuner,
  document: vscode.TextDocument,
  asked: TuningPlace,
  name: string,
  { certified, attacked, soFar, samples, misclassified, stopped }: LargestEpsilonResult,
  age: number,
): Promise<void> {
  const whom = samples.length === 1 ? `sample ${samples[0]}` : `all ${samples.length} samples`;
  const upper =
    attacked === null
      ? ''
      : ` It fails at ${attacked.epsilon}${samples.length > 1 ? ` (sample ${attacked.sample})` : ''}.`;
  const left =
    misclassified.length === 0 || samples.length === 0
      ? ''
      : ` ${misclassified.length} misclassified samples were left out.`;
  if (certified === null) {
    const why =
      samples.length === 0 && !stopped
        ? 'every sample is misclassified without any perturbation'
        : soFar
          ? `the search was stopped when ${soFar.certified} was certified for ${soFar.samples} of ${samples.length} samples`
          : stopped
            ? 'the search was stopped'
            : 'no ε could be certified';
    return void vscode.window.showInformationMessage(`“${name}”: nothing was written, as ${why}.${upper}`);
  }
  // The text may have changed meanwhile: what was found is about the ε that was asked, and only that is replaced.
  const place = tuner.places(document).find(({ index, meaning }) => index === asked.index && meaning === asked.meaning);
  const isOutdated = age !== tuner.age;
  const current = place?.text === asked.text && !isOutdated ? place : undefined;
  if (current && current.text !== certified) await writeEpsilon({ document, place: current }, certified);
  const written = current
    ? asked.text === certified
      ? 'It stands there already.'
      : 'It was written into the specification.'
    : `${isOutdated ? 'A model or its data' : 'The text'} has changed meanwhile, so it was not written.`;
  void vscode.window.showInformationMessage(
    `“${name}”: the largest ε that is certified for ${whom} is ${certified}.${upper} ${written}${left}`,
  );
}
