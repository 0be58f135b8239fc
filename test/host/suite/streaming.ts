/**
 * A benchmark, not a test of the default suite: `node test/host/bench.mjs`. Ten thousand results and a progress event for each stream through the real extension in a
 * real host, with every view open, and the longest turn of the host's event loop is measured: by the clock, or by processor time where that is less, because on a
 * busy machine the clock counts what others do.
 */
import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { Answered } from '../../../src/extension/core/verdict-store';
import { eventually, file, internals, open } from './editor';
import { watchTurns, type LongTurn } from './turns';

const RESULTS = 10_000;
const LIMIT_MS = 16;
const HALVES = 'pictures/halves.certiscope.jsonc';
const KINDS = ['verified', 'falsified', 'unknown'] as const;

function tensor(values: number): { kind: 'inline'; base64: string; shape: number[] } {
  return { kind: 'inline', base64: Buffer.alloc(4 * values, 7).toString('base64'), shape: [1, values] };
}

/** A result as the engine sends one about a picture of 28 × 28. */
function result(index: number): Answered {
  const kind = KINDS[index % 10 === 3 ? 1 : index % 10 === 7 ? 2 : 0]!;
  const common = { seconds: 0.01, lowerBound: kind === 'verified' ? 0.25 : -0.5 };
  return {
    index,
    check: 'five levels',
    sample: index,
    claim: `for every input within 5/255 of sample ${index}, class 7 stays ahead of every other class`,
    verdict:
      kind === 'verified'
        ? { kind, soundness: 'real', proof: { leaves: 3, depth: 2 }, ...common }
        : kind === 'falsified'
          ? {
              kind,
              counterexample: {
                input: tensor(784),
                output: tensor(10),
                margin: 0.1,
                outsideWritten: false,
                foundBy: 'pgd',
              },
              ...common,
            }
          : { kind, reason: 'The bounds do not settle it.', advice: 'Ask about a smaller region.', ...common },
    original: tensor(784),
    originalOutput: tensor(10),
    label: 7,
    predicted: 7,
    inputShape: [1, 1, 28, 28],
    outputShape: [1, 10],
    epsilon: { raw: [5], model: [5 / 255] },
    preprocess: { scale: 1 / 255, mean: [0], std: [1], layout: 'CHW' },
    key: `key-${index}`,
    cached: false,
  };
}

/** Part of the path of the extension's own code. */
const OURS = '/dist/';

function lineOf({ milliseconds, at, spent }: LongTurn): string {
  const parts = spent.slice(0, 6).map(([who, part]) => `${who} ${part.toFixed(1)}`);
  return `${milliseconds.toFixed(0)} ms at ${at}: ${parts.join(', ')}`;
}

describe('streaming results', () => {
  before(internals);

  it(`${RESULTS} results with every view open`, async function () {
    this.timeout(240_000);
    const { store, history } = await internals();
    await open(HALVES);
    const specification = file(HALVES).toString();
    const question = `${specification}#five levels`;
    await eventually('the outline', () => store.question(question));
    await vscode.commands.executeCommand('certiscope.showResults', question);
    for (const view of ['workbench.view.testing.focus', 'certiscope.results.focus', 'certiscope.runs.focus'])
      await vscode.commands.executeCommand(view);
    await new Promise(resolve => setTimeout(resolve, 3000));
    const idle = await watchTurns(LIMIT_MS, OURS, () => 'rest');
    await new Promise(resolve => setTimeout(resolve, 2000));
    const before = await idle();

    const run = 'bench-run';
    const tasks = Array.from({ length: RESULTS }, (_, index) => ({
      index,
      check: 'five levels',
      sample: index,
      claim: '',
      timeout: 60,
    }));
    const writer = history.begin(
      { specification, checks: null, samples: null, effort: 'complete', options: {}, version: '0' },
      Promise.resolve('text'),
    );
    const results = tasks.map(({ index }) => result(index));
    const started = performance.now();
    let told = 0;
    let longestEvent = 0;
    let longestKind = '';
    const tell = (event: Parameters<typeof store.apply>[0]) => {
      const at = performance.now();
      const processor = process.cpuUsage();
      store.apply(event);
      const { user, system } = process.cpuUsage(processor);
      const took = Math.min(performance.now() - at, (user + system) / 1000);
      if (took <= longestEvent) return;
      longestEvent = took;
      longestKind = `${event.kind} ${told}`;
    };
    const stop = await watchTurns(LIMIT_MS, OURS, () => `result ${told}`);
    tell({ kind: 'queued', run, specification, names: ['five levels'], quiet: false });
    tell({
      kind: 'planned',
      run,
      model: file('pictures/halves.onnx').fsPath,
      files: [],
      tasks,
      counts: { 'five levels': RESULTS },
      warnings: [],
    });
    writer.planned(file('pictures/halves.onnx').fsPath, RESULTS);
    for (const each of results) {
      tell({
        kind: 'progress',
        run,
        progress: {
          runId: run,
          task: each.index,
          decided: each.index,
          progress: {
            phase: 'bounds',
            lowerBound: -0.1,
            bestAttack: 0.2,
            openSubproblems: 3,
            subproblems: 9,
            depth: 1,
            disjunct: null,
            workFraction: 0.5,
            elapsedSeconds: 0.01,
          },
        },
      });
      tell({ kind: 'result', run, result: each });
      writer.add(each);
      told++;
      // As messages of a process come: each in a turn of its own.
      await new Promise(resolve => setImmediate(resolve));
    }
    const finished = { runId: run, outcome: 'complete', verdict: 'falsified', seconds: 100 } as const;
    tell({ kind: 'finished', run, finished });
    await writer.finish(finished, []);
    const streamed = performance.now() - started;
    await new Promise(resolve => setTimeout(resolve, 2000));
    const after = await stop();
    console.log(
      `    idle: longest turn ${before.longest.toFixed(1)} ms, ${before.long.length} of ${before.turns} over ${LIMIT_MS} ms`,
    );
    for (const turn of before.long) console.log(`      ${lineOf(turn)}`);
    console.log(
      `    streaming: ${((1000 * RESULTS) / streamed).toFixed(0)} results a second; longest turn ${after.longest.toFixed(1)} ms, ${after.long.length} of ${after.turns} over ${LIMIT_MS} ms; longest event ${longestEvent.toFixed(1)} ms (${longestKind})`,
    );
    for (const turn of after.long) console.log(`      ${lineOf(turn)}`);
    assert.equal(store.question(question)?.evidence?.results.length, RESULTS);
  });
});
