import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ok, problem, type Problem, type Result } from '../base/result';
import type { LoadedModel } from '../network/load';
import { sizeOf } from '../network/tensor';
import { isNpy, readNpy } from '../spec/data/npy';
import { readNumbers } from '../spec/data/numbers';
import { truncation } from '../spec/data/array';
import type { PerturbationSpec, SpecPath, WeightsCheck } from '../spec/perturbation/spec';
import type { WeightMove } from '../spec/perturbation/weights-claim';
import { Opening } from '../weights/open-network';
import type { Amount, LayerPerturbation, Selection } from '../weights/perturbation';
import { perturbedLayers } from '../weights/question';
import { weightRange, type PerturbedLayer } from '../weights/perturbed-layer';
import { WeightModel, type Layer } from '../weights/weight-model';
import { besideSpecification } from './open';

/** A check of weights that fits its model: what it does to every layer. */
export class OpenedWeightsCheck {
  private known: Opening | undefined;

  constructor(
    readonly model: WeightModel,
    readonly check: WeightsCheck,
    readonly layers: readonly PerturbedLayer[],
  ) {}

  /** What is the same for all samples; made when the first of them is decided. */
  get opening(): Opening {
    return (this.known ??= new Opening(this.model, this.layers));
  }

  get moves(): readonly WeightMove[] {
    return this.layers.map(moveOf);
  }

  /** Everything a verdict depends on beside the question at the sample, for its content key. */
  get meaning(): string {
    const hash = createHash('sha256').update(this.check.method ?? 'complete');
    for (const { layer, lower, upper, shared } of this.layers) {
      hash
        .update(JSON.stringify([layer.number, shared.length]))
        .update(bytesOf(lower))
        .update(bytesOf(upper));
      for (const { lower: from, upper: to, index, factor } of shared)
        hash
          .update(JSON.stringify([from, to, index.length]))
          .update(bytesOf(index))
          .update(bytesOf(factor));
    }
    return hash.digest('hex');
  }
}

/** Opens the checks of weights of one specification; the model is read for them once. */
export class WeightsChecks {
  private opened: Result<WeightModel> | undefined;

  constructor(
    private readonly spec: PerturbationSpec,
    private readonly loaded: LoadedModel,
  ) {}

  /** The check in numbers, or what of it does not fit the model, at its place. */
  open(check: WeightsCheck): Result<OpenedWeightsCheck> {
    const model = (this.opened ??= WeightModel.open(this.loaded));
    if (!model.ok) return this.placed(model.error, ['model']);
    const perturbations: LayerPerturbation[] = [];
    for (const [k, reference] of (check.layers ?? this.allLayers(model.value)).entries()) {
      const at = check.layers ? ['layers', k] : ['perturb'];
      const layer = model.value.find(reference);
      if (!layer.ok) return this.placedIn(check, layer.error, at);
      if (!layer.value.weight)
        return this.placedIn(
          check,
          {
            code: 'weights/no-weights',
            message: `Layer "${layer.value.name}" (${layer.value.opType}) has no weights, it only adds; name another layer.`,
          },
          at,
        );
      const perturbation = this.perturbation(check, layer.value);
      if (!perturbation.ok) return this.placedIn(check, perturbation.error, at);
      // One layer at a time, so that what is wrong is told of its own place.
      const alone = this.numbers(model.value, [perturbation.value]);
      if (!alone.ok) return this.placedIn(check, alone.error, at);
      perturbations.push(perturbation.value);
    }
    const layers = this.numbers(model.value, perturbations);
    if (!layers.ok) return this.placedIn(check, layers.error, ['layers']);
    const still = layers.value.find(layer => moveOf(layer).moved === 0);
    if (still)
      return this.placedIn(
        check,
        { code: 'weights/still', message: `No weight of layer "${still.layer.name}" moves under this check.` },
        [check.map === undefined ? 'magnitude' : 'map'],
      );
    return ok(new OpenedWeightsCheck(model.value, check, layers.value));
  }

  private allLayers(model: WeightModel): readonly number[] {
    return model.layers.filter(({ weight }) => weight !== null).map(({ number }) => number);
  }

  private numbers(model: WeightModel, perturbations: readonly LayerPerturbation[]): Result<PerturbedLayer[]> {
    // Which input it is about changes nothing about the layers.
    const values = new Float32Array(this.loaded.network.inputSize);
    return perturbedLayers(model, { perturbations, input: { kind: 'point', values }, unsafe: [] });
  }

  private perturbation(check: WeightsCheck, layer: Layer): Result<LayerPerturbation> {
    const select = this.selection(check, layer);
    if (!select.ok) return select;
    return ok({
      layer: layer.number,
      maps: [
        {
          tensor: 'weights',
          select: select.value,
          amount: amountOf(check),
          ...(check.together ? { together: true } : {}),
        },
      ],
    });
  }

