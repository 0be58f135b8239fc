import { ok, problem, type Result } from '../base/result';
import type { Network } from '../network/network';
import type { Constraint } from '../spec/question';
import { ProgramBuilder, withObjective, type LinearProgram, type Objective } from './linear-program';
import { NodeWriter, type Branching, type NodeRanges, type ReluForm } from './node-writer';
import { ObjectiveWriter } from './objective-writer';

export type { BoundChange, Branching, NodeRanges, ReluForm } from './node-writer';

/** The network on a box as a program whose points contain (x, values of every node at x) for every x of the box, in exact arithmetic. */
export interface ReluProgram {
  readonly program: LinearProgram;
  /** Per node, the column of each of its values; −1 where the value is 0 on the whole box. Nodes may share columns. */
  readonly columns: readonly Int32Array[];
  /** Indicator columns: how many neurons and pool entries the bounds leave open. */
  readonly indicators: number;
  /** What a `triangle` program leaves open; empty for `mixed-integer`. */
  readonly branchings: readonly Branching[];
  /** Per disjunct: a form that is nowhere on the box above the largest margin of the disjunct's constraints. */
  readonly objectives: readonly Objective[];
}

/**
 * Why no linear or mixed-integer program can stand for a network, as a sentence about the node (`lp-unsupported`); ok where one can.
 */
export function linearProgramRefusal(network: Network): Result<null> {
  for (const node of network.nodes) {
    if (node.kind === 'sigmoid' || node.kind === 'tanh')
      return problem(
        'lp-unsupported',
        `${node.name} is a ${node.kind === 'sigmoid' ? 'Sigmoid' : 'Tanh'}, which is not piecewise linear, so no linear program can stand for this network. Use the back end "crown" or "auto".`,
      );
    if (node.kind === 'leakyRelu' && !(node.slope >= 0 && node.slope <= 1))
      return problem(
        'lp-unsupported',
        `${node.name} is a LeakyRelu of slope ${node.slope}; linear programs take slopes between 0 and 1. Use the back end "crown" or "auto".`,
      );
  }
  return { ok: true, value: null };
}

/**
 * The network on a box with an objective for every disjunct and cost 0. The least value of a disjunct's objective is the least, over the box, of its margin
 * outputs·y + inputs·x − bound, or, of several constraints, of the largest of their margins: above 0, no point of the box satisfies all
 * of them. `triangle` programs have optima at most as large. Every number that had to be rounded was rounded so that the program only gets
 * larger. The network must be one that `linearProgramRefusal` does not refuse.
 */
export function regionProgram(
  network: Network,
  ranges: NodeRanges,
  disjuncts: readonly (readonly Constraint[])[],
  form: ReluForm,
): ReluProgram {
  return written(network, ranges, form, writer => disjuncts.map(constraints => writer.objective(constraints)));
}

/** `regionProgram` of one disjunct, with its objective as cost. */
export function reluProgram(
  network: Network,
  ranges: NodeRanges,
  constraints: readonly Constraint[],
  form: ReluForm,
): Result<ReluProgram> {
  const refusal = linearProgramRefusal(network);
  if (!refusal.ok) return refusal;
  return ok(withItsObjective(regionProgram(network, ranges, [constraints], form)));
}

/**
 * All disjuncts at once, as one mixed-integer program whose optimum is the least of all their margins: an indicator each, of which one is 1 (Tjeng, Xiao and
 * Tedrake, ICLR 2019, for the maximum over labels).
 */
export function unionProgram(
  network: Network,
  ranges: NodeRanges,
  disjuncts: readonly (readonly Constraint[])[],
): ReluProgram {
  return withItsObjective(
    written(network, ranges, 'mixed-integer', writer => [
      writer.union(disjuncts.map(constraints => writer.objective(constraints))),
    ]),
  );
}

function written(
  network: Network,
  ranges: NodeRanges,
  form: ReluForm,
  objectivesBy: (writer: ObjectiveWriter) => Objective[],
): ReluProgram {
  const builder = new ProgramBuilder();
  const nodes = new NodeWriter(builder, network, ranges, form);
  const objectives = objectivesBy(new ObjectiveWriter(builder, nodes));
  const { columns, branchings, indicators } = nodes;
  return { program: builder.build(), columns, indicators, branchings, objectives };
}

/** A program of one objective, which becomes its cost. */
function withItsObjective(it: ReluProgram): ReluProgram {
  return { ...it, program: withObjective(it.program, it.objectives[0]) };
}
