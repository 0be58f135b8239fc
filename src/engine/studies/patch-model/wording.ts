import type { PatchOutcome, SmallestPatch } from '../../../attack/patch/minimal-modification';
import type { WrittenPatch } from '../../../attack/patch/modify';
import { shownBelow } from '../../../base/shown-number';
import type { LayerPatch, PatchModelParams } from '../../study-protocols/patch-model';

type Measure = NonNullable<PatchModelParams['measure']>;

const WHAT: Readonly<Record<Measure, string>> = {
  inf: 'largest change of a weight',
  one: 'sum of all changes',
  count: 'number of changed weights',
};

const SCOPE: Readonly<Record<SmallestPatch['scope'], string>> = {
  all: 'of this layer',
  phases: 'of this layer that keeps the phases of the activations behind it',
  marks: 'of this layer that keeps to the marks and the phases of the activations behind it',
};

/** What holds of one patch, with the scope of what is said about smallest. */
export function describeOutcome(
  outcome: PatchOutcome,
  written: WrittenPatch | null,
  wrong: number,
  measure: Measure,
): string {
  if (outcome.kind === 'infeasible') return outcome.message;
  if (outcome.kind === 'undecided') return outcome.reason;
  const { sizes, lowerBound, isCertified, scope } = outcome;
  const bound = shownBelow(lowerBound);
  const proof = isCertified ? 'by re-evaluated dual multipliers' : 'by the solver’s own word';
  const smallest = `No patch ${SCOPE[scope]} has a smaller ${WHAT[measure]} than ${bound} (${proof}); this one has ${Number(sizes[measure].toPrecision(6))}.`;
  const inputs = wrong === 1 ? 'the input' : `all ${wrong} inputs`;
  if (!written) return smallest;
  const replay = written.holds
    ? `ONNX Runtime answers as wanted on ${inputs}, on the patched file.`
    : `ONNX Runtime does not answer as wanted on ${inputs} on the patched file: float32 takes too much of the margin. Ask for a larger margin.`;
  return `${smallest} ${replay}`;
}

/** @param left layers that were not tried because someone stopped the work */
export function resultStatement(
  patches: readonly LayerPatch[],
  best: string | null,
  { wrong, left }: { readonly wrong: number; readonly left: number },
): string {
  const inputs = wrong === 1 ? 'the input' : `all ${wrong} inputs`;
  if (patches.length === 0) return 'Stopped before the first layer was settled.';
  const stopped = left === 0 ? '' : ` Stopped: ${left} of ${patches.length + left} layers were not tried.`;
  if (best === null && left > 0) return `No patch found so far puts ${inputs} right.${stopped}`;
  const undecided = patches.filter(patch => patch.outcome === 'undecided').length;
  const open = undecided === 0 ? '' : `${undecided} ${undecided === 1 ? 'is' : 'are'} undecided`;
  if (best === null && undecided > 0)
    return `No patch puts ${inputs} right so far: of ${patches.length} ${patches.length === 1 ? 'layer' : 'layers'} ${open}. Give it more seconds, or ask for fewer inputs.`;
  if (best === null)
    return `No patch puts ${inputs} right. Allow free phases, several layers in turn, or ask for fewer inputs.`;
  const holding = patches.filter(patch => patch.holds).length;
  const of =
    patches.length > 1 ? ` (${holding} of ${patches.length} layers have a patch${open === '' ? '' : `, ${open}`})` : '';
  return `The smallest patch that puts ${inputs} right is one of ${best}${of}.${stopped}`;
}
