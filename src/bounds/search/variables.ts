import { assert } from '../../base/assert';
import type { ActivationNode, Network } from '../../network/network';
import { input, type Expression } from '../../tensor/expression';
import type { Choice, Interval, SlopeProblem } from './problem';
import {
  CurveLines,
  initialSlope,
  intervalConstant,
  rectifierLines,
  type IntervalExpression,
  type Lines,
} from './relaxation';

/** One array of choices in [0, 1] that the search moves: for every box, every row of one backward pass, every neuron of one node. */
export interface Variable {
  readonly label: string;
  /** Whose bounds it serves: 'rows', or the activation node whose joint neurons they are. */
  readonly owner: number | 'rows';
  readonly node: number;
  readonly field: 'slope' | 'below' | 'above';
  /** [boxes, rows, size] */
  readonly shape: readonly [number, number, number];
  readonly expression: Expression;
  readonly initial: Float32Array;
}

/** The variables of a search and the lines they make. Created on demand, so that only nodes that a backward pass meets have any. */
export class Variables {
  readonly all: Variable[] = [];
  private readonly curves = new Map<number, CurveLines>();
  private readonly intervals = new Map<number, IntervalExpression>();

  constructor(private readonly problem: SlopeProblem) {}

  private interval(node: number): Interval {
    const interval = this.problem.intervals.get(node);
    assert(interval, () => `no bounds for the inputs of ${this.problem.network.nodes[node].name}`);
    return interval;
  }

  /** Bounds of the node's inputs as the lines of later passes see them. */
  intervalOf(node: number): IntervalExpression {
    const known = this.intervals.get(node);
    if (known) return known;
    const made = intervalConstant(this.interval(node), this.problem.boxes.count);
    this.intervals.set(node, made);
    return made;
  }

  /** From now on the node's lines rest on these bounds. */
  improve(node: number, interval: IntervalExpression): void {
    this.intervals.set(node, interval);
  }

  /** The node's lines in the backward pass of `owner`, which has `rows` rows. */
  lines(owner: number | 'rows', rows: number, id: number): Lines {
    const node = this.problem.network.nodes[id] as ActivationNode;
    if (node.kind === 'relu' || node.kind === 'leakyRelu') {
      const slope = this.variable(owner, rows, id, 'slope', initialSlope(this.interval(id)));
      return rectifierLines(node, this.intervalOf(id), slope);
    }
    const curve = this.curve(node);
    const choices = (['below', 'above'] as const).map(side =>
      this.variable(owner, rows, id, side, curve.initialChoice(side)),
    );
    return curve.lines(choices[0], choices[1]);
  }

  private curve(node: ActivationNode): CurveLines {
    assert(node.kind === 'sigmoid' || node.kind === 'tanh', () => `${node.name} is no curve`);
    const made =
      this.curves.get(node.id) ?? new CurveLines(node.kind, this.interval(node.id), this.problem.boxes.count);
    this.curves.set(node.id, made);
    return made;
  }

  /** A variable that begins with the same values in every row. */
  private variable(
    owner: number | 'rows',
    rows: number,
    node: number,
    field: Variable['field'],
    perBox: Float32Array,
  ): Expression {
    const boxes = this.problem.boxes.count;
    const size = perBox.length / boxes;
    const shape = [boxes, rows, size] as const;
    const label = `${owner}:${node}:${field}`;
    const initial = new Float32Array(boxes * rows * size);
    for (let box = 0; box < boxes; box++) {
      const values = perBox.subarray(box * size, (box + 1) * size);
      for (let row = 0; row < rows; row++) initial.set(values, (box * rows + row) * size);
    }
    const expression = input(label, shape);
    this.all.push({ label, owner, node, field, shape, expression, initial });
    return expression;
  }

  /** The values of an owner's variables as choices by node. */
  choices(owner: number | 'rows', values: ReadonlyMap<string, Float32Array>): Map<number, Choice> {
    const choices = new Map<number, Choice>();
    for (const variable of this.all) {
      if (variable.owner !== owner || variable.field === 'above') continue;
      const value = values.get(variable.label) as Float32Array;
      if (variable.field === 'slope') {
        choices.set(variable.node, { slope: value });
        continue;
      }
      const rows = variable.shape[1];
      const curve = this.curve(this.problem.network.nodes[variable.node] as ActivationNode);
      const other = values.get(`${owner}:${variable.node}:above`) as Float32Array;
      choices.set(variable.node, {
        below: curve.points('below', value, rows),
        above: curve.points('above', other, rows),
      });
    }
    return choices;
  }
}

/** The ids of all nodes that a node's value depends on, and its own. */
export function ancestors(network: Network, node: number): Set<number> {
  const found = new Set([node]);
  for (let id = node; id > 0; id--) {
    if (found.has(id)) for (const below of network.nodes[id].inputs) found.add(below);
  }
  return found;
}
