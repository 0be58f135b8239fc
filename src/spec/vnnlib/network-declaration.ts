import type { DeclaredTensor } from './document';
import { inputRef, outputRef } from '../linear-term';
import { CommandAbandoned, type ProblemList } from './problems';
import { shortened, type Resolution, type Variables } from './relation-reader';
import { Token, type Scanner } from './scanner';
import type { VariableTable } from './variable-table';

/** Element types whose numbers a float32 model understands: exact reals, and the types themselves. */
const SUPPORTED_TYPES = new Set(['real', 'Real', 'float32', 'float64', 'float', 'double']);

/** A tensor larger than this is a slip of the pen. */
const MAX_ELEMENTS = 2 ** 26;

/** The network of a version 2.0 file, and the tensors by whose elements its assertions speak. */
export class NetworkDeclaration implements Variables {
  readonly tensors: DeclaredTensor[] = [];
  private readonly byName = new Map<string, DeclaredTensor>();
  private readonly reported = new Set<string>();
  private networks = 0;
  private refused = false;

  constructor(
    private readonly inputs: VariableTable,
    private readonly outputs: VariableTable,
    private readonly problems: ProblemList,
    private readonly unexpected: (expected: string) => never,
  ) {}

  /** (declare-network f (declare-input X float32 [1,5]) (declare-output Y float32 [1,5])), with the scanner on the command's name. */
  declare(scanner: Scanner): void {
    const { start, end } = scanner;
    if (++this.networks > 1) {
      this.refuse(
        'vnnlib/several-networks',
        'Files about several networks are not supported; ask about one network at a time.',
        start,
        end,
      );
    }
    if (scanner.next() !== Token.atom) this.unexpected("the network's name");
    for (let token: Token = scanner.next(); token === Token.open; token = scanner.next()) {
      scanner.next();
      if (scanner.is('declare-input')) this.tensor(scanner, 'input');
      else if (scanner.is('declare-output')) this.tensor(scanner, 'output');
      else if (scanner.is('declare-hidden')) {
        this.refuse(
          'vnnlib/hidden',
          'Hidden nodes are not supported; only inputs and outputs of the network can be constrained.',
          scanner.start,
          scanner.end,
        );
      } else if (scanner.is('equal-to') || scanner.is('isomorphic-to')) {
        this.refuse(
          'vnnlib/several-networks',
          `${scanner.lexeme} relates two networks; only one network at a time is supported.`,
          scanner.start,
          scanner.end,
        );
      } else this.unexpected('declare-input or declare-output');
      if (scanner.kind !== Token.close) this.unexpected(')');
    }
  }

  read(scanner: Scanner): Resolution {
    const { start, end } = scanner;
    if (scanner.text.charCodeAt(start) < 65) return 'not a name';
    const name = scanner.lexeme;
    const tensor = this.byName.get(name);
    if (!tensor) {
      if (!this.reported.has(name) && !this.refused) {
        this.problems.error(
          'vnnlib/undeclared',
          `${shortened(name)} is not declared in the network's declaration.`,
          start,
          end,
        );
      }
      this.reported.add(name);
    }
    let flat = 0;
    let rank = 0;
    let inside = true;
    if (scanner.next() === Token.openBracket) {
      do {
        if (scanner.next() !== Token.atom) this.unexpected('an index');
        const index = this.naturalNumber(scanner);
        const extent = tensor?.shape[rank] ?? Infinity;
        if (index >= extent) {
          inside = false;
          this.problems.error(
            'vnnlib/index',
            `Index ${index} is outside ${name}, whose dimension ${rank} has ${extent} elements.`,
            scanner.start,
            scanner.end,
          );
        }
        flat = flat * (tensor?.shape[rank] ?? 1) + index;
        rank++;
      } while (scanner.next() === Token.comma);
      if (scanner.kind !== Token.closeBracket) this.unexpected(', or ]');
      scanner.next();
    }
    if (!tensor) return 'unknown';
    if (rank !== tensor.shape.length) {
      const example = tensor.shape.length === 0 ? name : `${name}[${tensor.shape.map(() => 0).join(',')}]`;
      this.problems.error(
        'vnnlib/index',
        `${name} has ${tensor.shape.length} dimensions; write its elements as ${example}.`,
        start,
        end,
      );
      return 'unknown';
    }
    if (!inside) return 'unknown';
    return tensor.side === 'input' ? inputRef(tensor.offset + flat) : outputRef(tensor.offset + flat);
  }

  checkComplete(): void {
    if (this.problems.hasErrors) return;
    if (this.networks === 0)
      this.problems.error('vnnlib/no-variables', 'No network is declared: (declare-network …) is missing.', 0, 0);
    else if (this.inputs.count === 0)
      this.problems.error('vnnlib/no-variables', 'The network declares no input.', 0, 0);
    else if (this.outputs.count === 0)
      this.problems.error('vnnlib/no-variables', 'The network declares no output.', 0, 0);
  }

  /** The rest of (declare-input X float32 [1,5] "name"), with the scanner on declare-input. */
  private tensor(scanner: Scanner, side: 'input' | 'output'): void {
    if (scanner.next() !== Token.atom) this.unexpected("the tensor's name");
    const { start, end } = scanner;
    const name = scanner.lexeme;
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name))
      this.problems.error('vnnlib/variable-name', `${shortened(name)} is no name: letters, digits and _.`, start, end);
    if (this.byName.has(name))
      this.problems.error('vnnlib/duplicate', `${shortened(name)} is declared twice.`, start, end);
    if (scanner.next() !== Token.atom) this.unexpected('an element type such as float32');
    const elementType = scanner.lexeme;
    if (!SUPPORTED_TYPES.has(elementType)) {
      const message = `Element type ${shortened(elementType)} is not supported; float32 and Real are.`;
      this.problems.error('vnnlib/element-type', message, scanner.start, scanner.end);
    }
    if (scanner.next() !== Token.openBracket) this.unexpected('a shape such as [1,5]');
    const shapeStart = scanner.start;
    const shape: number[] = [];
    while (scanner.next() === Token.atom) {
      shape.push(this.naturalNumber(scanner));
      if (scanner.next() !== Token.comma) break;
    }
    if (scanner.kind !== Token.closeBracket) this.unexpected(', or ]');
    const size = shape.reduce((product, extent) => product * extent, 1);
    if (size < 1 || size > MAX_ELEMENTS) {
      this.problems.error('vnnlib/shape', `A tensor of ${size} elements cannot be meant.`, shapeStart, scanner.end);
      throw new CommandAbandoned();
    }
    if (scanner.next() === Token.string) scanner.next();
    const table = side === 'input' ? this.inputs : this.outputs;
    const tensor: DeclaredTensor = { name, side, elementType, shape, size, offset: table.count, start, end };
    for (let i = 0; i < size; i++) table.declare(tensor.offset + i, start, end);
    this.byName.set(name, tensor);
    this.tensors.push(tensor);
  }

  private naturalNumber(scanner: Scanner): number {
    if (!/^\d{1,9}$/.test(scanner.lexeme)) {
      this.problems.error(
        'vnnlib/index',
        `${shortened(scanner.lexeme)} is no index or extent: 0, 1, 2, …`,
        scanner.start,
        scanner.end,
      );
      throw new CommandAbandoned();
    }
    return Number(scanner.lexeme);
  }

  private refuse(code: string, message: string, start: number, end: number): never {
    this.refused = true;
    this.problems.error(code, message, start, end);
    throw new CommandAbandoned();
  }
}
