import { infoOf } from '../engine/inspection';
import type { ModelInfo } from '../engine/protocol';
import type { WeightLayer } from '../engine/weight-layers';
import type { InfoArguments } from './arguments';
import type { World } from './execute';
import { problemLine } from './problems';
import { Style, wantsColour } from './terminal';

/** `certiscope info`: 0 when the model can be verified, 3 when it cannot or cannot be read. */
export async function info(words: InfoArguments, world: World): Promise<number> {
  const answer = await infoOf({ model: words.model });
  if (!answer.ok) {
    for (const problem of answer.problems) world.stderr.write(`certiscope: ${problemLine(problem)}\n`);
    return 3;
  }
  const model = answer.value;
  const layers = model.supported ? (await import('../engine/weight-layers')).weightLayers(words.model) : [];
  if (words.json) world.stdout.write(`${JSON.stringify({ ...model, layers }, undefined, 2)}\n`);
  else world.stdout.write(describe(model, layers, new Style(wantsColour(world.stdout))));
  if (model.problem !== null) world.stderr.write(`certiscope: ${problemLine(model.problem)}\n`);
  return model.supported ? 0 : 3;
}

function layerLines(layers: readonly WeightLayer[]): string[] {
  if (layers.length === 0) return [];
  const names = layers.map(({ number, name }) => `${String(number).padStart(3)}  ${name === '' ? '(no name)' : name}`);
  const width = Math.max(...names.map(name => name.length));
  const parts = ({ weights, bias }: WeightLayer): string =>
    [weights && `weights [${weights.join(', ')}]`, bias && `bias [${bias.join(', ')}]`].filter(Boolean).join(', ');
  return [
    'layers, by the number or the name that a check of weights may use',
    ...layers.map((layer, k) => `${names[k].padEnd(width)}  ${layer.opType.padEnd(18)} ${parts(layer)}`),
    '',
  ];
}

function describe(model: ModelInfo, layers: readonly WeightLayer[], style: Style): string {
  const width = Math.max(0, ...model.operators.map(operator => operator.opType.length));
  return [
    style.bold(model.path),
    [
      `${formatBytes(model.fileSize)}`,
      `opset ${model.opset ?? 'not given'}`,
      model.producer && `made by ${model.producer}`,
    ]
      .filter(part => part !== '')
      .join(', '),
    ...model.inputs.map(tensor => `input   ${tensorText(tensor)}`),
    ...model.outputs.map(tensor => `output  ${tensorText(tensor)}`),
    `${model.parameterCount.toLocaleString('en')} parameters`,
    ...model.externalData.map(file => `weights in ${file}`),
    '',
    ...model.operators.map(({ opType, count, supported, reasons }) => {
      const state = supported ? style.verdict('verified', 'supported') : style.verdict('falsified', 'not supported');
      return `${opType.padEnd(width)} ${String(count).padStart(5)}  ${state}${supported ? '' : `: ${reasons.join('; ')}`}`;
    }),
    '',
    ...layerLines(layers),
    model.supported ? 'This model can be verified.' : 'This model cannot be verified as it is.',
    '',
  ].join('\n');
}

function tensorText({ name, type, shape, fixedShape }: ModelInfo['inputs'][number]): string {
  const fixed = shape.some(extent => typeof extent === 'string') && fixedShape !== null;
  return `${name}  ${type} [${shape.join(', ')}]${fixed ? ` verified as [${fixedShape.join(', ')}]` : ''}`;
}

function formatBytes(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KB` : `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
