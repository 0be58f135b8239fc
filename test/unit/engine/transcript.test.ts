/**
 * Golden transcripts of the protocol: every message between a client and the engine, in order. After a wanted change they are recorded anew with
 * `npx vitest run test/unit/engine -u`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type Message,
  type MessageConnection,
  type MessageWriter,
} from 'vscode-jsonrpc/node';
import {
  cancelRequest,
  finishedNotification,
  infoRequest,
  initializeRequest,
  inspectRequest,
  PROTOCOL_VERSION,
  resultNotification,
  shutdownRequest,
  verifyRequest,
  type VerifyParams,
} from '../../../src/engine/protocol';
import { serve } from '../../../src/engine/server';
import { FALSIFIED, fakePlan, HALFWAY, VERIFIED, type Act, type Behaviour } from './fake-plan';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const VERIFY: VerifyParams = { runId: 'run-1', specification: { path: '/models/digits.certiscope.jsonc' } };

class Conversation {
  readonly client: MessageConnection;
  readonly finished: Promise<void>;
  private readonly lines: string[] = [];

  constructor(behaviours: readonly Behaviour[], act: Act) {
    const up = new PassThrough();
    const down = new PassThrough();
    const server = createMessageConnection(
      new StreamMessageReader(up),
      this.recorded('engine', new StreamMessageWriter(down)),
    );
    this.client = createMessageConnection(
      new StreamMessageReader(down),
      this.recorded('client', new StreamMessageWriter(up)),
    );
    this.finished = new Promise(resolve => void this.client.onNotification(finishedNotification, () => resolve()));
    this.client.listen();
    serve(server, {
      version: '1.2.3',
      memoryLimit: 2 ** 40,
      engineVersion: () => Promise.resolve('1.2.3+program'),
      loadStudy: () => Promise.reject(new Error('no transcript has a study')),
      plan: params =>
        Promise.resolve(
          params.specification.text === 'broken'
            ? {
                ok: false,
                problems: [
                  {
                    code: 'spec/syntax',
                    message: 'A comma is missing.',
                    file: params.specification.path,
                    range: { start: { line: 2, character: 0 }, end: { line: 2, character: 1 } },
                  },
                ],
              }
            : {
                ok: true,
                value: fakePlan(behaviours, act),
                warnings: [{ code: 'spec/layout', message: 'Looks like HWC.', severity: 'warning' as const }],
              },
        ),
      info: params =>
        Promise.resolve({
          ok: false,
          problems: [
            { code: 'model-unreadable', message: `${params.model}: there is no such file.`, file: params.model },
          ],
        }),
      graph: () =>
        Promise.resolve({ ok: false, problems: [{ code: 'model-unreadable', message: 'There is no such file.' }] }),
      weights: () => Promise.resolve({ ok: true, value: [], warnings: [] }),
      inspect: () =>
        Promise.resolve({
          ok: true,
          value: {
            model: '/models/digits.onnx',
            checks: [{ name: 'noise', claim: 'sample 0 keeps its class', samples: 2 }],
          },
          warnings: [],
        }),
      setup: () =>
        Promise.resolve({
          ok: true,
          value: { parts: [], node: 'v20', cores: 2, memoryMegabytes: 4096 },
          warnings: [],
        }),
      exit: () => this.lines.push('(the engine exits)'),
    });
  }

  initialize(version = '1.2.3'): Promise<unknown> {
    return this.client.sendRequest(initializeRequest, {
      protocol: PROTOCOL_VERSION,
      version,
      storeFolder: path.join(folder, 'store'),
      storeLimitMegabytes: 10,
    });
  }

  /** What was said, without what differs from run to run. */
  get text(): string {
    return `${this.lines.join('\n')}\n`
      .replaceAll(folder, 'FOLDER')
      .replace(/"processId":\d+/g, '"processId":PID')
      .replace(/"seconds":0\.\d{3,}/g, '"seconds":S');
  }

  private recorded(from: string, writer: MessageWriter): MessageWriter {
    const write = writer.write.bind(writer);
    writer.write = (message: Message) => {
      const { jsonrpc: _, ...rest } = message;
      this.lines.push(`${from} ${JSON.stringify(rest)}`);
      return write(message);
    };
    return writer;
  }
}

const plain: Act = index => Promise.resolve(index === 1 ? FALSIFIED : VERIFIED);

it('a run from handshake to shutdown', async () => {
  const conversation = new Conversation(['verified', 'falsified', 'misclassified', 'unreadable'], plain);
  await conversation.initialize();
  await conversation.client.sendRequest(verifyRequest, VERIFY);
  await conversation.finished;
  await conversation.client.sendRequest(shutdownRequest);
  await new Promise(resolve => setTimeout(resolve, 20));
  await expect(conversation.text).toMatchFileSnapshot('transcripts/run.txt');
});

it('files that are wrong', async () => {
  const conversation = new Conversation([], plain);
  await conversation.initialize();
  const { path: file } = VERIFY.specification;
  await conversation.client.sendRequest(verifyRequest, { ...VERIFY, specification: { path: file, text: 'broken' } });
  await conversation.client.sendRequest(infoRequest, { model: '/models/none.onnx' });
  await conversation.client.sendRequest(inspectRequest, { specification: VERIFY.specification });
  await expect(conversation.text).toMatchFileSnapshot('transcripts/problems.txt');
});

it('another version, and a verify out of order', async () => {
  const conversation = new Conversation([], plain);
  await conversation.client.sendRequest(verifyRequest, VERIFY);
  await conversation.initialize('1.2.2');
  await expect(conversation.text).toMatchFileSnapshot('transcripts/versions.txt');
});

it('a run that is cancelled and one that goes on where it ended', async () => {
  const conversation = new Conversation(['verified', 'slow', 'verified'], async (index, budget, onProgress) => {
    if (index !== 1) return VERIFIED;
    await new Promise(resolve => setTimeout(resolve, 260));
    onProgress(HALFWAY);
    while (!budget.cancelled()) await new Promise(resolve => setTimeout(resolve, 5));
    return { kind: 'unknown', reason: 'Stopped on request.', advice: 'Run it again.', seconds: 1, lowerBound: null };
  });
  await conversation.initialize();
  await conversation.client.sendRequest(verifyRequest, VERIFY);
  await new Promise(resolve => setTimeout(resolve, 400));
  // One run at a time.
  await conversation.client.sendRequest(verifyRequest, { ...VERIFY, runId: 'run-2' });
  await conversation.client.sendRequest(cancelRequest, { runId: 'run-1' });
  await conversation.client.sendRequest(cancelRequest, { runId: 'run-1' });
  const results = new Promise<void>(
    resolve => void conversation.client.onNotification(resultNotification, () => resolve()),
  );
  await conversation.client.sendRequest(verifyRequest, { ...VERIFY, runId: 'run-3', skip: [0, 1] });
  await results;
  await new Promise(resolve => setTimeout(resolve, 50));
  await expect(conversation.text).toMatchFileSnapshot('transcripts/cancel.txt');
});
