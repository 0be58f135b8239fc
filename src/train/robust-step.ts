import { ok, type Result } from '../base/result';
import { Program } from '../tensor/compile';
import { input, type Expression } from '../tensor/expression';
import { gradient } from '../tensor/gradient';
import { add, mul, reshape } from '../tensor/operators';
import type { Parameter } from './architecture';
import { answers, variablesOf, type GraftedNetwork } from './grafted-network';
import { stepScalars, update } from './optimizer';
import { crossEntropy, fastAdversarialLoss, type FastAdversarial } from './robust-loss';
import type { Schedule } from './schedule';

/** One step of training as one graph. */

/** How a group of parameters moves. */
export interface Group {
  readonly rate: Schedule;
  /** Weight decay as part of the gradient (L2), as is usual with gradient descent. */
  readonly decay: number;
}

/** Parameters that move together. */
export interface MovingGroup extends Group {
  readonly name: 'weights' | 'grafts';
  readonly parameters: readonly Parameter[];
}

/**
 * The step's graph. Feeds: every parameter and `velocity:NAME`, `inputs`, `targets`, `rate:GROUP`, and `noise` when adversarial; fetches: `loss`, and the parameters
 * and velocities after the step under their own labels.
 */
export async function compileRobustStep(
  model: GraftedNetwork,
  groups: readonly MovingGroup[],
  options: {
    readonly batch: number;
    readonly momentum: number;
    readonly adversarial: FastAdversarial | null;
    readonly threads?: number;
  },
): Promise<Result<Program<'float32', string>>> {
  const { inputSize, outputSize } = model.network;
  const variables = variablesOf(groups.flatMap(({ parameters }) => parameters));
  const x = input('inputs', [options.batch, inputSize]);
  const targets = input('targets', [options.batch, outputSize]);
  const network = (point: Expression): Expression => answers(model, point, variables);
  const loss = options.adversarial
    ? fastAdversarialLoss(network, x, targets, input('noise', x.shape), options.adversarial)
    : crossEntropy(network(x), targets);
  const outputs: Record<string, Expression> = { loss: reshape(loss, [1]) };
  const gradients = gradient(loss, [...variables.values()]);
  const gradientOf = new Map([...variables.keys()].map((name, k) => [name, gradients[k]]));
  for (const { name: group, parameters, decay } of groups) {
    const scalars = { ...stepScalars(), rate: input(`rate:${group}`, []) };
    for (const { name } of parameters) {
      const parameter = variables.get(name) as Expression;
      const slope = gradientOf.get(name) as Expression;
      const pulled = decay === 0 ? slope : add(slope, mul(parameter, decay));
      const moved = update({ kind: 'sgd', momentum: options.momentum }, name, parameter, pulled, scalars, 0);
      Object.assign(outputs, { [name]: moved.next }, moved.state);
    }
  }
  const program = await Program.compile('float32', outputs, { threads: options.threads ?? 1 });
  return program.ok ? ok(program.value) : program;
}
