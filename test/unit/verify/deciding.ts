import { loadModelBytes } from '../../../src/network/load';
import type { OpenModel } from '../../../src/lp/highs';
import type { Network } from '../../../src/network/network';
import type { Verdict } from '../../../src/report/verdict';
import { differenceConstraint, outputRef } from '../../../src/spec/linear-term';
import type { Box, Disjunct } from '../../../src/spec/question';
import { Solver } from '../../../src/verify/decide';
import { DEFAULT_OPTIONS, type SolverOptions } from '../../../src/verify/options';
import type { Progress } from '../../../src/verify/progress';
import { onnxOf } from './onnx-of-network';

/** Decides a question about a network that is written as an ONNX file and read again. */
export async function decideOn(
  network: Network,
  disjuncts: readonly Disjunct[],
  options: Partial<SolverOptions> = {},
  onProgress?: (progress: Progress) => void,
  openProgram?: OpenModel,
): Promise<Verdict> {
  const loaded = loadModelBytes(onnxOf(network), 'random.onnx');
  if (!loaded.ok) throw new Error(loaded.error.message);
  const solver = new Solver(loaded.value, openProgram);
  const whole: SolverOptions = { ...DEFAULT_OPTIONS, threads: 1, timeout: 20, ...options };
  try {
    return await solver.decide(
      { disjuncts, inputSize: network.inputSize, outputSize: network.outputSize },
      whole,
      { deadline: performance.now() + 1000 * whole.timeout, cancelled: () => false },
      onProgress,
    );
  } finally {
    await solver.close();
  }
}

/** The ways in which another output can be at least the one of `label`. */
export function otherLabels(box: Box, outputs: number, label: number): Disjunct[] {
  return Array.from({ length: outputs }, (_, other) => other)
    .filter(other => other !== label)
    .map(other => ({ box, constraints: [differenceConstraint(outputRef(label), outputRef(other), false)] }));
}
