import { describe, expect, it } from 'vitest';
import {
  explain,
  outlineItems,
  renamable,
  renamePlaces,
  suggestions,
} from '../../../src/extension/language/vnnlib-answers';
import { asVersion2, edited, fixesFor } from '../../../src/extension/language/vnnlib-fixes';
import { indexVnnlib, mentionAt, occurrences } from '../../../src/extension/language/vnnlib-index';
import { parseVnnlib } from '../../../src/spec/vnnlib/parse';

const FIRST = `; a property
(declare-const X_0 Real)
(declare-const X_1 Real)
(declare-const Y_0 Real)
(declare-const Y_1 Real)

(assert (<= X_0 0.5)) ; X_1 is not meant here
(assert (>= X_0 -0.5))
(assert (and (<= X_1 1) (>= X_1 0)))
(assert (or
  (and (>= Y_1 Y_0))
  (and (<= Y_0 1e-3))))
`;
const SECOND = `(vnnlib-version <2.0>)
(declare-network f
  (declare-input X float32 [1,2,3])
  (declare-input side Real [])
  (declare-output Y float32 [1,5]))
(assert (<= X[0,1,2] 0.5))
(assert (>= X[0,1,2] 0.25))
(assert (= side 1.0))
(assert (<= Y[0,4] Y[0,0]))
`;

/** The only quick fix for the problem with this code that the parser reports first. */
function fixed(text: string, code: string): string {
  const parsed = parseVnnlib(text, 'p.vnnlib');
  const problems = parsed.ok ? parsed.value.warnings : parsed.error;
  const problem = problems.find(each => each.code === code);
  expect(problem, JSON.stringify(problems)).toBeDefined();
  const { start, end } = problem!.range!;
  const lines = text.split('\n');
  const offset = ({ line, character }: { line: number; character: number }) =>
    lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0) + character;
  const fixes = fixesFor(code, problem!.message, { start: offset(start), end: offset(end) }, text, indexVnnlib(text));
  expect(fixes).toHaveLength(1);
  return edited(text, fixes[0].edits);
}

const readable = (text: string) => {
  const parsed = parseVnnlib(text, 'p.vnnlib');
  return parsed.ok ? [] : parsed.error.map(problem => problem.message);
};

describe('the index of a VNN-LIB text', () => {
  it('finds commands and declarations of both versions', () => {
    const first = indexVnnlib(FIRST);
    expect(first.version).toBe(1);
    expect(first.declarations.map(each => [each.name, each.side])).toEqual([
      ['X_0', 'input'],
      ['X_1', 'input'],
      ['Y_0', 'output'],
      ['Y_1', 'output'],
    ]);
    expect(first.commands.map(each => each.name)).toEqual([
      ...Array(4).fill('declare-const'),
      ...Array(4).fill('assert'),
    ]);
    const second = indexVnnlib(SECOND);
    expect(second.version).toBe(2);
    expect(second.declarations.map(each => [each.name, each.side, each.elementType, each.shape])).toEqual([
      ['X', 'input', 'float32', [1, 2, 3]],
      ['side', 'input', 'Real', []],
      ['Y', 'output', 'float32', [1, 5]],
    ]);
  });

  it('goes on after a command that is never closed', () => {
    const text = FIRST.replace('(assert (<= X_0 0.5))', '(assert (<= X_0 0.5)');
    const { commands } = indexVnnlib(text);
    expect(commands.filter(each => each.name === 'assert')).toHaveLength(4);
  });

  it('reads ten megabytes in well under a second', () => {
    const lines = ['(declare-const Y_0 Real)'];
    for (let i = 0; i < 100_000; i++) lines.push(`(declare-const X_${i} Real)`);
    for (let i = 0; i < 100_000; i++)
      lines.push(`(assert (<= X_${i} 0.123456789))`, `(assert (>= X_${i} -0.123456789))`);
    const text = lines.join('\n');
    const started = performance.now();
    const index = indexVnnlib(text);
    expect(performance.now() - started).toBeLessThan(3000);
    expect(index.declarations).toHaveLength(100_001);
    expect(index.commands).toHaveLength(300_001);
  });
});

