/**
 * Checks an assignment that a solver gave for a VNN-LIB 1.0 file, sharing no code with the solver: its own reader of the text, its own
 * evaluation, ONNX Runtime on the original file.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

type Expression = string | readonly Expression[];

/** The file, unpacked if it is gzipped. */
export function unpacked(file: string): Buffer {
  const bytes = readFileSync(file);
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}

/** Undefined when ONNX Runtime confirms the assignment in a result file; else what is wrong with it. */
export async function checkAssignment(
  modelFile: string,
  propertyFile: string,
  result: string,
): Promise<string | undefined> {
  const inputs = variables(result, 'X');
  const claimed = variables(result, 'Y');
  const outputs = await forward(modelFile, inputs);
  if (claimed.length !== outputs.length) return `names ${claimed.length} outputs, the model has ${outputs.length}`;
  const wrong = outputs.findIndex((value, k) => Math.abs(value - claimed[k]) > 1e-5 * Math.max(1, Math.abs(value)));
  if (wrong >= 0) return `says Y_${wrong} = ${claimed[wrong]}, ONNX Runtime says ${outputs[wrong]}`;
  for (const command of read(unpacked(propertyFile).toString('utf8')))
    if (command[0] === 'assert' && !holds(command[1], inputs, outputs))
      return `violates ${JSON.stringify(command[1]).slice(0, 200)}`;
  return undefined;
}

function variables(result: string, name: string): Float32Array {
  const values: number[] = [];
  for (const [, index, value] of result.matchAll(new RegExp(`\\(${name}_(\\d+)\\s+([^)\\s]+)\\)`, 'g')))
    values[Number(index)] = Number(value);
  return Float32Array.from(values);
}

async function forward(modelFile: string, inputs: Float32Array): Promise<Float32Array> {
  const ort = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(unpacked(modelFile), { logSeverityLevel: 3 });
  const feeds: Record<string, InstanceType<typeof ort.Tensor>> = {};
  let offset = 0;
  for (const port of session.inputMetadata) {
    if (!port.isTensor) throw new Error(`${modelFile}: input ${port.name} is no tensor`);
    const shape = port.shape.map(extent => (typeof extent === 'number' && extent > 0 ? extent : 1));
    const size = shape.reduce((product, extent) => product * extent, 1);
    feeds[port.name] = new ort.Tensor('float32', inputs.slice(offset, offset + size), shape);
    offset += size;
  }
  if (offset !== inputs.length)
    throw new Error(`${modelFile}: takes ${offset} inputs, the assignment has ${inputs.length}`);
  const results = await session.run(feeds);
  return Float32Array.from(session.outputNames.flatMap(name => Array.from(results[name].data as Float32Array)));
}

/** All commands of a file. */
function read(text: string): readonly (readonly Expression[])[] {
  const stack: Expression[][] = [[]];
  for (const [token] of text.replace(/;.*$/gm, '').matchAll(/[()]|[^\s()]+/g)) {
    if (token === '(') stack.push([]);
    else if (token === ')') {
      const list = stack.pop() ?? [];
      stack[stack.length - 1].push(list);
    } else stack[stack.length - 1].push(token);
  }
  return stack[0].filter(command => typeof command !== 'string');
}

function holds(expression: Expression, x: Float32Array, y: Float32Array): boolean {
  const [operator, ...parts] = expression as readonly Expression[];
  if (operator === 'and') return parts.every(part => holds(part, x, y));
  if (operator === 'or') return parts.some(part => holds(part, x, y));
  // A region's edge is the nearest float32 of the written number.
  const edge = parts.some(part => typeof part === 'string' && part.startsWith('X_')) && parts.some(isNumber);
  const [left, right] = parts.map(part => (edge && isNumber(part) ? Math.fround(Number(part)) : evaluate(part, x, y)));
  switch (operator) {
    case '<=':
      return left <= right;
    case '>=':
      return left >= right;
    case '<':
      return left < right;
    case '>':
      return left > right;
    case '=':
      return left === right;
    default:
      throw new Error(`unknown relation ${String(operator)}`);
  }
}

function isNumber(part: Expression): boolean {
  return typeof part === 'string' && !/^[XY]_/.test(part);
}

function evaluate(part: Expression, x: Float32Array, y: Float32Array): number {
  if (typeof part === 'string') {
    if (!/^[XY]_/.test(part)) return Number(part);
    return (part[0] === 'X' ? x : y)[Number(part.slice(2))];
  }
  const [operator, ...operands] = part;
  const values = operands.map(operand => evaluate(operand, x, y));
  switch (operator) {
    case '+':
      return values.reduce((sum, value) => sum + value, 0);
    case '*':
      return values.reduce((product, value) => product * value, 1);
    case '-':
      return values.length === 1 ? -values[0] : values.slice(1).reduce((rest, value) => rest - value, values[0]);
    default:
      throw new Error(`unknown operation ${String(operator)}`);
  }
}