  private selection(check: WeightsCheck, { weight, name }: Layer): Result<Selection> {
    const chosen: Result<Selection> =
      check.map !== undefined
        ? this.readMap(check.map)
        : ok(
            check.entries
              ? { kind: 'entries', index: check.entries }
              : check.outputs
                ? { kind: 'outputs', outputs: check.outputs }
                : { kind: 'all' },
          );
    if (!chosen.ok || !(check.magnitude?.relative && check.of === 'weight')) return chosen;
    if (!weight) return chosen;
    const sizes = Float64Array.from(weight.values, Math.abs);
    switch (chosen.value.kind) {
      case 'all':
        return ok({ kind: 'map', shape: weight.shape, values: sizes });
      case 'entries': {
        const entries = new Set(chosen.value.index);
        const wrong = [...entries].find(k => k >= sizes.length);
        if (wrong !== undefined)
          return problem(
            'weights/index',
            `Layer "${name}" has no entry ${wrong} in "${weight.name}": its entries are 0 to ${sizes.length - 1}.`,
          );
        return ok({ kind: 'map', shape: weight.shape, values: sizes.map((size, k) => (entries.has(k) ? size : 0)) });
      }
      case 'map': {
        const { shape, values } = chosen.value;
        // A map of another shape is refused where it is used.
        return ok({ kind: 'map', shape, values: Float64Array.from(values, (factor, k) => factor * (sizes[k] ?? 0)) });
      }
      default:
        return problem(
          'weights/of',
          'Percentages of each weight\'s own size need "entries" or "map" to choose weights, not "outputs".',
        );
    }
  }

  private readMap(written: string): Result<Selection> {
    const file = besideSpecification(this.spec.file, written);
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch (error) {
      const reason =
        error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : String(error);
      return problem('weights/map-file', `${file}: ${reason}.`);
    }
    if (!isNpy(bytes)) return problem('weights/map-file', `${file}: is no npy file; numpy.save writes one.`);
    const array = readNpy(bytes);
    if (!array.ok) return problem('weights/map-file', `${file}: ${array.error.message}.`);
    const cut = truncation(array.value);
    if (cut) return problem('weights/map-file', `${file}: ${cut.message}.`);
    const { shape, fortranOrder } = array.value;
    if (fortranOrder && shape.length > 1)
      return problem('weights/map-file', `${file}: is stored in Fortran order; save numpy.ascontiguousarray of it.`);
    const values = readNumbers(array.value, 0, sizeOf(shape));
    if (!values.ok) return problem('weights/map-file', `${file}: ${values.error.message}.`);
    return ok({ kind: 'map', shape, values: values.value });
  }

  private placedIn(check: WeightsCheck, error: Problem, layers: readonly (string | number)[]) {
    const [, code] = error.code.split('/');
    const key = KEY_OF[code];
    const own: readonly (string | number)[] =
      code === 'index'
        ? [check.entries ? 'entries' : 'outputs']
        : code === 'bits'
          ? [check.quantisation ? 'quantisation' : 'bitFlips', 'bits']
          : code === 'range-zero' && check.quantisation
            ? ['quantisation']
            : (key ?? layers);
    return this.placed(error, ['checks', check.index, ...own]);
  }

  private placed(error: Problem, path: SpecPath): { ok: false; error: Problem } {
    const { file } = this.spec;
    return { ok: false, error: { ...error, severity: 'error', file, range: this.spec.rangeOf(path) } };
  }
}

/** Where in a check the mistake with a code was made; others are mistakes about a layer. */
const KEY_OF: Readonly<Record<string, readonly string[]>> = {
  'map-file': ['map'],
  'map-shape': ['map'],
  'map-values': ['map'],
  of: ['of'],
  bounds: ['magnitude'],
  'range-zero': ['magnitude'],
  flips: ['bitFlips', 'flips'],
  exponent: ['bitFlips', 'flips'],
  scale: ['bitFlips', 'scale'],
};

function amountOf({ magnitude, of, quantisation, bitFlips }: WeightsCheck): Amount {
  if (quantisation) return { kind: 'quantisation', bits: quantisation.bits };
  if (bitFlips)
    return {
      kind: 'bit-flips',
      format: bitFlips.format ?? 'integer',
      flips: bitFlips.flips,
      ...(bitFlips.bits === undefined ? {} : { bits: bitFlips.bits }),
      ...(bitFlips.scale === undefined ? {} : { scale: bitFlips.scale.value }),
    };
  const upper = magnitude?.amount.value ?? 0;
  return {
    kind: 'interval',
    lower: magnitude?.lower?.value ?? -upper,
    upper,
    // Of each weight's own size: the map then says how large each is.
    of: magnitude?.relative && of === 'range' ? 'range' : 'absolute',
  };
}

function moveOf({ layer, lower, upper, shared }: PerturbedLayer): WeightMove {
  const down = lower.slice();
  const up = upper.slice();
  for (const { lower: from, upper: to, index, factor } of shared)
    index.forEach((p, k) => {
      down[p] += Math.min(from * factor[k], to * factor[k]);
      up[p] += Math.max(from * factor[k], to * factor[k]);
    });
  const range = weightRange(layer);
  return {
    layer: layer.name,
    number: layer.number,
    lower: down.reduce((least, value) => Math.min(least, value), 0),
    upper: up.reduce((most, value) => Math.max(most, value), 0),
    range: range.ok ? range.value : 0,
    moved: down.reduce((count, value, p) => count + (value < 0 || up[p] > 0 ? 1 : 0), 0),
    weights: layer.weight ? sizeOf(layer.weight.shape) : 0,
  };
}

function bytesOf(values: Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
