import { parentPort, workerData } from 'node:worker_threads';
import { createBounder } from '../../bounds/create-bounder';
import { HUNGRY, STOP, type FromWorker, type ToWorker, type WorkerStart } from './messages';
import { SearchQueue } from './queue';
import { InputSearch } from './search';

// One thread of the search. It works through its boxes in slices; between slices it reports, and gives boxes away when others have none.

const { network, problem, shared } = workerData as WorkerStart;
const flags = new Int32Array(shared);
const port = parentPort!;
const send = (message: FromWorker) => port.postMessage(message);

const search = new InputSearch(problem, createBounder(network, problem.constraints), candidate =>
  queue.offer(candidate),
);
const queue: SearchQueue = new SearchQueue(search);

const SLICE = 20;
const REPORT_EVERY = 200;
let reported = performance.now();
let running = false;

function slice(): void {
  if (Atomics.load(flags, STOP) === 1) {
    port.close();
    return;
  }
  queue.run(performance.now() + SLICE, () => Atomics.load(flags, STOP) === 1);
  const candidate = queue.takeCandidate();
  if (candidate) send({ kind: 'candidate', candidate });
  if (queue.length === 0) {
    running = false;
    send({ kind: 'idle', counts: queue.counts(), leaves: queue.record.take() });
    return;
  }
  if (Atomics.load(flags, HUNGRY) > 0 && queue.length > 1) send({ kind: 'share', boxes: queue.share() });
  if (performance.now() - reported > REPORT_EVERY) {
    reported = performance.now();
    send({ kind: 'progress', counts: queue.counts() });
  }
  setImmediate(slice);
}

port.on('message', (message: ToWorker) => {
  queue.push(message.boxes);
  if (running) return;
  running = true;
  setImmediate(slice);
});
send({ kind: 'ready' });
