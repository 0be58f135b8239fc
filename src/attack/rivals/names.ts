/** Attacks that look for an input inside an L∞ ball. */
export const BALL_RIVALS = [
  'fgsm',
  'one-step-target',
  'bim',
  'ilcm',
  'pgd',
  'apgd',
  'random',
  'output-diversification',
] as const;

/** Attacks that do not know of patches: those in a ball, and the one that changes a value at a time. */
export const RIVALS = [...BALL_RIVALS, 'greedy'] as const;

export type RivalName = (typeof RIVALS)[number];

export const RIVAL_TITLES: Readonly<Record<RivalName, string>> = {
  fgsm: 'FGSM',
  'one-step-target': 'One-step target class',
  bim: 'BIM',
  ilcm: 'ILCM',
  pgd: 'PGD',
  apgd: 'APGD (both losses)',
  random: 'Black-box random',
  'output-diversification': 'Output diversification',
  greedy: 'Greedy coordinates',
};
