import { BACKENDS, type Backend, type LabelOrder } from '../src/verify/options';
import { LABEL_NETWORKS } from './label-networks';
import type { Run } from './label-runs';

/** One image, both ways. */
export interface Measured {
  readonly network: string;
  readonly backend: Backend;
  readonly order: LabelOrder;
  /** In grey levels, of 255. */
  readonly epsilon: number;
  readonly image: number;
  /** Processor seconds that one run may take. */
  readonly timeout: number;
  /** Whether the network answers the image's true class. */
  readonly right: boolean;
  /** Which build measured it. */
  readonly build: string;
  readonly unguided: Run;
  readonly guided: Run;
}

/** RST and RST* of the paper's Tables 2 to 4(a): the network is the same file, so the numbers compare. */
const PUBLISHED: Partial<Record<Backend, Readonly<Record<number, string>>>> = {
  milp: { 1: '96 96', 3: '93 93', 5: '85 85', 7: '53 53', 9: '37 37', 11: '19 19' },
  zonotope: { 1: '96 96', 3: '90 90', 5: '54 54', 7: '24 24', 9: '6 6', 11: '0 0' },
  symbolic: { 1: '96 96', 3: '93 93', 5: '78 79', 7: '44 49', 9: '25 30', 11: '8 10' },
};

/** All tables as Markdown. */
export function tables(measured: readonly Measured[]): string {
  const builds = new Set(measured.map(({ build }) => build)).size;
  const parts = LABEL_NETWORKS.flatMap(({ name, title }) =>
    BACKENDS.flatMap(backend => {
      const own = measured.filter(each => each.network === name && each.backend === backend);
      const settings = [...new Set(own.map(({ order, timeout }) => JSON.stringify({ order, timeout })))];
      return settings.map(setting => {
        const { order, timeout } = JSON.parse(setting) as { order: LabelOrder; timeout: number };
        const rows = own.filter(each => each.order === order && each.timeout === timeout);
        return table(`${title}: \`${backend}\`, order \`${order}\`, at most ${timeout} processor seconds a run`, rows);
      });
    }),
  );
  return `# Verification guided by target labels

The tables of Wan et al., "Accelerating Robustness Verification of Deep Neural Networks Guided by Target Labels" (2020), on this project's back ends:
\`npm run bench:labels\`. Asked is whether the network's own prediction stays on the first MNIST test images, pixels clipped to [0, 1].

- **T**: unguided. A fresh prover is asked about all nine labels at once; nothing is sorted, nothing discarded. Within that one run a back end keeps what belongs to
  the image (neuron bounds), as the original tools do.
- **T\\***: guided. A fresh prover is asked about one label after the other, most dangerous first, without those that sorting discards; the first label that is
  falsified ends it. **t_sort** is the time for sorting and discarding, not part of T\\*. What one label taught the prover serves the next.
- **saved**: (T − T\\* − t_sort)/T. **RST**, **RST\\***: images proved robust. **false**, **open**: falsified, undecided, unguided and guided. No attack runs beside the
  back ends: what they falsify they find themselves (\`zonotope\` never does).
- **slowest**: the image that took longest, unguided and guided (with sorting). **valid**: images that the network classifies rightly. **paper**: RST and RST\\* there, where the network is the same file.

Times are processor seconds over all images (slowest: of one), of one thread and ONNX Runtime's. ${builds === 1 ? 'All were measured by one build.' : `They were measured by ${builds} builds.`}

${parts.join('\n')}`;
}

function table(title: string, rows: readonly Measured[]): string {
  const epsilons = [...new Set(rows.map(({ epsilon }) => epsilon))].sort((a, b) => a - b);
  const lines = epsilons.map(epsilon => {
    const own = rows.filter(each => each.epsilon === epsilon);
    const sum = (value: (each: Measured) => number) => own.reduce((total, each) => total + value(each), 0);
    const count = (way: 'unguided' | 'guided', kind: Run['kind']) => sum(each => (each[way].kind === kind ? 1 : 0));
    const all = sum(each => each.unguided.seconds);
    const sort = sum(each => each.guided.sortSeconds);
    const guided = sum(each => each.guided.seconds) - sort;
    const most = (way: 'unguided' | 'guided') =>
      own.reduce((worst, each) => Math.max(worst, each[way].seconds), 0).toFixed(2);
    const both = (kind: Run['kind']) => `${count('unguided', kind)} ${count('guided', kind)}`;
    const of = own.length;
    const published = rows[0].network === 'mnist24' ? (PUBLISHED[rows[0].backend]?.[epsilon] ?? '') : '';
    const cells = [
      `${epsilon}/255`,
      sort.toFixed(2),
      all.toFixed(2),
      guided.toFixed(2),
      `${((100 * (all - guided - sort)) / all).toFixed(1)} %`,
      `${count('unguided', 'verified')}/${of}`,
      `${count('guided', 'verified')}/${of}`,
      both('falsified'),
      both('undecided'),
      `${most('unguided')} ${most('guided')}`,
      `${sum(each => (each.right ? 1 : 0))}/${of}`,
      published,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `## ${title}

| ε | t_sort | T | T\\* | saved | RST | RST\\* | false | open | slowest | valid | paper |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${lines.join('\n')}
`;
}
