import { OUTCOMES, type Outcome } from '../../src/engine/study-protocols/graft';
import type { GraftOutcomesResult } from '../../src/engine/study-protocols/graft-outcomes';
import { drawn } from '../kit/svg';

const WIDTH = 560;
const HEIGHT = 250;
/** Above and below the blocks, for the words beside small ones. */
const MARGIN = 8;
const BLOCK = 14;
const GAP = 10;
const LABEL = 120;

/** From left to right: what becomes of the samples under the base network, and under its graft. Bands are as wide as samples are many. */
export function flowDiagram(flow: GraftOutcomesResult['flow']): SVGElement {
  const total = (count: (outcome: Outcome) => number): number => OUTCOMES.reduce((sum, each) => sum + count(each), 0);
  const left = (outcome: Outcome): number => total(to => flow[outcome][to]);
  const right = (outcome: Outcome): number => total(from => flow[from][outcome]);
  const samples = total(left);
  const scale = (HEIGHT - GAP * (OUTCOMES.length - 1)) / Math.max(1, samples);
  const tops = (count: (outcome: Outcome) => number): Map<Outcome, number> => {
    let at = 0;
    return new Map(
      OUTCOMES.map(outcome => {
        const top = at;
        at += count(outcome) * scale + GAP;
        return [outcome, top];
      }),
    );
  };
  const [start, end] = [tops(left), tops(right)];
  const x = [LABEL + BLOCK, WIDTH - LABEL - BLOCK] as const;
  const bend = (x[0] + x[1]) / 2;
  const [from, to] = [new Map(start), new Map(end)];
  const bands = OUTCOMES.flatMap(source =>
    OUTCOMES.flatMap((target): SVGElement[] => {
      const count = flow[source][target];
      if (count === 0) return [];
      const thick = count * scale;
      const [y1, y2] = [from.get(source)!, to.get(target)!];
      from.set(source, y1 + thick);
      to.set(target, y2 + thick);
      const path = `M${x[0]},${y1} C${bend},${y1} ${bend},${y2} ${x[1]},${y2} v${thick} C${bend},${y2 + thick} ${bend},${y1 + thick} ${x[0]},${y1 + thick} Z`;
      const text = `${count} ${source} by the base, ${target} by the graft`;
      return [drawn('path', { d: path, class: `band ${source}` }, drawn('title', {}, text))];
    }),
  );
  const blocks = OUTCOMES.flatMap((outcome): SVGElement[] => [
    ...block(outcome, left(outcome), start.get(outcome)!, scale, LABEL, 'end'),
    ...block(outcome, right(outcome), end.get(outcome)!, scale, WIDTH - LABEL - BLOCK, 'start'),
  ]);
  const label = 'How samples move between outcomes from the base network to its graft; the table below has the numbers';
  return drawn(
    'svg',
    { viewBox: `0 ${-MARGIN} ${WIDTH} ${HEIGHT + 2 * MARGIN}`, class: 'flow', role: 'img', 'aria-label': label },
    ...bands,
    ...blocks,
  );
}

function block(
  outcome: Outcome,
  count: number,
  top: number,
  scale: number,
  x: number,
  anchor: 'start' | 'end',
): SVGElement[] {
  if (count === 0) return [];
  const high = count * scale;
  const text = drawn(
    'text',
    { x: anchor === 'end' ? x - 6 : x + BLOCK + 6, y: top + high / 2 + 4, 'text-anchor': anchor, class: 'axis' },
    `${outcome} ${count}`,
  );
  return [drawn('rect', { x, y: top, width: BLOCK, height: high, class: `block ${outcome}` }), text];
}
