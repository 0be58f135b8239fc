import path from 'node:path';
import { ok, problem, type Result } from '../../base/result';
import { carrySummary, carryVerdicts, type Carried } from '../../graft/carry';
import { outcomeFlow } from '../../graft/flow';
import { maskOf } from '../../graft/graft';
import { measureInstability, unstableRatio } from '../../graft/instability';
import { graftedCount } from '../../graft/neurons';
import { accuracies, measureOutcomes, type SampleOutcome } from '../../graft/outcomes';
import { readGraftedBytes } from '../../graft/read-model';
import { regionAround } from '../../graft/regions';
import { measureTransfer } from '../../graft/transfer';
import type { GraftedNetwork } from '../../train/grafted-network';
import type { Perturbation } from '../../train/perturbation';
import type { Dataset } from '../../train/trainer';
import { DEFAULT_OPTIONS } from '../../verify/options';
import { PlannedModel } from '../model';
import { existing } from '../plan-request';
import type {
  GraftOutcomesParams,
  GraftOutcomesPart,
  GraftOutcomesResult,
  NetworkAccuracies,
  NetworkRole,
  ProvenDistance,
} from '../study-protocols/graft-outcomes';
import { openSubject, type OpenedSubject } from '../subject';
import { refusedOf } from './graft/answer';
import { KeptOutcomes } from './graft/kept-outcomes';
import { addData, keyOf } from './graft/measure';
import { CheckedRegion, withoutLabels } from './graft/region';
import { readDataset } from './graft/samples';
import { answered, refused, type Study, type StudyEnvironment } from './study';

/** Decides what becomes of every sample under a base network and its graft, and compares the two. */
export const studyGraftOutcomes: Study<'graft-outcomes'> = async (params, environment) => {
  const opened = await openSubject(params.subject);
  if (!opened.ok) return refused(...opened.error);
  const subject = opened.value;
  const loaded = PlannedModel.load(existing(params.grafted));
  try {
    if (!loaded.ok) return refused(loaded.error);
    const compared = await compare(subject, loaded.value, params, environment);
    return compared.ok ? answered(compared.value) : refusedOf(compared.error);
  } finally {
    await subject.model.parts.close();
    if (loaded.ok) await loaded.value.parts.close();
  }
};

type Environment = StudyEnvironment<GraftOutcomesPart>;

/** One of the two networks, with what it answers around the samples. */
interface Side {
  readonly planned: PlannedModel;
  readonly model: GraftedNetwork;
}

/** What both networks are asked about. */
interface Task {
  readonly params: GraftOutcomesParams;
  readonly environment: Environment;
  readonly data: Dataset;
  /** Index in the data file of every row. */
  readonly chosen: readonly number[];
  readonly perturbation: Perturbation;
}

/** Parts of the work: outcomes of both networks, instability of both, the pair. */
const SHARE = { base: [0, 0.4], grafted: [0.4, 0.8], rest: [0.8, 1] } as const;

async function compare(
  subject: OpenedSubject,
  grafted: PlannedModel,
  params: GraftOutcomesParams,
  environment: Environment,
): Promise<Result<GraftOutcomesResult>> {
  const unlabelled = withoutLabels(subject, 'Comparing outcomes');
  if (unlabelled) return { ok: false, error: unlabelled };
  const sides = await openSides(subject, grafted);
  if (!sides.ok) return sides;
  const { base, graft } = sides.value;
  const region = CheckedRegion.of(subject, params.check);
  if (!region.ok) return region;
  const { chosen } = subject;
  for (const index of chosen) {
    const box = await region.value.box(index);
    if (!box.ok) return box;
  }
  const data = await readDataset(subject, chosen, () => environment.cancelled());
  if (!data.ok) return data;
  const task: Task = { params, environment, data: data.value, chosen, perturbation: region.value.perturbation };
  const ofBase = await outcomesOf(base, 'base', task);
  if (!ofBase.ok) return ofBase;
  const ofGraft = await outcomesOf(graft, 'grafted', task);
  if (!ofGraft.ok) return ofGraft;
  const toBase = await transferred(ofGraft.value, base, task);
  if (!toBase.ok) return toBase;
  const toGrafted = await transferred(ofBase.value, graft, task);
  if (!toGrafted.ok) return toGrafted;
  const inBase = await summary(base, ofBase.value, task);
  if (!inBase.ok) return inBase;
  const inGraft = await summary(graft, ofGraft.value, task);
  if (!inGraft.ok) return inGraft;
  const carried = params.carry ? await carryBack(base, graft, ofGraft.value, task) : ok([]);
  if (!carried.ok) return carried;
  const flow = outcomeFlow(
    ofBase.value.map(({ outcome }) => outcome),
    ofGraft.value.map(({ outcome }) => outcome),
  );
  const carriedRow = new Map(carried.value.map(each => [each.sample, each.verified]));
  return ok({
    base: inBase.value,
    grafted: inGraft.value,
    samples: chosen.map((sample, row) => ({
      sample,
      base: ofBase.value[row].outcome,
      grafted: ofGraft.value[row].outcome,
      carried: carriedRow.get(row) ?? null,
    })),
    flow: flow.counts,
    hypotheses: flow.hypotheses.map(({ statement, contained, of }) => ({ statement, contained, of })),
    transfer: { toBase: toBase.value, toGrafted: toGrafted.value },
    distance: params.carry ? distanceOf(carried.value, ofBase.value, ofGraft.value) : null,
  });
}

