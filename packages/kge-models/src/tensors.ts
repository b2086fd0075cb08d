/**
 * What encoders use of TensorFlow.js, in types of our own: tfjs's declarations do not compile in every project. The namespaces of
 * `@tensorflow/tfjs-core`, `@tensorflow/tfjs` and `@tensorflow/tfjs-node` are assignable to `Tf`.
 */

/** A tensor of TensorFlow.js. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly rank: number;
  readonly dtype: string;
  arraySync(): unknown;
  dataSync(): Float32Array | Int32Array | Uint8Array;
  dispose(): void;
}

/** A tensor of two axes. */
export interface Tensor2D extends Tensor {
  readonly shape: readonly [number, number];
}

/** Values in nested arrays. */
interface Nested {
  readonly [index: number]: Values;
}

/** As wide as tfjs's type: a narrower one could not be compared with it. */
type Values = number | boolean | string | Float32Array | Int32Array | Uint8Array | readonly Uint8Array[] | Nested;

/** Every op takes numbers and arrays in place of tensors. */
type Operand = Tensor | Values;

/** A method, not a function: only a method's parameters may be wider than those of tfjs. */
interface Gradients {
  at(inputs: readonly Operand[], dy?: Operand): Tensor[];
}

type Axes = number | readonly number[];

/**
 * The TensorFlow.js module, as encoders see it: the ops that have gradients. For an op that is not here, declare your parameter as
 * `tf: typeof import("@tensorflow/tfjs-core")`.
 */
export interface Tf {
  abs(x: Operand): Tensor;
  acos(x: Operand): Tensor;
  acosh(x: Operand): Tensor;
  asin(x: Operand): Tensor;
  asinh(x: Operand): Tensor;
  atan(x: Operand): Tensor;
  atanh(x: Operand): Tensor;
  cos(x: Operand): Tensor;
  cosh(x: Operand): Tensor;
  elu(x: Operand): Tensor;
  erf(x: Operand): Tensor;
  exp(x: Operand): Tensor;
  expm1(x: Operand): Tensor;
  log(x: Operand): Tensor;
  log1p(x: Operand): Tensor;
  logSigmoid(x: Operand): Tensor;
  neg(x: Operand): Tensor;
  reciprocal(x: Operand): Tensor;
  relu(x: Operand): Tensor;
  rsqrt(x: Operand): Tensor;
  selu(x: Operand): Tensor;
  sigmoid(x: Operand): Tensor;
  sign(x: Operand): Tensor;
  sin(x: Operand): Tensor;
  sinh(x: Operand): Tensor;
  softplus(x: Operand): Tensor;
  sqrt(x: Operand): Tensor;
  square(x: Operand): Tensor;
  tan(x: Operand): Tensor;
  tanh(x: Operand): Tensor;
  onesLike(x: Operand): Tensor;
  zerosLike(x: Operand): Tensor;
  cast(x: Operand, dtype: "float32" | "int32" | "bool"): Tensor;
  clipByValue(x: Operand, min: number, max: number): Tensor;
  leakyRelu(x: Operand, alpha?: number): Tensor;
  /** 1 where x > 0, else `alpha`. Its gradient is zero; comparisons such as `greater` have none. */
  step(x: Operand, alpha?: number): Tensor;

  add(a: Operand, b: Operand): Tensor;
  sub(a: Operand, b: Operand): Tensor;
  mul(a: Operand, b: Operand): Tensor;
  div(a: Operand, b: Operand): Tensor;
  divNoNan(a: Operand, b: Operand): Tensor;
  atan2(a: Operand, b: Operand): Tensor;
  maximum(a: Operand, b: Operand): Tensor;
  minimum(a: Operand, b: Operand): Tensor;
  mod(a: Operand, b: Operand): Tensor;
  pow(base: Operand, exponent: Operand): Tensor;
  squaredDifference(a: Operand, b: Operand): Tensor;
  greater(a: Operand, b: Operand): Tensor;
  less(a: Operand, b: Operand): Tensor;
  where(condition: Operand, a: Operand, b: Operand): Tensor;

  logSoftmax(x: Operand, axis?: number): Tensor;
  logSumExp(x: Operand, axis?: Axes, keepDims?: boolean): Tensor;
  max(x: Operand, axis?: Axes, keepDims?: boolean): Tensor;
  mean(x: Operand, axis?: Axes, keepDims?: boolean): Tensor;
  min(x: Operand, axis?: Axes, keepDims?: boolean): Tensor;
  norm(x: Operand, order?: number | "euclidean" | "fro", axis?: Axes, keepDims?: boolean): Tensor;
  prod(x: Operand, axis?: Axes, keepDims?: boolean): Tensor;
  softmax(x: Operand, axis?: number): Tensor;
  sum(x: Operand, axis?: Axes, keepDims?: boolean): Tensor;
  cumsum(x: Operand, axis?: number, exclusive?: boolean, reverse?: boolean): Tensor;

  einsum(equation: string, ...tensors: Tensor[]): Tensor;
  matMul(a: Operand, b: Operand, transposeA?: boolean, transposeB?: boolean): Tensor;

  concat(tensors: readonly Operand[], axis?: number): Tensor;
  expandDims(x: Operand, axis?: number): Tensor;
  gather(x: Operand, indices: Operand, axis?: number): Tensor;
  pad(x: Operand, paddings: readonly (readonly [before: number, after: number])[], value?: number): Tensor;
  reshape(x: Operand, shape: readonly number[]): Tensor;
  reverse(x: Operand, axis?: Axes): Tensor;
  slice(x: Operand, begin: Axes, size?: Axes): Tensor;
  split(x: Operand, sizes: Axes, axis?: number): Tensor[];
  squeeze(x: Operand, axis?: readonly number[]): Tensor;
  stack(tensors: readonly Operand[], axis?: number): Tensor;
  tile(x: Operand, repeats: readonly number[]): Tensor;
  transpose(x: Operand, axes?: readonly number[]): Tensor;
  unstack(x: Operand, axis?: number): Tensor[];

  eye(rows: number, columns?: number): Tensor;
  fill(shape: readonly number[], value: number): Tensor;
  ones(shape: readonly number[]): Tensor;
  scalar(value: number): Tensor;
  tensor1d(values: Values): Tensor;
  tensor2d(values: Values, shape?: readonly [number, number]): Tensor2D;
  tensor3d(values: Values, shape?: readonly [number, number, number]): Tensor;
  zeros(shape: readonly number[]): Tensor;

  /** The gradients by all inputs of a function; of its sum, if it returns more than one value. */
  grads(f: (...inputs: Tensor[]) => Tensor): Gradients["at"];
  /** Frees the tensors made within `f`. Read out the values that you need with `dataSync`. */
  tidy(f: () => void): void;
  memory(): { readonly numTensors: number };
}
