// Two-dimensional convolution of one image at a time as a matrix product, and its transpose.

import { allocate, matrix, stride } from './memory';
import { gemm } from './gemm';

@unmanaged
class Geometry {
  channels: i32 = 0;
  height: i32 = 0;
  width: i32 = 0;
  outputs: i32 = 0;
  outHeight: i32 = 0;
  outWidth: i32 = 0;
  kernelHeight: i32 = 0;
  kernelWidth: i32 = 0;
  strideHeight: i32 = 0;
  strideWidth: i32 = 0;
  dilationHeight: i32 = 0;
  dilationWidth: i32 = 0;
  padTop: i32 = 0;
  padLeft: i32 = 0;
  groups: i32 = 0;
}

/** Room for a geometry: 15 integers in the order of the fields above. */
export function newGeometry(): usize {
  return allocate(offsetof<Geometry>());
}

let columns: usize = 0;
let columnsSize: u64 = 0;
let plane: usize = 0;
let planeSize: u64 = 0;

/** Scratch that only ever grows; must not be released. */
export function reserveConvolution(geometry: usize): void {
  const g = changetype<Geometry>(geometry);
  const wide = stride(g.outHeight * g.outWidth);
  const taps = (g.channels / g.groups) * g.kernelHeight * g.kernelWidth;
  if (<u64>taps * <u64>wide > columnsSize) {
    columnsSize = <u64>taps * <u64>wide;
    columns = matrix(taps, wide);
  }
  if (<u64>g.outputs * <u64>wide > planeSize) {
    planeSize = <u64>g.outputs * <u64>wide;
    plane = matrix(g.outputs, wide);
  }
}

/** Where tap (ky, kx) reads: the range of output columns whose input column is inside, [first, last). */
@inline
function firstInside(pad: i32, offset: i32, step: i32): i32 {
  const missing = pad - offset;
  return missing <= 0 ? 0 : (missing + step - 1) / step;
}

@inline
function endInside(size: i32, pad: i32, offset: i32, step: i32, count: i32): i32 {
  const room = size - 1 + pad - offset;
  return room < 0 ? 0 : min(count, room / step + 1);
}

function unfold(g: Geometry, input: usize, group: i32): void {
  const perGroup = g.channels / g.groups;
  const wide = <usize>stride(g.outHeight * g.outWidth) << 3;
  let target = columns;
  for (let c = 0; c < perGroup; c++) {
    const source = input + ((<usize>((group * perGroup + c) * g.height) * <usize>g.width) << 3);
    for (let ky = 0; ky < g.kernelHeight; ky++) {
      const dy = ky * g.dilationHeight;
      for (let kx = 0; kx < g.kernelWidth; kx++) {
        const dx = kx * g.dilationWidth;
        memory.fill(target, 0, wide);
        const first = firstInside(g.padLeft, dx, g.strideWidth);
        const end = endInside(g.width, g.padLeft, dx, g.strideWidth, g.outWidth);
        for (let oy = 0; oy < g.outHeight; oy++) {
          const y = oy * g.strideHeight - g.padTop + dy;
          if (y < 0 || y >= g.height) continue;
          const from = source + ((<usize>y * <usize>g.width) << 3);
          const to = target + ((<usize>oy * <usize>g.outWidth) << 3);
          for (let ox = first; ox < end; ox++)
            store<f64>(to + (<usize>ox << 3), load<f64>(from + (<usize>(ox * g.strideWidth - g.padLeft + dx) << 3)));
        }
        target += wide;
      }
    }
  }
}

function fold(g: Geometry, output: usize, group: i32): void {
  const perGroup = g.channels / g.groups;
  const wide = <usize>stride(g.outHeight * g.outWidth) << 3;
  let source = columns;
  for (let c = 0; c < perGroup; c++) {
    const target = output + ((<usize>((group * perGroup + c) * g.height) * <usize>g.width) << 3);
    for (let ky = 0; ky < g.kernelHeight; ky++) {
      const dy = ky * g.dilationHeight;
      for (let kx = 0; kx < g.kernelWidth; kx++) {
        const dx = kx * g.dilationWidth;
        const first = firstInside(g.padLeft, dx, g.strideWidth);
        const end = endInside(g.width, g.padLeft, dx, g.strideWidth, g.outWidth);
        for (let oy = 0; oy < g.outHeight; oy++) {
          const y = oy * g.strideHeight - g.padTop + dy;
          if (y < 0 || y >= g.height) continue;
          const to = target + ((<usize>y * <usize>g.width) << 3);
          const from = source + ((<usize>oy * <usize>g.outWidth) << 3);
          for (let ox = first; ox < end; ox++) {
            const at = to + (<usize>(ox * g.strideWidth - g.padLeft + dx) << 3);
            store<f64>(at, load<f64>(at) + load<f64>(from + (<usize>ox << 3)));
          }
        }
        source += wide;
      }
    }
  }
}

/** output = weight ∗ input without bias; weight is [outputs × (channels/groups · kernel)]. Every entry is a sum of that many products. */
export function convolve(geometry: usize, output: usize, input: usize, weight: usize): void {
  const g = changetype<Geometry>(geometry);
  const size = g.outHeight * g.outWidth;
  const wide = stride(size);
  const own = g.outputs / g.groups;
  const taps = (g.channels / g.groups) * g.kernelHeight * g.kernelWidth;
  for (let group = 0; group < g.groups; group++) {
    unfold(g, input, group);
    gemm(plane, weight + ((<usize>(group * own) * <usize>taps) << 3), columns, own, taps, wide, taps, wide, wide);
    for (let o = 0; o < own; o++)
      memory.copy(
        output + ((<usize>(group * own + o) * <usize>size) << 3),
        plane + ((<usize>o * <usize>wide) << 3),
        <usize>size << 3,
      );
  }
}

/** output = input · weight as a map from outputs back to inputs; weightT is [groups · taps × outputs/groups]. */
export function convolveBack(geometry: usize, output: usize, input: usize, weightT: usize): void {
  const g = changetype<Geometry>(geometry);
  const size = g.outHeight * g.outWidth;
  const wide = stride(size);
  const own = g.outputs / g.groups;
  const taps = (g.channels / g.groups) * g.kernelHeight * g.kernelWidth;
  memory.fill(output, 0, (<usize>(g.channels * g.height) * <usize>g.width) << 3);
  for (let group = 0; group < g.groups; group++) {
    for (let o = 0; o < own; o++) {
      const row = plane + ((<usize>o * <usize>wide) << 3);
      memory.copy(row, input + ((<usize>(group * own + o) * <usize>size) << 3), <usize>size << 3);
      for (let i = size; i < wide; i++) store<f64>(row + (<usize>i << 3), 0);
    }
    gemm(columns, weightT + ((<usize>(group * taps) * <usize>own) << 3), plane, taps, own, wide, own, wide, wide);
    fold(g, output, group);
  }
}
