import path from 'node:path';
import type {
  AdversarialOutcome,
  AdversarialRun,
  AdversarialSummary,
} from '../engine/study-protocols/adversarial-inputs';
import type { AttackArguments } from './attack-arguments';
import type { World } from './execute';
import { studyHere } from './study';
import { defined, subjectOf, writeJson } from './study-output';
import { Style, wantsColour } from './terminal';

/** `certiscope attack`: 1 when adversarial inputs were found, 2 when none was (which proves nothing), 3 when something is wrong with the files. */
export async function attack(words: AttackArguments, world: World): Promise<number> {
  const { stdout } = world;
  const text = words.json === '-' ? world.stderr : stdout;
  const style = new Style(wantsColour(text));
  const print = (line: string): void => void (words.quiet || text.write(`${line}\n`));
  let run: AdversarialRun | null = null;
  const outcomes: AdversarialOutcome[] = [];
  const {
    methods,
    measure,
    target,
    range,
    epsilon,
    seconds,
    reduce,
    regional,
    lines,
    misclassified,
    transfer,
    features,
    seed,
  } = words;
  const answer = await studyHere(
    'adversarial-inputs',
    {
      subject: subjectOf(words),
      reduce,
      regional,
      lines,
      misclassified,
      ...defined({
        methods,
        measure,
        target,
        range,
        epsilon,
        seconds,
        transfer,
        features,
        seed,
        optimumSeconds: words.optimum,
        folder: words.out && path.resolve(words.out),
      }),
    },
    {
      progress: !words.quiet,
      onPart: part => {
        if (part.kind === 'run') run = part;
        else {
          outcomes.push(part);
          print(lineOf(part, run?.classes ?? null, style));
        }
      },
    },
    world,
  );
  if (!answer.ok) return 3;
  const { summary, folder } = answer.value;
  summaryLines(summary).forEach(print);
  if (summary.found > 0) print(`Each was replayed by ONNX Runtime from its own file in ${folder}.`);
  const written = writeJson(words.json, { schema: 1, run, outcomes, summary }, world);
  if (!written) return 3;
  return summary.found > 0 ? 1 : 2;
}

function lineOf(outcome: AdversarialOutcome, classes: readonly string[] | null, style: Style): string {
  const name = (index: number): string => classes?.[index] ?? String(index);
  const sample = `sample ${outcome.sample}`.padEnd(12);
  const seconds = `${outcome.seconds.toFixed(2)} s`;
  if (outcome.kind !== 'found') {
    const [state, colour] =
      outcome.kind === 'skipped' ? (['left out', 'misclassified'] as const) : (['not found', 'unknown'] as const);
    return `${sample} ${style.verdict(colour, state.padEnd(11))} ${outcome.reason} ${seconds}`;
  }
  const { values, two, inf } = outcome.norms;
  const change = `${values} ${values === 1 ? 'value' : 'values'}, L∞ ${short(inf)}, L2 ${short(two)}`;
  const line = `${sample} ${style.verdict('falsified', `${name(outcome.from)} → ${name(outcome.to)}`.padEnd(11))} ${change.padEnd(34)} ${seconds}  ${outcome.foundBy}`;
  return outcome.optimum ? `${line}\n${' '.repeat(13)}${style.dim(outcome.optimum.statement)}` : line;
}

function summaryLines(summary: AdversarialSummary): string[] {
  const { norms, seconds, transfer, naturalness, pielou, foundBy } = summary;
  const lines = ['', summary.statement];
  if (norms === null || seconds === null) return lines;
  const row = (title: string, { median, mean, largest }: { median: number; mean: number; largest: number }): string =>
    `  ${title.padEnd(12)}${[median, mean, largest].map(value => short(value).padStart(10)).join('')}`;
  lines.push(
    `  ${''.padEnd(12)}${['median', 'mean', 'largest'].map(head => head.padStart(10)).join('')}`,
    row('values', norms.values),
    row('pixels', norms.pixels),
    row('pixels %', norms.pixelPercent),
    row('L1', norms.one),
    row('L2', norms.two),
    row('L∞', norms.inf),
    row('seconds', seconds),
    `  found by ${Object.entries(foundBy)
      .map(([stage, count]) => `${stage} ${count}`)
      .join(', ')}`,
    `  defect detection ${short(summary.defectDetection ?? 0)} %, evenness of the classes reached (Pielou) ${short(pielou ?? 0)}`,
  );
  if (transfer)
    lines.push(
      transfer.percent === null
        ? `  transfer: ${transfer.model} answers none of the originals as this model does`
        : `  transfer: ${transfer.fooled} of ${transfer.comparable} fool ${transfer.model} too (${short(transfer.percent)} %)`,
    );
  lines.push(
    naturalness.distance === null
      ? `  naturalness: ${naturalness.reason}`
      : `  naturalness: ${naturalness.label} ${short(naturalness.distance)}, n ${naturalness.samples}`,
  );
  return lines;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
