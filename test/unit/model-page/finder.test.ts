import { describe, expect, it } from 'vitest';
import { Finder } from '../../../webview/model/finder';
import { graphOf } from '../../../webview/model/graph';
import { hierarchyOf, leavesOf } from '../../../webview/model/hierarchy';
import { readStructure } from '../../../src/network/structure';
import { must } from '../must';

const root = hierarchyOf(graphOf(must(readStructure('samples/digits-conv.onnx'))));
const leaves = [...leavesOf(root)];

function finderOf(text: string): Finder {
  const finder = new Finder();
  finder.search(text, leaves);
  return finder;
}

describe('searching nodes', () => {
  it('finds operators and names, whatever their case, and goes round them both ways', () => {
    const finder = finderOf(' RELU ');
    expect(finder.words).toBe('2 found');
    const [first, second] = finder.found;
    expect(finder.step(null, 1)).toEqual({ leaf: first, words: '1 of 2' });
    expect(finder.step(null, -1)).toEqual({ leaf: second, words: '2 of 2' });
    expect(finder.step(second!.id, 1)?.leaf).toBe(first);
    expect(finder.step(first!.id, -1)?.leaf).toBe(second);
    for (const { id } of finder.found) expect(finder.marks(root)?.has(id)).toBe(true);
  });

  it('marks nothing where nothing is found, and everything is as usual where nothing is searched for', () => {
    const none = finderOf('nowhere');
    expect([none.words, none.step(null, 1), none.marks(root)?.size]).toEqual(['nothing found', null, 0]);
    const idle = finderOf('  ');
    expect([idle.words, idle.isSearching, idle.marks(root)]).toEqual(['', false, null]);
  });
});
