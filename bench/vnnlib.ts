/**
 * How fast VNN-LIB files of ten megabytes are read, the first of them in a cold process; CPU time, since machines are shared.
 * Run: npx esbuild bench/vnnlib.ts --bundle --platform=node --format=esm --outfile=dist/bench-vnnlib.mjs && node dist/bench-vnnlib.mjs
 */
import { parseVnnlib } from '../src/spec/vnnlib/parse';
import { manyAlternatives, manyInputs } from './vnnlib-files';

const files: [name: string, text: string][] = [
  ['100,000 inputs, a bound per line', manyInputs(100_000)],
  ['800 inputs, 200 alternatives', manyAlternatives(800, 200)],
];

console.log('file                               MB   first ms   best of 5   MB/s');
for (const [name, text] of files) {
  const milliseconds: number[] = [];
  for (let run = 0; run < 6; run++) {
    const start = process.cpuUsage();
    const result = parseVnnlib(text, name);
    const { user, system } = process.cpuUsage(start);
    milliseconds.push((user + system) / 1000);
    if (!result.ok) throw new Error(JSON.stringify(result.error[0]));
  }
  const [first, ...later] = milliseconds;
  const best = Math.min(...later);
  const megabytes = text.length / 1e6;
  const cells = [
    megabytes.toFixed(1).padStart(6),
    first.toFixed(0).padStart(10),
    best.toFixed(0).padStart(11),
    ((megabytes / best) * 1000).toFixed(0).padStart(6),
  ];
  console.log(name.padEnd(32), ...cells);
}
