import { confirm, type AdversarialInput, type Subject } from '../src/attack/adversarial';
import type { AttackedModel } from '../src/attack/attacked-model';
import { featureLayer, featuresOf, frechetDistance } from '../src/attack/metrics/frechet';
import { normSpreads, spreadOf, type PixelLayout } from '../src/attack/metrics/norms';
import { defectDetection, pielouScore, transferability } from '../src/attack/metrics/rates';
import { must } from './instances';

/** What one method did on the images of a set. */
export interface MethodRun {
  readonly title: string;
  readonly attacked: number;
  /** How many answers each stage of the pipeline gave. */
  readonly stages: Readonly<Record<string, number>>;
  /** Per image attacked. */
  readonly seconds: readonly number[];
  /** Seconds of the processor. */
  readonly processor: readonly number[];
  readonly changes: readonly { readonly subject: Subject; readonly input: Float32Array }[];
}

export interface TableParts {
  readonly title: string;
  readonly set: string;
  readonly model: AttackedModel;
  readonly other: AttackedModel;
  readonly layout: PixelLayout;
  readonly runs: readonly MethodRun[];
  /** Images of the set: a method that was tried on fewer is marked. */
  readonly images: number;
}

/** The paper's Table I, as printed: FID, Pielou score, largest L2 and L∞, mean seconds, values modified, defect detection in percent. Not measured here. */
const published: Readonly<Record<string, readonly (readonly [string, ...(number | null)[]])[]>> = {
  mnist: [
    ['AIGENT', 0.001, 0.725, 1.82, 0.66, 1.726, 24, 72],
    ['AIGENT (high defect)', 0.03, 0.74, 4.1, 0.8, 1.799, 24, 91.4],
    ['FGSM', 1.73, 0.95, 2.8, 0.1, 0.069, 784, 99],
    ['Black box', 1.98, 0.14, 6.58, 0.23, 0.065, 784, 88.4],
    ['DeepXplore', 0.02, 0.47, 5.16, 1, 11.74, 60, 45.66],
    ['DLFuzz', 0.17, 0.88, 2.29, 0.39, 30, 586, 92.36],
    ['AutoAttack', 0.248, 0.836, 5.52, 0.3, 0.2, 616, 98.4],
  ],
  cifar: [
    ['AIGENT', 0.00009, 0.927, 1.6, 0.5, 12.01, 12, 100],
    ['FGSM', 0.071, 0.92, 5.5, 0.1, 0.079, 3072, 100],
    ['Black box', 0.44, 0.703, 13.04, 0.23, 0.082, 3072, 76.2],
    ['AutoAttack', 0.038, 0.97, 0.53, 0.03137, 0.2, 588, 57.6],
    ['Output diversification', 0.91, 0.85, 5.34, 0.99, 26.66, 120, 100],
  ],
};

const heads = [
  'method',
  'found',
  'of',
  'defect %',
  'values med',
  'mean',
  'max',
  'pixel % med',
  'L1 med',
  'L2 max',
  'mean',
  'med',
  'L∞ max',
  'mean',
  'med',
  'Pielou',
  'transfer %',
  'Fréchet',
  's mean',
  'CPU s mean',
  'CPU s max',
];

/** The table of one image set as Markdown: what was measured first, the published rows after it. */
export async function tableOf({ title, set, model, other, layout, runs, images }: TableParts): Promise<string> {
  const layer = featureLayer(model.network, 'last hidden');
  const lines = [heads];
  const notes: string[] = [];
  for (const run of runs) {
    const adversarial: AdversarialInput[] = [];
    for (const { subject, input } of run.changes) {
      const again = must(await confirm(model, subject, input, run.title));
      if (again) adversarial.push(again);
      else notes.push(`${run.title}: an input is not adversarial in ONNX Runtime`);
    }
    const norms = normSpreads(adversarial, layout);
    const transfer = must(await transferability(other, adversarial));
    const [before, after] = [adversarial.map(each => each.original), adversarial.map(each => each.input)];
    const frechet = await frechetDistance(
      featuresOf(model.network, layer, before),
      featuresOf(model.network, layer, after),
    );
    if (!frechet.ok) notes.push(`${run.title}: ${frechet.error.message}`);
    const processor = spreadOf(run.processor);
    lines.push([
      run.attacked < images ? `${run.title} (partial run)` : run.title,
      String(adversarial.length),
      String(run.attacked),
      fixed(defectDetection(adversarial.length, run.attacked), 1),
      ...[norms.values.median, norms.values.mean, norms.values.largest].map(each => fixed(each, 1)),
      fixed(norms.pixelPercent.median, 2),
      fixed(norms.one.median, 2),
      ...[norms.two.largest, norms.two.mean, norms.two.median, norms.inf.largest, norms.inf.mean, norms.inf.median].map(
        each => fixed(each, 3),
      ),
      fixed(
        pielouScore(
          adversarial.map(each => each.to),
          model.network.outputSize,
        ),
        3,
      ),
      fixed(transfer.percent, 1),
      frechet.ok ? frechet.value.distance.toPrecision(3) : '–',
      ...[spreadOf(run.seconds).mean, processor.mean, processor.largest].map(each => fixed(each, 3)),
    ]);
    const stages = Object.entries(run.stages);
    if (stages.length > 0)
      notes.push(`${run.title}: found by ${stages.map(([stage, count]) => `${stage} ${count}`).join(', ')}`);
  }
  return [
    `## ${title}`,
    markdown(lines),
    `Fréchet: ${layer.label}, between originals and adversarial inputs; not FID, which is over Inception. n: the inputs found.`,
    notes.map(note => `- ${note}`).join('\n'),
    'Published (PRDC 2023, Table I; not measured here; DeepXplore and DLFuzz are only known from there):',
    markdown([
      ['method', 'FID', 'Pielou', 'L2 max', 'L∞ max', 's mean', 'values', 'defect %'],
      ...published[set].map(([name, ...numbers]) => [`${name} (published)`, ...numbers.map(String)]),
    ]),
  ].join('\n\n');
}

function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}

function markdown([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, k) => (k === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
