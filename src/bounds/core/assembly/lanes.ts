// Arithmetic on whole vectors, of two doubles or of four float32 numbers: kernels that come in both are written once.

@inline
export function add<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.add(a, b) : f32x4.add(a, b);
}

@inline
export function sub<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.sub(a, b) : f32x4.sub(a, b);
}

@inline
export function mul<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.mul(a, b) : f32x4.mul(a, b);
}

@inline
export function div<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.div(a, b) : f32x4.div(a, b);
}

@inline
export function min<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.min(a, b) : f32x4.min(a, b);
}

@inline
export function max<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.max(a, b) : f32x4.max(a, b);
}

@inline
export function abs<T>(a: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.abs(a) : f32x4.abs(a);
}

@inline
export function neg<T>(a: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.neg(a) : f32x4.neg(a);
}

@inline
export function sqrt<T>(a: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.sqrt(a) : f32x4.sqrt(a);
}

@inline
export function lessThan<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.lt(a, b) : f32x4.lt(a, b);
}

@inline
export function equal<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 8 ? f64x2.eq(a, b) : f32x4.eq(a, b);
}

/** A double in every lane, rounded where lanes are float32. */
@inline
export function splat<T>(value: f64): v128 {
  return sizeof<T>() == 8 ? f64x2.splat(value) : f32x4.splat(<f32>value);
}

/** The number at an address, of the lanes' own type, in every lane. */
@inline
export function splatAt<T>(address: usize): v128 {
  return sizeof<T>() == 8 ? v128.load64_splat(address) : v128.load32_splat(address);
}