describe('variables', () => {
  it('are found under the cursor, with their indices, and not in comments', () => {
    const index = indexVnnlib(SECOND);
    const at = SECOND.indexOf('X[0,1,2] 0.5');
    for (const offset of [at, at + 1, at + 2, at + 5, at + 8])
      expect(mentionAt(SECOND, index, offset), `offset ${offset - at}`).toMatchObject({
        name: 'X',
        indices: [0, 1, 2],
        start: at,
      });
    expect(mentionAt(FIRST, indexVnnlib(FIRST), FIRST.indexOf('X_1 is not'))).toBeNull();
    expect(occurrences(FIRST, 'X_1')).toHaveLength(3);
  });

  it('say which element they are, and what bounds them', () => {
    const second = indexVnnlib(SECOND);
    const x = mentionAt(SECOND, second, SECOND.indexOf('X[0,1,2]'))!;
    expect(explain(SECOND, second, x, null)).toEqual([
      "X[0,1,2]: element 5 of the network's inputs, index [1, 2].",
      'Between 0.25 and 0.5 (0.25 wide).',
    ]);
    const side = mentionAt(SECOND, second, SECOND.lastIndexOf('side'))!;
    expect(explain(SECOND, second, side, null)).toEqual(["side: element 6 of the network's inputs.", 'Fixed at 1.0.']);
    const first = indexVnnlib(FIRST);
    const scalar = mentionAt(FIRST, first, FIRST.indexOf('X_1 1'))!;
    const image = { inputs: [{ name: 'pixels', shape: [1, 1, 1, 2] }], outputs: [] };
    expect(explain(FIRST, first, scalar, image)).toEqual([
      "X_1: element 1 of the network's inputs, tensor pixels: pixel in row 0, column 1.",
      'Between 0 and 1 (1 wide).',
    ]);
  });

  it('outside of their tensor are said to be', () => {
    const text = SECOND.replace('X[0,1,2] 0.5', 'X[0,2,2] 0.5');
    const index = indexVnnlib(text);
    const mention = mentionAt(text, index, text.indexOf('X[0,2,2]'))!;
    expect(explain(text, index, mention, null)).toEqual(['X[0,2,2] is outside X, whose shape is [1, 2, 3].']);
  });

  it('are renamed everywhere in version 2, and refused with the reason in version 1', () => {
    const index = indexVnnlib(SECOND);
    expect(renamable(SECOND, index, SECOND.indexOf('side'))).toMatchObject({ kind: 'name' });
    const answer = renamePlaces(SECOND, index, 'side', 'speed');
    expect(answer.kind).toBe('places');
    const places = answer.kind === 'places' ? answer.places : [];
    const renamed = edited(
      SECOND,
      places.map(place => ({ ...place, text: 'speed' })),
    );
    expect(renamed).toBe(SECOND.replaceAll('side', 'speed'));
    expect(renamePlaces(SECOND, index, 'side', 'Y')).toEqual({
      kind: 'refused',
      reason: 'Y is another variable of this file.',
    });
    expect(renamePlaces(SECOND, index, 'side', '2x')).toMatchObject({ kind: 'refused' });
    expect(renamable(FIRST, indexVnnlib(FIRST), FIRST.indexOf('X_0'))).toMatchObject({ kind: 'refused' });
  });
});

describe('the outline', () => {
  it('groups inputs, outputs and assertions', () => {
    const items = outlineItems(FIRST, indexVnnlib(FIRST));
    expect(items.map(each => [each.name, each.detail])).toEqual([
      ['Inputs', '2'],
      ['Outputs', '2'],
      ['Assertions', '4'],
    ]);
    expect(items[2].children[3].name).toBe('(or (and (>= Y_1 Y_0)) (and (<= Y_0 1e-3)))');
    for (const item of items)
      for (const child of item.children) {
        expect(child.whole.start).toBeGreaterThanOrEqual(item.whole.start);
        expect(child.selection.end).toBeLessThanOrEqual(child.whole.end);
      }
  });
});

describe('suggestions', () => {
  const at = (text: string) => {
    const offset = text.indexOf('|');
    const whole = text.replace('|', '');
    return suggestions(whole, indexVnnlib(whole), offset).map(each => each.label);
  };

  it('fit the place', () => {
    expect(at(`${FIRST}(|`)).toContain('assert');
    expect(at(`${FIRST}(|`)).not.toContain('declare-network');
    expect(at(`${FIRST}(assert (|`)).toContain('<=');
    expect(at(`${FIRST}(assert (<= |`)).toEqual(['X_0', 'X_1', 'Y_0', 'Y_1']);
    expect(at(`(vnnlib-version <2.0>)\n(declare-network f (|`)).toEqual(['declare-input', 'declare-output']);
    expect(at(`${FIRST}; (|`)).toEqual([]);
  });
});

describe('quick fixes', () => {
  it('write == for every = in version 2', () => {
    const text = fixed(SECOND, 'vnnlib/equals');
    expect(text).toBe(SECOND.replace('(= side', '(== side'));
  });

  it('add a missing bound beside the other one', () => {
    const text = fixed(FIRST.replace('(assert (>= X_0 -0.5))\n', ''), 'vnnlib/unbounded');
    expect(text).toContain('(assert (<= X_0 0.5))\n(assert (>= X_0 0.5))');
    expect(readable(text)).toEqual([]);
  });

  it('declare what is used', () => {
    const text = fixed(FIRST.replace('(declare-const Y_1 Real)\n', ''), 'vnnlib/undeclared');
    expect(readable(text)).toEqual([]);
  });

  it('correct a name or a command that is nearly right', () => {
    expect(fixed(SECOND.replace('(<= Y[0,4]', '(<= Yy[0,4]'), 'vnnlib/undeclared')).toBe(SECOND);
    expect(fixed(FIRST.replace('(assert (>= X_0', '(asert (>= X_0'), 'vnnlib/unknown-command')).toBe(FIRST);
  });

  it('close what is open and remove what closes nothing', () => {
    expect(fixed(FIRST.replace('(assert (<= X_0 0.5))', '(assert (<= X_0 0.5)'), 'vnnlib/unbalanced')).toBe(FIRST);
    expect(fixed(`${FIRST})`, 'vnnlib/unbalanced')).toBe(FIRST);
  });
});

describe('writing 1.0 as 2.0', () => {
  it('keeps the meaning', () => {
    const edits = asVersion2(FIRST, indexVnnlib(FIRST))!;
    const text = edited(FIRST, edits);
    expect(text).toContain('(vnnlib-version <2.0>)');
    expect(text).toContain('; X_1 is not meant here');
    const [one, two] = [FIRST, text].map(each => parseVnnlib(each, 'p.vnnlib'));
    expect(two.ok ? [] : two.error).toEqual([]);
    if (!one.ok || !two.ok) throw new Error('unreadable');
    expect(two.value.question).toEqual(one.value.question);
  });

  it('is not offered where nothing is to be done or indices are missing', () => {
    expect(asVersion2(SECOND, indexVnnlib(SECOND))).toBeNull();
    const gap = FIRST.replace('(declare-const X_0 Real)\n', '');
    expect(asVersion2(gap, indexVnnlib(gap))).toBeNull();
  });
});
