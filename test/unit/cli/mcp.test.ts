import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveMcp } from '../../../src/cli/mcp/server';
import type { Tool } from '../../../src/engine/tools/tools';
import { bundle } from '../bundle';
import { perturbation, property, writeTinyModel } from './tiny';

interface Answer {
  readonly id?: number | null;
  readonly method?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
  readonly params?: Record<string, unknown>;
}

/** A client that asks and waits. */
class Client {
  readonly heard: Answer[] = [];
  #waiting: { readonly wanted: (answer: Answer) => boolean; readonly tell: (answer: Answer) => void }[] = [];
  #next = 1;

  constructor(
    private readonly write: (line: string) => void,
    output: NodeJS.ReadableStream,
  ) {
    createInterface({ input: output }).on('line', line => {
      const answer = JSON.parse(line) as Answer & { jsonrpc: string };
      expect(answer.jsonrpc).toBe('2.0');
      this.heard.push(answer);
      const waiting = this.#waiting.find(({ wanted }) => wanted(answer));
      this.#waiting = this.#waiting.filter(each => each !== waiting);
      waiting?.tell(answer);
    });
  }

  send(message: object | string): void {
    this.write(`${typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  until(wanted: (answer: Answer) => boolean): Promise<Answer> {
    return new Promise(tell => this.#waiting.push({ wanted, tell }));
  }

  ask(method: string, params: object = {}): Promise<Answer> {
    const id = this.#next++;
    const answer = this.until(heard => heard.id === id);
    this.send({ id, method, params });
    return answer;
  }

  async call(name: string, words: object): Promise<{ text: string; isError: boolean; content: Record<string, never> }> {
    const { result } = await this.ask('tools/call', { name, arguments: words });
    const [{ text }] = result!.content as [{ text: string }];
    return { text, isError: result!.isError as boolean, content: result!.structuredContent as Record<string, never> };
  }
}

describe('a server of tools', () => {
  const tool = (call: Tool['call']): Tool => ({
    name: 'work',
    title: 'Work',
    description: 'Works.',
    inputSchema: { type: 'object' },
    call,
  });

  function served(work: Tool): { client: Client; input: PassThrough; ended: Promise<void> } {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const ended = serveMcp(input, output, { version: '1.2.3', tools: [work] });
    return { client: new Client(line => input.write(line), output), input, ended };
  }

  it('greets in the version that the client asks for, else in its newest', async () => {
    const { client } = served(tool(() => Promise.resolve({ text: 'done' })));
    const greeted = await client.ask('initialize', { protocolVersion: '2025-03-26', capabilities: {} });
    expect(greeted.result).toMatchObject({
      protocolVersion: '2025-03-26',
      serverInfo: { name: 'certiscope', version: '1.2.3' },
    });
    expect((await client.ask('initialize', { protocolVersion: '1999-01-01' })).result?.protocolVersion).toBe(
      '2025-06-18',
    );
    client.send({ method: 'notifications/initialized' });
    expect((await client.ask('ping')).result).toEqual({});
    expect((await client.ask('tools/list')).result?.tools).toMatchObject([
      { name: 'work', inputSchema: { type: 'object' } },
    ]);
  });

  it('says what is wrong with a message, and goes on', async () => {
    const { client } = served(tool(() => Promise.reject(new Error('it broke'))));
    const wrong = client.until(({ id }) => id === null);
    client.send('no json');
    expect((await wrong).error?.code).toBe(-32700);
    const list = client.until(({ id }) => id === null);
    client.send('[1]');
    expect((await list).error?.code).toBe(-32600);
    expect((await client.ask('tools/sing')).error?.code).toBe(-32601);
    expect((await client.ask('tools/call', { name: 'sing' })).error?.message).toBe('There is no tool "sing".');
    expect((await client.ask('tools/call', { name: 'work' })).error).toEqual({ code: -32603, message: 'it broke' });
  });

  it('tells of progress where it is asked to, and stops what is taken back', async () => {
    let stopped = (): void => undefined;
    const isStopped = new Promise<void>(resolve => (stopped = resolve));
    const { client, input, ended } = served(
      tool(async (_, { onProgress, onCancel }) => {
        onProgress(0.5, 'half');
        await new Promise<void>(resolve => onCancel(resolve));
        stopped();
        return { text: 'too late' };
      }),
    );
    const half = client.until(({ method }) => method === 'notifications/progress');
    client.send({ id: 7, method: 'tools/call', params: { name: 'work', _meta: { progressToken: 'p' } } });
    expect((await half).params).toEqual({ progressToken: 'p', message: 'half', progress: 0.5, total: 1 });
    client.send({ method: 'notifications/cancelled', params: { requestId: 7 } });
    await isStopped;
    await client.ask('ping');
    expect(client.heard.some(({ id }) => id === 7)).toBe(false);
    // What is still at work when the client goes away is stopped.
    client.send({ id: 8, method: 'tools/call', params: { name: 'work' } });
    input.end();
    await ended;
  });
});

describe('certiscope mcp', () => {
  let folder: string;
  let process_: ChildProcess;
  let client: Client;

  beforeAll(() => {
    const cli = path.join(
      bundle('cli-mcp', {
        cli: 'src/cli/main.ts',
        engine: 'src/engine/main.ts',
        guard: 'src/engine/guard.ts',
        'search-worker': 'src/verify/input-split/worker.ts',
        'neuron-worker': 'src/verify/neuron-split/worker.ts',
      }),
      'cli.js',
    );
    folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
    writeTinyModel(folder);
    writeFileSync(path.join(folder, 'safe.vnnlib'), property(2.5));
    writeFileSync(path.join(folder, 'unsafe.vnnlib'), property(1.5));
    writeFileSync(path.join(folder, 'tiny.certiscope.jsonc'), perturbation());
    process_ = spawn(process.execPath, [cli, 'mcp'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
    client = new Client(line => process_.stdin!.write(line), process_.stdout!);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('answers about a model, verifies it, and gives the input that breaks it', async () => {
    await client.ask('initialize', { protocolVersion: '2025-06-18' });
    const info = await client.call('info', { model: 'tiny.onnx' });
    expect(info).toMatchObject({ isError: false, content: { supported: true } });
    const safe = await client.call('verify', { model: 'tiny.onnx', specification: 'safe.vnnlib' });
    expect(safe.content).toMatchObject({ verdict: 'verified', counts: { verified: 1 } });
    const broken = await client.call('counterexample', { model: 'tiny.onnx', specification: 'unsafe.vnnlib' });
    const [{ input, output, verdict }] = (
      broken.content as unknown as { counterexamples: [{ input: number[]; output: number[]; verdict: string }] }
    ).counterexamples;
    expect(verdict).toBe('falsified');
    expect(input.length).toBeGreaterThan(0);
    expect(output.every(Number.isFinite)).toBe(true);
    const none = await client.call('counterexample', { model: 'tiny.onnx', specification: 'safe.vnnlib' });
    expect(none.content).toMatchObject({ counterexamples: [], results: [{ verdict: 'verified' }] });
  }, 60_000);

  it('says what is wrong with the files, and how it is used', async () => {
    const nowhere = await client.call('verify', { specification: 'nowhere.vnnlib', model: 'tiny.onnx' });
    expect(nowhere.isError).toBe(true);
    expect(nowhere.text).toMatch(/nowhere\.vnnlib/);
    const misused = async (name: string, words: object) => {
      const { text, isError } = await client.call(name, words);
      expect(isError).toBe(true);
      return text;
    };
    expect(await misused('info', {})).toBe('Give “model”. It takes model.');
    // What is not understood is not left out: it would be another question.
    const asked = { model: 'tiny.onnx', specification: 'safe.vnnlib' };
    expect(await misused('verify', { ...asked, check: 'a' })).toMatch(
      /^There is no argument “check”\. It takes .*checks/,
    );
    expect(await misused('verify', { ...asked, checks: 'a' })).toBe('“checks” is "a": give a list.');
    expect(await misused('verify', { ...asked, samples: [0, -1] })).toBe(
      '“samples” is [0,-1]: of every item, give 0 or more.',
    );
    expect(await misused('verify', { ...asked, timeout: 0 })).toBe('“timeout” is 0: give more than 0.');
    // Files stay as they are.
    expect(readFileSync(path.join(folder, 'safe.vnnlib'), 'utf8')).toBe(property(2.5));
  }, 30_000);

  it('ends when its input does', async () => {
    const ended = new Promise(resolve => process_.on('exit', resolve));
    process_.stdin!.end();
    expect(await ended).toBe(0);
  }, 30_000);
});
