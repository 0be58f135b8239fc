import * as vscode from 'vscode';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { ModelInfo } from '../../engine/protocol';
import { reasonOf } from './command-table';
import {
  candidates,
  HEADER_BYTES,
  mayBeData,
  shapeOfData,
  type DataCandidate,
  type DataShape,
} from '../core/data-files';
import {
  epsilonProblem,
  newSpecificationText,
  PREPROCESSINGS,
  type NewSpecification,
  type Preprocessing,
} from '../core/new-specification';

/** Files that are looked into; a folder with more is a data set of single files, of which a few will do. */
const MAX_FILES = 300;

/**
 * Asks for data, preprocessing, property and ε, writes the specification beside the model and returns it; undefined when the person
 * changed their mind.
 */
export async function createSpecification(
  model: vscode.Uri,
  info: ModelInfo,
  title = 'Verify',
): Promise<vscode.Uri | undefined> {
  const inputSize = sizeOf(info);
  const steps = new Steps(`${title} ${basename(model)}`, 4);
  const data = await askData(steps, model, info, inputSize);
  if (!data) return undefined;
  const preprocess = await askPreprocessing(steps, data.bytes);
  if (!preprocess) return undefined;
  const property = await askProperty(steps, data.labels !== null);
  if (!property) return undefined;
  const epsilon = await askEpsilon(steps, preprocess.clip !== null);
  if (epsilon === undefined) return undefined;
  const { bytes: _, ...chosen } = data;
  const text = newSpecificationText({ model: basename(model), ...chosen, preprocess, property, epsilon });
  const target = await freeName(model);
  return (await written(target, text)) ? target : undefined;
}

/** Writes the specification beside its model; says so where that folder may not be written, and changes nothing. */
async function written(target: vscode.Uri, text: string): Promise<boolean> {
  try {
    await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
    return true;
  } catch (error) {
    const action = 'Copy Specification';
    void vscode.window
      .showErrorMessage(
        `${basename(target)} could not be written beside the model: ${reasonOf(error)} A specification may stand anywhere, as long as its "model" names the file from there.`,
        action,
      )
      .then(picked => {
        if (picked === action) void vscode.env.clipboard.writeText(text);
      });
    return false;
  }
}

/** Quick picks that know how many there are. */
class Steps {
  #step = 0;

  constructor(
    private readonly title: string,
    private readonly total: number,
  ) {}

  pick<T extends vscode.QuickPickItem>(items: readonly T[], placeHolder: string): Thenable<T | undefined> {
    return vscode.window.showQuickPick(items, {
      title: this.#next(),
      placeHolder,
      ignoreFocusOut: true,
      matchOnDescription: true,
    });
  }

