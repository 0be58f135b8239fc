import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Tool } from '../../engine/tools/tools';

/**
 * A Model Context Protocol server over two streams, as far as tools need it: JSON-RPC 2.0, one message a line. The official SDK brings a web server and a
 * schema library along, which a few hundred lines of messages do not need.
 */

/** Versions of the protocol that this server speaks, the newest last. */
const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18'];

const CODE = { parse: -32700, request: -32600, method: -32601, params: -32602, internal: -32603 } as const;

type Id = string | number;

interface Message {
  readonly id?: Id;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Answers until the input ends, and then until the calls in work have stopped. */
export async function serveMcp(
  input: Readable,
  output: { write(text: string): unknown },
  { version, tools }: { readonly version: string; readonly tools: readonly Tool[] },
): Promise<void> {
  const calls = new Map<Id, () => void>();
  const working = new Set<Promise<void>>();
  const send = (message: object): void => void output.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const fail = (id: Id | null, code: number, message: string): void => send({ id, error: { code, message } });

  async function call(id: Id, params: Readonly<Record<string, unknown>>): Promise<void> {
    const tool = tools.find(({ name }) => name === params.name);
    if (!tool) return fail(id, CODE.params, `There is no tool ${JSON.stringify(params.name)}.`);
    const { progressToken } = (params._meta ?? {}) as { readonly progressToken?: Id };
    let step = 0;
    let isCancelled = false;
    const cancels: (() => void)[] = [];
    calls.set(id, () => {
      isCancelled = true;
      for (const act of cancels) act();
    });
    try {
      const answer = await tool.call((params.arguments ?? {}) as Readonly<Record<string, unknown>>, {
        onCancel: act => (isCancelled ? act() : void cancels.push(act)),
        onProgress: (fraction, message) => {
          if (progressToken === undefined) return;
          // Progress must grow, whatever is known of its end.
          const known = fraction === null ? { progress: ++step } : { progress: fraction, total: 1 };
          send({ method: 'notifications/progress', params: { progressToken, message, ...known } });
        },
      });
      // The protocol wants no answer to what was taken back.
      if (isCancelled) return;
      const content = [{ type: 'text', text: answer.text }];
      const structured = answer.content ? { structuredContent: answer.content } : {};
      send({ id, result: { content, ...structured, isError: answer.failed ?? false } });
    } catch (error) {
      fail(id, CODE.internal, error instanceof Error ? error.message : String(error));
    } finally {
      calls.delete(id);
    }
  }

  function receive({ id, method, params = {} }: Message): void {
    if (method === 'notifications/cancelled') return calls.get(params.requestId as Id)?.();
    // Other notifications, and answers, of which this server awaits none.
    if (id === undefined || method === undefined) return;
    switch (method) {
      case 'initialize':
        return send({ id, result: welcome(params.protocolVersion, version) });
      case 'ping':
        return send({ id, result: {} });
      case 'tools/list': {
        const listed = tools.map(({ name, title, description, inputSchema }) => ({
          name,
          title,
          description,
          inputSchema,
          annotations: { readOnlyHint: true, openWorldHint: false },
        }));
        return send({ id, result: { tools: listed } });
      }
      case 'tools/call': {
        const work = call(id, params).finally(() => working.delete(work));
        working.add(work);
        return;
      }
      default:
        return fail(id, CODE.method, `There is no method ${method}.`);
    }
  }

  for await (const line of createInterface({ input })) {
    if (line.trim() === '') continue;
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      fail(null, CODE.parse, 'This line is no JSON.');
      continue;
    }
    if (typeof message !== 'object' || message === null || Array.isArray(message))
      fail(null, CODE.request, 'A message is one JSON object.');
    else receive(message);
  }
  for (const cancel of calls.values()) cancel();
  await Promise.all(working);
}

function welcome(asked: unknown, version: string): object {
  const protocolVersion = VERSIONS.find(known => known === asked) ?? VERSIONS[VERSIONS.length - 1];
  return {
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'certiscope', title: 'Certiscope', version },
    instructions:
      'Certiscope decides whether a property of a neural network (an ONNX file) holds for every input of a region. A verdict of verified is a proof; falsified comes with an input that was replayed in ONNX Runtime; unknown and timeout say nothing about the property.',
  };
}
