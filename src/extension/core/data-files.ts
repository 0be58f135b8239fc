/** What files near a model look like data for it, told from their names and first bytes alone. Pure: the caller reads the files. */

/** What the first bytes of a data file say. */
export interface DataShape {
  readonly kind: 'idx' | 'npy' | 'csv' | 'png' | 'jpeg' | 'npz';
  /** Shape of one sample; null when the first bytes do not tell. */
  readonly sample: readonly number[] | null;
  /** Number of samples; null when it is not known. */
  readonly count: number | null;
  /** Values are bytes (0 to 255). */
  readonly bytes: boolean;
}

export interface DataCandidate {
  /** Path relative to the model's folder. */
  readonly path: string;
  readonly shape: DataShape;
  /** Labels for it, if a file with as many labels is near. */
  readonly labels: string | null;
  /** Its samples have as many values as the model takes. */
  readonly fits: boolean;
}

/** Bytes of a file's start (unpacked) that are enough to tell. */
export const HEADER_BYTES = 64 * 1024;

const NAME = /\.(csv|npy|npz|png|jpe?g)(\.gz)?$|(idx[123]-ubyte|-idx[0-9])(\.gz)?$/i;

/** A first look at the name, before anything is read. */
export function mayBeData(name: string): boolean {
  return NAME.test(name);
}

/** @param header first bytes, already unpacked when the file is gzipped */
export function shapeOfData(name: string, header: Uint8Array): DataShape | null {
  const base = name.toLowerCase().replace(/\.gz$/, '');
  if (base.endsWith('.csv')) return csvShape(header);
  if (base.endsWith('.npz')) return { kind: 'npz', sample: null, count: null, bytes: false };
  if (starts(header, [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59])) return npyShape(header);
  if (starts(header, [0x89, 0x50, 0x4e, 0x47])) return pngShape(header);
  if (starts(header, [0xff, 0xd8])) return { kind: 'jpeg', sample: null, count: 1, bytes: true };
  return idxShape(header);
}

/**
 * Data candidates, the best first: those that fit, then by name. Files that can only be labels are given to the data they belong to.
 * @param inputSize values the model takes; null when it is not known
 */
export function candidates(
  files: readonly { readonly path: string; readonly shape: DataShape }[],
  inputSize: number | null,
): DataCandidate[] {
  const isLabels = ({ shape }: { shape: DataShape }) => shape.sample !== null && shape.sample.length === 0;
  const labels = files.filter(isLabels);
  return files
    .filter(file => !isLabels(file))
    .map(({ path, shape }): DataCandidate => {
      const size = shape.sample?.reduce((product, extent) => product * extent, 1) ?? null;
      return {
        path,
        shape,
        labels: labelsFor(path, shape, labels),
        fits: size !== null && size === inputSize,
      };
    })
    .sort((a, b) => Number(b.fits) - Number(a.fits) || (a.path < b.path ? -1 : 1));
}

/** Of the label files with as many labels as there are samples, the one whose name is most like the data's. */
function labelsFor(
  path: string,
  { count }: DataShape,
  labels: readonly { readonly path: string; readonly shape: DataShape }[],
): string | null {
  const fitting = labels.filter(({ shape }) => count !== null && shape.count === count);
  const likeness = (other: string) => {
    let same = 0;
    while (same < path.length && path[same] === other[same]) same++;
    return same;
  };
  return fitting.reduce<string | null>(
    (best, { path: other }) => (best === null || likeness(other) > likeness(best) ? other : best),
    null,
  );
}

function starts(header: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => header[index] === byte);
}

/** idx: two zero bytes, the element type, the number of dimensions, then each as a big-endian 32-bit number. */
function idxShape(header: Uint8Array): DataShape | null {
  const dimensions = header[3] ?? 0;
  if (header.length < 4 + 4 * dimensions || header[0] !== 0 || header[1] !== 0 || dimensions < 1 || dimensions > 4)
    return null;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const extents = Array.from({ length: dimensions }, (_, index) => view.getUint32(4 + 4 * index));
  return { kind: 'idx', sample: extents.slice(1), count: extents[0]!, bytes: header[2] === 8 };
}

function npyShape(header: Uint8Array): DataShape | null {
  const text = new TextDecoder('latin1').decode(header.subarray(0, 512));
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  const type = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  if (shape === undefined || type === undefined) return null;
  const extents = shape.split(',').flatMap(part => (part.trim() === '' ? [] : [Number(part)]));
  return { kind: 'npy', sample: extents.slice(1), count: extents[0] ?? 1, bytes: type.endsWith('u1') };
}

/** Width and height are in the first chunk; the colour type tells the channels. */
function pngShape(header: Uint8Array): DataShape | null {
  if (header.length < 26) return null;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const grey = header[25] === 0 || header[25] === 4;
  return { kind: 'png', sample: [grey ? 1 : 3, view.getUint32(20), view.getUint32(16)], count: 1, bytes: true };
}

/** The first column is the label, so a sample has one value fewer than a line. */
function csvShape(header: Uint8Array): DataShape | null {
  const lines = new TextDecoder().decode(header).split(/\r?\n/);
  const line = lines.find(candidate => /^[\s\d.,;eE+-]+$/.test(candidate) && candidate.trim() !== '');
  if (line === undefined) return null;
  const values = line.split(/[,;]/).map(Number);
  if (values.length < 2 || values.some(Number.isNaN)) return null;
  const bytes =
    values.slice(1).every(value => Number.isInteger(value) && value >= 0 && value <= 255) && values.length > 32;
  return { kind: 'csv', sample: [values.length - 1], count: null, bytes };
}
