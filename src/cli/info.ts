import { infoOf } from '../engine/inspection';
import type { ModelInfo, TensorSummary } from '../engine/protocol';
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
  if (words.json) world.stdout.write(`${JSON.stringify(model, undefined, 2)}\n`);
  else world.stdout.write(describe(model, new Style(wantsColour(world.stdout))));
  for (const problem of model.problems) world.stderr.write(`certiscope: ${problemLine(problem)}\n`);
  return model.supported ? 0 : 3;
}

function describe(model: ModelInfo, style: Style): string {
  const width = Math.max(0, ...model.operators.map(operator => operator.type.length));
  return [
    style.bold(model.path),
    `opset ${model.opset}${model.producer === '' ? '' : `, made by ${model.producer}`}`,
    ...model.inputs.map(tensor => `input   ${tensorText(tensor)}`),
    ...model.outputs.map(tensor => `output  ${tensorText(tensor)}`),
    `${model.parameters.toLocaleString('en')} parameters, ${model.neurons.toLocaleString('en')} neurons`,
    '',
    ...model.operators.map(operator => {
      const state = operator.supported
        ? style.verdict('verified', 'supported')
        : style.verdict('falsified', 'not supported');
      const reason = operator.reason === undefined ? '' : `: ${operator.reason}`;
      return `${operator.type.padEnd(width)} ${String(operator.count).padStart(5)}  ${state}${reason}`;
    }),
    '',
    model.supported ? 'This model can be verified.' : 'This model cannot be verified as it is.',
    '',
  ].join('\n');
}

function tensorText({ name, type, shape }: TensorSummary): string {
  return `${name}  ${type} [${shape.join(', ')}]`;
}
