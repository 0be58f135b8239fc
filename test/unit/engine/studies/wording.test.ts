import { describe, expect, it } from 'vitest';
import { resultStatement } from '../../../../src/engine/studies/patch-model/wording';
import type { LayerPatch } from '../../../../src/engine/study-protocols/patch-model';

const layer = (name: string, outcome: LayerPatch['outcome']): LayerPatch => ({
  kind: 'layer',
  layer: name,
  outcome,
  statement: '',
  sizes: null,
  lowerBound: null,
  isCertified: false,
  holds: outcome === 'patched',
  answers: [],
  accuracy: null,
  changes: [],
  changed: 0,
  file: null,
  seconds: 1,
});

describe('what is said of all patches', () => {
  it('does not pass a layer that is undecided for one without a patch', () => {
    const two = [layer('a', 'undecided'), layer('b', 'patched')];
    expect(resultStatement(two, 'b', { wrong: 2, left: 0 })).toBe(
      'The smallest patch that puts all 2 inputs right is one of b (1 of 2 layers have a patch, 1 is undecided).',
    );
    expect(resultStatement(two.slice(0, 1), null, { wrong: 1, left: 0 })).toMatch(
      /^No patch puts the input right so far: of 1 layer 1 is undecided\. Give it more seconds/,
    );
    expect(resultStatement([layer('a', 'infeasible')], null, { wrong: 1, left: 0 })).toMatch(
      /^No patch puts the input right\. Allow/,
    );
  });
});
