import type * as vscode from 'vscode';
import { verdictOf, type VerdictStore } from '../core/verdict-store';
import { specificationUri } from '../documents/uris';
import type { Engine } from '../../engine/run';
import type { EngineDoor } from '../engine-door';
import type { ModelShapes } from './vnnlib-answers';

/**
 * The tensors of the model that a property was last verified against, as the engine tells them; asked once a model. Null for a property that has
 * never been run, since a VNN-LIB file does not name its model, and where no engine was started: a hover is no reason to.
 */
export function modelShapes(
  store: VerdictStore,
  door: EngineDoor,
): (document: vscode.TextDocument) => Promise<ModelShapes | null> {
  const known = new Map<string, Promise<ModelShapes | null>>();
  return document => {
    const [question] = store.questions(specificationUri(document.uri).toString());
    const evidence = question?.evidence;
    if (!evidence || verdictOf(evidence) === null) return Promise.resolve(null);
    const key = JSON.stringify([evidence.model, evidence.files]);
    const asked = known.get(key) ?? ask(door, evidence.model);
    if (asked === null) return Promise.resolve(null);
    known.set(key, asked);
    return asked;
  };
}

/** Null while there is no engine to ask. */
function ask(door: EngineDoor, model: string): Promise<ModelShapes | null> | null {
  return door.opened?.then(engine => shapesFrom(engine, model)) ?? null;
}

async function shapesFrom(engine: Engine, model: string): Promise<ModelShapes | null> {
  const answer = await engine.info({ model });
  if (!answer.ok) return null;
  const known = (tensors: typeof answer.value.inputs) =>
    tensors.map(({ name, fixedShape }) => ({ name, shape: fixedShape ?? [] }));
  return { inputs: known(answer.value.inputs), outputs: known(answer.value.outputs) };
}
