import * as vscode from 'vscode';
import path from 'node:path';
import { SETTINGS, type SettingName } from '../../base/settings';
import { explain } from '../../report/summary';
import type { EngineDoor } from '../engine-door';
import { setting } from '../settings';
import { setupReport, type SetupFacts } from './setup-report';

/** Tries everything once and shows a report that can be copied. Nothing of the person's own files is read. */
export async function checkSetup(
  context: vscode.ExtensionContext,
  door: EngineDoor,
  show: (report: string) => Promise<void>,
): Promise<void> {
  const facts = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'Certiscope: checking the setup' },
    () => setupFacts(context, door),
  );
  const { problems, text } = setupReport(facts);
  await show(text);
  const action = 'Copy Report';
  const said =
    problems === 0 ? 'Certiscope: the setup works.' : 'Certiscope: not everything works; the report says what to do.';
  const tell = problems === 0 ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
  // The report is there to be read; the question may stay as long as it likes.
  void tell(said, action).then(picked => {
    if (picked === action) void vscode.env.clipboard.writeText(text);
  });
}

/** What a report says, found out. */
export async function setupFacts(context: vscode.ExtensionContext, door: EngineDoor): Promise<SetupFacts> {
  const { version } = context.extension.packageJSON as { version: string };
  const trusted = vscode.workspace.isTrusted;
  const storageProblem = await storageProblemOf(door.storeFolder);
  const engine = trusted ? await engineFacts(door) : null;
  return {
    version,
    editor: `${vscode.env.appName} ${vscode.version}`,
    platform: `${process.platform} ${process.arch}`,
    remote: vscode.env.remoteName ?? '',
    workspace: { trusted, problem: workspaceProblem() },
    storageProblem,
    settings: changedSettings(),
    engine,
    sample: engine?.ok ? await sampleFacts(context, door) : null,
  };
}

function workspaceProblem(): string | null {
  const virtual = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme !== 'file');
  if (virtual.length === 0) return null;
  return 'this workspace is virtual: its files are on no disk that the engine can read. Open the folder on the machine it lives on.';
}

async function storageProblemOf(folder: vscode.Uri): Promise<string | null> {
  const probe = vscode.Uri.joinPath(folder, 'setup.probe');
  try {
    await vscode.workspace.fs.writeFile(probe, new Uint8Array(1));
    await vscode.workspace.fs.delete(probe);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function engineFacts(door: EngineDoor): Promise<SetupFacts['engine']> {
  const started = performance.now();
  try {
    const answer = await (await door.open()).setup();
    const startSeconds = (performance.now() - started) / 1000;
    return answer.ok
      ? { ok: true, startSeconds, report: answer.value }
      : { ok: false, problem: answer.problems.map(({ message }) => message).join(' ') };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** One digit of the bundled sample, decided anew. */
async function sampleFacts(context: vscode.ExtensionContext, door: EngineDoor): Promise<SetupFacts['sample']> {
  const specification = { path: path.join(context.extensionPath, 'samples', 'digits.certiscope.jsonc') };
  const verdicts: { verdict: string; seconds: number; why: string }[] = [];
  const run = (await door.open()).verify(
    { specification, checks: ['one grey level'], samples: [0], cache: 'refresh' },
    {
      onResult: ({ verdict }) =>
        verdicts.push({ verdict: verdict.kind, seconds: verdict.seconds, why: explain(verdict) }),
    },
  );
  const plan = await run.plan;
  const finished = await run.stopped;
  if (!plan.ok) return { ok: false, problem: plan.problems.map(({ message }) => message).join(' ') };
  const [first] = verdicts;
  return first
    ? {
        ok: true,
        verdict: first.why === '' ? first.verdict : `${first.verdict} (${first.why})`,
        seconds: first.seconds,
      }
    : { ok: false, problem: finished.problem?.message ?? 'The sample was not decided.' };
}

function changedSettings(): [string, string][] {
  return (Object.keys(SETTINGS) as SettingName[]).flatMap((name): [string, string][] => {
    const value = setting(name);
    return value === SETTINGS[name].default ? [] : [[name, String(value)]];
  });
}
