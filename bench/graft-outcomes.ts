import { Replayer } from '../src/attack/replay';
import { maskOf } from '../src/graft/graft';
import { OUTCOMES } from '../src/graft/kinds';
import { measureInstability, unstableRatio } from '../src/graft/instability';
import { accuracies, measureOutcomes, type SampleOutcome } from '../src/graft/outcomes';
import { regionAround } from '../src/graft/regions';
import { measureTransfer, type Transfer } from '../src/graft/transfer';
import { RobustnessProgram, type PgdOptions } from '../src/train/robustness';
import { DEFAULT_OPTIONS } from '../src/verify/options';
import { flowTables } from './graft-masks';
import { BASE, benchModels, CONTROLS, perturbationOf, type BenchModel } from './graft-models';
import { mnist, percent, say, table, type Settings, type State } from './graft-state';
import { must } from './instances';

/** The four outcomes of base, grafts and controls; accuracies, flow and transfer. */

/** Test images of standard accuracy. */
const STANDARD_IMAGES = 10_000;

/** An outcome, and what it took of the processor (the attack on all samples is in the first one's). */
export interface TimedOutcome extends SampleOutcome {
  readonly processorSeconds: number;
}

type KeptOutcome = Omit<TimedOutcome, 'counterexample'> & { readonly counterexample: readonly number[] | null };

/** Outcomes of one network on the first test images; each is kept as soon as it is known, so that more images can be asked for later. */
export async function outcomesOf(each: BenchModel, settings: Settings, state: State): Promise<TimedOutcome[]> {
  const name = `outcomes-${settings.timeout}-${settings.restarts}-${each.name}`;
  const known = new Map<number, TimedOutcome>(
    (state.read<KeptOutcome[]>(name) ?? []).map(kept => [
      kept.sample,
      { ...kept, counterexample: kept.counterexample && Float32Array.from(kept.counterexample) },
    ]),
  );
  const data = mnist(settings.data, 't10k', 0, settings.samples);
  let before = process.cpuUsage();
  must(
    await measureOutcomes(each.model, each.loaded, data, perturbationOf(settings), {
      attack: { steps: 100, restarts: settings.restarts, seed: settings.seed },
      solver: { ...DEFAULT_OPTIONS, timeout: settings.timeout, threads: settings.threads, seed: settings.seed },
      known: new Map(known),
      onSample: outcome => {
        const { user, system } = process.cpuUsage(before);
        before = process.cpuUsage();
        known.set(outcome.sample, { ...outcome, processorSeconds: (user + system) / 1e6 });
        state.write(
          name,
          [...known.values()].map(kept => ({
            ...kept,
            counterexample: kept.counterexample && [...kept.counterexample],
          })),
        );
      },
    }),
  );
  return [...known.values()].filter(({ sample }) => sample < settings.samples).sort((x, y) => x.sample - y.sample);
}

async function evaluated(each: BenchModel, settings: Settings, images: number, attack: PgdOptions): Promise<number> {
  const program = must(
    await RobustnessProgram.compile(each.model, perturbationOf(settings), { threads: settings.threads }),
  );
  const { correct, adversarial } = must(await program.evaluate(mnist(settings.data, 't10k', 0, images), attack));
  await program.close();
  return (correct.reduce((sum, right) => sum + right, 0) - adversarial.size) / images;
}

interface Row {
  readonly standard: number;
  readonly robust: number;
  readonly verified: number;
  readonly undecided: number;
  readonly unstable: string;
}

export async function outcomeTables(settings: Settings, state: State): Promise<void> {
  const models = await benchModels(settings, state);
  const rows = new Map<string, Row>();
  const all = new Map<string, TimedOutcome[]>();
  for (const each of models) {
    const outcomes = await outcomesOf(each, settings, state);
    all.set(each.name, outcomes);
    const standard = await state.keep(`standard-${each.name}`, () =>
      evaluated(each, settings, STANDARD_IMAGES, { steps: 0, restarts: 0, seed: 1 }),
    );
    const robust = await state.keep(`robust-${settings.robustImages}-${settings.restarts}-${each.name}`, () =>
      evaluated(each, settings, settings.robustImages, { steps: 100, restarts: settings.restarts, seed: 1 }),
    );
    const { verified, counts } = accuracies(outcomes);
    const unstable = await state.keep(
      `unstable-${settings.samples}-${settings.timeout}-${settings.restarts}-${each.name}`,
      () => unstableOf(each, outcomes, settings),
    );
    rows.set(each.name, { standard, robust, verified, undecided: counts.undecided / outcomes.length, unstable });
  }
  say(
    `Tables 4.1 to 4.3: a convolutional network on MNIST, ε = ${settings.epsilon}, ${100 * settings.ratio} % grafted. SA on ${STANDARD_IMAGES} test images, RA by PGD-100 with ${settings.restarts} restarts on ${settings.robustImages},`,
  );
  say(
    `VA on ${settings.samples} within ${settings.timeout} s each. UNR: samples that reach branch and bound, grafted neurons counted / not; all samples, not counted.`,
  );
  table([
    ['network', 'SA %', 'RA %', 'VA %', 'undecided %', 'UNR %'],
    ...[...rows].map(([name, { standard, robust, verified, undecided, unstable }]) => [
      name,
      percent(standard, 2),
      percent(robust),
      percent(verified),
      percent(undecided),
      unstable,
    ]),
  ]);
  say(`What the verifier did with the first ${settings.samples} test images, ${settings.threads} thread(s):`);
  table([
    ['network', ...OUTCOMES, 'median certified bound', 's', 'processor s'],
    ...[...all].map(([name, outcomes]) => [name, ...decisions(outcomes)]),
  ]);
  claims(rows);
  for (const { name } of models.filter(each => each.name !== BASE)) {
    say(`Figures 4.6 to 4.8: ${BASE} → ${name}`);
    flowTables(
      all.get(BASE)!.map(each => each.outcome),
      all.get(name)!.map(each => each.outcome),
      'this bench',
    );
  }
}

