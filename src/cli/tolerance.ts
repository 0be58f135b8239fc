import { writeFileSync } from 'node:fs';
import { shownAbove, shownBelow } from '../base/shown-number';
import {
  layerBracket,
  type CurvePoint,
  type LayerTolerance,
  type ToleranceMethod,
  type WeightToleranceReport,
} from '../engine/study-protocols/weight-tolerance';
import type { ToleranceArguments } from './arguments';
import type { World } from './execute';
import { problemLine, unwritten } from './problems';
import { studyHere } from './study';
import { Style, wantsColour } from './terminal';

/** `certiscope tolerance`: 0 when it came to its end, 3 when something is wrong with the files. */
export async function tolerance(words: ToleranceArguments, world: World): Promise<number> {
  const { stdout, stderr } = world;
  const style = new Style(wantsColour(stdout));
  const print = (text: string): void => void (words.quiet || stdout.write(`${text}\n`));
  const told = new Set<number>();
  const params = {
    subject: {
      specification: { path: words.specification },
      ...(words.model === undefined ? {} : { model: words.model }),
      ...(words.samples === undefined ? {} : { samples: words.samples }),
    },
    ...(words.layers === undefined ? {} : { layers: words.layers }),
    ...(words.methods === undefined ? {} : { methods: words.methods }),
    ...(words.grid === undefined ? {} : { grid: words.grid }),
    ...(words.timeout === undefined ? {} : { timeout: words.timeout }),
    ...(words.threads === undefined ? {} : { threads: words.threads }),
  };
  let methods: readonly ToleranceMethod[] = [];
  const answer = await studyHere(
    'weight-tolerance',
    params,
    {
      ...(words.patched === undefined ? {} : { folder: words.patched }),
      progress: !words.quiet,
      onPart: part => {
        if (part.kind === 'begin') {
          ({ methods } = part.report);
          introduce(part.report, print);
        } else if (part.layer.state === 'finished' && !told.has(part.layer.number)) {
          told.add(part.layer.number);
          describe(part.layer, methods, style).forEach(print);
        }
      },
    },
    world,
  );
  if (!answer.ok) return 3;
  const report = answer.value;
  // What was stopped half way has something to say as well.
  for (const layer of report.layers)
    if (!told.has(layer.number) && layer.state === 'working') describe(layer, methods, style).forEach(print);
  if (words.json === undefined) return 0;
  const text = `${JSON.stringify({ schema: 1, ...report }, undefined, 2)}\n`;
  if (words.json === '-') stdout.write(text);
  else
    try {
      writeFileSync(words.json, text);
    } catch (error) {
      stderr.write(`certiscope: ${problemLine(unwritten(words.json, error))}\n`);
      return 3;
    }
  return 0;
}

function introduce({ model, samples, leftOut, refused }: WeightToleranceReport, print: (text: string) => void): void {
  print(`How far the weights of each layer of ${model} may move, in percent of the range of its weights.`);
  print(
    `${count(samples.length, 'sample')}${leftOut.length > 0 ? `; ${leftOut.length} left out, wrong without any change` : ''}.`,
  );
  for (const { reason } of refused) print(`left out: ${reason}`);
}

function describe(layer: LayerTolerance, methods: readonly ToleranceMethod[], style: Style): string[] {
  const bracket = layerBracket(layer);
  const where = `${layer.name} (layer ${layer.number}, ${layer.opType}, ${count(layer.weights, 'weight')}, range ${shown(layer.range)})`;
  const lines = ['', style.bold(where)];
  if (bracket) {
    const middle = median(layer.samples.map(({ certified }) => certified));
    lines.push(
      `  proved for every sample up to ${shownBelow(100 * bracket.certified)} %, for half of them up to ${shownBelow(100 * middle)} %; ${
        bracket.failing === null ? 'no failure found' : `the first fails at ${shownAbove(100 * bracket.failing)} %`
      }`,
    );
  }
  if (layer.failure) {
    const { sample, changed, expected, answered, model } = layer.failure;
    const becomes = expected === null ? 'breaks the property' : `becomes class ${answered}, not ${expected}`;
    lines.push(`  sample ${sample} ${becomes}, with ${count(changed, 'changed weight')}: ${model}`);
  }
  lines.push(...curve(layer.curve, methods).map(line => `  ${line}`));
  lines.push(...layer.notes.map(note => `  ${style.dim(note)}`));
  return lines;
}

/** Percent of the samples that each method verifies, a line a magnitude; seconds a sample in brackets. */
function curve(points: readonly CurvePoint[], methods: readonly ToleranceMethod[]): string[] {
  const present = methods.filter(method => points.some(point => point.methods[method]));
  if (present.length === 0) return [];
  const cell = ({ methods: answers }: CurvePoint, method: ToleranceMethod): string => {
    const point = answers[method];
    if (!point) return '-';
    const time = point.seconds === null ? '' : ` (${point.seconds.toFixed(2)} s)`;
    return `${((100 * point.verified) / point.asked).toFixed(0)} %${time}`;
  };
  const width = Math.max(16, ...present.map(method => method.length));
  return [
    ['% of range'.padEnd(12), ...present.map(method => method.padStart(width))].join(' '),
    ...points.map(point =>
      [percent(point.magnitude).padEnd(12), ...present.map(method => cell(point, method).padStart(width))].join(' '),
    ),
  ];
}

function percent(part: number): string {
  return `${shown(100 * part)} %`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? 0;
}

function count(n: number, what: string): string {
  return `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;
}
