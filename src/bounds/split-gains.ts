/** How fast older trials fade: sub-problems deeper in a tree tell more of those to come. */
const FADING = 0.9;
const SCALE_FADING = 0.999;

/**
 * What splits of each neuron have been seen to gain for one form (pseudo-costs, as in mixed-integer programming; Achterberg, Koch and Martin 2005). A score that is read off the relaxation
 * stands in for neurons that were never tried, brought to the scale of gains by those that were.
 */
export class SplitGains {
  private readonly gains: Float64Array;
  private readonly trials: Float64Array;
  /** The score that each place was last known by. */
  private readonly scores: Float64Array;
  private gained = 0;
  private promised = 0;

  constructor(places: number) {
    this.gains = new Float64Array(places);
    this.trials = new Float64Array(places);
    this.scores = new Float64Array(places);
  }

  /** A split at `place` was tried, and the bounds of its two sides rose by `gain` in all. */
  learn(place: number, gain: number): void {
    this.gains[place] = this.gains[place] * FADING + gain;
    this.trials[place] = this.trials[place] * FADING + 1;
    this.gained = this.gained * SCALE_FADING + gain;
    this.promised = this.promised * SCALE_FADING + this.scores[place];
  }

  /** What a split at `place`, which has this score now, can be expected to gain. */
  expected(place: number, score: number): number {
    this.scores[place] = score;
    const trials = this.trials[place];
    if (trials > 0) return this.gains[place] / trials;
    return this.promised > 0 ? score * (this.gained / this.promised) : score;
  }
}