function decisions(outcomes: readonly TimedOutcome[]): string[] {
  const bounds = outcomes.flatMap(({ lowerBound }) => lowerBound ?? []).sort((x, y) => x - y);
  const total = (pick: (outcome: TimedOutcome) => number): string =>
    outcomes.reduce((sum, outcome) => sum + pick(outcome), 0).toFixed(0);
  return [
    ...OUTCOMES.map(outcome => String(outcomes.filter(each => each.outcome === outcome).length)),
    bounds.length ? bounds[bounds.length >> 1].toFixed(2) : '–',
    total(({ seconds }) => seconds),
    total(({ processorSeconds }) => processorSeconds),
  ];
}

function claims(rows: ReadonlyMap<string, Row>): void {
  const base = rows.get(BASE)!;
  const controls = CONTROLS.flatMap(({ name }) => rows.get(name)?.verified ?? []);
  say(
    `The base network's RA is ${percent(base.robust)} % (asked: at least 80), and ${percent(base.undecided)} % of the images are undecided (asked: most).`,
  );
  if (controls.length === 0) return say('No control is among the networks.\n');
  const control = Math.max(...controls);
  for (const [name, { verified, standard }] of rows) {
    if (name === BASE || CONTROLS.some(each => each.name === name)) continue;
    const [gain, loss] = [verified - control, base.standard - standard];
    const comes = gain >= 0.2 && loss <= 0.02;
    say(
      `${name}: VA ${percent(gain)} points over the better control (asked: 20), SA ${percent(-loss, 2)} points from the base (asked: within 2): ${comes ? 'comes out' : 'does not come out'}.`,
    );
  }
  say();
}

async function unstableOf(each: BenchModel, outcomes: readonly SampleOutcome[], settings: Settings): Promise<string> {
  const data = mnist(settings.data, 't10k', 0, settings.samples);
  const perturbation = perturbationOf(settings);
  const regions = outcomes.map(({ sample }) =>
    regionAround(data.inputs.slice(784 * sample, 784 * (sample + 1)), perturbation),
  );
  const measured = must(await measureInstability(each.model, regions, { method: 'crown' }));
  const branched = outcomes.flatMap(({ branched: reached }, k) => (reached ? [k] : []));
  const mask = maskOf(each.model);
  const ratios = [
    unstableRatio(measured, { regions: branched, mask, graftedCount: true }),
    unstableRatio(measured, { regions: branched, mask, graftedCount: false }),
    unstableRatio(measured, { mask, graftedCount: false }),
  ];
  return ratios.map(({ ratio }) => percent(ratio, 2)).join(' / ');
}

const parts = ({ tried, misclassified, fooled, withstood }: Transfer): string[] => [
  String(tried),
  ...[misclassified, fooled, withstood].map(count => percent(count / tried)),
];

/** Figure 4.9. The transfer to a network retrained on the pooled images of all attacks is in aigent-transfer.ts. */
export async function transferTables(settings: Settings, state: State): Promise<void> {
  const models = await benchModels(settings, state);
  const [base] = models;
  const data = mnist(settings.data, 't10k', 0, settings.samples);
  const examples = async (each: BenchModel): Promise<Map<number, Float32Array>> =>
    new Map(
      (await outcomesOf(each, settings, state)).flatMap(({ sample, counterexample }) =>
        counterexample ? [[sample, counterexample] as const] : [],
      ),
    );
  const ofBase = await examples(base);
  const heading = ['adversarial examples of → tried on', 'tried', 'wrong on the image %', 'fooled %', 'withstood %'];
  const rows = [];
  for (const each of models.slice(1)) {
    for (const [from, to, points] of [
      [each, base, await examples(each)],
      [base, each, ofBase],
    ] as const) {
      const target = must(await Replayer.open({ bytes: to.loaded.bytes }, to.loaded.network));
      rows.push([`${from.name} → ${to.name}`, ...parts(must(await measureTransfer(points, data, target)))]);
      await target.close();
    }
  }
  say('Figure 4.9: transfer of adversarial examples in both directions');
  table([heading, ...rows]);
}
