import { fail, ok, type Result } from '../../base/result';
import { truncation, type StoredArray } from './array';
import type { LoadProblem } from './data-set';
import type { ElementType } from './numbers';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

export function isNpy(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC);
}

/** NumPy's array format, versions 1 to 3: magic, version, length of the header, a Python dictionary, the numbers. */
export function readNpy(bytes: Buffer): Result<StoredArray, LoadProblem> {
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  if (bytes.length < start) return fail({ code: 'data/truncated', message: 'is cut off inside its header' });
  const offset = start + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  if (bytes.length < offset) return fail({ code: 'data/truncated', message: 'is cut off inside its header' });
  const header = bytes.toString('latin1', start, offset);
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (/'descr':\s*\[/.test(header))
    return fail({ code: 'data/type', message: 'holds records with named fields; only plain numbers can be read' });
  if (descr === undefined || order === undefined || shape === undefined)
    return fail({ code: 'data/damaged', message: 'has a header that is no NumPy header' });
  if (descr.includes('O')) {
    return fail({
      code: 'data/pickle',
      message:
        'holds pickled Python objects, which are programs and are never read. Save the numbers alone, with a numeric dtype',
    });
  }
  const [, byteOrder, type] = /^([<>|=]?)([biuf]\d+)$/.exec(descr) ?? [];
  if (!isElementType(type))
    return fail({
      code: 'data/type',
      message: `holds elements of type ${descr}; only integers and floating-point numbers can be read`,
    });
  const array: StoredArray = {
    bytes,
    offset,
    type,
    littleEndian: byteOrder !== '>',
    shape: shape
      .split(',')
      .map(extent => extent.trim())
      .filter(extent => extent !== '')
      .map(Number),
    fortranOrder: order === 'True',
  };
  const cut = truncation(array);
  return cut ? fail(cut) : ok(array);
}

const ELEMENT_TYPES = new Set<string>([
  'u1',
  'i1',
  'u2',
  'i2',
  'u4',
  'i4',
  'u8',
  'i8',
  'f2',
  'f4',
  'f8',
  'b1',
] satisfies ElementType[]);

function isElementType(type: string | undefined): type is ElementType {
  return type !== undefined && ELEMENT_TYPES.has(type);
}
