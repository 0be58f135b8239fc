import type { Norms, Spread } from '../../attack/metrics/norms';
import { BALL_RIVALS, RIVAL_TITLES } from '../../attack/rivals/names';
import type { Preprocess } from '../../report/record';
import type { TensorReference } from '../reference';
import type { StudyTypes } from './study-types';
import type { StudySubject } from './subject';

/** Inputs close to given ones that the network takes for something else. */
export type AdversarialInputs = StudyTypes<AdversarialParams, AdversarialPart, AdversarialResult>;

/** `patches`: the weights of layers are patched, and what the patches do is carried to the input; the rest are attacks that do not know of patches. */
export const ATTACK_METHODS = ['patches', 'greedy', 'gradient', ...BALL_RIVALS] as const;
export type AttackMethod = (typeof ATTACK_METHODS)[number];

export const ATTACK_TITLES: Readonly<Record<AttackMethod, string>> = {
  ...RIVAL_TITLES,
  patches: 'Network patches (Algorithm 1)',
  gradient: 'Gradient, where nothing else finds any',
};

/** What takes part unless methods are named: the gradients only where nothing else finds any. */
export const DEFAULT_METHODS: readonly AttackMethod[] = ['patches', 'greedy', 'gradient'];

/** What is to be small about a change. */
export const CLOSENESS = ['count', 'inf', 'two'] as const;
export type Closeness = (typeof CLOSENESS)[number];

export interface AdversarialParams {
  readonly subject: StudySubject;
  /** `DEFAULT_METHODS` unless given. Of all that take part, the closest answer is kept. */
  readonly methods?: readonly AttackMethod[];
  /** `count` unless given. */
  readonly measure?: Closeness;
  /** What was found is reduced to a closer input; true unless given. */
  readonly reduce?: boolean;
  /** The linear region around each answer is settled by programs. */
  readonly regional?: boolean;
  /** A line per class in place of each activation's phase, fitted to the samples, for the first patch. */
  readonly lines?: boolean;
  /** The class to be reached; any other than the network's answer unless given. */
  readonly target?: number;
  /** Values that data may take, in units after scaling, as written; the `clip` of the first check that has one unless given. */
  readonly range?: readonly [string, string];
  /** Radius of the attacks that work in a ball, in units after scaling; the whole range unless given. `patches`, `greedy` and `gradient` have none. */
  readonly epsilon?: number;
  /** Seconds after which the search for one input is given up; 60 unless given. */
  readonly seconds?: number;
  /** Samples that the network takes for something else than their label are left out unless this is true. */
  readonly misclassified?: boolean;
  /** Seconds the verifier may spend on each input to find how close an adversarial input can be at all; 0 unless given. */
  readonly optimumSeconds?: number;
  /** Another model of the same inputs: does it fall for them too? */
  readonly transfer?: string;
  /** A model whose outputs are the features of naturalness; the last hidden layer of the attacked one unless given. */
  readonly features?: string;
  /** Folder for what is found; one of its own in the engine's store unless given. */
  readonly folder?: string;
  readonly seed?: number;
}

/** The run first, then one part for each input. */
export type AdversarialPart = AdversarialRun | AdversarialOutcome;

/** What a run is about: enough to draw what it finds. */
export interface AdversarialRun {
  readonly kind: 'run';
  /** Where `run.json` and the `.npy` files of the inputs are. */
  readonly folder: string;
  readonly specification: string;
  readonly model: string;
  /** Inputs that will be attacked, at most. */
  readonly planned: number;
  readonly methods: readonly AttackMethod[];
  readonly measure: Closeness;
  readonly target: number | null;
  /** Valid range, in units after scaling, as written. */
  readonly range: readonly [string, string];
  readonly inputShape: readonly number[];
  readonly classes: readonly string[] | null;
  readonly preprocess: Preprocess;
  readonly channels: number;
}

/** What became of one input. */
export type AdversarialOutcome = FoundInput | MissedInput;

interface OutcomeBase {
  /** Index in the data. */
  readonly sample: number;
  readonly label: number | null;
  /** Of the search; what the verifier took to say how close one can be is not in it. */
  readonly seconds: number;
}

export interface FoundInput extends OutcomeBase {
  readonly kind: 'found';
  /** What ONNX Runtime answers on the original and on the input that was found. */
  readonly from: number;
  readonly to: number;
  readonly original: TensorReference;
  /** A `.npy` file; what was replayed is what was read back from it. */
  readonly input: TensorReference;
  readonly originalLogits: readonly number[];
  readonly logits: readonly number[];
  /** The stage or attack whose answer this is, e.g. `other phases`. */
  readonly foundBy: string;
  /** Values that the answers of each stage or attack change. */
  readonly found: Readonly<Record<string, number>>;
  /** The layers that were patched on the way, from the middle to the front; empty where patches found nothing. */
  readonly patched: readonly string[];
  readonly norms: Norms;
  /** What is known about closer inputs, with its scope. */
  readonly scope: string;
  /** What the verifier proved about closer inputs; null when it was not asked. */
  readonly optimum: GlobalDistance | null;
  /** The input read back from its file is adversarial in ONNX Runtime; always true of what is reported, and the sentence that says so. */
  readonly replay: string;
}

/** How close an adversarial input can be, over the whole valid range. In the model's units, as the largest change of a value. */
export interface GlobalDistance {
  /** No input with all values this close is adversarial: certified. */
  readonly certified: number;
  /** The nearest one that is known. */
  readonly known: number;
  readonly statement: string;
}

export interface MissedInput extends OutcomeBase {
  /** `not found`: it was attacked in vain. `skipped`: it was not attacked. */
  readonly kind: 'not found' | 'skipped';
  readonly from: number | null;
  readonly reason: string;
}

export interface AdversarialResult {
  readonly folder: string;
  readonly summary: AdversarialSummary;
}

/** The metrics of a whole run. */
export interface AdversarialSummary {
  readonly attacked: number;
  readonly found: number;
  readonly notFound: number;
  readonly skipped: number;
  /** Found, in percent of those attacked; null of none. */
  readonly defectDetection: number | null;
  /** How many answers each stage or attack gave. */
  readonly foundBy: Readonly<Record<string, number>>;
  /** Null where nothing was found. */
  readonly norms: Readonly<Record<keyof Norms, Spread>> | null;
  /** Evenness of the classes reached, 0 to 1; null where nothing was found. */
  readonly pielou: number | null;
  readonly seconds: Spread | null;
  readonly transfer: {
    readonly model: string;
    readonly comparable: number;
    readonly fooled: number;
    readonly percent: number | null;
  } | null;
  readonly naturalness: Naturalness;
  /** One sentence on the whole run. */
  readonly statement: string;
}

export interface Naturalness {
  /** What the distance is over, e.g. `Fréchet distance over relu_6 (50 features)`. */
  readonly label: string;
  /** Null: `reason` says why. */
  readonly distance: number | null;
  readonly samples: number;
  readonly dimension: number;
  readonly reason: string | null;
}

/** `run.json` in the folder of a run: what a gallery needs to come back. */
export interface AdversarialRunFile {
  readonly schema: 1;
  readonly run: AdversarialRun;
  readonly outcomes: readonly AdversarialOutcome[];
  /** Null while the run goes on, or where its process was ended; a run that someone stopped says so in its statement. */
  readonly summary: AdversarialSummary | null;
}
