import type * as vscode from 'vscode';
import { DEFAULT_MASK_SOURCE, type BoundMethod } from '../../engine/study-protocols/graft';
import type { Asked } from '../../../webview/kit/study';
import { fileOf, type Clicked } from '../commands/clicked';
import { registerTable } from '../commands/command-table';
import type { SpecificationChoice } from '../commands/specification-choice';
import { COMMAND } from '../ids';
import { askedOf } from '../panel/subject';
import type { Studies } from '../studies';
import { GraftingPanel } from './grafting-panel';
import { NeuronsPanel } from './neurons-panel';

export interface GraftingContext {
  readonly extensionUri: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
  readonly studies: Studies;
  readonly choice: SpecificationChoice;
}

/** Unstable neurons and linearity grafting: two commands and two panels. */
export interface Grafting extends vscode.Disposable {
  readonly neurons: NeuronsPanel;
  readonly grafting: GraftingPanel;
}

export function registerGrafting({ extensionUri, log, studies, choice }: GraftingContext): Grafting {
  const grafting = new GraftingPanel(extensionUri, studies);
  const { method: usual, importance } = DEFAULT_MASK_SOURCE;
  const graft = (
    { specification, model }: Asked,
    method: BoundMethod = usual,
    epsilon: string | null = null,
    check: string | null = null,
  ): Promise<void> => grafting.measure({ specification, model, check, method, epsilon, importance });
  const neurons = new NeuronsPanel({ extensionUri, studies, graft });
  const disposables = [
    grafting,
    neurons,
    registerTable(
      {
        [COMMAND.unstableNeurons]: async (target: Clicked) => {
          const chosen = await choice.choose(fileOf(target), { title: 'Unstable Neurons', needsData: true });
          if (chosen)
            await neurons.measure({ ...askedOf(chosen), check: null, method: usual, epsilons: null, importance });
        },
        [COMMAND.graft]: async (target: Clicked) => {
          const chosen = await choice.choose(fileOf(target), { title: 'Graft', needsData: true });
          if (chosen) await graft(askedOf(chosen));
        },
      },
      log,
    ),
  ];
  return { neurons, grafting, dispose: () => disposables.forEach(each => void each.dispose()) };
}
