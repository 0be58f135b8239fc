import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { model, node, tensor, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import { Session } from '../../../src/tensor/session';

const folder = mkdtempSync(path.join(tmpdir(), 'certiscope-session-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** y = x + c, over four values. */
function adder(): ReturnType<typeof model> {
  const info = (name: string) => valueInfo(name, 'float32', ['batch', 4]);
  const initializers = [tensor('c', [4], Float32Array.of(1, 2, 3, 4))];
  return model({ nodes: [node('Add', ['x', 'c'], ['y'])], inputs: [info('x')], outputs: [info('y')], initializers });
}

const feed = (data: Float32Array, shape: number[]) => ({ x: { type: 'float32' as const, data, shape } });

describe('Session', () => {
  it('tells what goes in and out, and runs', async () => {
    const session = await Session.open({ bytes: encodeModel(adder()) }, { threads: 2 });
    if (!session.ok) throw new Error(session.error.message);
    expect(session.value.inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 4] }]);
    const result = await session.value.run(feed(Float32Array.of(0, 0, 0, 0, 1, 1, 1, 1), [2, 4]));
    expect(result.ok && [...(result.value.y.data as Float32Array)]).toEqual([1, 2, 3, 4, 2, 3, 4, 5]);
    await session.value.close();
  });

  it('finds external data by the path of the model', async () => {
    const written = adder();
    const initializer = written.graph?.initializer[0];
    if (!initializer) throw new Error('no initializer');
    writeFileSync(path.join(folder, 'c.bin'), initializer.rawData);
    initializer.externalData = [{ key: 'location', value: 'c.bin' }];
    initializer.dataLocation = 1;
    initializer.rawData = new Uint8Array(0);
    const file = path.join(folder, 'model.onnx');
    writeFileSync(file, encodeModel(written));
    const session = await Session.open({ path: file });
    if (!session.ok) throw new Error(session.error.message);
    const result = await session.value.run(feed(new Float32Array(4), [1, 4]));
    expect(result.ok && [...(result.value.y.data as Float32Array)]).toEqual([1, 2, 3, 4]);
    await session.value.close();
  });

  it('explains what it cannot open, in one line that names the file', async () => {
    const missing = path.join(folder, 'missing.onnx');
    const results = [
      await Session.open({ path: missing }),
      await Session.open({ bytes: new Uint8Array(9), name: 'nine.onnx' }),
    ];
    const messages = results.map(result => (result.ok ? '' : result.error.message));
    expect(messages[0]).toContain(missing);
    expect(messages[1]).toContain('nine.onnx');
    for (const message of messages) expect(message).not.toContain('\n');
  });

  it('explains a run that fails', async () => {
    const session = await Session.open({ bytes: encodeModel(adder()), name: 'adder.onnx' });
    if (!session.ok) throw new Error(session.error.message);
    const result = await session.value.run(feed(new Float32Array(3), [1, 3]));
    expect(result).toMatchObject({ ok: false, error: { code: 'runtime-failed' } });
    expect(!result.ok && result.error.message).toContain('adder.onnx');
    await session.value.close();
  });

  it('does not accept shared memory, which ONNX Runtime would refuse with a riddle', async () => {
    const session = await Session.open({ bytes: encodeModel(adder()) });
    if (!session.ok) throw new Error(session.error.message);
    const shared = new Float32Array(new SharedArrayBuffer(16));
    await expect(session.value.run(feed(shared, [1, 4]))).rejects.toThrow(/shared memory/);
    await session.value.close();
  });
});

describe('Random', () => {
  it('repeats itself for the same seed and stream only', () => {
    const draw = (seed: number, stream?: number) => {
      const random = new Random(seed, stream);
      return Array.from({ length: 5 }, () => random.bits());
    };
    expect(draw(7)).toEqual(draw(7));
    const others = [draw(8), draw(7, 1), draw(7 + 2 ** 32)];
    for (const other of others) expect(other).not.toEqual(draw(7));
  });

  it('is uniform, normal and a shuffle, as far as ten thousand draws can tell', () => {
    const random = new Random(1);
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const many = (draw: () => number) => Array.from({ length: 10_000 }, draw);
    expect(mean(many(() => random.uniform()))).toBeCloseTo(0.5, 1);
    const normal = many(() => random.normal());
    expect(mean(normal)).toBeCloseTo(0, 1);
    expect(mean(normal.map(x => x * x))).toBeCloseTo(1, 1);
    const faces = many(() => random.integer(6));
    for (let face = 0; face < 6; face++) expect(faces.filter(each => each === face).length).toBeGreaterThan(1500);
    const order = Int32Array.from({ length: 100 }, (_, k) => k);
    random.shuffle(order);
    expect([...order]).not.toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(100);
  });
});
