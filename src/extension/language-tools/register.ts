import * as vscode from 'vscode';
import { TOOLS, type ToolName } from '../../engine/tools/table';
import type { SpecificationIndex } from '../documents/specification-index';
import { shownPath } from '../documents/uris';
import type { EngineDoor } from '../engine-door';
import { setting } from '../settings';
import { absolutePath } from './paths';

/** What a language model gives; whatever it gives. */
type Words = Readonly<Record<string, unknown>>;

/** In package.json: tools of all extensions share their names. */
const PREFIX = 'certiscope_';

/**
 * What `certiscope mcp` serves, for the language models of the editor: over the engine that the editor has, of the text that is on the screen. Without an editor that
 * knows of such tools nothing is registered; nothing is loaded before one is called.
 */
export function registerLanguageModelTools(index: SpecificationIndex, door: EngineDoor): vscode.Disposable {
  const { lm } = vscode as { readonly lm?: Partial<typeof vscode.lm> };
  if (typeof lm?.registerTool !== 'function') return new vscode.Disposable(() => undefined);
  const register = lm.registerTool.bind(lm);
  return vscode.Disposable.from(
    ...(Object.keys(TOOLS) as ToolName[]).map(name => register(`${PREFIX}${name}`, new EngineTool(name, index, door))),
  );
}

class EngineTool implements vscode.LanguageModelTool<Words> {
  constructor(
    private readonly name: ToolName,
    private readonly index: SpecificationIndex,
    private readonly door: EngineDoor,
  ) {}

  prepareInvocation({ input }: vscode.LanguageModelToolInvocationPrepareOptions<Words>): vscode.PreparedToolInvocation {
    const about = shownFile(input['specification'] ?? input['model']);
    if (this.name === 'info') return { invocationMessage: `Certiscope reads ${about}` };
    const parts = [
      partWords(input['checks'], 'its checks', 'the checks'),
      partWords(input['samples'], 'every sample', 'the samples'),
    ];
    const timeout = typeof input['timeout'] === 'number' ? input['timeout'] : 60;
    return {
      invocationMessage: `Certiscope verifies ${about}`,
      confirmationMessages: {
        title: TOOLS[this.name].title,
        message: new vscode.MarkdownString().appendText(
          `Verify ${about}: ${parts.join(', ')}; at most ${timeout} s for each. It uses every core that the settings allow, waits for the runs before it, and changes no files.`,
        ),
      },
    };
  }

  async invoke(
    { input }: vscode.LanguageModelToolInvocationOptions<Words>,
    token: vscode.CancellationToken,
  ): Promise<vscode.LanguageModelToolResult> {
    const refusal = whyNot();
    if (refusal !== null) return resultOf(refusal);
    const { engineTools } = await import('../../engine/tools/tools');
    const tools = engineTools({
      engine: this.door.open,
      resolve: absolutePath,
      textOf: file => this.index.openText(vscode.Uri.file(file)),
    });
    const tool = tools.find(({ name }) => name === this.name)!;
    const title = `Certiscope: ${TOOLS[this.name].title.toLowerCase()}`;
    const answer = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, progress =>
      tool.call(input, {
        onProgress: (_, message) => progress.report({ message }),
        onCancel: stop => {
          if (token.isCancellationRequested) stop();
          token.onCancellationRequested(stop);
        },
      }),
    );
    return resultOf(answer.failed ? `This was not done. ${answer.text}` : answer.text);
  }
}

/** Why nothing can be asked, as a sentence for the model and for the person who reads along. */
function whyNot(): string | null {
  if (!vscode.workspace.isTrusted)
    return 'This workspace is not trusted, so Certiscope runs nothing in it. The person can trust it (Manage Workspace Trust).';
  if (!setting('languageModelTools'))
    return 'The tools of Certiscope are switched off in the settings (certiscope.languageModelTools).';
  return null;
}

function resultOf(text: string): vscode.LanguageModelToolResult {
  return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
}

function shownFile(file: unknown): string {
  return typeof file === 'string' && file !== '' ? shownPath(vscode.Uri.file(absolutePath(file))) : 'a model';
}

function partWords(part: unknown, all: string, some: string): string {
  return Array.isArray(part) && part.length > 0 ? `${some} ${part.map(String).join(', ')}` : all;
}
