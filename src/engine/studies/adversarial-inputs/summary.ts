import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AdversarialInput } from '../../../attack/adversarial';
import { AttackedModel } from '../../../attack/attacked-model';
import { featureLayer, featuresOf, frechetDistance } from '../../../attack/metrics/frechet';
import { normSpreads, spreadOf, type PixelLayout } from '../../../attack/metrics/norms';
import { defectDetection, pielouScore, transferability } from '../../../attack/metrics/rates';
import { ok, problem, type Result } from '../../../base/result';
import { loadModel } from '../../../network/load';
import type { Network } from '../../../network/network';
import type { AdversarialOutcome, AdversarialSummary, Naturalness } from '../../study-protocols/adversarial-inputs';

/** Other models that a run compares with; opened before anything is attacked, so that a wrong path is told at once. */
export interface OtherModels {
  readonly transfer: { readonly path: string; readonly model: AttackedModel } | null;
  readonly features: Network | null;
}

/** Errors: those of loading, and `attack/other-size` where another model takes other inputs. */
export async function openOthers(
  inputSize: number,
  { transfer, features }: { readonly transfer?: string; readonly features?: string },
): Promise<Result<OtherModels>> {
  const load = (file: string): ReturnType<typeof loadModel> => {
    const loaded = loadModel(file);
    if (!loaded.ok || loaded.value.network.inputSize === inputSize) return loaded;
    return problem(
      'attack/other-size',
      `${file} takes ${loaded.value.network.inputSize} values, the attacked model ${inputSize}: the same inputs do not fit both.`,
      { file },
    );
  };
  const named = features === undefined ? null : load(features);
  if (named && !named.ok) return named;
  const other = transfer === undefined ? null : load(transfer);
  if (other && !other.ok) return other;
  const opened = other && (await AttackedModel.open(other.value));
  if (opened && !opened.ok) return opened;
  return ok({
    transfer: opened && transfer !== undefined ? { path: transfer, model: opened.value } : null,
    features: named && named.value.network,
  });
}

export interface RunFacts {
  readonly network: Network;
  readonly layout: PixelLayout;
  /** Inputs that were to be attacked. */
  readonly planned: number;
  readonly outcomes: readonly AdversarialOutcome[];
  readonly inputs: readonly AdversarialInput[];
  readonly others: OtherModels;
}

/** The metrics of a run. */
export async function summaryOf({
  network,
  layout,
  planned,
  outcomes,
  inputs,
  others,
}: RunFacts): Promise<Result<AdversarialSummary>> {
  const count = (kind: AdversarialOutcome['kind']): number => outcomes.filter(each => each.kind === kind).length;
  const [found, notFound, skipped] = [count('found'), count('not found'), count('skipped')];
  const attacked = found + notFound;
  const foundBy: Record<string, number> = {};
  for (const outcome of outcomes)
    if (outcome.kind === 'found') foundBy[outcome.foundBy] = (foundBy[outcome.foundBy] ?? 0) + 1;
  const transfer = others.transfer && (await transferability(others.transfer.model, inputs));
  if (transfer && !transfer.ok) return transfer;
  const norms = found === 0 ? null : normSpreads(inputs, layout);
  const seconds = outcomes.filter(each => each.kind !== 'skipped').map(each => each.seconds);
  return ok({
    attacked,
    found,
    notFound,
    skipped,
    defectDetection: attacked === 0 ? null : defectDetection(found, attacked),
    foundBy,
    norms,
    pielou:
      found === 0
        ? null
        : pielouScore(
            inputs.map(each => each.to),
            network.outputSize,
          ),
    seconds: attacked === 0 ? null : spreadOf(seconds),
    transfer: transfer && {
      model: others.transfer!.path,
      ...transfer.value,
      percent: transfer.value.comparable === 0 ? null : transfer.value.percent,
    },
    naturalness: await naturalnessOf(network, inputs, others.features),
    statement: statementOf({ attacked, found, skipped, planned }, norms && norms.values.median),
  });
}

async function naturalnessOf(
  network: Network,
  inputs: readonly AdversarialInput[],
  features: Network | null,
): Promise<Naturalness> {
  const over = features ?? network;
  const layer = featureLayer(over, features ? 'output' : 'last hidden');
  const { label, dimension } = layer;
  const vectors = async (of: (input: AdversarialInput) => Float32Array): Promise<Float64Array[]> => {
    const all: Float64Array[] = [];
    for (const input of inputs) {
      await nextTurn();
      all.push(...featuresOf(over, layer, [of(input)]));
    }
    return all;
  };
  const none = (reason: string): Naturalness => ({ label, distance: null, samples: inputs.length, dimension, reason });
  // What would be refused is not computed first.
  if (inputs.length < Math.max(1, 2 * dimension))
    return none(
      `A ${label} needs at least ${2 * dimension} adversarial inputs; there are ${inputs.length}. Attack more inputs, or name a network with fewer features.`,
    );
  const measured = await frechetDistance(await vectors(each => each.original), await vectors(each => each.input));
  return measured.ok ? { label, ...measured.value, reason: null } : none(measured.error.message);
}

function statementOf(
  { attacked, found, skipped, planned }: Readonly<Record<'attacked' | 'found' | 'skipped' | 'planned', number>>,
  median: number | null,
): string {
  const left = skipped === 0 ? '' : ` ${skipped} ${skipped === 1 ? 'was' : 'were'} left out.`;
  const done = attacked + skipped;
  const stopped = done === planned ? '' : ` Stopped after ${done} of ${planned} inputs.`;
  if (attacked === 0) return `No input was attacked.${left}${stopped}`;
  const values = median === null ? '' : `, ${median} changed ${median === 1 ? 'value' : 'values'} at the median`;
  return `${found} of ${attacked} inputs have an adversarial input inside the valid range${values}.${left}${stopped}`;
}