async function openSides(
  { model }: OpenedSubject,
  grafted: PlannedModel,
): Promise<Result<{ readonly base: Side; readonly graft: Side }>> {
  const [base, graft] = [model, grafted].map(({ loaded }) => readGraftedBytes(loaded.bytes, loaded.path));
  if (!base.ok) return base;
  if (!graft.ok) return graft;
  const sizes = ({ network }: GraftedNetwork): string =>
    `${network.inputSize} inputs and ${network.outputSize} outputs`;
  if (sizes(base.value) !== sizes(graft.value))
    return problem(
      'graft/architecture',
      `${grafted.loaded.path} has ${sizes(graft.value)}, but ${model.loaded.path} has ${sizes(base.value)}. Choose a graft of this network.`,
      { file: grafted.loaded.path },
    );
  return ok({ base: { planned: model, model: base.value }, graft: { planned: grafted, model: graft.value } });
}

async function outcomesOf(
  { planned, model }: Side,
  network: NetworkRole,
  { params, environment, data, chosen, perturbation }: Task,
): Promise<Result<SampleOutcome[]>> {
  const { attack, timeout, seed, threads } = params;
  const [from, to] = SHARE[network];
  // What is undecided depends on the time and on the threads.
  const meaning = ['outcomes', attack, timeout, seed, threads, chosen];
  const key = addData(keyOf(environment.program, planned.loaded.hash, meaning), data, perturbation);
  const file = path.join(environment.folder, `${key.digest('hex').slice(0, 32)}.outcomes.jsonl`);
  const kept = await KeptOutcomes.open(file);
  let done = kept.known.size;
  const tell = ({ sample, outcome }: SampleOutcome): void =>
    environment.onPart({ kind: 'outcome', network, sample: chosen[sample], outcome });
  kept.known.forEach(tell);
  environment.onProgress(from + ((to - from) * done) / data.count, `${network}: attack on ${data.count} samples`);
  const outcomes = await measureOutcomes(model, planned.loaded, data, perturbation, {
    attack: { ...attack, seed },
    solver: { ...DEFAULT_OPTIONS, timeout, threads, seed },
    known: kept.known,
    cancelled: () => environment.cancelled(),
    onSample: outcome => {
      kept.add(outcome);
      tell(outcome);
      done++;
      environment.onProgress(
        from + ((to - from) * done) / data.count,
        `${network}: ${done} of ${data.count} samples decided`,
      );
    },
  });
  await kept.close();
  return outcomes;
}

/** What the adversarial examples of one network do to the other. */
async function transferred(
  found: readonly SampleOutcome[],
  target: Side,
  { data }: Task,
): Promise<ReturnType<typeof measureTransfer>> {
  const replayer = await target.planned.openReplayer();
  if (!replayer.ok) return replayer;
  const examples = found.flatMap(({ sample, counterexample }) =>
    counterexample ? [[sample, counterexample] as const] : [],
  );
  return measureTransfer(new Map(examples), data, replayer.value);
}

