/**
 * The paper's Tables 2 to 4 (Wan et al. 2020) on this project's back ends: what does it save to take target labels one by one, sorted?
 *
 *     npm run bench:labels -- [--networks a,b] [--backends a,b] [--epsilons 1,3] [--images 100] [--timeout 60] [--order paper] [--data DIR] [--fresh]
 *
 * What is done is kept in bench/.state, so that an interrupted bench goes on where it was; `--fresh` begins again. The tables of everything that has been
 * measured go to standard output and to bench/results/labels.md. The two larger networks are trained first where they are not there yet.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BACKENDS, LABEL_ORDERS, type Backend, type LabelOrder } from '../src/verify/options';
import { imageQuestions } from './image-questions';
import { LABEL_NETWORKS } from './label-networks';
import { guided, unguided, type Run } from './label-runs';
import { tables, type Measured } from './label-tables';

const { values: options } = parseArgs({
  options: {
    networks: { type: 'string', default: LABEL_NETWORKS.map(({ name }) => name).join(',') },
    backends: { type: 'string', default: 'zonotope,symbolic,milp,crown,auto' },
    epsilons: { type: 'string', default: '1,3,5,7,9,11' },
    images: { type: 'string', default: '100' },
    timeout: { type: 'string', default: '60' },
    order: { type: 'string', default: 'paper' },
    data: { type: 'string', default: path.join('..', 'shared', 'data') },
    fresh: { type: 'boolean', default: false },
  },
});

const STATE = path.join('bench', '.state', 'labels.json');
const RESULTS = path.join('bench', 'results', 'labels.md');

/** Everything measured, by what was asked; saved after every image. */
class State {
  private readonly runs: Map<string, Measured>;

  constructor(fresh: boolean) {
    const stored = !fresh && existsSync(STATE) ? (JSON.parse(readFileSync(STATE, 'utf8')) as Measured[]) : [];
    this.runs = new Map(stored.map(each => [keyOf(each), each]));
  }

  get all(): readonly Measured[] {
    return [...this.runs.values()];
  }

  has(asked: Asked): boolean {
    return this.runs.has(keyOf(asked));
  }

  add(measured: Measured): void {
    this.runs.set(keyOf(measured), measured);
    mkdirSync(path.dirname(STATE), { recursive: true });
    writeFileSync(STATE, JSON.stringify(this.all));
  }
}

type Asked = Pick<Measured, 'network' | 'backend' | 'order' | 'epsilon' | 'image' | 'timeout'>;

function keyOf({ network, backend, order, epsilon, image, timeout }: Asked): string {
  return [network, backend, order, epsilon, image, timeout].join(' ');
}

async function main(): Promise<number> {
  const { data, order } = options;
  const timeout = Number(options.timeout);
  const epsilons = options.epsilons.split(',').map(Number);
  const backends = options.backends.split(',');
  const networks = options.networks.split(',');
  const wrong =
    backends.find(name => !BACKENDS.includes(name as Backend)) ??
    networks.find(name => !LABEL_NETWORKS.some(each => each.name === name)) ??
    (LABEL_ORDERS.includes(order as LabelOrder) ? undefined : order);
  if (wrong !== undefined) {
    process.stderr.write(`There is no network, back end or label order "${wrong}".\n`);
    return 3;
  }
  if (!existsSync(path.join(data, 'neurify', 'mnist24.onnx'))) {
    process.stderr.write(`${data}: no neurify/mnist24.onnx there. Name the folder of the data with --data.\n`);
    return 3;
  }
  const state = new State(options.fresh);
  // The bundle that runs: what was measured with different code is told apart.
  const build = createHash('sha256').update(readFileSync(process.argv[1])).digest('hex').slice(0, 8);
  for (const { name, file } of LABEL_NETWORKS.filter(each => networks.includes(each.name))) {
    const it = await imageQuestions(
      await file(data),
      path.join(data, 'datasets', 'mnist'),
      Number(options.images),
      epsilons,
    );
    for (const backend of backends as Backend[]) {
      let isWarm = false;
      for (const epsilon of epsilons)
        for (const question of it.byEpsilon.get(epsilon)!) {
          const { image, right } = question;
          const asked: Asked = { network: name, backend, order: order as LabelOrder, epsilon, image, timeout };
          if (state.has(asked)) continue;
          const both = async (): Promise<{ unguided: Run; guided: Run }> => ({
            unguided: await unguided(it, question, backend, timeout),
            guided: await guided(it, question, backend, asked.order, timeout),
          });
          // Code that runs for the first time is slow; that is no property of a back end.
          if (!isWarm) await both();
          isWarm = true;
          const runs = await both();
          state.add({ ...asked, right, build, ...runs });
          process.stdout.write(
            `${name} ${backend} ${epsilon}/255 image ${image}: ${runs.unguided.kind} ${runs.unguided.seconds.toFixed(2)} s, guided ${runs.guided.kind} ${runs.guided.seconds.toFixed(2)} s\n`,
          );
        }
    }
    await it.replayer.close();
  }
  const text = tables(state.all);
  process.stdout.write(`\n${text}`);
  mkdirSync(path.dirname(RESULTS), { recursive: true });
  writeFileSync(RESULTS, text);
  return 0;
}

process.exitCode = await main();
