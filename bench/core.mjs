// What accounting for rounding costs in the float64 core, and how fast its product is: `node bench/core.mjs`. Builds the core twice, as it is and with the error terms
// taken out of the inner loops (which makes its bounds worthless), and runs the ladder on the same boxes in turn, so that the ratio holds on a busy machine.
import { build } from 'esbuild';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import asc from 'assemblyscript/asc';
import { CORE_OPTIONS } from '../scripts/core-options.mjs';

const root = path.resolve(import.meta.dirname, '..');
const assembly = path.join(root, 'src/bounds/core/assembly');
const EDITS = {
  'crown.ts': [
    'error = f64x2.add(error, f64x2.mul(f64x2.abs(scaled), v128.load(it.errorWeight + at)));',
    'error = f64x2.add(error, f64x2.mul(f64x2.abs(a), v128.load(it.errorWeight + at)));',
    'sum += abs(w) * load<f64>(before.magnitude + (<usize>j << 3));',
  ],
  'chain.ts': ['sum += abs(w) * load<f64>(before.magnitude + (<usize>j << 3));'],
  'zonotope.ts': [
    'v128.store(errorNext + c, f64x2.add(v128.load(errorNext + c), f64x2.mul(v, f64x2.abs(v128.load(source + c)))));',
  ],
};

async function compile(withErrors) {
  let wasm = null;
  const { error, stderr } = await asc.main(['index.ts', '--outFile', 'core.wasm', ...CORE_OPTIONS], {
    readFile: name => {
      try {
        let text = readFileSync(path.join(assembly, name), 'utf8');
        if (!withErrors)
          for (const line of EDITS[path.basename(name)] ?? []) {
            if (!text.includes(line)) throw new Error(`${name} has no line "${line}"`);
            text = text.replaceAll(line, '{}');
          }
        return text;
      } catch (problem) {
        if (problem.code === 'ENOENT') return null;
        throw problem;
      }
    },
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) wasm = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(stderr.toString());
  return Buffer.from(wasm).toString('base64');
}

const folder = mkdtempSync(path.join(tmpdir(), 'core-'));

/** The ladder over one build of the core: runs it on the boxes and gives milliseconds of processor time. */
async function runner(name, base64) {
  const outfile = path.join(folder, `${name}.mjs`);
  await build({
    stdin: {
      contents: `export { ChainLadder, denseChain } from './src/bounds/chain'; export { instantiateCore } from './src/bounds/core/core'; export { randomChain, randomBox, randomConstraints } from './test/unit/bounds/chains'; export { Random } from './src/base/random';`,
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
    plugins: [
      {
        name: 'core',
        setup: ({ onLoad }) => {
          onLoad({ filter: /module\.generated\.ts$/ }, () => ({
            contents: `export const CORE_MODULE_BASE64 = '${base64}';`,
          }));
        },
      },
    ],
  });
  return import(pathToFileURL(outfile).href);
}

function ladderTime({ ChainLadder, denseChain, randomChain, randomBox, randomConstraints, Random }) {
  const random = new Random(1);
  const network = randomChain(3, [5, 50, 50, 50, 50, 50, 50, 5]);
  const ladder = new ChainLadder(denseChain(network), randomConstraints(random, 4, 5, 5));
  const boxes = Array.from({ length: 300 }, (_, k) => randomBox(random, 5, k % 3 === 0 ? 0.3 : 0.05));
  return () => {
    const begin = process.cpuUsage();
    let checked = 0;
    for (const { lower, upper } of boxes) {
      ladder.setBox(lower, upper, null);
      ladder.zonotope([0, 1, 2, 3]);
      checked += ladder.crown([0, 1, 2, 3]).unstable;
    }
    const { user, system } = process.cpuUsage(begin);
    return { milliseconds: (user + system) / 1000, unstable: checked / boxes.length };
  };
}

const median = values => values.sort((a, b) => a - b)[values.length >> 1];
try {
  const withErrors = await runner('with', await compile(true));
  const without = await runner('without', await compile(false));
  const a = ladderTime(withErrors);
  const b = ladderTime(without);
  for (let k = 0; k < 3; k++) {
    a();
    b();
  }
  const ratios = [];
  const times = [];
  let unstable = 0;
  for (let k = 0; k < 15; k++) {
    const first = a();
    times.push(first.milliseconds / 300);
    unstable = first.unstable;
    ratios.push(first.milliseconds / b().milliseconds);
  }
  console.log(
    `ladder of a 5-50x6-5 network, ${unstable.toFixed(0)} unstable neurons on average: ${(median(times) * 1000).toFixed(0)} µs a box`,
  );
  console.log(
    `with rounding accounted for / without: ${median(ratios).toFixed(3)} (median of 15 pairs, ${ratios[0].toFixed(3)} to ${ratios.at(-1).toFixed(3)})`,
  );
  const core = withErrors.instantiateCore();
  for (const [m, k, n] of [
    [256, 512, 512],
    [64, 256, 256],
    [30, 50, 52],
  ]) {
    const [x, y, z] = [m * k, k * n, m * n].map(size => core.allocate(size * 8));
    new Float64Array(core.memory.buffer, x, m * k).fill(0.5);
    new Float64Array(core.memory.buffer, y, k * n).fill(0.25);
    const repeats = Math.ceil(4e8 / (2 * m * k * n));
    const speeds = Array.from({ length: 7 }, () => {
      const begin = process.cpuUsage();
      for (let r = 0; r < repeats; r++) core.gemm(z, x, y, m, k, n, k, n, n);
      const { user, system } = process.cpuUsage(begin);
      return (2 * m * k * n * repeats) / ((user + system) * 1000);
    });
    console.log(`product ${m}x${k}x${n}: ${median(speeds).toFixed(1)} GFLOP/s`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
