/** An engine process with the real protocol and pretended questions: CERTISCOPE_FAKE is a list of behaviours, in JSON. */
import { existsSync, writeFileSync } from 'node:fs';
import { createMessageConnection, IPCMessageReader, IPCMessageWriter } from 'vscode-jsonrpc/node';
import { MEMORY_MARK } from '../../../src/engine/guard-orders';
import { serve } from '../../../src/engine/server';
import type { Answer } from '../../../src/engine/protocol';
import type { Study, StudyEnvironment } from '../../../src/engine/studies/study';
import type { StudyKind } from '../../../src/engine/study-protocols/kinds';
import type { Verdict } from '../../../src/report/verdict';
import type { Budget, Progress } from '../../../src/verify/progress';
import { FALSIFIED, fakePlan, HALFWAY, VERIFIED, type Behaviour } from './fake-plan';

interface FakeSettings {
  readonly behaviours: readonly Behaviour[];
  readonly timeout: number;
  /** A file that is there once the process has crashed. */
  readonly marker: string;
  /** Version it says it is; `test` unless given. */
  readonly version?: string;
  /** Crashes before it says anything, or answers as another version. */
  readonly start?: 'crash' | 'other-version' | 'crash-in-plan';
}

const settings = JSON.parse(process.env.CERTISCOPE_FAKE ?? '{}') as FakeSettings;

function crash(): never {
  process.stderr.write('Fatal: the kernel fell over\n');
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

async function act(index: number, budget: Budget, onProgress: (progress: Progress) => void): Promise<Verdict> {
  const behaviour = settings.behaviours[index];
  // Longer than the shortest time between two progress events, so that the client has seen this one.
  await new Promise(resolve => setTimeout(resolve, behaviour === 'verified' || behaviour === 'falsified' ? 1 : 260));
  onProgress(HALFWAY);
  await new Promise(resolve => setTimeout(resolve, 20));
  switch (behaviour) {
    case 'falsified':
      return FALSIFIED;
    case 'slow':
      while (!budget.cancelled() && performance.now() < budget.deadline)
        await new Promise(resolve => setTimeout(resolve, 5));
      return { kind: 'timeout', reason: 'Not decided in time.', advice: 'More time.', seconds: 1, lowerBound: null };
    case 'hang':
      for (;;);
    case 'crash':
      return crash();
    case 'crash-once':
      if (existsSync(settings.marker)) return VERIFIED;
      writeFileSync(settings.marker, '');
      return crash();
    case 'memory':
      process.stderr.write(`${MEMORY_MARK}: more than 64 MB.\n`);
      process.kill(process.pid, 'SIGKILL');
      for (;;);
    default:
      return VERIFIED;
  }
}

/** A study whose parameters say how it behaves. */
async function fakeStudy(
  { behaviour }: { readonly behaviour: 'works' | 'slow' | 'hangs' | 'crashes' | 'fails' },
  environment: StudyEnvironment<number>,
): Promise<Answer<number>> {
  environment.onProgress(0.5, 'half of it');
  environment.onPart(1);
  environment.onPart(2);
  // What was told is on its way before the process goes.
  await new Promise(resolve => setTimeout(resolve, 50));
  if (behaviour === 'crashes') crash();
  if (behaviour === 'fails') throw new Error('a cable came loose');
  if (behaviour === 'hangs') for (;;);
  if (behaviour === 'slow') while (!environment.cancelled()) await new Promise(resolve => setTimeout(resolve, 5));
  return { ok: true, value: environment.cancelled() ? 2 : 3, warnings: [] };
}

if (settings.start === 'crash') crash();
process.on('disconnect', () => process.exit());
serve(createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process)), {
  version: settings.start === 'other-version' ? '0.0.9' : (settings.version ?? 'test'),
  memoryLimit: 2 ** 40,
  engineVersion: () => Promise.resolve('test+0'),
  plan: () => {
    if (settings.start === 'crash-in-plan') crash();
    return Promise.resolve({ ok: true, value: fakePlan(settings.behaviours, act, settings.timeout), warnings: [] });
  },
  loadStudy: <K extends StudyKind>() => Promise.resolve(fakeStudy as unknown as Study<K>),
  info: params =>
    Promise.resolve({
      ok: false,
      problems: [{ code: 'model-unreadable', message: `${params.model}: there is no such file.` }],
    }),
  graph: () =>
    Promise.resolve({ ok: false, problems: [{ code: 'model-unreadable', message: 'There is no such file.' }] }),
  weights: () => Promise.resolve({ ok: true, value: [], warnings: [] }),
  setup: () =>
    Promise.resolve({ ok: true, value: { parts: [], node: '', cores: 1, memoryMegabytes: 1 }, warnings: [] }),
  inspect: () => Promise.resolve({ ok: true, value: { model: '/models/digits.onnx', checks: [] }, warnings: [] }),
  exit: () => process.exit(),
});
