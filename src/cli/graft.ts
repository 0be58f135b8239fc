import { copyFileSync, existsSync } from 'node:fs';
import { OUTCOMES, type GraftEpoch, type GraftMask, type GraftPart } from '../engine/study-protocols/graft';
import type { GraftOutcomesResult, NetworkAccuracies, TransferCounts } from '../engine/study-protocols/graft-outcomes';
import type { World } from './execute';
import type { GraftArguments } from './graft-arguments';
import { problemLine, unwritten } from './problems';
import { columns, defined, subjectOf, writeJson } from './study-output';
import { studyHere } from './study';
import { Style, wantsColour } from './terminal';

/** Steps of the attack of a comparison: PGD-100. */
const ATTACK_STEPS = 100;

/** `certiscope graft`: 0 when it came to its end, 2 when the training diverged or was stopped, 3 when something is wrong with the files. */
export async function graft(words: GraftArguments, world: World): Promise<number> {
  const text = words.json === '-' ? world.stderr : world.stdout;
  const style = new Style(wantsColour(text));
  const print = (line: string): void => void (words.quiet || text.write(`${line}\n`));
  const subject = subjectOf(words);
  const check = defined({ check: words.check });
  const here = { ...defined({ folder: words.folder }), progress: !words.quiet };
  const { mask, training, fresh } = words;
  const answer = await studyHere(
    'graft',
    { subject, ...check, mask, training, fresh },
    { ...here, onPart: part => tell(part).forEach(print) },
    world,
  );
  if (!answer.ok) return 3;
  const { message, end, model } = answer.value;
  const isWhole = end === 'finished' || end === 'stopped-early';
  print(isWhole ? message : style.bold(message));
  const output = words.output ?? besideModel(words);
  try {
    copyFileSync(model, output);
  } catch (error) {
    world.stderr.write(`certiscope: ${problemLine(unwritten(output, error))} It is kept as ${model}.\n`);
    return 3;
  }
  print(`The grafted model: ${output}`);
  let outcomes: GraftOutcomesResult | undefined;
  if (words.outcomes && !world.signal.stopped) {
    const { timeout, restarts } = words.outcomes;
    const attack = { steps: ATTACK_STEPS, restarts };
    const { seed, threads } = training;
    const compared = await studyHere(
      'graft-outcomes',
      { subject, ...check, grafted: output, attack, timeout, seed, threads, carry: true },
      here,
      world,
    );
    if (!compared.ok) return 3;
    outcomes = compared.value;
    describeOutcomes(outcomes, style).forEach(print);
  }
  const code = isWhole ? 0 : 2;
  const report = { schema: 1, ...answer.value, model: output, ...(outcomes ? { outcomes } : {}) };
  return writeJson(words.json, report, world) ? code : 3;
}

/** `digits.onnx` becomes `digits.grafted.onnx`, where the model was named; else it goes by the specification's name. */
function besideModel({ model, specification }: GraftArguments): string {
  const stem = (model ?? specification).replace(/(\.certiscope)?\.jsonc?$/, '').replace(/\.onnx(\.gz)?$/, '');
  const first = `${stem}.grafted.onnx`;
  // A model of an earlier graft is not written over without being asked to.
  for (let k = 2; ; k++) {
    const file = k === 2 ? first : `${stem}.grafted-${k - 1}.onnx`;
    if (!existsSync(file)) return file;
  }
}

function tell(part: GraftPart): string[] {
  switch (part.kind) {
    case 'mask':
      return describeMask(part.mask);
    case 'data':
      return [part.statement, ...part.history.map(describeEpoch)];
    case 'epoch':
      return [describeEpoch(part.epoch)];
    case 'problem':
      // It comes again with the answer, on standard error.
      return [];
  }
}

function describeMask({ layers }: GraftMask): string[] {
  const all = layers.reduce((sum, { size }) => sum + size, 0);
  const grafted = layers.reduce((sum, layer) => sum + layer.grafted, 0);
  const each = layers.map(({ name, size, grafted: some }) => `${name} ${some} of ${size}`);
  return [`Linear neurons: ${grafted} of ${all} (${percent(grafted / all)}): ${each.join(', ')}`];
}

function describeEpoch({ epoch, meanLoss, score, seconds }: GraftEpoch): string {
  const right = score === null ? '' : `, ${percent(score)} of the held-out samples right`;
  return `epoch ${epoch}: loss ${meanLoss.toFixed(4)}${right}, ${seconds.toFixed(1)} s`;
}

function describeOutcomes(outcomes: GraftOutcomesResult, style: Style): string[] {
  const { base, grafted, flow, hypotheses, transfer, distance } = outcomes;
  const networks: readonly [string, NetworkAccuracies][] = [
    ['base', base],
    ['grafted', grafted],
  ];
  const lines = [
    '',
    style.bold(`Outcomes of ${outcomes.samples.length} samples`),
    ...columns([
      ['network', 'right', 'right and not attacked', 'verified', 'undecided'],
      ...networks.map(([name, { standard, robust, verified, counts }]) => [
        name,
        percent(standard),
        percent(robust),
        percent(verified),
        String(counts.undecided),
      ]),
    ]),
    ...networks.flatMap(([name, { unstable }]) => unstable.map(each => style.dim(`${name}: unstable ${each}`))),
    '',
    ...columns([
      ['from base, to graft', ...OUTCOMES],
      ...OUTCOMES.map(from => [from, ...OUTCOMES.map(to => String(flow[from][to]))]),
    ]),
    ...hypotheses.map(
      ({ statement, contained, of }) =>
        `${statement}: ${contained} of ${of}${of === 0 ? '' : ` (${percent(contained / of)})`}`,
    ),
    '',
    `Adversarial examples of the graft on the base: ${describeTransfer(transfer.toBase)}`,
    `Adversarial examples of the base on the graft: ${describeTransfer(transfer.toGrafted)}`,
  ];
  if (!distance || distance.outputs.length === 0) return lines;
  const widest = Math.max(...distance.outputs.map(each => each.widest));
  return [
    ...lines,
    `Proven distance: outputs of graft and base differ by ranges of up to ${widest.toFixed(3)} over the regions of ${distance.samples} samples`,
    `Verdicts carried back to the base: ${distance.carried}, of which its own verification missed ${distance.missedByBase} in equal time (or its limit, where that is less) and ${distance.onlyCarried} altogether`,
  ];
}

function describeTransfer({ tried, misclassified, fooled, withstood }: TransferCounts): string {
  return `${tried} tried, ${fooled} fool it, ${withstood} do not, ${misclassified} wrong anyway`;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}
