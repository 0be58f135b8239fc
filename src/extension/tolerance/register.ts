import * as vscode from 'vscode';
import { fileOf, type Clicked } from '../commands/clicked';
import { registerTable } from '../commands/command-table';
import type { SpecificationChoice } from '../commands/specification-choice';
import { COMMAND } from '../ids';
import type { Studies } from '../studies';
import { LastTolerances } from './last-tolerances';
import { ToleranceLenses } from './tolerance-lenses';
import { TolerancePanel } from './tolerance-panel';

export interface Tolerance {
  readonly panel: TolerancePanel;
  /** What the last study of each model found. */
  readonly last: LastTolerances;
}

interface Parts {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly choice: SpecificationChoice;
  readonly studies: Studies;
}

/** The command, the panel and the CodeLens of weight tolerances. */
export function registerTolerance({ context, log, choice, studies }: Parts): Tolerance {
  const last = new LastTolerances();
  const panel = new TolerancePanel(context.extensionUri, studies, last);
  context.subscriptions.push(
    last,
    panel,
    vscode.languages.registerCodeLensProvider({ pattern: '**/*.certiscope.jsonc' }, new ToleranceLenses()),
    registerTable(
      {
        [COMMAND.weightTolerance]: async (target: Clicked, check?: unknown): Promise<void> => {
          const chosen = await choice.choose(fileOf(target), { title: 'Weight tolerance', needsData: true });
          // Without the check's own layers, all of them are asked about.
          if (chosen) await panel.open({ ...chosen, ...(typeof check === 'string' ? { check } : {}) });
        },
      },
      log,
    ),
  );
  return { panel, last };
}
