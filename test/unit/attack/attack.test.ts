import { describe, expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from '../../../src/attack/float16';
import { attack } from '../../../src/attack/pgd';
import { Replayer } from '../../../src/attack/replay';
import { model, node, tensor as initializer, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import { boxAround, outputConstraint, patient, questionOf, reluNetwork } from './fixtures';

async function open(...args: Parameters<typeof Replayer.open>): Promise<Replayer> {
  const opened = await Replayer.open(...args);
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

async function check(replayer: Replayer, ...args: Parameters<Replayer['check']>) {
  const checked = await replayer.check(...args);
  if (!checked.ok) throw new Error(checked.error.message);
  return checked.value;
}

describe('Replayer', () => {
  // y = (x0 + x1, x0 − x1)
  const tensor = (name: string) => ({ name, shape: [1, 2], type: 'float32' as const });
  const bytes = encodeModel(
    model({
      inputs: [valueInfo('x', 'float32', [1, 2])],
      outputs: [valueInfo('y', 'float32', [1, 2])],
      initializers: [initializer('w', [2, 2], Float32Array.of(1, 1, 1, -1))],
      nodes: [node('Gemm', ['x', 'w'], ['y'], { transB: { int: 1 } })],
    }),
  );
  const part = (name: string) => ({ ...tensor(name), offset: 0, size: 2 });
  const boundary = {
    inputs: [part('x')],
    outputs: [part('y')],
    inputSize: 2,
    outputSize: 2,
    trailing: 'none' as const,
  };
  const box = boxAround([0, 0], 1);

  it('accepts a point of the box that satisfies the constraints, with its margin', async () => {
    const replayer = await open({ bytes }, boundary);
    const question = questionOf(
      [{ box, constraints: [outputConstraint({ 0: 1 }, 0.5), outputConstraint({ 1: 1 }, 3)] }],
      2,
    );
    const found = await check(replayer, question, Float32Array.of(0.5, -0.25), 'test');
    expect(found).toMatchObject({ margin: 0.25, foundBy: 'test', outsideWritten: false });
    expect([...(found?.output ?? [])]).toEqual([0.25, 0.75]);
    expect(await check(replayer, question, Float32Array.of(0.5, 0.25), 'test')).toBeNull();
    await replayer.close();
  });

  it('counts a tie unless the relation is strict', async () => {
    const replayer = await open({ bytes }, boundary);
    const ask = (strict: boolean) =>
      questionOf([{ box, constraints: [outputConstraint({ 0: 1, 1: -1 }, 0, strict)] }], 2);
    expect(await check(replayer, ask(false), Float32Array.of(0.5, 0), 'test')).toMatchObject({ margin: 0 });
    expect(await check(replayer, ask(true), Float32Array.of(0.5, 0), 'test')).toBeNull();
    await replayer.close();
  });

  it('refuses points outside of the box, by one float32 step', async () => {
    const replayer = await open({ bytes }, boundary);
    const question = questionOf([{ box, constraints: [] }], 2);
    expect(await check(replayer, question, Float32Array.of(1, -1), 'test')).not.toBeNull();
    expect(await check(replayer, question, Float32Array.of(1 + 2 ** -23, -1), 'test')).toBeNull();
    expect(await check(replayer, question, Float32Array.of(NaN, -1), 'test')).toBeNull();
    await replayer.close();
  });

  it('needs all constraints of one disjunct, and takes the disjunct satisfied by most', async () => {
    const replayer = await open({ bytes }, boundary);
    const low = outputConstraint({ 0: 1 }, 0);
    const high = outputConstraint({ 0: -1 }, -0.5);
    const both = questionOf([{ box, constraints: [low, high] }], 2);
    const either = questionOf(
      [
        { box, constraints: [low] },
        { box, constraints: [high] },
        { box, constraints: [outputConstraint({ 0: -1 }, 0)] },
      ],
      2,
    );
    const point = Float32Array.of(0.5, 0.25);
    expect(await check(replayer, both, point, 'test')).toBeNull();
    expect(await check(replayer, either, point, 'test')).toMatchObject({ margin: 0.75 });
    await replayer.close();
  });

  it('says when the point lies outside of the interval as written', async () => {
    const replayer = await open({ bytes }, boundary);
    const written = { ...box, writtenLower: Float64Array.of(-1 + 1e-12, -1), writtenUpper: Float64Array.of(1, 1) };
    const question = questionOf([{ box: written, constraints: [] }], 2);
    expect(await check(replayer, question, Float32Array.of(-1, 0), 'test')).toMatchObject({ outsideWritten: true });
    expect(await check(replayer, question, Float32Array.of(0, 0), 'test')).toMatchObject({ outsideWritten: false });
    await replayer.close();
  });

  it('feeds several inputs in their own element types, and judges what was really fed', async () => {
    // y = float(a) + b, with a int64 and b float64
    const typed = encodeModel(
      model({
        inputs: [valueInfo('a', 'int64', [1]), valueInfo('b', 'float64', [1])],
        outputs: [valueInfo('y', 'float64', [1])],
        nodes: [node('Cast', ['a'], ['c'], { to: { int: 11 } }), node('Add', ['c', 'b'], ['y'])],
      }),
    );
    const one = (name: string, type: string, offset: number) => ({ name, type, offset, size: 1, shape: [1] });
    const replayer = await open(
      { bytes: typed },
      {
        inputs: [one('a', 'int64', 0), one('b', 'float64', 1)],
        outputs: [one('y', 'float64', 0)],
        inputSize: 2,
        outputSize: 1,
        trailing: 'none',
      },
    );
    const around = boxAround([2, 2], 0.5);
    const question = questionOf([{ box: around, constraints: [outputConstraint({ 0: -1 }, 0)] }], 1);
    const found = await check(replayer, question, Float32Array.of(2.25, 2.25), 'test');
    expect([...(found?.input ?? [])]).toEqual([2, 2.25]);
    expect([...(found?.output ?? [])]).toEqual([4.25]);
    const fractional = questionOf([{ box: boxAround([2.25, 2], 0.125), constraints: [] }], 1);
    expect(await check(replayer, fractional, Float32Array.of(2.25, 2), 'test')).toBeNull();
    await replayer.close();
  });

  it('explains a model that ONNX Runtime does not accept', async () => {
    const opened = await Replayer.open({ bytes: Uint8Array.of(1, 2, 3), name: 'broken.onnx' }, boundary);
    expect(opened).toMatchObject({ ok: false, error: { code: 'runtime-rejected-model' } });
    expect(!opened.ok && opened.error.message).toMatch(/does not accept broken\.onnx: /);
  });
});

describe('float16', () => {
  it('every bit pattern survives, and rounding is to nearest even', () => {
    for (let bits = 0; bits < 0x7c00; bits++) expect(toFloat16(fromFloat16(bits))).toBe(bits);
    expect(fromFloat16(toFloat16(2049))).toBe(2048);
    expect(fromFloat16(toFloat16(2051))).toBe(2052);
    expect(fromFloat16(toFloat16(-65520))).toBe(-Infinity);
    expect(fromFloat16(toFloat16(2 ** -25))).toBe(0);
    expect(fromFloat16(toFloat16(1.5 * 2 ** -24))).toBe(2 ** -23);
  });
});

describe('attack', () => {
  const { network, bytes } = reluNetwork([6, 24, 24, 5], 3);
  const box = boxAround([0.1, -0.2, 0.3, 0, 0.2, -0.1], 0.4);

  async function smallest(output: number): Promise<number> {
    const replayer = await open({ bytes }, network);
    const question = questionOf([{ box, constraints: [outputConstraint({ [output]: 1 }, -100)] }], 5);
    const result = await attack(network, question, replayer, { seed: 7, rounds: 2 }, patient);
    await replayer.close();
    expect(result.counterexample).toBeNull();
    return result.bestMargin - 100;
  }

  it('reaches what random sampling does not, and the same with the same seed', async () => {
    const replayer = await open({ bytes }, network);
    let sampled = Infinity;
    const point = new Float32Array(6);
    for (let k = 0; k < 2000; k++) {
      for (let i = 0; i < 6; i++)
        point[i] = Math.min(
          box.upperPoint[i],
          Math.max(box.lowerPoint[i], box.lowerPoint[i] + ((k * (i + 1) * 0.6180339) % 1) * 0.8),
        );
      const answer = await replayer.forward(point);
      if (answer.ok) sampled = Math.min(sampled, answer.value.output[2]);
    }
    const bound = sampled - 0.05 * Math.abs(sampled);
    const question = questionOf([{ box, constraints: [outputConstraint({ 2: 1 }, bound)] }], 5);
    const runs = [];
    for (let k = 0; k < 2; k++) runs.push(await attack(network, question, replayer, { seed: 7 }, patient));
    expect(runs[0].counterexample, `sampled ${sampled}, attacked ${runs[0].bestMargin + bound}`).not.toBeNull();
    expect(runs[1].counterexample).toEqual(runs[0].counterexample);
    await replayer.close();
  });

  it('aims at every disjunct, however many', async () => {
    const replayer = await open({ bytes }, network);
    const impossible = { box, constraints: [outputConstraint({ 0: 1 }, -1e6), outputConstraint({ 1: 1 }, -1e6)] };
    const possible = {
      box,
      constraints: [outputConstraint({ 0: 1, 1: -1 }, 1e3), outputConstraint({ 3: 1 }, (await smallest(3)) + 1e-3)],
    };
    const disjuncts = [...Array.from({ length: 150 }, () => impossible), possible];
    const result = await attack(network, questionOf(disjuncts, 5), replayer, { seed: 1, rounds: 1 }, patient);
    expect(result.counterexample).not.toBeNull();
    await replayer.close();
  });

  it('stops at once when told to', async () => {
    const replayer = await open({ bytes }, network);
    const question = questionOf([{ box, constraints: [outputConstraint({ 0: 1 }, -1e6)] }], 5);
    let asked = 0;
    const result = await attack(
      network,
      question,
      replayer,
      { seed: 1, rounds: 1e6 },
      { deadline: Infinity, cancelled: () => ++asked > 20 },
    );
    expect(result.counterexample).toBeNull();
    expect(asked).toBeLessThan(30);
    await replayer.close();
  });
});
