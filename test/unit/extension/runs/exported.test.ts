import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { exportedFiles, type Format } from '../../../../src/extension/runs/exported';
import type { KeptResult, RunHead } from '../../../../src/extension/runs/kept-run';
import { decodeNpy } from '../../../../src/report/npy';
import { result, VERDICT } from '../records';

const inline = (values: readonly number[], shape: readonly number[]) =>
  ({ kind: 'inline', base64: Buffer.from(Float32Array.from(values).buffer).toString('base64'), shape }) as const;
const PIXELS = Array.from({ length: 16 }, (_, k) => k / 15);
const HEAD = { model: '/w/m.onnx', version: '1.0.0', seconds: 3, accuracy: null, problem: null } as RunHead;
const RESULTS: KeptResult[] = [
  result(0, 'near, "far"', VERDICT.verified),
  {
    ...result(1, 'near, "far"', {
      ...VERDICT.falsified,
      counterexample: {
        ...VERDICT.falsified.counterexample,
        input: inline(PIXELS, [1, 1, 4, 4]),
        output: inline([1, 2], [1, 2]),
      },
    }),
    inputShape: [1, 1, 4, 4],
  },
  { ...result(2, 'near', VERDICT.unknown), sample: null },
];

async function files(format: Format): Promise<Map<string, Uint8Array>> {
  const made = await exportedFiles(format, HEAD, RESULTS, {
    specification: '/w/a.certiscope.jsonc',
    stem: 'run',
    base: '/w',
  });
  return new Map(made.map(({ name, bytes }) => [name, bytes]));
}
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

describe('an exported run', () => {
  it('is what the command line writes as JSON', async () => {
    const report = JSON.parse(text((await files('json')).get('run.json'))) as {
      schema: number;
      verdict: string;
      results: { verdict: string; counterexample?: { input: number[] } }[];
    };
    expect(report).toMatchObject({ schema: 1, verdict: 'falsified' });
    expect(report.results.map(({ verdict }) => verdict)).toEqual(['verified', 'falsified', 'unknown']);
    expect(report.results[1]!.counterexample!.input).toEqual(Array.from(Float32Array.from(PIXELS)));
  });

  it('is a table with quoted fields as CSV', async () => {
    const lines = text((await files('csv')).get('run.csv')).split('\r\n');
    expect(lines[0]).toMatch(/^check,sample,verdict,seconds,lowerBound/);
    expect(lines[1]).toMatch(/^"near, ""far""",0,verified,0.5,0.25,/);
    expect(lines[3]).toMatch(/^near,,unknown,2,-0.5,/);
    expect(lines).toHaveLength(5);
  });

  it('is SARIF and JUnit for other programs', async () => {
    expect(JSON.parse(text((await files('sarif')).get('run.sarif')))).toMatchObject({ version: '2.1.0' });
    expect(text((await files('junit')).get('run.xml'))).toContain('tests="3" failures="1"');
  });

  it('has its counterexamples as numbers and as pictures', async () => {
    const npy = await files('npy');
    expect([...npy.keys()]).toEqual(['run.near-far-.sample-1.npy']);
    expect(decodeNpy([...npy.values()][0]!)).toEqual({ values: Float32Array.from(PIXELS), shape: [1, 1, 4, 4] });
    const picture = decode([...(await files('png')).values()][0]!);
    expect([picture.width, picture.height, picture.data[0], picture.data[60]]).toEqual([4, 4, 0, 255]);
  });
});
