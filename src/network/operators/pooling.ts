import type { Draft } from '../draft';
import { checkedShape, checkedWork, type Operation, type Operator } from '../operation';
import { RowBuilder } from '../row-builder';
import { sizeOf } from '../tensor';
import { reciprocalError } from './averages';
import { asTwo, singleWindow, type Window, windowsOf } from './windows';

function poolWindows(operation: Operation): Window[] {
  const kernel = operation.ints('kernel_shape') ?? operation.invalid('lacks its kernel_shape');
  return windowsOf(operation, operation.input(0).shape, kernel);
}

function pooledShape(operation: Operation): readonly number[] {
  const { shape } = operation.input(0);
  return checkedShape(operation, [shape[0], shape[1], ...poolWindows(operation).map(window => window.count)]);
}

/** Calls back once for each window with the places that it covers of the flat input, and how many of its places lie in the input or its padding. */
function eachWindow(
  operation: Operation,
  visit: (output: number, places: readonly number[], padded: number) => void,
): void {
  const { shape } = operation.input(0);
  const [vertical, horizontal] = asTwo(poolWindows(operation), singleWindow);
  const images = shape[0] * shape[1];
  checkedWork(operation, images * vertical.count * vertical.kernel * horizontal.count * horizontal.kernel);
  let output = 0;
  for (let image = 0; image < images; image++)
    for (let row = 0; row < vertical.count; row++)
      for (let column = 0; column < horizontal.count; column++) {
        const rows = covered(vertical, row);
        const columns = covered(horizontal, column);
        const start = image * vertical.size * horizontal.size;
        const places = rows.inside.flatMap(r => columns.inside.map(c => start + r * horizontal.size + c));
        visit(output++, places, rows.padded * columns.padded);
      }
}

/** The places of one axis that window number `index` covers, and how many it covers when padding counts. */
function covered(window: Window, index: number): { inside: number[]; padded: number } {
  const inside: number[] = [];
  let padded = 0;
  for (let k = 0; k < window.kernel; k++) {
    const place = index * window.stride - window.before + k * window.dilation;
    if (place >= 0 && place < window.size) inside.push(place);
    // With ceil_mode the last window may reach beyond the padding; that part counts for nothing.
    if (place < window.size + window.after) padded++;
  }
  return { inside, padded };
}

const maxPool: Operator = {
  infer: operation => [{ shape: pooledShape(operation) }],
  lower(operation, draft) {
    const { shape } = operation.outputs[0];
    const rows = new RowBuilder(operation, sizeOf(shape));
    eachWindow(operation, (output, places) => {
      if (places.length === 0) operation.unsupported('one of its windows covers nothing but padding');
      for (const place of places) rows.add(output, place, 1);
    });
    return [draft.maxPool(operation.draftId(0, draft), shape, operation.node.name, rows.finish())];
  },
};

const averagePool: Operator = {
  infer: operation => [{ shape: pooledShape(operation) }],
  lower(operation, draft) {
    const { shape } = operation.outputs[0];
    const includesPadding = operation.int('count_include_pad', 0) !== 0;
    const rows = new RowBuilder(operation, sizeOf(shape));
    let relativeError = 0;
    eachWindow(operation, (output, places, padded) => {
      const count = includesPadding ? padded : places.length;
      relativeError = Math.max(relativeError, reciprocalError(count));
      for (const place of places) rows.add(output, place, 1 / count);
    });
    return [rows.node(draft, operation.draftId(0, draft), shape, operation.node.name, relativeError, null)];
  },
};

/** A pool whose window is the whole image. */
function globalPool(build: (operation: Operation, draft: Draft, rows: RowBuilder, area: number) => number): Operator {
  return {
    infer(operation) {
      const { shape } = operation.input(0);
      if (shape.length < 3) operation.invalid(`pools an input of shape [${shape.join(', ')}], which has no image`);
      return [{ shape: shape.map((dimension, axis) => (axis < 2 ? dimension : 1)) }];
    },
    lower(operation, draft) {
      const { shape } = operation.input(0);
      const area = sizeOf(shape.slice(2));
      const images = shape[0] * shape[1];
      const rows = new RowBuilder(operation, images);
      for (let image = 0; image < images; image++)
        for (let k = 0; k < area; k++) rows.add(image, image * area + k, 1 / area);
      return [build(operation, draft, rows, area)];
    },
  };
}

export const pooling: Record<string, Operator> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalMaxPool: globalPool((operation, draft, rows) =>
    draft.maxPool(operation.draftId(0, draft), operation.outputs[0].shape, operation.node.name, rows.finish()),
  ),
  GlobalAveragePool: globalPool((operation, draft, rows, area) =>
    rows.node(
      draft,
      operation.draftId(0, draft),
      operation.outputs[0].shape,
      operation.node.name,
      reciprocalError(area),
      null,
    ),
  ),
};
