import * as vscode from 'vscode';
import { DEFAULT_MASK_SOURCE, type BoundMethod } from '../../engine/study-protocols/graft';
import type { Chosen, SpecificationChoice } from '../commands/specification-choice';
import type { SpecificationIndex } from '../documents/specification-index';
import { COMMAND } from '../ids';
import type { Studies } from '../studies';
import type { Item } from '../views/trees';
import { GraftingPanel } from './grafting-panel';
import { NeuronsPanel } from './neurons-panel';
import type { Asked } from './subject';

export interface GraftingContext {
  readonly extensionUri: vscode.Uri;
  readonly studies: Studies;
  readonly index: SpecificationIndex;
  readonly choice: SpecificationChoice;
}

/** Unstable neurons and linearity grafting: two commands and two panels. */
export interface Grafting extends vscode.Disposable {
  readonly neurons: NeuronsPanel;
  readonly grafting: GraftingPanel;
}

export function registerGrafting({ extensionUri, studies, index, choice }: GraftingContext): Grafting {
  const grafting = new GraftingPanel({ extensionUri, studies, index });
  const { method: usual, importance } = DEFAULT_MASK_SOURCE;
  const graft = (asked: Asked, method: BoundMethod = usual, epsilon: string | null = null): void =>
    void grafting.measure({ ...asked, method, epsilon, importance });
  const neurons = new NeuronsPanel({ extensionUri, studies, index, graft });
  const disposables = [
    grafting,
    neurons,
    vscode.commands.registerCommand(COMMAND.unstableNeurons, async (target?: vscode.Uri | Item) => {
      const chosen = await choice.choose(fileOf(target), { title: 'Unstable Neurons', needsData: true });
      if (chosen) await neurons.measure({ ...askedOf(chosen), method: usual, epsilons: null, importance });
    }),
    vscode.commands.registerCommand(COMMAND.graft, async (target?: vscode.Uri | Item) => {
      const chosen = await choice.choose(fileOf(target), { title: 'Graft', needsData: true });
      if (chosen) graft(askedOf(chosen));
    }),
  ];
  return { neurons, grafting, dispose: () => disposables.forEach(each => void each.dispose()) };
}

function askedOf({ specification, model }: Chosen): Asked {
  return { specification: specification.toString(), model: model?.fsPath ?? null };
}

/** The file behind what a person clicked on. */
function fileOf(target: vscode.Uri | Item | undefined): vscode.Uri | undefined {
  if (target === undefined || target instanceof vscode.Uri) return target;
  if (target.kind === 'model') return target.uri;
  return target.kind === 'specification' ? vscode.Uri.parse(target.id) : undefined;
}
