import * as vscode from 'vscode';
import type { VerifyFlow } from '../commands/verify-flow';
import type { VerdictStore } from '../core/verdict-store';
import type { SpecificationIndex } from '../documents/specification-index';
import type { Studies } from '../studies';
import { registerTuningCommands, searchLargest } from './commands';
import { TuningHints } from './hints';
import { TuningLenses } from './lenses';
import { TuningPanel } from './panel';
import { QuickDoor } from './quick-door';
import { Tuner } from './tuner';

export interface TuningParts {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly store: VerdictStore;
  readonly index: SpecificationIndex;
  readonly studies: Studies;
  readonly flow: VerifyFlow;
}

/** Everything by which a person tunes ε: steps, hints, the largest that holds, and the panel. Nothing is started here. */
export function registerTuning({ context, log, store, index, studies, flow }: TuningParts): vscode.Disposable {
  const door = new QuickDoor(context, log, store);
  const tuner = new Tuner(store, door, index);
  const panel = new TuningPanel(context.extensionUri, tuner, door, {
    largest: (found, samples) => searchLargest({ tuner, studies }, found, samples),
    verify: ({ document, place }) => {
      const question = tuner.questionOf(document, place);
      if (question) void flow.verifyQuestion(question.id);
    },
  });
  return vscode.Disposable.from(
    door,
    tuner,
    panel,
    new TuningHints(tuner),
    new TuningLenses(tuner),
    registerTuningCommands({ tuner, door, studies, openPanel: found => panel.open(found) }, log),
  );
}
