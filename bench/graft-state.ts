import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Dataset } from '../src/train/trainer';

/** What the parts of the graft bench share: settings, kept results, data, tables. */

export interface Settings {
  /** Folder with `linearity_grafting` and `datasets`. */
  readonly data: string;
  /** Test images that the verifier is run on. */
  readonly samples: number;
  /** Seconds for each. */
  readonly timeout: number;
  /** Test images of robust accuracy by PGD-100, and its restarts (the thesis has all and 100). */
  readonly robustImages: number;
  readonly restarts: number;
  readonly epochs: number;
  readonly graftEpochs: number;
  /** Images of the training set that are used. */
  readonly images: number;
  readonly epsilon: number;
  /** Names of the networks beside the base: all, or those that are done. */
  readonly variants: readonly string[];
  readonly ratio: number;
  readonly seed: number;
  readonly threads: number;
}

/** Where results are kept: what is there is not computed again. */
export class State {
  readonly folder: string;

  constructor(settings: Settings, fresh: boolean) {
    const { epochs, graftEpochs, images, epsilon, ratio, seed } = settings;
    this.folder = path.join(
      'bench',
      '.state',
      `graft-${[epochs, graftEpochs, images, epsilon, ratio, seed].join('-')}`,
    );
    if (fresh) rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
  }

  file(name: string): string {
    return path.join(this.folder, name.replaceAll(/[^\w.-]+/g, '-'));
  }

  /** The kept value, or what `make` gives, kept from now on. */
  async keep<T>(name: string, make: () => Promise<T>): Promise<T> {
    const known = this.read<T>(name);
    if (known !== null) return known;
    const value = await make();
    this.write(name, value);
    return value;
  }

  read<T>(name: string): T | null {
    const file = this.file(`${name}.json`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : null;
  }

  write(name: string, value: unknown): void {
    const file = this.file(`${name}.json`);
    writeFileSync(`${file}.draft`, JSON.stringify(value));
    renameSync(`${file}.draft`, file);
  }
}

/** The first images of MNIST's training or test set, as float32 numbers of [0, 1]. */
export function mnist(data: string, part: 'train' | 't10k', first: number, count: number): Dataset {
  const bytes = (kind: string, header: number): Uint8Array =>
    gunzipSync(readFileSync(path.join(data, 'datasets', 'mnist', `${part}-${kind}-ubyte.gz`))).subarray(header);
  const images = bytes('images-idx3', 16).subarray(784 * first, 784 * (first + count));
  const inputs = Float32Array.from(images, grey => grey / 255);
  return { count, inputs, labels: Uint8Array.from(bytes('labels-idx1', 8).subarray(first, first + count)) };
}

export function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Rows under each other; the first is the heading. Numbers are to be given as text. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0].map((_, k) => Math.max(...rows.map(row => row[k].length)));
  rows.forEach((row, r) => {
    say(row.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]) : cell.padStart(widths[k]))).join('  '));
    if (r === 0) say(widths.map(width => '-'.repeat(width)).join('  '));
  });
  say();
}

export function percent(part: number, digits = 1): string {
  return Number.isNaN(part) ? '–' : (100 * part).toFixed(digits);
}
