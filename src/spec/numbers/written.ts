import { DecimalReader, readRational } from './decimal';
import { divide, rational, round, type Rational } from './rational';

/** A number as a person wrote it: `0.1`, `"8/255"`. Exact, with its nearest float64 and the text, which is how it is shown again. */
export interface Written {
  readonly exact: Rational;
  readonly value: number;
  readonly text: string;
}

const reader = new DecimalReader();

/** Reads a decimal or a fraction of two decimals. The error is a phrase that goes after the quoted text. */
export function parseWritten(text: string): Written | { readonly error: string } {
  const parts = text.split('/').map(part => part.trim());
  if (parts.length > 2) return { error: 'has more than one fraction bar' };
  const numbers: Rational[] = [];
  for (const part of parts) {
    const outcome = reader.read(part, 0, part.length);
    if (outcome === 'malformed') return { error: 'is not a number' };
    if (outcome === 'range') return { error: 'is too large or too small' };
    numbers.push(readRational(part));
  }
  if (parts.length === 2 && numbers[1].n === 0n) return { error: 'divides by zero' };
  const exact = parts.length === 2 ? divide(numbers[0], numbers[1]) : numbers[0];
  return { exact, value: round(exact), text: parts.join('/') };
}

/** A whole number as if it had been written. */
export function writtenInteger(value: number): Written {
  return { exact: rational(BigInt(value)), value, text: String(value) };
}
