// How long a person waits for maps of 65,536 neurons: `node bench/heat-map.mjs`. Draws the neurons page's maps in a headless Chromium as the slider would, with new
// numbers each time; by the clock from the numbers to the pixels in the canvas, and to the frame in which they are shown.
import { build } from 'esbuild';
import path from 'node:path';
import { launchBrowser } from '../test/host/launch.mjs';

const root = path.resolve(import.meta.dirname, '..');
const DRAWS = 60;

const { outputFiles } = await build({
  stdin: {
    contents: "export { LayerMaps } from './webview/neurons/layer-maps';",
    resolveDir: root,
    loader: 'ts',
  },
  bundle: true,
  format: 'iife',
  globalName: 'page',
  write: false,
  outdir: 'out',
});
const script = outputFiles.find(({ path: file }) => file.endsWith('.js'));
const browser = await launchBrowser();
const window = await (await browser.newContext({ viewport: { width: 900, height: 900 } })).newPage();
await window.setContent('<!DOCTYPE html><body></body>');
await window.addScriptTag({ content: script.text });
const row = (name, times) => {
  const sorted = [...times].sort((a, b) => a - b);
  const at = part => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))].toFixed(1).padStart(7);
  console.log(`${name.padEnd(52)}${at(0)}${at(0.5)}${at(0.95)}${at(1)}`);
};
console.log(`${'milliseconds'.padEnd(52)}  least median   95 %   most`);
for (const [name, layers] of [
  ['one layer of 64 x 32 x 32', [[64, 32, 32]]],
  ['16 layers of 16 x 16 x 16', Array.from({ length: 16 }, () => [16, 16, 16])],
]) {
  const { drawn, shown } = await window.evaluate(measure, { layers, draws: DRAWS });
  row(`${name}: first, with its canvas`, drawn.slice(0, 1));
  row(`${name}: numbers to pixels`, drawn.slice(1));
  row(`${name}: numbers to the frame shown`, shown.slice(1));
}
await browser.close();

/** Runs in the page. */
async function measure({ layers, draws }) {
  const { LayerMaps } = globalThis.page;
  const maps = new LayerMaps({ onMove: () => {}, onChoose: () => {}, onScale: () => {} });
  document.body.replaceChildren(maps.element);
  const neurons = layers.reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const samples = 40;
  const numbers = () => Float32Array.from({ length: neurons }, () => Math.floor(Math.random() * samples));
  const reference = numbers();
  const drawn = [];
  const shown = [];
  for (let k = 0; k < draws; k++) {
    const values = numbers();
    const started = performance.now();
    maps.draw({
      layers: layers.map((shape, layer) => ({ name: `relu_${layer}`, shape })),
      view: 'neurons',
      values,
      reference,
      samples,
      neuron: null,
    });
    drawn.push(performance.now() - started);
    await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    shown.push(performance.now() - started);
  }
  return { drawn, shown };
}
