import { internals } from './editor';

/** Beyond these, a command that goes on has been caught in something. */
const PATIENCE_MS = 20_000;

const TELLERS = ['showInformationMessage', 'showWarningMessage', 'showErrorMessage'] as const;
const ASKERS = ['showQuickPick', 'showInputBox', 'showOpenDialog', 'showSaveDialog'] as const;

/** What the extension says and asks while `act` goes on; every question is dismissed. */
export async function saidDuring(act: () => Thenable<unknown>): Promise<readonly string[]> {
  const window = (await internals()).window as unknown as Record<string, (...words: unknown[]) => unknown>;
  const said: string[] = [];
  const before = new Map([...TELLERS, ...ASKERS].map(name => [name, window[name]!]));
  for (const name of TELLERS)
    window[name] = (message: unknown) => {
      said.push(String(message));
      return Promise.resolve(undefined);
    };
  for (const name of ASKERS)
    window[name] = (first: unknown, second: unknown) => {
      const { title = '', placeHolder = '' } = (second ?? first ?? {}) as { title?: string; placeHolder?: string };
      said.push(`asks: ${title} ${placeHolder}`);
      return Promise.resolve(undefined);
    };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still at work after ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    await Promise.race([act(), late]);
    // What is told without being waited for.
    await new Promise(resolve => setTimeout(resolve, 20));
  } finally {
    clearTimeout(timer);
    for (const [name, original] of before) window[name] = original;
  }
  return said;
}
