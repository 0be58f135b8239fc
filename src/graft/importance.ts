import { ok, problem, type Result } from '../base/result';
import { Program } from '../tensor/compile';
import { input, type Expression } from '../tensor/expression';
import { gradient } from '../tensor/gradient';
import { concat } from '../tensor/operators';
import { graftedNodes, type GraftedNetwork } from '../train/grafted-network';
import { crossEntropies } from '../train/robust-loss';
import { fill, type Dataset } from '../train/trainer';
import type { Importance } from './kinds';
import { neuronCount, neuronLayers, rectifiers, type NeuronValues } from './neurons';

const BATCH = 64;

/**
 * Measures one importance on the given samples. Errors: `graft/no-neurons`, `graft/no-samples`, `graft/no-labels` (GAP needs them), `graft/cancelled`, those of
 * `Session`.
 */
export async function measureImportance(
  model: GraftedNetwork,
  data: Omit<Dataset, 'labels'> & { readonly labels: Uint8Array | null },
  importance: Importance,
  options: { readonly threads?: number; readonly cancelled?: () => boolean } = {},
): Promise<Result<NeuronValues>> {
  const layers = neuronLayers(model.network);
  if (layers.length === 0)
    return problem('graft/no-neurons', 'The network has no rectified neurons (no Relu), so none can matter.');
  if (data.count === 0) return problem('graft/no-samples', 'Importance is measured on samples, and none are chosen.');
  if (importance === 'gap' && data.labels === null)
    return problem(
      'graft/no-labels',
      'The data has no labels, and GAP is the gradient of a loss that needs them. Name the file of the labels, or choose SAP or VAP.',
    );
  const { inputSize, outputSize } = model.network;
  const labels = data.labels ?? new Uint8Array(data.count);
  const neurons = neuronCount(layers);
  const program = await compile(model, importance);
  if (!program.ok) return program;
  const inputs = new Float32Array(BATCH * inputSize);
  const targets = new Float32Array(BATCH * outputSize);
  const sum = new Float64Array(neurons);
  const squares = new Float64Array(neurons);
  try {
    for (let from = 0; from < data.count; from += BATCH) {
      if (options.cancelled?.()) return problem('graft/cancelled', `Cancelled after ${from} of ${data.count} samples.`);
      const chosen = Int32Array.from({ length: Math.min(BATCH, data.count - from) }, (_, k) => from + k);
      fill(inputs, targets, { ...data, labels }, chosen, inputSize, outputSize);
      const result = await program.value.run(importance === 'gap' ? { inputs, targets } : { inputs });
      if (!result.ok) return result;
      for (let row = 0; row < chosen.length; row++)
        for (let i = 0; i < neurons; i++) {
          const size = Math.abs(result.value.values[row * neurons + i]);
          sum[i] += size;
          squares[i] += size * size;
        }
    }
  } finally {
    await program.value.close();
  }
  const mean = sum.map(each => each / data.count);
  const values = importance === 'vap' ? squares.map((each, i) => Math.max(0, each / data.count - mean[i] ** 2)) : mean;
  return ok({ layers, values });
}

/** What every rectifier reads, or the loss's gradient there, [batch, neurons]. */
function compile(model: GraftedNetwork, importance: Importance): Promise<Result<Program<'float32', 'values'>>> {
  const { inputSize, outputSize } = model.network;
  const nodes = graftedNodes(model, input('inputs', [BATCH, inputSize]));
  const read = rectifiers(model.network).map(({ inputs }) => nodes[inputs[0]]);
  const wanted = (): Expression[] => {
    if (importance !== 'gap') return read;
    return gradient(crossEntropies(nodes[nodes.length - 1], input('targets', [BATCH, outputSize])), read);
  };
  return Program.compile('float32', { values: concat(wanted(), 1) });
}
