// Memory of the core: one bump allocator. Everything is released together, by dropping the instance, or back to a mark.

let top: usize = __heap_base;
/** Nothing above has ever been allocated, and new memory is zero: touching it would only make the system find pages for it. */
let untouched: usize = __heap_base;

/** Addresses have 32 bits: more than this there is not. */
const MOST_BYTES: u64 = 0xffff0000;

/** `bytes` of zeroed memory, 16-byte aligned; grows the WebAssembly memory when needed. Traps when that fails. */
export function allocate(bytes: usize): usize {
  const start = (top + 15) & ~15;
  if (<u64>start + <u64>bytes > MOST_BYTES) unreachable();
  top = start + bytes;
  const needed = (top + 0xffff) >>> 16;
  const have = <usize>memory.size();
  if (needed > have && memory.grow(<i32>max(needed - have, have >> 1)) < 0) {
    if (memory.grow(<i32>(needed - have)) < 0) unreachable();
  }
  if (start < untouched) memory.fill(start, 0, min(top, untouched) - start);
  untouched = max(untouched, top);
  return start;
}

/** A position to `release` back to. */
export function mark(): usize {
  return top;
}

/** Frees everything allocated since `position` was taken. */
export function release(position: usize): void {
  top = position;
}

/** Doubles a row of n values takes: n rounded up to a multiple of 4, so that kernels need no tails. */
@inline
export function stride(n: i32): i32 {
  return (n + 3) & ~3;
}

/** `rows` rows of n doubles, each rounded up to whole vectors. Traps where their size has more than 32 bits: cut off, rows would overlap. */
export function matrix(rows: i32, n: i32): usize {
  const bytes = (<u64>rows * <u64>stride(n)) << 3;
  if (bytes > MOST_BYTES) unreachable();
  return allocate(<usize>bytes);
}

/** `n` doubles (rounded up to whole vectors). */
export function doubles(n: i32): usize {
  return matrix(1, n);
}

/** `n` 32-bit integers. */
export function integers(n: i32): usize {
  return allocate(<usize>stride(n) << 2);
}
