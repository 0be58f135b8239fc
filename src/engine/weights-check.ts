import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fail, ok, problem, type Problem, type Result } from '../base/result';
import type { LoadedModel } from '../network/load';
import { sizeOf } from '../network/tensor';
import { isNpy, readNpy } from '../spec/data/npy';
import { readNumbers } from '../spec/data/numbers';
import { truncation } from '../spec/data/array';
import type { PerturbationSpec, SpecPath, WeightsCheck } from '../spec/perturbation/spec';
import type { WeightsMapValues } from '../spec/perturbation/spec-shape';
import type { WeightMove } from '../spec/perturbation/weights-claim';
import { Opening } from '../weights/open-network';
import type { Amount, LayerPerturbation, PerturbationMap, Selection } from '../weights/perturbation';
import { perturbedLayers } from '../weights/question';
import { weightRange, type PerturbedLayer } from '../weights/perturbed-layer';
import { WeightModel, type Layer } from '../weights/weight-model';
import { besideSpecification } from './plan-request';

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
    const perturbations = new Map<number, { layer: number; maps: PerturbationMap[] }>();
    for (const asked of this.changes(check, model.value)) {
      const { reference, change, path, at } = asked;
      const layer = model.value.find(reference);
      if (!layer.ok) return this.placedIn(check, layer.error, asked);
      const isBias = change.tensor === 'bias';
      if (!isBias && !layer.value.weight)
        return this.placedIn(
          check,
          {
            code: 'weights/no-weights',
            message: `Layer "${layer.value.name}" (${layer.value.opType}) has no weights, it only adds; name another layer, or move what it adds with "tensor": "bias".`,
          },
          asked,
        );
      const map = this.map(change, layer.value);
      if (!map.ok) return this.placedIn(check, map.error, asked);
      // One at a time, so that what is wrong is told of its own place.
      const alone = this.numbers(model.value, [{ layer: layer.value.number, maps: [map.value] }]);
      if (!alone.ok) return this.placedIn(check, alone.error, asked);
      if (moveOf(alone.value[0]).moved === 0)
        return this.placedIn(
          check,
          { code: 'weights/still', message: `No weight of layer "${layer.value.name}" moves under this check.` },
          { ...asked, path, at: [...path, change.map === undefined ? 'magnitude' : 'map'] },
        );
      const { number } = layer.value;
      const known = perturbations.get(number) ?? { layer: number, maps: [] };
      // In a list of layers a layer named twice is a slip; maps of one layer add up.
      if (known.maps.length > 0 && !check.maps)
        return this.placedIn(
          check,
          { code: 'weights/layer-twice', message: `Layer "${layer.value.name}" is named twice; name it once.` },
          { ...asked, at },
        );
      known.maps.push(map.value);
      perturbations.set(number, known);
    }
    const layers = this.numbers(model.value, [...perturbations.values()]);
    if (!layers.ok) return this.placed(layers.error, ['checks', check.index]);
    return ok(new OpenedWeightsCheck(model.value, check, layers.value));
  }

  /** Every change that a check asks for, with the layer that it is of and where it stands. */
  private changes(check: WeightsCheck, model: WeightModel): Asked[] {
    if (check.maps)
      return check.maps.map((change, k) => {
        const path = ['maps', k];
        return {
          reference: change.layer,
          change: { ...change, of: change.of ?? 'range' },
          path,
          at: [...path, 'layer'],
        };
      });
    const references = check.layers ?? this.allLayers(model);
    return references.map((reference, k) => {
      return { reference, change: check, path: [], at: check.layers ? ['layers', k] : ['perturb'] };
    });
  }

  private allLayers(model: WeightModel): readonly number[] {
    return model.layers.filter(({ weight }) => weight !== null).map(({ number }) => number);
  }

  private numbers(model: WeightModel, perturbations: readonly LayerPerturbation[]): Result<PerturbedLayer[]> {
    // Which input it is about changes nothing about the layers.
    const values = new Float32Array(this.loaded.network.inputSize);
    return perturbedLayers(model, { perturbations, input: { kind: 'point', values }, unsafe: [] });
  }

  private map(change: Change, layer: Layer): Result<PerturbationMap> {
    const tensor = change.tensor ?? 'weights';
    const select = this.selection(change, layer, tensor);
    if (!select.ok) return select;
    const bias = change.biasMap === undefined ? null : this.readMap(change.biasMap);
    if (bias && !bias.ok) return fail({ ...bias.error, code: 'weights/bias-map' });
    return ok({
      tensor,
      select: select.value,
      amount: amountOf(change),
      ...(change.together ? { together: true } : {}),
      ...(bias ? { bias: bias.value } : {}),
    });
  }

  private selection(change: Change, layer: Layer, which: 'weights' | 'bias'): Result<Selection> {
    const chosen: Result<Selection> = change.map === undefined ? ok(selectionOf(change)) : this.readMap(change.map);
    const tensor = which === 'bias' ? layer.bias : layer.weight;
    if (!chosen.ok || !tensor || !(change.magnitude?.relative && change.of === 'weight')) return chosen;
    const sizes = Float64Array.from(tensor.values, Math.abs);
    switch (chosen.value.kind) {
      case 'all':
        return ok({ kind: 'map', shape: tensor.shape, values: sizes });
      case 'entries': {
        const entries = new Set(chosen.value.index);
        const wrong = [...entries].find(k => k >= sizes.length);
        if (wrong !== undefined)
          return problem(
            'weights/index',
            `Layer "${layer.name}" has no entry ${wrong} in "${tensor.name}": its entries are 0 to ${sizes.length - 1}.`,
          );
        return ok({ kind: 'map', shape: tensor.shape, values: sizes.map((size, k) => (entries.has(k) ? size : 0)) });
      }
      case 'map': {
        const { shape, values } = chosen.value;
        // A map of another shape is refused where it is used.
        return ok({ kind: 'map', shape, values: Float64Array.from(values, (factor, k) => factor * (sizes[k] ?? 0)) });
      }
      default:
        return problem(
          'weights/of',
          'Percentages of each weight\'s own size need "entries" or "map" to choose weights, not "outputs" or "pattern".',
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

  private placedIn(check: WeightsCheck, error: Problem, { change, path, at }: Asked) {
    const [, code] = error.code.split('/');
    const key =
      code === 'index'
        ? change.entries
          ? 'entries'
          : change.pattern
            ? 'pattern'
            : 'outputs'
        : code === 'range-zero' && change.quantisation
          ? 'quantisation'
          : KEY_OF[code];
    const own = code === 'bits' ? [change.quantisation ? 'quantisation' : 'bitFlips', 'bits'] : key;
    const place = own === undefined ? at : [...path, ...(typeof own === 'string' ? own.split('.') : own)];
    return this.placed(error, ['checks', check.index, ...place]);
  }

  private placed(error: Problem, path: SpecPath): { ok: false; error: Problem } {
    const { file } = this.spec;
    return { ok: false, error: { ...error, severity: 'error', file, range: this.spec.rangeOf(path) } };
  }
}

/** Where in a change the mistake with a code was made; others are mistakes about a layer. */
const KEY_OF: Readonly<Record<string, string>> = {
  'map-file': 'map',
  'map-shape': 'map',
  'map-values': 'map',
  'bias-map': 'biasMap',
  of: 'of',
  bounds: 'magnitude',
  'range-zero': 'magnitude',
  flips: 'bitFlips.flips',
  exponent: 'bitFlips.flips',
  scale: 'bitFlips.scale',
};

/** One change of one layer. */
type Change = Omit<WeightsMapValues, 'layer' | 'of'> & { readonly of: 'range' | 'weight' };

/** A change as it is asked for: of which layer, and where in the check it and its layer stand. */
interface Asked {
  readonly reference: string | number;
  readonly change: Change;
  readonly path: readonly (string | number)[];
  readonly at: readonly (string | number)[];
}

function selectionOf({ entries, pattern, outputs }: Change): Selection {
  if (entries) return { kind: 'entries', index: entries };
  if (pattern) return { kind: 'pattern', patterns: pattern };
  return outputs ? { kind: 'outputs', outputs } : { kind: 'all' };
}

function amountOf({ magnitude, of, quantisation, bitFlips }: Change): Amount {
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
  const from = layer.bias?.offset ?? 0;
  const movesBias = layer.bias !== null && down.some((value, p) => p >= from && (value < 0 || up[p] > 0));
  return {
    layer: layer.name,
    number: layer.number,
    lower: down.reduce((least, value) => Math.min(least, value), 0),
    upper: up.reduce((most, value) => Math.max(most, value), 0),
    range: range.ok ? range.value : 0,
    moved: down.reduce((count, value, p) => count + (value < 0 || up[p] > 0 ? 1 : 0), 0),
    weights: (layer.weight ? sizeOf(layer.weight.shape) : 0) + (movesBias ? sizeOf(layer.bias.shape) : 0),
  };
}

function bytesOf(values: Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