  input(options: vscode.InputBoxOptions): Thenable<string | undefined> {
    return vscode.window.showInputBox({ ...options, title: this.#next(), ignoreFocusOut: true });
  }

  #next(): string {
    this.#step = Math.min(this.total, this.#step + 1);
    return `${this.title} (${this.#step} of ${this.total})`;
  }
}

interface ChosenData extends Pick<NewSpecification, 'data' | 'labels' | 'count'> {
  readonly bytes: boolean;
}

interface DataItem extends vscode.QuickPickItem {
  readonly choose: () => Promise<ChosenData | undefined>;
}

async function askData(
  steps: Steps,
  model: vscode.Uri,
  info: ModelInfo,
  inputSize: number | null,
): Promise<ChosenData | undefined> {
  const found = candidates(await dataFilesNear(model), inputSize);
  const shape = info.inputs.map(input => `${input.name} ${input.shape.join(' × ')}`).join(', ');
  const item = (candidate: DataCandidate): DataItem => ({
    label: `$(${candidate.fits ? 'pass' : 'file'}) ${candidate.path}`,
    description: [describe(candidate.shape), candidate.fits ? 'fits the input' : '']
      .filter(part => part !== '')
      .join(' · '),
    ...(candidate.labels ? { detail: `with labels from ${candidate.labels}` } : {}),
    choose: () =>
      Promise.resolve({
        data: candidate.path,
        labels: candidate.labels,
        count: candidate.shape.count,
        bytes: candidate.shape.bytes,
      }),
  });
  const others: DataItem[] = [
    {
      label: '$(folder-opened) Another file…',
      description: 'idx, CSV, npy, npz, PNG or JPEG',
      choose: () => browse(model),
    },
    ...(inputSize !== null && inputSize <= 64
      ? [
          {
            label: '$(edit) One input, written in the specification',
            description: `${inputSize} zeros to begin with`,
            choose: () =>
              Promise.resolve({ data: Array<number>(inputSize).fill(0), labels: null, count: 1, bytes: false }),
          },
        ]
      : []),
  ];
  const chosen = await steps.pick([...found.map(item), ...others], `Which data does the model see? It takes ${shape}.`);
  return chosen?.choose();
}

async function browse(model: vscode.Uri): Promise<ChosenData | undefined> {
  const [picked] =
    (await vscode.window.showOpenDialog({
      title: 'Data for the model',
      defaultUri: vscode.Uri.joinPath(model, '..'),
    })) ?? [];
  if (!picked) return undefined;
  const path = relative(vscode.Uri.joinPath(model, '..'), picked);
  const shape = await sniff(picked);
  return { data: path, labels: null, count: shape?.count ?? null, bytes: shape?.bytes ?? false };
}

function askPreprocessing(steps: Steps, bytes: boolean): Thenable<Preprocessing | undefined> {
  const likely = bytes
    ? PREPROCESSINGS
    : [...PREPROCESSINGS].sort((a, b) => Number(b.scale === '1') - Number(a.scale === '1'));
  return steps.pick(
    likely,
    'How was the data prepared in training? (mean and std can be changed in the specification)',
  );
}

async function askProperty(steps: Steps, labelled: boolean): Promise<NewSpecification['property'] | undefined> {
  const items: (vscode.QuickPickItem & { property: NewSpecification['property'] })[] = [
    {
      label: 'The class stays first',
      description: labelled ? 'the label of each sample' : 'what the network answers without perturbation',
      property: 'label',
    },
    { label: 'The class stays among the first two', description: 'top-k', property: 'topk' },
    { label: 'The outputs stay within a range', description: 'for regression', property: 'range' },
  ];
  return (await steps.pick(items, 'What must hold?'))?.property;
}

function askEpsilon(steps: Steps, scaled: boolean): Thenable<string | undefined> {
  return steps.input({
    prompt: 'How far may each input value move (ε)? In units of the data after scaling.',
    value: scaled ? '1/255' : '0.01',
    validateInput: epsilonProblem,
  });
}

/** Data in the model's folder, in its sub-folders of the first level, and in a folder beside it. */
async function dataFilesNear(model: vscode.Uri): Promise<{ path: string; shape: DataShape }[]> {
  const folder = vscode.Uri.joinPath(model, '..');
  const folders = [
    folder,
    ...(await subfolders(folder)),
    ...(await subfolders(vscode.Uri.joinPath(folder, '..'), /^(data|dataset|datasets|samples)$/i)),
  ];
  const files: { path: string; shape: DataShape }[] = [];
  const seen = new Set<string>();
  for (const candidate of folders) {
    for (const [name, type] of await list(candidate)) {
      const uri = vscode.Uri.joinPath(candidate, name);
      if (type === vscode.FileType.Directory || !mayBeData(name) || seen.has(uri.path) || seen.size >= MAX_FILES)
        continue;
      seen.add(uri.path);
      const shape = await sniff(uri);
      if (shape) files.push({ path: relative(folder, uri), shape });
    }
  }
  return files;
}

async function list(folder: vscode.Uri): Promise<[string, vscode.FileType][]> {
  try {
    return await vscode.workspace.fs.readDirectory(folder);
  } catch {
    return []; // a folder that may not be read has nothing to offer
  }
}

async function subfolders(folder: vscode.Uri, name = /^[^.]/): Promise<vscode.Uri[]> {
  return (await list(folder))
    .filter(([entry, type]) => type === vscode.FileType.Directory && name.test(entry) && entry !== 'node_modules')
    .map(([entry]) => vscode.Uri.joinPath(folder, entry));
}

/** Reads only the first bytes: data sets are large. */
async function sniff(uri: vscode.Uri): Promise<DataShape | null> {
  try {
    return shapeOfData(uri.path.slice(uri.path.lastIndexOf('/') + 1), await header(uri.fsPath));
  } catch {
    return null; // unreadable or not what its name says: it is not offered
  }
}

async function header(path: string): Promise<Uint8Array> {
  const file = createReadStream(path, { end: HEADER_BYTES });
  const stream = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= HEADER_BYTES) break;
    }
  } catch (error) {
    // The end of a gzip stream that was cut off after the header is expected.
    if (size === 0) throw error;
  }
  return Buffer.concat(chunks);
}

function describe({ kind, sample, count }: DataShape): string {
  const what = sample === null ? kind : sample.join(' × ');
  return count === null || count === 1 ? what : `${count} samples of ${what}`;
}

/** How many numbers the model takes; null when its shape leaves that open. */
function sizeOf({ inputs }: ModelInfo): number | null {
  const shapes = inputs.map(input => input.fixedShape);
  if (shapes.some(shape => shape === null)) return null;
  return shapes.reduce((sum, shape) => sum + (shape ?? []).reduce((product, extent) => product * extent, 1), 0);
}

async function freeName(model: vscode.Uri): Promise<vscode.Uri> {
  const stem = basename(model).replace(/\.onnx$/i, '');
  for (let k = 1; ; k++) {
    const uri = vscode.Uri.joinPath(model, '..', `${stem}${k === 1 ? '' : `-${k}`}.certiscope.jsonc`);
    try {
      await vscode.workspace.fs.stat(uri);
    } catch {
      return uri;
    }
  }
}

function basename(uri: vscode.Uri): string {
  return uri.path.slice(uri.path.lastIndexOf('/') + 1);
}

/** Path of `file` from `folder`, with forward slashes. */
function relative(folder: vscode.Uri, file: vscode.Uri): string {
  const from = folder.path.split('/');
  const to = file.path.split('/');
  let same = 0;
  while (same < from.length && from[same] === to[same]) same++;
  return [...from.slice(same).map(() => '..'), ...to.slice(same)].join('/');
}