/** Accuracies, and how many neurons are unstable: of all samples, and of those that reached branch and bound. */
async function summary(
  { model }: Side,
  outcomes: readonly SampleOutcome[],
  { environment, data, perturbation }: Task,
): Promise<Result<NetworkAccuracies>> {
  const size = model.network.inputSize;
  const regions = outcomes.map(({ sample }) =>
    regionAround(data.inputs.slice(size * sample, size * (sample + 1)), perturbation),
  );
  const [from, to] = SHARE.rest;
  const measured = await measureInstability(model, regions, {
    method: 'crown',
    cancelled: () => environment.cancelled(),
    onProgress: (done, all) =>
      environment.onProgress(from + ((to - from) * done) / all / 2, `neurons of ${done} of ${all} samples bounded`),
  });
  if (!measured.ok) return measured;
  const mask = maskOf(model);
  const linear = graftedCount(mask) > 0 ? { mask, graftedCount: false } : {};
  const branched = outcomes.flatMap(({ branched: reached }, k) => (reached ? [k] : []));
  const reached = { regions: branched, among: 'the samples that reach branch and bound' };
  const unstable = [unstableRatio(measured.value, linear).statement];
  if (branched.length > 0) unstable.push(unstableRatio(measured.value, { ...linear, ...reached }).statement);
  const { standard, robust, verified, counts } = accuracies(outcomes);
  return ok({ standard, robust, verified, counts, unstable });
}

/** Bounds both networks together on every sample that the graft may be verified on. */
async function carryBack(
  base: Side,
  graft: Side,
  ofGraft: readonly SampleOutcome[],
  { environment, data, chosen, perturbation }: Task,
): Promise<Result<Carried[]>> {
  if (base.model.grafts.size > 0)
    return problem(
      'graft/base',
      `${base.planned.loaded.path} has linear neurons itself, so it cannot be the base of a pair. Compare with the network it was grafted from, or leave the proven distance out.`,
    );
  const right = ofGraft.filter(({ outcome }) => outcome === 'verified' || outcome === 'undecided');
  const [from, to] = SHARE.rest;
  let done = 0;
  return carryVerdicts(base.model.network, graft.model, data, perturbation, {
    samples: right.map(({ sample }) => sample),
    grafted: new Map(ofGraft.map(each => [each.sample, each])),
    cancelled: () => environment.cancelled(),
    onSample: ({ sample, verified }) => {
      environment.onPart({ kind: 'carried', sample: chosen[sample], verified });
      environment.onProgress(
        (from + to) / 2 + (((to - from) / 2) * ++done) / right.length,
        `${done} of ${right.length} samples bounded for both networks together`,
      );
    },
  });
}

function distanceOf(
  carried: readonly Carried[],
  ofBase: readonly SampleOutcome[],
  ofGraft: readonly SampleOutcome[],
): ProvenDistance {
  const bySample = (all: readonly SampleOutcome[]): ReadonlyMap<number, SampleOutcome> =>
    new Map(all.map(each => [each.sample, each]));
  const summed = carrySummary(carried, { base: bySample(ofBase), grafted: bySample(ofGraft) });
  const bounded = carried.filter(({ outputs }) => outputs.length > 0);
  const mean = (values: readonly number[]): number =>
    values.length === 0 ? 0 : values.reduce((sum, each) => sum + each, 0) / values.length;
  const outputs = (bounded[0]?.outputs ?? []).map((_, j) => {
    const each = bounded.map(({ outputs: all }) => all[j]);
    const widths = each.map(({ lower, upper }) => upper - lower);
    return {
      widest: Math.max(...widths),
      mean: mean(widths),
      lower: Math.min(...each.map(({ lower }) => lower)),
      upper: Math.max(...each.map(({ upper }) => upper)),
    };
  });
  const margins = bounded.flatMap(each => each.margins.map(({ difference }) => difference.upper - difference.lower));
  return {
    samples: summed.samples,
    outputs,
    marginWidth: mean(margins),
    carried: summed.carried,
    missedByBase: summed.missedByBase,
    onlyCarried: summed.onlyCarried,
    secondsPerSample: mean(carried.map(({ seconds }) => seconds)),
  };
}
