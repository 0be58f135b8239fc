import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert';
import type { Cut } from '../../bounds/cut';
import { createRegion } from '../../bounds/create-region';
import { ROWS, type FromWorker, type ToWorker, type WorkerStart } from './messages';
import { boundNeurons } from './neuron-trees';
import { SplitSearch } from './split-search';
import { mergeSettled, type Settled, type SubProblem } from './sub-problem';

// One thread of the branch and bound on neurons. It holds the region's neuron bounds; whatever it works on comes with the message and goes back with the answer.

const { network, problem } = workerData as WorkerStart;
const port = parentPort!;
const region = createRegion(network, problem.constraints, ROWS);
assert(region !== null, () => 'a worker for a network without regions');
let search: SplitSearch | null = null;
let cuts: readonly Cut[] = [];

function expand(subs: readonly SubProblem[], milliseconds: number): Settled {
  search ??= new SplitSearch(problem, region!.splits(ROWS, cuts), input => region!.evaluate(input));
  const until = performance.now() + milliseconds;
  const stack = [...subs];
  /** With every neuron fixed: not for splitting. */
  const stuck: SubProblem[] = [];
  const parts: Settled[] = [];
  while (stack.length > 0 && performance.now() < until) {
    const part = search.expand(stack.splice(Math.max(0, stack.length - search.parents)));
    for (const sub of part.open) (sub.candidates.length > 0 ? stack : stuck).push(sub);
    parts.push({ ...part, open: [] });
  }
  return mergeSettled([
    { open: [...stack, ...stuck], proved: [], bounded: [], bestAttack: Infinity, candidate: null },
    ...parts,
  ]);
}

port.on('message', (message: ToWorker) => {
  const send = (answer: FromWorker) => port.postMessage(answer);
  switch (message.kind) {
    case 'region':
      search = null;
      cuts = message.cuts;
      region.setBox(problem.box.lower, problem.box.upper, message.bounds);
      break;
    case 'layer':
      search = null;
      region.tighten(message.layer, [...message.bounds.lower.keys()], message.bounds);
      region.relax(message.layer);
      break;
    case 'neurons':
      search = null;
      send({ kind: 'neurons', bounds: boundNeurons(region, message.layer, message.neurons, message.effort) });
      break;
    case 'expand':
      send({ kind: 'expanded', settled: expand(message.subs, message.milliseconds) });
      break;
  }
});
