import { fail, ok, type Result } from '../../base/result';
import { layoutOf, sizeOf, type LoadProblem, type Samples } from './data-set';
import { bytesPerElement, readNumbers, type NumberBlock } from './numbers';

/** An n-dimensional array in a file, decoded where it is read. */
export interface StoredArray extends NumberBlock {
  readonly shape: readonly number[];
  /** First index fastest, as Fortran stores it. */
  readonly fortranOrder: boolean;
}

/** A message when the file ends before the array does. */
export function truncation(array: StoredArray): LoadProblem | undefined {
  const needed = sizeOf(array.shape) * bytesPerElement(array.type);
  const present = array.bytes.length - array.offset;
  if (present >= needed) return undefined;
  return {
    code: 'data/truncated',
    message: `is cut off: its header announces ${sizeOf(array.shape)} numbers (${needed} bytes), but ${present} bytes follow`,
  };
}

/** The array's rows along its first dimension as samples. */
export function samplesOf(array: StoredArray): Result<Samples, LoadProblem> {
  if (array.shape.length === 0)
    return fail({ code: 'data/shape', message: 'holds a single number, not a list of samples' });
  const [count, ...shape] = array.shape;
  const size = sizeOf(shape);
  if (array.fortranOrder && array.shape.length > 2) {
    return fail({
      code: 'data/order',
      message: 'is stored in Fortran order; save it with numpy.ascontiguousarray first',
    });
  }
  return ok({
    count,
    shape: shape.length === 0 ? [1] : shape,
    layout: layoutOf(shape),
    values: index =>
      array.fortranOrder ? readNumbers(array, index, size, count) : readNumbers(array, index * size, size),
  });
}

/** The array as a list of labels: whole numbers, or rows of one-hot vectors. */
export function labelsOf(array: StoredArray): Result<number[], LoadProblem> {
  const { shape } = array;
  const rows = shape[0] ?? 0;
  const width = shape.length === 0 ? 1 : sizeOf(shape) / Math.max(rows, 1);
  if (array.fortranOrder && width > 1)
    return fail({
      code: 'data/order',
      message: 'is stored in Fortran order; save it with numpy.ascontiguousarray first',
    });
  const numbers = readNumbers(array, 0, sizeOf(shape));
  if (!numbers.ok) return numbers;
  if (width === 1) return wholeLabels(numbers.value);
  const labels: number[] = [];
  for (let row = 0; row < rows; row++) {
    const entries = [...numbers.value.subarray(row * width, (row + 1) * width)];
    const label = entries.indexOf(1);
    if (label < 0 || entries.some((entry, k) => entry !== 0 && k !== label)) {
      return fail({
        code: 'data/labels',
        message: `holds ${width} numbers per sample that are no one-hot vector (sample ${row})`,
      });
    }
    labels.push(label);
  }
  return ok(labels);
}

/** Checks that labels are whole numbers from 0 up. */
export function wholeLabels(values: ArrayLike<number>): Result<number[], LoadProblem> {
  const labels = Array.from(values);
  const wrong = labels.findIndex(label => !Number.isSafeInteger(label) || label < 0);
  if (wrong < 0) return ok(labels);
  return fail({
    code: 'data/labels',
    message: `has ${labels[wrong]} as the label of sample ${wrong}; labels are whole numbers from 0 up`,
  });
}
