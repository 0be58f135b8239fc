/**
 * A float32 tensor: the bytes themselves (little-endian, base64) when it is small or the disk is full, else a `.npy` file in the store.
 * `readTensor` (tensor-reference.ts) gives the numbers.
 */
export type TensorReference =
  | { readonly kind: 'inline'; readonly base64: string; readonly shape: readonly number[] }
  | { readonly kind: 'file'; readonly path: string; readonly shape: readonly number[] };
