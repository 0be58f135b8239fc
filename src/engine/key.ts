import { createHash } from 'node:crypto';
import { questionHash } from '../spec/meaning';
import type { PreparedTask, Task } from './plan';

/**
 * The content key of a verdict: what it depends on and nothing else. The question stands for the specification's meaning: another layout,
 * other comments or another way to write the same numbers give the same key. Of the options only those count that change what a verdict says.
 */
export function verdictKey(modelHash: string, task: Task, prepared: PreparedTask, engineVersion: string): string {
  const { soundness, backend, labelOrder, guided } = task.options;
  // The last three change no verdict that is true, but what is told of how it was reached, and which questions stay open.
  const decisive = [soundness, backend, labelOrder, guided];
  const hash = createHash('sha256').update(JSON.stringify([engineVersion, modelHash, ...decisive]));
  if ('question' in prepared)
    return hash
      .update(questionHash(prepared.question))
      .update(prepared.instead?.meaning ?? '')
      .digest('hex');
  // Without a solver it is the input and its label that say it all.
  const { original, label } = prepared.facts;
  return hash.update(JSON.stringify([label, original && Array.from(original)])).digest('hex');
}
