import { fail, ok, type Result } from '../../base/result';
import type { LoadProblem } from './data-set';

/** A decoded picture: raw values pixel by pixel, with one or three channels. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  /** height × width × channels; 0..255, or 0..65535 for 16-bit files. */
  readonly values: Float64Array;
}

export function isPng(bytes: Buffer): boolean {
  return bytes.length >= 8 && bytes.readUInt32BE(0) === 0x89504e47;
}

export function isJpeg(bytes: Buffer): boolean {
  return bytes.length >= 3 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

export async function readPicture(bytes: Buffer): Promise<Result<Picture, LoadProblem>> {
  try {
    return isPng(bytes) ? await readPng(bytes) : await readJpeg(bytes);
  } catch (error) {
    return fail({
      code: 'data/damaged',
      message: `is a damaged picture (${error instanceof Error ? error.message : String(error)})`,
    });
  }
}

async function readPng(bytes: Buffer): Promise<Result<Picture, LoadProblem>> {
  const { decode, convertIndexedToRgb } = await import('fast-png');
  const png = decode(bytes);
  const { width, height, depth } = png;
  const data = png.palette ? convertIndexedToRgb(png) : png.data;
  const stored = png.palette ? png.palette[0].length : png.channels;
  const hasAlpha = stored === 2 || stored === 4;
  const channels = stored >= 3 ? 3 : 1;
  const opaque = (png.palette ? 256 : 2 ** depth) - 1;
  // Grey levels of 1, 2 and 4 bits come packed; the format means them stretched over the whole range.
  const packed = !png.palette && depth < 8;
  const values = new Float64Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    if (packed) {
      values[pixel] = (packedLevel(data, pixel, width, depth) * 255) / opaque;
      continue;
    }
    if (hasAlpha && data[pixel * stored + stored - 1] !== opaque) {
      return fail({ code: 'data/transparent', message: 'has transparent pixels; save it without transparency' });
    }
    for (let channel = 0; channel < channels; channel++)
      values[pixel * channels + channel] = data[pixel * stored + channel];
  }
  return ok({ width, height, channels, values });
}

/** One value of a row-aligned bit-packed picture. */
function packedLevel(data: ArrayLike<number>, pixel: number, width: number, depth: number): number {
  const [row, column] = [Math.floor(pixel / width), pixel % width];
  const bit = column * depth;
  const byte = data[row * Math.ceil((width * depth) / 8) + (bit >> 3)];
  return (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}

async function readJpeg(bytes: Buffer): Promise<Result<Picture, LoadProblem>> {
  const { decode } = await import('jpeg-js');
  const { width, height, data } = decode(bytes, { useTArray: true, formatAsRGBA: false, tolerantDecoding: false });
  // The decoder answers three channels whatever the file has; a grey picture has them all equal.
  const channels = jpegComponents(bytes) === 1 ? 1 : 3;
  const values = new Float64Array(width * height * channels);
  for (let i = 0; i < values.length; i++) values[i] = data[channels === 1 ? 3 * i : i];
  return ok({ width, height, channels, values });
}

/** Number of colour components, from the frame header (marker SOF0 to SOF2). */
function jpegComponents(bytes: Buffer): number {
  for (let position = 2; position + 9 < bytes.length;) {
    const marker = bytes[position + 1];
    if (marker >= 0xc0 && marker <= 0xc2) return bytes[position + 9];
    position += 2 + bytes.readUInt16BE(position + 2);
  }
  return 3;
}
