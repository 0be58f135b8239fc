import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { eventually, internals } from './editor';

describe('tasks', () => {
  before(internals);

  const taskOf = (specification: string) =>
    eventually('the task', async () => {
      const tasks = await vscode.tasks.fetchTasks({ type: 'certiscope' });
      return tasks.find(({ definition }) => definition['specification'] === specification) ?? null;
    });

  async function run(task: vscode.Task): Promise<number | undefined> {
    const ended = new Promise<number | undefined>(resolve => {
      const listener = vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
        if (execution.task.name !== task.name) return;
        listener.dispose();
        resolve(exitCode);
      });
    });
    await vscode.tasks.executeTask(task);
    return ended;
  }

  const fromTask = ({ source }: vscode.Diagnostic): boolean => source === 'certiscope task';

  it('verify a specification on the command line, and fail where it is falsified', async () => {
    assert.equal(await run(await taskOf('pictures/halves.certiscope.jsonc')), 1);
  });

  it('put what is wrong with a specification into the Problems view', async () => {
    const task = await taskOf('broken/mistakes.certiscope.jsonc');
    assert.equal(await run(task), 3);
    await eventually('a problem', () =>
      vscode.languages
        .getDiagnostics()
        .some(([uri, all]) => uri.path.endsWith('mistakes.certiscope.jsonc') && all.some(fromTask)),
    );
  });
});
