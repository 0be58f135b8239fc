import { assert } from '../base/assert';
import { ok, problem, type Result } from '../base/result';
import type { Network, TensorInfo } from '../network/network';
import type { Counterexample } from '../report/verdict';
import type { Box, Question } from '../spec/question';
import { Session, type ElementArrays, type ModelSource, type Port, type PortType, type Value } from '../tensor/session';
import { fromFloat16, toFloat16 } from './float16';
import { isInBox, satisfaction } from './violation';

/** What the replay needs to know of a network: where its flat vectors lie in the file's tensors. */
export type NetworkBoundary = Pick<Network, 'inputs' | 'outputs' | 'inputSize' | 'outputSize' | 'trailing'>;

/** The original file in ONNX Runtime, one input at a time: the only judge of counterexamples. */
export class Replayer {
  private constructor(
    private readonly session: Session,
    private readonly boundary: NetworkBoundary,
    private readonly types: ReadonlyMap<string, PortType>,
  ) {}

  /**
   * Loads the original model. Give the path where there is external data, the bytes where the file was unpacked. Errors: those of
   * `Session.open`, and `replay-mismatch` when ONNX Runtime sees other inputs or outputs than `network` has.
   */
  static async open(model: ModelSource, network: NetworkBoundary): Promise<Result<Replayer>> {
    let opened = await Session.open(model);
    // The runtime's optimiser rejects some valid models that it runs well as they are.
    if (!opened.ok) opened = await Session.open(model, { optimization: 'disabled' });
    if (!opened.ok) return opened;
    const session = opened.value;
    const ports = new Map<string, Port>([...session.inputs, ...session.outputs].map(port => [port.name, port]));
    const missing = [...network.inputs, ...network.outputs].find(tensor => !ports.has(tensor.name));
    if (missing) {
      await session.close();
      return problem(
        'replay-mismatch',
        `ONNX Runtime finds no tensor '${missing.name}' at the boundary of the model, only ${[...ports.keys()].join(', ')}.`,
      );
    }
    return ok(new Replayer(session, network, new Map([...ports].map(([name, port]) => [name, port.type]))));
  }

  /**
   * The model's output on a flat input. `input` is what the model was really given: the point itself, or what its own element types
   * (integers, float16) leave of it. Outputs are flat, in the file's order; a trailing ArgMax answers by 1 at its winner, 0 elsewhere.
   */
  async forward(input: Float32Array): Promise<Result<{ input: Float32Array; output: Float64Array }>> {
    assert(
      input.length === this.boundary.inputSize,
      () => `replay of ${input.length} values, not ${this.boundary.inputSize}`,
    );
    const feeds: Record<string, Value> = {};
    const given = new Float32Array(input.length);
    for (const tensor of this.boundary.inputs) {
      const type = this.types.get(tensor.name) as PortType;
      const part = input.subarray(tensor.offset, tensor.offset + tensor.size);
      const data = convert(type, part);
      given.set(readBack(type, data), tensor.offset);
      feeds[tensor.name] = { type, data, shape: tensor.shape } as Value;
    }
    const results = await this.session.run(feeds);
    if (!results.ok) return results;
    const output = new Float64Array(this.boundary.outputSize);
    for (const tensor of this.boundary.outputs) {
      const filled = this.fill(output, tensor, results.value[tensor.name]);
      if (!filled) {
        const { shape } = results.value[tensor.name];
        return problem(
          'replay-mismatch',
          `ONNX Runtime answers '${tensor.name}' with shape [${shape.join(', ')}], unlike the model's graph.`,
        );
      }
    }
    return ok({ input: given, output });
  }

  private fill(output: Float64Array, tensor: TensorInfo, value: Value): boolean {
    const numbers = readBack(value.type, value.data);
    if (this.boundary.trailing === 'argmax') {
      const winner = Number(numbers[0]);
      if (numbers.length !== 1 || !(winner >= 0 && winner < output.length)) return false;
      output[winner] = 1;
      return true;
    }
    if (numbers.length !== tensor.size) return false;
    output.set(numbers, tensor.offset);
    return true;
  }

  /**
   * Runs the model on a point and returns a counterexample if the point lies in a disjunct's box and ONNX Runtime's outputs satisfy all
   * of that disjunct's constraints; of several such disjuncts the one satisfied by most. Null if there is none.
   */
  async check(question: Question, input: Float32Array, foundBy: string): Promise<Result<Counterexample | null>> {
    const boxes = new Map<Box, boolean>();
    for (const { box } of question.disjuncts) if (!boxes.has(box)) boxes.set(box, isInBox(box, input));
    if (![...boxes.values()].includes(true)) return ok(null);
    const replayed = await this.forward(input);
    if (!replayed.ok) return replayed;
    const { input: given, output } = replayed.value;
    let best: Counterexample | null = null;
    for (const disjunct of question.disjuncts) {
      if (!isInBox(disjunct.box, given)) continue;
      const { margin, holds } = satisfaction(disjunct, given, output);
      // An ArgMax tells who won, not by how much: 0 against 0 says nothing about two losers.
      const decided = holds && (this.boundary.trailing !== 'argmax' || margin > 0);
      if (!decided || (best && best.margin >= margin)) continue;
      best = {
        input: given,
        output: Float32Array.from(output),
        margin: margin === Infinity ? 0 : margin,
        outsideWritten: isOutsideWritten(disjunct.box, given),
        foundBy,
      };
    }
    return ok(best);
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}

/** A float32 value as an element of another type, the nearest there is. */
function convert(type: PortType, part: Float32Array): ElementArrays[PortType] {
  switch (type) {
    case 'float32':
      return part.slice();
    case 'float64':
      return Float64Array.from(part);
    case 'float16':
      return Uint16Array.from(part, toFloat16);
    case 'int64':
      return BigInt64Array.from(part, value => BigInt(Math.round(value)));
    case 'uint64':
      return BigUint64Array.from(part, value => BigInt(Math.max(0, Math.round(value))));
    case 'int8':
      return Int8Array.from(part, Math.round);
    case 'int16':
      return Int16Array.from(part, Math.round);
    case 'int32':
      return Int32Array.from(part, Math.round);
    case 'uint8':
      return Uint8Array.from(part, Math.round);
    case 'uint16':
      return Uint16Array.from(part, Math.round);
    case 'uint32':
      return Uint32Array.from(part, Math.round);
    case 'bool':
      return Uint8Array.from(part, value => (value === 0 ? 0 : 1));
  }
}

/** Elements of any type as numbers. */
function readBack(type: PortType, data: ElementArrays[PortType]): Float64Array {
  if (type === 'float16') return Float64Array.from(data as Uint16Array, fromFloat16);
  return Float64Array.from(data as ArrayLike<number | bigint>, Number);
}

function isOutsideWritten(box: Box, x: Float32Array): boolean {
  return x.some(
    (value, i) => value < (box.writtenLower?.[i] ?? -Infinity) || value > (box.writtenUpper?.[i] ?? Infinity),
  );
}
