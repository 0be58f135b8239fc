import type { WeightChange } from '../../report/verdict';
import type { StudyTypes } from './study-types';
import type { StudySubject } from './subject';

/** How far the weights of each layer may move before an answer changes (Zubair et al. 2025, figure 4, and a bracket for each layer). */
export type WeightTolerance = StudyTypes<WeightToleranceParams, WeightTolerancePart, WeightToleranceReport>;

/**
 * What a line of the curve rests on. `star`: bounds and linear programs of a star set. `complete`: then branch and bound to an end. `weng-margin`, `weng-range`:
 * Weng et al. 2020, of the margins and as published. `tsai`: Tsai et al. 2021, with row sums.
 */
export const TOLERANCE_METHODS = ['star', 'complete', 'weng-margin', 'weng-range', 'tsai'] as const;
export type ToleranceMethod = (typeof TOLERANCE_METHODS)[number];

export interface WeightToleranceParams {
  readonly subject: StudySubject;
  /** By name or number; those of `check`, else all layers with weights otherwise. Each is perturbed by itself. */
  readonly layers?: readonly (string | number)[];
  /** Name of a check of weights of the specification. */
  readonly check?: string;
  /** Of the samples that the network answers right, the first so many; all otherwise. */
  readonly mostSamples?: number;
  /** All otherwise. The bracket of a layer is searched by the complete method where it is among them, else by stars. */
  readonly methods?: readonly ToleranceMethod[];
  /** Magnitudes of the curve, as parts of the range of a layer's weights (0.01 is one percent); equal steps up to where nothing holds otherwise. */
  readonly grid?: readonly number[];
  /** Seconds for one complete verdict; 10 otherwise. */
  readonly timeout?: number;
  /** Threads of a complete verdict; 0, which is all cores, otherwise. */
  readonly threads?: number;
}

/** Magnitudes are parts of the range of the layer's weights throughout. */
export interface WeightToleranceReport {
  readonly model: string;
  readonly specification: string;
  readonly methods: readonly ToleranceMethod[];
  /** Samples that the network answers right, in the order of the specification: the others have nothing to lose and are left out. */
  readonly samples: readonly number[];
  readonly leftOut: readonly { readonly sample: number; readonly reason: string }[];
  readonly layers: readonly LayerTolerance[];
  /** Layers that cannot be asked about, and why. */
  readonly refused: readonly { readonly layer: string; readonly reason: string }[];
  /** Somebody stopped it, or it is still at work. */
  readonly finished: boolean;
}

export interface LayerTolerance {
  /** From 1, over the affine nodes of the file. */
  readonly number: number;
  readonly name: string;
  readonly opType: string;
  readonly weights: number;
  /** Largest less smallest weight. */
  readonly range: number;
  readonly state: 'waiting' | 'working' | 'finished';
  /** Brackets of the samples that are done. */
  readonly samples: readonly SampleTolerance[];
  readonly curve: readonly CurvePoint[];
  readonly sensitivity: LayerSensitivity | null;
  readonly failure: WeightFailureReport | null;
  /** Why a method has no line, and the like. */
  readonly notes: readonly string[];
}

/** Between what was proved and what was seen to fail. */
export interface SampleTolerance {
  readonly sample: number;
  /** The largest magnitude that was proved; 0 where none was. */
  readonly certified: number;
  /** The smallest magnitude with a failure that ONNX Runtime confirmed; null where none was found. */
  readonly failing: number | null;
  readonly seconds: number;
}

export interface CurvePoint {
  readonly magnitude: number;
  readonly methods: Partial<Readonly<Record<ToleranceMethod, MethodPoint>>>;
}

/** Answers of one method at one magnitude. */
export interface MethodPoint {
  readonly asked: number;
  readonly verified: number;
  readonly falsified: number;
  /** Mean over the answers that were computed and do not follow from others; null where there are none. */
  readonly seconds: number | null;
}

/** By how much the margin shrinks when weights move by one percent of the layer's range in the worst direction: first order, mean over the samples. */
export interface LayerSensitivity {
  readonly total: number;
  /** Per neuron, or channel: all weights that lead to it. */
  readonly neurons: readonly number[];
}

/** The smallest change of a layer's weights that was found to fail. */
export interface WeightFailureReport {
  readonly sample: number;
  readonly magnitude: number;
  /** The class that the sample has, and the one that the changed network answers; null where outputs are no classes. */
  readonly expected: number | null;
  readonly answered: number | null;
  readonly output: readonly number[];
  /** All weights that were changed. */
  readonly changed: number;
  /** The largest changes. */
  readonly changes: readonly WeightChange[];
  /** The ONNX file with them. */
  readonly model: string;
}

/** What can be shown before the end: the report without its layers, then each layer as often as something in it has changed. */
export type WeightTolerancePart =
  | { readonly kind: 'begin'; readonly report: WeightToleranceReport }
  | { readonly kind: 'layer'; readonly layer: LayerTolerance };

/** The report with a part put in. */
export function withPart(
  report: WeightToleranceReport | null,
  part: WeightTolerancePart,
): WeightToleranceReport | null {
  if (part.kind === 'begin') return part.report;
  return (
    report && {
      ...report,
      layers: report.layers.map(layer => (layer.number === part.layer.number ? part.layer : layer)),
    }
  );
}

/** What holds for every sample of a layer's bracket: nothing is known (null) before there is one. */
export function layerBracket({ samples }: LayerTolerance): {
  readonly certified: number;
  readonly failing: number | null;
} | null {
  if (samples.length === 0) return null;
  const failing = samples.flatMap(sample => (sample.failing === null ? [] : [sample.failing]));
  return {
    certified: Math.min(...samples.map(sample => sample.certified)),
    failing: failing.length === 0 ? null : Math.min(...failing),
  };
}
