import path from 'node:path';
import type { LayerPatch, PatchBegun } from '../engine/study-protocols/patch-model';
import type { PatchArguments } from './attack-arguments';
import type { World } from './execute';
import { foundInputs } from './found-inputs';
import { problemLine } from './problems';
import { studyHere } from './study';
import { defined, subjectOf, writeJson } from './study-output';
import { Style, wantsColour } from './terminal';

/** `certiscope patch`: 0 when a patch holds, 2 when there is none, 3 when something is wrong with the files. */
export async function patch(words: PatchArguments, world: World): Promise<number> {
  const text = words.json === '-' ? world.stderr : world.stdout;
  const style = new Style(wantsColour(text));
  const print = (line: string): void => void (words.quiet || text.write(`${line}\n`));
  const inputs = words.from === undefined ? undefined : foundInputs(words.from);
  if (inputs && !inputs.ok) {
    world.stderr.write(`certiscope: ${problemLine(inputs.error)}\n`);
    return 3;
  }
  let run: PatchBegun | null = null;
  const layers: LayerPatch[] = [];
  const { measure, phases, marking, margin, keep, seconds } = words;
  const answer = await studyHere(
    'patch-model',
    {
      subject: subjectOf(words),
      mode: words.inTurn ? 'in turn' : 'each',
      phases,
      marking,
      ...defined({ measure, margin, keep, seconds, layers: words.layers, inputs: inputs?.value }),
      ...(words.out === undefined ? {} : { folder: path.resolve(words.out) }),
    },
    {
      progress: !words.quiet,
      onPart: part => {
        if (part.kind === 'run') {
          run = part;
          introduce(part).forEach(print);
        } else {
          layers.push(part);
          describe(part, style).forEach(print);
        }
      },
    },
    world,
  );
  if (!answer.ok) return 3;
  const { best, statement } = answer.value;
  print(`\n${statement}`);
  if (!writeJson(words.json, { schema: 1, run, layers, best, statement }, world)) return 3;
  return best === null ? 2 : 0;
}

function introduce({ inputs, kept, accuracy, model }: PatchBegun): string[] {
  const wrong = `${inputs.length} ${inputs.length === 1 ? 'input is' : 'inputs are'} to get another answer`;
  return [
    `${model}: ${wrong}${kept > 0 ? `, ${kept} to keep theirs` : ''}.`,
    ...(accuracy ? [`Accuracy before: ${percent(accuracy)}.`] : []),
    '',
  ];
}

function describe(layer: LayerPatch, style: Style): string[] {
  const { sizes, accuracy, file } = layer;
  const kind = layer.holds ? 'verified' : layer.outcome === 'infeasible' ? 'falsified' : 'unknown';
  const head = `${style.bold(layer.layer)}  ${style.verdict(kind, layer.outcome)}  ${layer.seconds.toFixed(2)} s`;
  const lines = [head];
  if (sizes)
    lines.push(
      `  L∞ ${short(sizes.inf)}, L1 ${short(sizes.one)}, ${sizes.count} ${sizes.count === 1 ? 'weight' : 'weights'} changed${accuracy ? `; accuracy after: ${percent(accuracy)}` : ''}`,
    );
  lines.push(`  ${layer.statement}`);
  if (file) lines.push(`  ${file}`);
  return lines;
}

function percent({ correct, total }: { readonly correct: number; readonly total: number }): string {
  return `${correct} of ${total} (${((100 * correct) / total).toFixed(2)} %)`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(5)));
}
