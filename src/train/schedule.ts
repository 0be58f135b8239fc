/** A learning rate at a part 0..1 of the training. */
export type Schedule = (progress: number) => number;

/** From `peak` down to 0 along a half cosine. */
export function cosine(peak: number): Schedule {
  return progress => 0.5 * peak * (1 + Math.cos(Math.PI * progress));
}

/** `peak`, times `factor` from each of the milestones on (parts 0..1 of the training). */
export function steps(peak: number, milestones: readonly number[], factor = 0.1): Schedule {
  return progress => peak * factor ** milestones.filter(milestone => progress >= milestone).length;
}
