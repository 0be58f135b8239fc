/*
 * Minimal modifications: the published numbers of Goldberger, Katz, Adi and Keshet (LPAR 2020), and every layer of ACAS Xu N_2_9 as in Table III of the AIGENT paper.
 * `node scripts/run.mjs bench/patch.ts DATA-FOLDER [--measure inf|one] [--single]`. Patches were replayed by ONNX Runtime on the exported file, certificates re-evaluated.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compareLayers, type LayerModification } from '../src/attack/patch/modify';
import { smallestPatch, type PatchCase } from '../src/attack/patch/minimal-modification';
import type { OutputConstraint } from '../src/attack/patch/output-constraint';
import type { PatchMeasure } from '../src/attack/patch/weight-program';
import { model, node, tensor, valueInfo } from '../src/network/authoring';
import { encodeModel } from '../src/network/codec';
import { evaluate } from '../src/network/evaluate';
import { loadModelBytes, type LoadedModel } from '../src/network/load';
import { readNumbers } from '../src/spec/data/numbers';
import { readNpz } from '../src/spec/data/npz';
import { must } from './instances';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { measure: { type: 'string', default: 'inf' }, single: { type: 'boolean', default: false } },
});
const [data] = positionals;
if (!data) {
  console.error('usage: node scripts/run.mjs bench/patch.ts DATA-FOLDER [--measure inf|one] [--single]');
  process.exit(3);
}
const folder = path.join(data, 'minimal_modification_lpar2020');

async function arrayOf(file: string, name: string): Promise<{ shape: readonly number[]; values: Float64Array } | null> {
  const array = await readNpz(readFileSync(path.join(folder, file)), name, 'data');
  if (!array.ok) return null;
  const { shape } = array.value;
  const values = readNumbers(
    array.value,
    0,
    shape.reduce((a, b) => a * b, 1),
  );
  return values.ok ? { shape, values: values.value } : null;
}

/** A Keras network as an ONNX model; kernels are inputs × outputs. */
async function kerasModel(file: string, layers: readonly string[]): Promise<LoadedModel> {
  const [nodes, initializers] = [[], []] as [ReturnType<typeof node>[], ReturnType<typeof tensor>[]];
  let value = 'x';
  let sizes: readonly number[] = [];
  for (const [k, layer] of layers.entries()) {
    const kernel = await arrayOf(file, `${layer}.kernel`);
    const bias = await arrayOf(file, `${layer}.bias`);
    if (!kernel) throw new Error(`${file} has no ${layer}`);
    initializers.push(tensor(`w_${k}`, kernel.shape, Float32Array.from(kernel.values)));
    if (bias) initializers.push(tensor(`b_${k}`, bias.shape, Float32Array.from(bias.values)));
    nodes.push(node('Gemm', [value, `w_${k}`, ...(bias ? [`b_${k}`] : [])], [`y_${k}`], {}, layer));
    value = `y_${k}`;
    sizes = [sizes[0] ?? kernel.shape[0], kernel.shape[1]];
    if (k + 1 === layers.length) break;
    nodes.push(node('Relu', [value], [`z_${k}`]));
    value = `z_${k}`;
  }
  const ports = {
    inputs: [valueInfo('x', 'float32', [1, sizes[0]])],
    outputs: [valueInfo(value, 'float32', [1, sizes[1]])],
  };
  return must(loadModelBytes(encodeModel(model({ nodes, initializers, ...ports })), file));
}

/** y_small ≤ y_large. */
function atMost(small: number, large: number): OutputConstraint {
  return { outputs: { index: Int32Array.of(small, large), value: Float64Array.of(1, -1) }, bound: 0 };
}

function rows(file: string): number[][] {
  return readFileSync(path.join(folder, file), 'utf8')
    .trim()
    .split('\n')
    .map(line => line.split(',').map(Number));
}

async function watermarks(): Promise<void> {
  const { written } = await kerasModel('mnist.w.wm_model.npz', ['dense-1e5d5', 'output-3dd48']);
  const images = (await arrayOf('watermarks.npz', 'wm_set'))!.values;
  const published = rows('results_linear/mnist.w.wm.1.wm.csv').slice(1);
  const cases = published.map(([, original, second], k) => {
    return { input: images.subarray(784 * k, 784 * (k + 1)), property: [atMost(original, second)] };
  });
  const started = performance.now();
  let worst = 0;
  for (const [k, each] of cases.entries()) {
    const outcome = must(await smallestPatch(written, 'output-3dd48', [each], { measure: 'inf', phases: 'fixed' }));
    worst = Math.max(worst, outcome.kind === 'patched' ? Math.abs(outcome.sizes.inf - published[k][0]) : Infinity);
  }
  console.log(
    `one watermark, last layer: 100 of 100 L∞ values, farthest from the published one by ${worst.toExponential(1)}; ${since(started)} s in all`,
  );
  const again = performance.now();
  const all = must(await smallestPatch(written, 'output-3dd48', cases, { measure: 'inf', phases: 'fixed' }));
  if (all.kind === 'patched')
    console.log(
      `100 watermarks, last layer: L∞ ${all.sizes.inf} (published 2.176319849632837), certified to be at least ${all.lowerBound}; ${since(again)} s`,
    );
}

async function acas(): Promise<void> {
  const layers = [...[1, 2, 3, 4, 5, 6].map(k => `hidden${k}`), 'output'];
  const loaded = await kerasModel('acasxu_2_9/ACASXU_2_9.npz', layers);
  const measure = options.measure as PatchMeasure;
  const cases = rows('acasxu_2_9/inputs.csv').map((input): PatchCase => {
    const y = evaluate(loaded.written, Float64Array.from(input)).at(-1)!;
    const [least, next] = Array.from(y.keys()).sort((a, b) => y[a] - y[b]);
    return { input, property: [atMost(next, least)] };
  });
  const sets = options.single ? cases.map(each => [each]) : [cases];
  for (const [k, set] of sets.entries()) {
    console.log(
      `\nACAS Xu N_2_9, ${options.single ? `counterexample ${k + 1}` : 'all 8 counterexamples'}, second-lowest output at most the lowest, phases fixed, smallest ${measure}:`,
    );
    let used = process.cpuUsage();
    must(
      await compareLayers(loaded, set, { measure, phases: 'fixed' }, layer => {
        const { user, system } = process.cpuUsage(used);
        used = process.cpuUsage();
        console.log(
          `  ${describe(layer)}; ${layer.seconds.toFixed(2)} s, ${((user + system) / 1e6).toFixed(2)} s of the processor`,
        );
      }),
    );
  }
}

function describe({ layer, outcome, written }: LayerModification): string {
  if (outcome.kind === 'undecided') return `${layer.padEnd(8)} undecided: ${outcome.reason}`;
  if (outcome.kind === 'infeasible')
    return `${layer.padEnd(8)} infeasible in these phases, ${outcome.isCertified ? 'certificate checked' : 'NO certificate'}, inputs ${outcome.conflicting.map(k => k + 1).join(' ')}`;
  const { sizes, lowerBound, isCertified, scope } = outcome;
  const numbers = `n ${sizes.count}, L∞ ${sizes.inf.toPrecision(5)}, L1 ${sizes.one.toPrecision(5)}, at least ${lowerBound.toPrecision(5)}${isCertified ? ' (certified)' : ''}`;
  return `${layer.padEnd(8)} ${numbers}, smallest of ${scope}; ONNX Runtime ${written?.holds ? 'confirms' : 'DOES NOT CONFIRM'}`;
}

function since(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}

await watermarks();
await acas();
