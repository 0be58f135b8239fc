/** What crosses between the extension and the tuning panel. Tensors cross as typed arrays, which VS Code sends as binary. */
import type { Preprocess } from '../../src/report/record';

/** The check that is tuned. */
export interface Subject {
  readonly name: string;
  /** How a person names the specification. */
  readonly specification: string;
  /** What is asked, whatever ε is: an answer counts only for the same. */
  readonly meaning: string;
  /** ε as the specification has it now. */
  readonly written: string;
  /** Every ε of the slider, smallest first, each as it would be written; the one that is written is among them. */
  readonly steps: readonly string[];
  readonly sample: number | null;
  /** What brings the panel back after a reload. */
  readonly state: PanelState;
  /** A search for the largest ε is going on. */
  readonly searching: boolean;
}

/** What quick bounds say of one ε. Words are chosen by the extension. */
export interface Bound {
  /** Of the subject that it is about. */
  readonly meaning: string;
  readonly epsilon: string;
  readonly sample: number;
  readonly tone: 'good' | 'bad' | 'open';
  readonly headline: string;
  readonly claim: string;
  /** ε in raw values and in the model's own. */
  readonly units: string;
  /** The worst first. */
  readonly ways: readonly Way[];
  readonly time: string;
}

/** One way to fail. */
export interface Way {
  readonly name: string;
  /** Certified lower bound of the margin; null where nothing is known. */
  readonly margin: number | null;
  readonly text: string;
}

/** The sample, and the ends of what ε makes of it. */
export interface Pictures {
  readonly original: Float32Array;
  readonly lower: Float32Array;
  readonly upper: Float32Array;
  readonly shape: readonly number[];
  readonly preprocess: Preprocess;
}

/** The largest ε, as far as it is known for the sample that is shown. */
export interface Bracket {
  readonly certified: string | null;
  readonly attacked: string | null;
  /** Places of the two among the steps of the slider; outside of them where they are beyond its ends. */
  readonly certifiedStep: number | null;
  readonly attackedStep: number | null;
  readonly text: string;
}

/** An input that ONNX Runtime was shown to fail on. */
export interface Counterexample {
  readonly epsilon: string;
  /** Place among the steps: shown for this ε and every larger one. */
  readonly step: number;
  readonly input: Float32Array;
  readonly text: string;
}

export type ToPanel =
  | { readonly type: 'subject'; readonly subject: Subject | null }
  | { readonly type: 'bound'; readonly bound: Bound; readonly pictures: Pictures | null }
  | { readonly type: 'bracket'; readonly bracket: Bracket }
  | { readonly type: 'counterexample'; readonly counterexample: Counterexample | null }
  | { readonly type: 'problem'; readonly text: string };

export type FromPanel =
  | { readonly type: 'ready' }
  /** The slider stands at an ε. */
  | { readonly type: 'epsilon'; readonly epsilon: string }
  | { readonly type: 'sample'; readonly sample: number }
  | { readonly type: 'write'; readonly epsilon: string }
  | { readonly type: 'largest'; readonly samples: 'this' | 'all' }
  | { readonly type: 'verify' }
  | { readonly type: 'openSpecification' };

/** What comes back after a reload. */
export interface PanelState {
  readonly uri: string;
  readonly index: number;
  readonly sample: number | null;
}
