import { ok, problem, type Result } from '../../base/result';
import type { Network } from '../../network/network';
import { evaluate } from '../../network/evaluate';

/** Naturalness as a Fréchet distance between the features of two sets of inputs. */

export interface FrechetDistance {
  readonly distance: number;
  /** Samples of the smaller set. */
  readonly samples: number;
  readonly dimension: number;
}

/**
 * ‖μ_a − μ_b‖² + tr(C_a + C_b − 2(C_a C_b)^½) of two sets of feature vectors, with covariances divided by n − 1. 0 for sets of the same mean and covariance. Errors:
 * `metrics/few-samples` when a set has under twice as many vectors as features, for then the covariances say little.
 */
export async function frechetDistance(
  a: readonly Float64Array[],
  b: readonly Float64Array[],
): Promise<Result<FrechetDistance>> {
  const samples = Math.min(a.length, b.length);
  const dimension = (a[0] ?? b[0])?.length ?? 0;
  if (samples === 0 || samples < 2 * dimension)
    return problem(
      'metrics/few-samples',
      `A Fréchet distance over ${dimension} features needs at least ${2 * dimension} inputs in each set; there are ${samples}. Attack more inputs, or name a network with fewer features.`,
    );
  const { EigenvalueDecomposition, Matrix } = await import('ml-matrix');
  const [first, second] = [a, b].map(momentsOf);
  const [c, d] = [first, second].map(({ covariance }) =>
    Matrix.from1DArray(dimension, dimension, Array.from(covariance)),
  );
  // (C_a C_b)^½ has the trace of (C_a^½ C_b C_a^½)^½, which is symmetric.
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(c, { assumeSymmetric: true });
  const roots = Matrix.diag(realEigenvalues.map(value => Math.sqrt(Math.max(0, value))));
  const root = eigenvectorMatrix.mmul(roots).mmul(eigenvectorMatrix.transpose());
  const product = root.mmul(d).mmul(root);
  const symmetric = Matrix.add(product, product.transpose()).mul(0.5);
  const spectrum = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true }).realEigenvalues;
  const cross = spectrum.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  const apart = first.mean.reduce((sum, value, i) => sum + (value - second.mean[i]) ** 2, 0);
  return ok({ distance: Math.max(0, apart + c.trace() + d.trace() - 2 * cross), samples, dimension });
}

function momentsOf(vectors: readonly Float64Array[]): { mean: Float64Array; covariance: Float64Array } {
  const size = vectors[0].length;
  const mean = new Float64Array(size);
  for (const vector of vectors) vector.forEach((value, i) => (mean[i] += value / vectors.length));
  const covariance = new Float64Array(size * size);
  for (const vector of vectors)
    for (let i = 0; i < size; i++) {
      const own = (vector[i] - mean[i]) / (vectors.length - 1);
      for (let j = 0; j < size; j++) covariance[i * size + j] += own * (vector[j] - mean[j]);
    }
  return { mean, covariance };
}

/** What the features of a Fréchet distance are. */
export interface FeatureLayer {
  readonly node: number;
  readonly dimension: number;
  /** For a table's heading, e.g. `Fréchet distance over relu_6 (50 features)`: FID is only the one over Inception. */
  readonly label: string;
}

/**
 * The layer whose values are features: the network's last hidden one, what its last affine node reads, or, in a network the user names for its features, its
 * output.
 */
export function featureLayer(network: Network, use: 'last hidden' | 'output'): FeatureLayer {
  const output = network.nodes.length - 1;
  let node = output;
  if (use === 'last hidden') {
    const affine = network.nodes.findLast(each => 'relativeError' in each && each.inputs.length > 0);
    // Without an affine node there is nothing hidden: the input itself.
    node = affine?.inputs[0] ?? 0;
  }
  const { size: dimension, name } = network.nodes[node];
  return { node, dimension, label: `Fréchet distance over ${name} (${dimension} features)` };
}

/** The features of inputs, in float64. */
export function featuresOf(
  network: Network,
  layer: FeatureLayer,
  inputs: readonly ArrayLike<number>[],
): Float64Array[] {
  return inputs.map(input => evaluate(network, Float64Array.from(input))[layer.node]);
}
